//! Clients that are known by their certificate (mutual TLS), and tokens that are bound to a key (DPoP).

#![cfg(test)]

mod common;

use std::fs;
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use common::certified::{Authority, authority, client, demanding, params};
use common::server::{Answering, Server, answer, json, token};
use common::{Run, cgrant};
use rcgen::KeyPair;
use serde_json::Value;
use tempfile::TempDir;

/// A server that lets in only clients with a certificate, and gives a token and an API's answer.
struct Strict {
    authority: Authority,
    server: Answering,
    url: String,
    folder: TempDir,
}

impl Strict {
    fn new() -> Self {
        let authority = authority("Acme");
        let server = Server::over_tls(demanding(&authority, &params("127.0.0.1")));
        let url = server.url();
        let server = server.answering([token(), json("{}")]);
        Self { authority, server, url, folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn cgrant(&self, command: &str, args: &[&str]) -> Command {
        self.cgrant_by("mtls", command, args)
    }

    fn cgrant_by(&self, auth: &str, command: &str, args: &[&str]) -> Command {
        let mut cgrant = cgrant(&[command, "oauth2", "-vv", "--token-url", &format!("{}/token", self.url)]);
        cgrant.args(["--auth", auth, "--client-id", "id"]).args(args).env("OAUTH2_CA", self.authority.pem());
        cgrant
    }
}

#[test]
fn beside_a_secret_a_certificate_binds_the_token() {
    for (auth, proof) in [("post", "client_secret=canary"), ("basic", "authorization: Basic aWQ6Y2FuYXJ5")] {
        let strict = Strict::new();
        let (certificate, key) = client(&strict.authority);
        let both = strict.file("both.pem", &(key + &certificate));
        let mut command = strict.cgrant_by(auth, "token", &["--cert-file", &both]);
        let run = Run::of(command.env("OAUTH2_CLIENT_SECRET", "canary")).succeeded();
        assert_eq!(run.stdout, "abc\n");
        let requests = strict.server.requests();
        assert!(requests[0].contains(proof), "{requests:?}");
    }
    let strict = Strict::new();
    let key = strict.file("key.pem", &client(&strict.authority).1);
    let mut alone = strict.cgrant_by("basic", "token", &["--key-file", &key]);
    let run = Run::of(alone.env("OAUTH2_CLIENT_SECRET", "canary")).failed(2);
    run.says("--key-file and --auth basic contradict each other");
}

#[test]
fn a_client_is_known_by_its_certificate() {
    for in_one_file in [true, false] {
        let strict = Strict::new();
        let (certificate, key) = client(&strict.authority);
        let mut command = if in_one_file {
            strict.cgrant("token", &["--cert-file", &strict.file("both.pem", &(key + &certificate))])
        } else {
            let files = [strict.file("certificate.pem", &certificate), strict.file("key.pem", &key)];
            strict.cgrant("token", &["--cert-file", &files[0], "--key-file", &files[1]])
        };
        assert_eq!(Run::of(&mut command).succeeded().stdout, "abc\n");
        assert!(strict.server.requests()[0].ends_with("\r\n\r\ngrant_type=client_credentials&client_id=id"));
    }
}

#[test]
fn the_api_sees_the_certificate_as_well() {
    let strict = Strict::new();
    let (certificate, key) = client(&strict.authority);
    let url = format!("{}/v1/things", strict.url);
    let host = strict.url.strip_prefix("https://").unwrap();
    let mut command = strict.cgrant("request", &["GET", &url, "--host", host]);
    let run = Run::of(command.env("OAUTH2_CERT", certificate).env("OAUTH2_KEY", key)).succeeded();
    assert_eq!(run.stdout, "{}");
    assert_eq!(strict.server.request_lines(), ["POST /token", "GET /v1/things"]);
}

#[test]
fn the_doctor_shows_the_certificate_as_well() {
    let strict = Strict::new();
    let (certificate, key) = client(&strict.authority);
    let mut command = strict.cgrant("doctor", &[]);
    Run::of(command.env("OAUTH2_CERT", certificate + &key)).succeeded();

    let (certificate, key) = client(&authority("Stranger"));
    let mut command = strict.cgrant("doctor", &[]);
    let run = Run::of(command.env("OAUTH2_CERT", certificate + &key)).ended(3);
    run.says("127.0.0.1 requires a client certificate, and received none that it accepts");
}

#[test]
fn what_is_wrong_with_a_certificate_is_said_before_anything_is_sent() {
    let strict = Strict::new();
    let (certificate, key) = client(&strict.authority);
    let (_, stranger) = client(&strict.authority);
    let [certificate, key] =
        [("certificate.pem", certificate), ("key.pem", key)].map(|(name, pem)| strict.file(name, &pem));
    let (stranger, nothing) = (strict.file("stranger.pem", &stranger), strict.file("nothing.pem", "canary"));
    let cases: [(&[&str], &[&str]); 7] = [
        (&[], &["the certificate is missing", "--cert-file PATH"]),
        (&["--key-file", &key], &["the certificate is missing", "--cert-file PATH"]),
        (&["--cert-file", &certificate], &["--cert-file: no private key found", "--key-file PATH"]),
        (&["--cert-file", &nothing, "--key-file", &key], &["--cert-file: no certificate found", "PEM"]),
        (&["--cert-file", &certificate, "--key-file", &nothing], &["--key-file: no private key found", "PEM"]),
        (
            &["--cert-file", &certificate, "--key-file", &stranger],
            &["--cert-file: the private key belongs to another certificate", "its own key"],
        ),
        (&["--cert-file", &certificate, "--kid", "1"], &["--kid and --auth mtls contradict each other"]),
    ];
    for (args, words) in cases {
        println!("{args:?}");
        let run = Run::of(&mut strict.cgrant("token", args)).failed(2);
        words.iter().fold(run, |run, words| run.says(words));
    }
    assert!(strict.server.requests().is_empty());
}

/// A server whose tokens are bound to keys, and `cgrant` for it.
struct Binding {
    server: Answering,
    url: String,
}

impl Binding {
    fn answering(api: impl IntoIterator<Item = String>) -> Self {
        let token = json(r#"{"access_token":"abc","token_type":"DPoP","expires_in":3600}"#);
        let server = Server::new();
        let url = server.url();
        Self { server: server.answering([token].into_iter().chain(api)), url }
    }

    fn cgrant(&self, command: &str, args: &[&str]) -> Command {
        let mut cgrant = cgrant(&[command, "oauth2", "-vv", "--token-url", &format!("{}/token", self.url)]);
        cgrant.args(["--auth", "none", "--client-id", "id"]).args(args);
        cgrant
    }

    /// Header and claims of the proof of each request.
    fn proofs(&self) -> Vec<(Value, Value)> {
        let part = |part: &str| serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        let proof = |request: &String| {
            let proof = request.lines().find_map(|line| line.strip_prefix("dpop: ")).unwrap();
            let parts: Vec<_> = proof.split('.').collect();
            (part(parts[0]), part(parts[1]))
        };
        self.server.requests().iter().map(proof).collect()
    }
}

#[test]
fn a_token_is_bound_to_a_key_that_is_kept() {
    let binding = Binding::answering([]);
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("dpop.pem");
    fs::write(&key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let args = ["--dpop-key-file", key.to_str().unwrap(), "--output", "json"];
    let run = Run::of(&mut binding.cgrant("token", &args)).succeeded();
    let (header, claims) = &binding.proofs()[0];
    assert_eq!((&header["typ"], &header["alg"]), (&"dpop+jwt".into(), &"ES256".into()));
    assert_eq!((&claims["htm"], &claims["htu"]), (&"POST".into(), &format!("{}/token", binding.url).into()));
    let answer = run.json();
    assert_eq!((&answer["token_type"], answer["jkt"].as_str().map(str::len)), (&"DPoP".into(), Some(43)));
    assert!(!run.stderr.contains("note: "), "{run:?}");

    // The same key has the same name, wherever it comes from.
    let again = Binding::answering([]);
    let mut command = again.cgrant("token", &["--output", "json"]);
    assert_eq!(Run::of(command.env("OAUTH2_DPOP_KEY_FILE", &key)).succeeded().json()["jkt"], answer["jkt"]);
}

#[test]
fn a_note_says_that_a_token_with_a_lost_key_is_useless() {
    let binding = Binding::answering([]);
    let run = Run::of(&mut binding.cgrant("token", &["--dpop"])).succeeded();
    assert_eq!(run.stdout, "abc\n");
    run.says("note: this token is bound to a key that no longer exists").says("--dpop-key-file");
}

#[test]
fn an_api_call_carries_a_proof_of_its_own_and_the_apis_nonce() {
    let headers = "www-authenticate: DPoP error=\"use_dpop_nonce\"\r\ndpop-nonce: n-1\r\n";
    let binding = Binding::answering([answer("401 Unauthorized", headers, ""), json("{}")]);
    let url = format!("{}/v1/things", binding.url);
    let host = binding.url.strip_prefix("http://").unwrap();
    let args = ["POST", &url, "--dpop", "--host", host, "--data", "{\"a\":1}"];
    assert_eq!(Run::of(&mut binding.cgrant("request", &args)).succeeded().stdout, "{}");
    let requests = binding.server.requests();
    assert!(requests[1..].iter().all(|request| request.contains("\r\nauthorization: DPoP abc\r\n")), "{requests:?}");
    assert!(requests[1..].iter().all(|request| request.ends_with("{\"a\":1}")), "{requests:?}");
    let proofs = binding.proofs();
    assert_eq!(proofs.len(), 3);
    assert!(proofs.iter().all(|(header, _)| header["jwk"] == proofs[0].0["jwk"]), "{proofs:?}");
    let claims = &proofs[2].1;
    assert_eq!((&claims["htu"], &claims["nonce"]), (&url.into(), &"n-1".into()));
    assert_eq!(claims["ath"].as_str().map(str::len), Some(43));
}

#[test]
fn the_doctor_gets_a_bound_token_too() {
    let binding = Binding::answering([]);
    let run = Run::of(&mut binding.cgrant("doctor", &["--dpop"])).succeeded();
    assert!(run.stdout.contains(" ok       token        DPoP, for 1h\n"), "{run:?}");
}

#[test]
fn an_unusable_dpop_key_is_refused_before_anything_is_sent() {
    let binding = Binding::answering([]);
    let secret = BASE64_URL_SAFE_NO_PAD.encode("canary canary canary canary canary");
    let symmetric = format!(r#"{{"kty":"oct","k":"{secret}"}}"#);
    for (key, words) in [("canary", "OAUTH2_DPOP_KEY: there is no private key"), (&symmetric, "OAUTH2_DPOP_KEY: ")] {
        Run::of(binding.cgrant("token", &[]).env("OAUTH2_DPOP_KEY", key)).failed(2).says(words);
    }
    Run::of(&mut binding.cgrant("token", &["--dpop", "--dpop-key-file", "key.pem"])).failed(2).says("--dpop");
    let apaleo = cgrant(&["token", "apaleo", "--help"]).output().unwrap();
    assert!(!String::from_utf8(apaleo.stdout).unwrap().contains("dpop"), "no other provider binds tokens");
    assert!(binding.server.requests().is_empty());
}
