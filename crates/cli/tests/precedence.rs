//! A flag overrides environment variables: its own, and those that contradict it.

#![cfg(test)]

mod common;

use std::fs;

use common::server::{Answering, Server, json, token};
use common::{Run, cgrant, emulator, token as token_of};
use credentials_grant_emulator::EmulatedVendor;
use rcgen::KeyPair;

const NOWHERE: &str = "http://127.0.0.1:1/";

#[test]
fn token_url_overrides_the_variables_of_every_provider_that_lead_elsewhere() {
    let elsewhere: [(EmulatedVendor, &[(&str, &str)]); 3] = [
        (
            EmulatedVendor::Cognito,
            &[("COGNITO_PREFIX", "pool"), ("COGNITO_REGION", "eu-south-2"), ("COGNITO_TOKEN_URL", NOWHERE)],
        ),
        (
            EmulatedVendor::Octorate,
            &[("OCTORATE_BASE_URL", "https://api.example.com"), ("OCTORATE_TOKEN_URL", NOWHERE)],
        ),
        (
            EmulatedVendor::Resamania,
            &[("RESAMANIA_BASE_URL", "https://api.example.com"), ("RESAMANIA_CLIENT_TOKEN", "demoapi")],
        ),
    ];
    for (vendor, variables) in elsewhere {
        let emulator = emulator(vendor);
        let mut command = token_of(&emulator, &["--token-url", emulator.token_url().as_str()]);
        Run::of(command.envs(variables.iter().copied())).succeeded();
        assert_eq!(emulator.token_requests(), 1, "{vendor}");
    }
    let cognito = emulator(EmulatedVendor::Cognito);
    let mut command = token_of(&cognito, &["--token-url", cognito.token_url().as_str()]);
    Run::of(command.env("COGNITO_DOMAIN", "auth.example.com")).succeeded();
}

#[test]
fn the_other_flags_override_a_token_url_in_a_variable() {
    let cases: [(&str, &[&str], &str); 4] = [
        ("cognito", &["--prefix", "pool"], "the setting --region or COGNITO_REGION is missing"),
        ("cognito", &["--domain", "no host"], "--domain"),
        ("octorate", &["--base-url", "nonsense"], "--base-url"),
        ("resamania", &["--base-url", "nonsense"], "--base-url"),
    ];
    for (provider, args, words) in cases {
        let mut command = cgrant(&[&["token", provider], args].concat());
        command.env(format!("{}_TOKEN_URL", provider.to_uppercase()), "https://auth.example.com/token");
        let run = Run::of(&mut command).failed(2).says(words);
        assert!(!run.stderr.contains("contradict"), "{run:?}");
    }
}

/// A server that is an issuer and issues a token.
fn issuer() -> (Answering, String) {
    let server = Server::new();
    let issuer = server.url();
    let metadata = format!(r#"{{"issuer":"{issuer}","token_endpoint":"{issuer}/token"}}"#);
    (server.answering([json(&metadata), token()]), issuer)
}

#[test]
fn an_issuer_and_a_token_url_override_each_other() {
    let (server, url) = issuer();
    let mut command = cgrant(&["token", "oauth2", "--issuer", &url, "--auth", "none", "--client-id", "id"]);
    Run::of(command.env("OAUTH2_TOKEN_URL", NOWHERE)).succeeded();
    assert_eq!(server.request_lines().len(), 2);

    let (server, url) = (Server::new(), "/token");
    let url = format!("{}{url}", server.url());
    let server = server.answering([token()]);
    let mut command = cgrant(&["token", "oauth2", "--token-url", &url, "--auth", "none", "--client-id", "id", "-v"]);
    let run = Run::of(command.env("OAUTH2_ISSUER", NOWHERE)).succeeded();
    assert_eq!(server.request_lines(), ["POST /token"]);
    run.says("ignoring OAUTH2_ISSUER, because --token-url is given");
}

#[test]
fn two_variables_that_contradict_each_other_are_refused() {
    let mut command = cgrant(&["token", "oauth2", "--auth", "none", "--client-id", "id"]);
    command.env("OAUTH2_TOKEN_URL", NOWHERE).env("OAUTH2_ISSUER", NOWHERE);
    Run::of(&mut command).failed(2).says("OAUTH2_ISSUER and OAUTH2_TOKEN_URL contradict each other");
    let mut command = cgrant(&["token", "octorate"]);
    command.env("OCTORATE_TOKEN_URL", NOWHERE).env("OCTORATE_BASE_URL", "https://api.example.com");
    Run::of(&mut command).failed(2).says("OCTORATE_BASE_URL and OCTORATE_TOKEN_URL contradict each other");
}

/// The form of a token request by `cgrant token oauth2` with these flags and variables.
fn form(args: &[&str], variables: &[(&str, &str)]) -> String {
    let server = Server::new();
    let url = format!("{}/token", server.url());
    let server = server.answering([token()]);
    let mut command = cgrant(&["token", "oauth2", "--token-url", &url, "--client-id", "id"]);
    Run::of(command.args(args).envs(variables.iter().copied())).succeeded();
    server.requests().remove(0)
}

#[test]
fn credentials_in_flags_override_those_in_variables() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let pem = KeyPair::generate().unwrap().serialize_pem();
    let (secret, key, jwt) = (file("secret", "secret"), file("key.pem", &pem), file("jwt", "a.platform.jwt"));

    let by_key = form(&["--key-file", &key], &[("OAUTH2_AUTH", "client_secret_basic"), ("OAUTH2_CLIENT_SECRET", "x")]);
    assert!(by_key.contains("client_assertion=") && !by_key.contains("authorization: "), "{by_key}");
    let by_key = form(&["--key-file", &key], &[("OAUTH2_ASSERTION", "another.platform.jwt")]);
    assert!(by_key.contains("client_assertion=") && !by_key.contains("another.platform.jwt"), "{by_key}");
    let by_jwt = form(&["--assertion-file", &jwt], &[("OAUTH2_KEY", &pem)]);
    assert!(by_jwt.contains("client_assertion=a.platform.jwt"), "{by_jwt}");
    let by_secret = form(&["--client-secret-file", &secret], &[("OAUTH2_KEY", &pem)]);
    assert!(by_secret.contains("authorization: Basic aWQ6c2VjcmV0\r\n"), "{by_secret}");
    let by_secret = form(&["--client-secret-file", &secret], &[("OAUTH2_AUTH", "private_key_jwt")]);
    assert!(by_secret.contains("authorization: Basic aWQ6c2VjcmV0\r\n"), "{by_secret}");
}

#[test]
fn a_client_id_in_a_file_goes_with_the_secret_in_a_file() {
    let apaleo = emulator(EmulatedVendor::Apaleo);
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (id, secret) = (file("id", "\u{feff}client\r\n"), file("secret", "canary-secret\n"));
    let (other, lines) = (file("other", "other\n"), file("lines", "client\nclient\n"));
    let with = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = token_of(&apaleo, args);
        command.env_remove("APALEO_CLIENT_ID").env_remove("APALEO_CLIENT_SECRET");
        Run::of(command.envs(variables.iter().copied()))
    };
    let (id_flag, secret_flag) = (["--client-id-file", id.as_str()], ["--client-secret-file", secret.as_str()]);
    with(&[id_flag, secret_flag].concat(), &[]).succeeded();
    with(&[], &[("APALEO_CLIENT_ID_FILE", &id), ("APALEO_CLIENT_SECRET_FILE", &secret)]).succeeded();
    with(&[], &[("APALEO_CLIENT_ID_FILE", &id), ("APALEO_CLIENT_SECRET", "canary-secret")]).succeeded();
    // A flag overrides the variable, whichever of the two places it names.
    with(&[id_flag, secret_flag].concat(), &[("APALEO_CLIENT_ID", "other")]).succeeded();
    with(&[["--client-id", "client"], secret_flag].concat(), &[("APALEO_CLIENT_ID_FILE", &other)]).succeeded();
    let flags = [id_flag, ["--client-id", "client"], secret_flag].concat();
    with(&flags, &[]).failed(2).says("--client-id and --client-id-file contradict each other");
    with(&secret_flag, &[("APALEO_CLIENT_ID_FILE", &id), ("APALEO_CLIENT_ID", "client")])
        .failed(2)
        .says("APALEO_CLIENT_ID and APALEO_CLIENT_ID_FILE contradict each other");
    for (path, words) in [(lines.as_str(), "has more than one line"), ("/nowhere/id", "cannot be read")] {
        let run = with(&[["--client-id-file", path], secret_flag].concat(), &[]).failed(2);
        run.says("--client-id-file: ").says(words).says("a file that holds the client id and nothing else");
    }
    let requests = apaleo.token_requests();
    with(&[["--client-id-file", &other], secret_flag].concat(), &[]).failed(3).says("invalid_client");
    assert_eq!((requests, apaleo.token_requests()), (5, 6), "nothing else was sent");
}

#[cfg(unix)]
#[test]
fn id_and_secret_may_come_through_pipes_which_can_be_read_once() {
    let apaleo = emulator(EmulatedVendor::Apaleo);
    let directory = tempfile::tempdir().unwrap();
    let [id, secret] = ["id", "secret"].map(|name| directory.path().join(name));
    for pipe in [&id, &secret] {
        assert!(std::process::Command::new("mkfifo").arg(pipe).status().unwrap().success());
    }
    let mut command = token_of(&apaleo, &[]);
    command.env_remove("APALEO_CLIENT_ID").env_remove("APALEO_CLIENT_SECRET");
    command.arg("--client-id-file").arg(&id).arg("--client-secret-file").arg(&secret);
    let written = std::thread::spawn(move || {
        fs::write(id, "client").unwrap();
        fs::write(secret, "canary-secret").unwrap();
    });
    Run::of(&mut command).succeeded();
    written.join().unwrap();
}
