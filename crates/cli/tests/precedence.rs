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
