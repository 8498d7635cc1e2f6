//! `cgrant token oauth2`: a server that is no vendor of ours, and every way to prove who one is.

#![cfg(test)]

mod common;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use common::certified::{authority, params, vouched_for_by};
use common::server::{Answering, Server, json, token};
use common::{Run, cgrant};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use rcgen::{KeyPair, PublicKeyData as _};
use serde_json::Value;
use tempfile::TempDir;

/// `cgrant token oauth2` for the client `id` of a server, which gives one token.
struct AnyServer {
    server: Answering,
    token_url: String,
    folder: TempDir,
}

impl AnyServer {
    fn new() -> Self {
        let server = Server::new();
        let token_url = format!("{}/token", server.url());
        Self { server: server.answering([token()]), token_url, folder: tempfile::tempdir().unwrap() }
    }

    fn token(&self, args: &[&str]) -> Command {
        let mut command = cgrant(&["token", "oauth2", "-vv", "--token-url", &self.token_url, "--client-id", "id"]);
        command.args(args);
        command
    }

    /// The path of a file that holds this.
    fn file(&self, name: &str, content: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The form that was sent.
    #[track_caller]
    fn form(&self) -> Vec<(String, String)> {
        let requests = self.server.requests();
        let [request] = &requests[..] else { panic!("{requests:?}") };
        let (_, body) = request.split_once("\r\n\r\n").unwrap();
        form_urlencoded::parse(body.as_bytes()).into_owned().collect()
    }

    #[track_caller]
    fn parameter(&self, name: &str) -> String {
        let form = self.form();
        let found = form.iter().find(|(other, _)| other == name);
        found.unwrap_or_else(|| panic!("{name} is not in {form:?}")).1.clone()
    }
}

#[test]
fn an_issuer_and_credentials_are_all_that_is_needed() {
    let server = Server::new();
    let issuer = server.url();
    let metadata = json(&format!(r#"{{"issuer":"{issuer}","token_endpoint":"{issuer}/token"}}"#));
    let server = server.answering([metadata, token()]);
    let mut command = cgrant(&["token", "oauth2", "--issuer", &issuer]);
    let run = Run::of(command.env("OAUTH2_CLIENT_ID", "id").env("OAUTH2_CLIENT_SECRET", "secret")).succeeded();
    assert_eq!(run.stdout, "abc\n");
    assert_eq!(server.request_lines(), ["GET /.well-known/oauth-authorization-server", "POST /token"]);
}

#[test]
fn a_key_signs_an_assertion_in_the_place_of_a_secret() {
    let any = AnyServer::new();
    let key = KeyPair::generate().unwrap();
    let key_file = any.file("key.pem", &key.serialize_pem());
    let certificate = any.file("certificate.pem", &params("id").self_signed(&key).unwrap().pem());
    let args = ["--key-file", &key_file, "--cert-file", &certificate, "--kid", "2026-11", "--alg", "ES256"];
    Run::of(&mut any.token(&args)).succeeded();

    let assertion = any.parameter("client_assertion");
    let header = decode_header(&assertion).unwrap();
    assert_eq!((header.alg, header.kid.as_deref()), (Algorithm::ES256, Some("2026-11")));
    assert_eq!(header.x5t_s256.map(|thumbprint| thumbprint.len()), Some(43));
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[&any.token_url]);
    let public = DecodingKey::from_ec_der(key.der_bytes());
    let claims = decode::<Value>(&assertion, &public, &validation).unwrap().claims;
    assert_eq!((&claims["iss"], &claims["sub"]), (&"id".into(), &"id".into()));
}

#[test]
fn a_key_comes_from_a_file_standard_input_or_the_environment() {
    let pem = KeyPair::generate().unwrap().serialize_pem();
    let runs: [&dyn Fn(&AnyServer) -> Run; 4] = [
        &|any| Run::of(&mut any.token(&["--key-file", &any.file("key.pem", &pem)])),
        &|any| Run::of_fed(&mut any.token(&["--key-file", "-"]), pem.as_bytes()),
        &|any| Run::of(any.token(&[]).env("OAUTH2_KEY", &pem)),
        &|any| Run::of(any.token(&[]).env("OAUTH2_KEY_FILE", any.file("key.pem", &pem))),
    ];
    for run in runs {
        let any = AnyServer::new();
        run(&any).succeeded();
        assert_eq!(any.parameter("client_assertion").split('.').count(), 3);
    }
}

#[test]
fn a_json_web_key_brings_its_id_and_its_algorithm_along() {
    let any = AnyServer::new();
    let secret = BASE64_URL_SAFE_NO_PAD.encode("a secret of thirty-two characters, and more");
    let key =
        any.file("key.json", &format!("\n{{\"kty\":\"oct\",\"k\":\"{secret}\",\"alg\":\"HS384\",\"kid\":\"one\"}}"));
    Run::of(&mut any.token(&["--auth", "private-key-jwt", "--key-file", &key])).succeeded();
    let header = decode_header(any.parameter("client_assertion")).unwrap();
    assert_eq!((header.alg, header.kid.as_deref()), (Algorithm::HS384, Some("one")));
}

#[test]
fn an_assertion_of_the_platforms_is_sent_as_it_is() {
    let any = AnyServer::new();
    let file = any.file("token", "a.platform.jwt\n");
    Run::of(&mut any.token(&["--assertion-file", &file])).succeeded();
    assert_eq!(any.parameter("client_assertion"), "a.platform.jwt");
}

#[test]
fn a_public_client_sends_its_id_alone() {
    let any = AnyServer::new();
    // A variable that is there for other commands is not read.
    Run::of(any.token(&["--auth", "none"]).env("OAUTH2_CLIENT_SECRET", "canary")).succeeded();
    let form: Vec<_> = any.form().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(form, ["grant_type=client_credentials", "client_id=id"]);
}

#[test]
fn audience_and_resources_are_asked_for_where_the_provider_takes_them() {
    let any = AnyServer::new();
    let args = ["--auth", "none", "--audience", "https://api.example", "--resource", "https://a.example/x"];
    Run::of(any.token(&args).args(["--resource", "https://b.example/y"])).succeeded();
    assert_eq!(any.parameter("audience"), "https://api.example");
    let resources: Vec<_> = any.form().into_iter().filter(|(name, _)| name == "resource").map(|(_, url)| url).collect();
    assert_eq!(resources, ["https://a.example/x", "https://b.example/y"]);
}

#[test]
fn a_private_authority_is_trusted_that_is_named() {
    let authority = authority("Acme");
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    fs::write(&ca, authority.pem()).unwrap();
    let server = Server::over_tls(vouched_for_by(&authority, &params("127.0.0.1")));
    let url = format!("{}/token", server.url());
    let _server = server.answering([token(), token()]);
    let command = || cgrant(&["token", "oauth2", "--token-url", &url, "--client-id", "id", "--auth", "none"]);
    Run::of(command().arg("--ca-file").arg(&ca)).succeeded();
    Run::of(command().env("OAUTH2_CA", authority.pem())).succeeded();
    Run::of(&mut command()).failed(5).says("is not signed by a trusted CA").says("--ca-file");
    let no_certificate = command().env("OAUTH2_CA", "canary").output().unwrap();
    Run::from(no_certificate).failed(2).says("OAUTH2_CA: the CA certificates cannot be used").says("PEM");
}

#[test]
fn missing_or_contradicting_credentials_are_refused_before_anything_is_sent() {
    let any = AnyServer::new();
    let key = any.file("key.pem", &KeyPair::generate().unwrap().serialize_pem());
    let (secret, cut) = (any.file("secret", "canary"), any.file("cut.pem", "-----BEGIN PRIVATE KEY-----\ncanary"));
    let certificate = any.file("no certificate", "canary");
    let cases: [(&[&str], &[&str]); 16] = [
        (&[], &["the client has no credentials", "--client-secret-file PATH", "--key-file", "--auth none"]),
        (&["--auth", "basic"], &["the client secret is missing", "--client-secret-file PATH"]),
        (&["--auth", "private-key-jwt"], &["the key is missing", "--key-file PATH", "--assertion-file"]),
        (&["--auth", "basic", "--key-file", &key], &["--key-file and --auth basic contradict each other"]),
        (&["--auth", "none", "--client-secret-file", &secret], &["--client-secret-file and --auth none contradict"]),
        (&["--auth", "none", "--kid", "1"], &["--kid and --auth none contradict"]),
        (
            &["--auth", "private-key-jwt", "--key-file", &key, "--client-secret-file", &secret],
            &["--client-secret-file and --auth private-key-jwt contradict"],
        ),
        (&["--key-file", &key, "--assertion-file", &secret], &["--key-file and --assertion-file contradict"]),
        (
            &["--client-secret-file", &secret, "--kid", "1"],
            &["--kid needs a private key, and none is set", "--key-file"],
        ),
        (&["--assertion-file", &secret, "--alg", "PS256"], &["--alg needs a private key", "--key-file"]),
        (&["--key-file", &key, "--alg", "RS256"], &["--alg: this key cannot sign by RS256", "use ES256"]),
        (&["--key-file", &key, "--alg", "best"], &["--alg: ", "RS256"]),
        (&["--key-file", &cut], &["--key-file: the PEM text is cut off"]),
        (&["--key-file", &key, "--cert-file", &certificate], &["--cert-file: there is no certificate"]),
        (&["--key-file", "-", "--assertion-file", "-"], &["cannot share standard input"]),
        (&["--key", "canary"], &["there is no --key: every user of this machine", "--key-file PATH", "OAUTH2_KEY"]),
    ];
    for (args, words) in cases {
        println!("{args:?}");
        let run = Run::of(&mut any.token(args)).failed(2).says("error: oauth2: ").says("help: ");
        words.iter().fold(run, |run, words| run.says(words));
    }
    Run::of(any.token(&["--key-file", &key, "--auth", "client_secret_basic"]).env("OAUTH2_CLIENT_SECRET", "canary"))
        .failed(2)
        .says("--key-file and --auth client_secret_basic contradict");
    let both = any.token(&[]).env("OAUTH2_KEY", "canary").env("OAUTH2_KEY_FILE", &key).output().unwrap();
    Run::from(both).failed(2).says("OAUTH2_KEY and OAUTH2_KEY_FILE contradict each other").says("set one of them");
    assert!(any.server.requests().is_empty());
}

#[test]
fn a_key_shows_up_nowhere() {
    let any = AnyServer::new();
    let pem = KeyPair::generate().unwrap().serialize_pem();
    let run = Run::of(&mut any.token(&["--key-file", &any.file("key.pem", &pem)])).succeeded();
    for line in pem.lines().filter(|line| !line.starts_with("-----")) {
        assert!(!run.stderr.contains(line) && !run.stdout.contains(line), "{run:?}");
    }
}

#[test]
fn flags_for_keys_are_for_providers_that_take_keys() {
    for (provider, takes) in [("oauth2", true), ("apaleo", false), ("cognito", false), ("resamania", false)] {
        let help = Run::of(&mut cgrant(&["token", provider, "--help"])).succeeded().stdout;
        for flag in ["--key-file", "--cert-file", "--kid", "--alg", "--assertion-file"] {
            assert_eq!(help.contains(flag), takes, "{provider} {flag}");
        }
        for flag in ["--ca-file", "--audience", "--resource"] {
            assert!(help.contains(flag), "{provider} {flag}");
        }
    }
}
