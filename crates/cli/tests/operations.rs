//! `cgrant introspect` and `cgrant revoke`.

#![cfg(test)]

mod common;

use std::fs;
use std::process::Command;

use common::server::{Answering, Server, answer, json};
use common::{CANARY, Run, cgrant};

/// A server that is asked about tokens, and `cgrant` for it.
struct Asked {
    server: Answering,
    url: String,
}

impl Asked {
    fn answering(answers: impl IntoIterator<Item = String>) -> Self {
        let server = Server::new();
        let url = server.url();
        Self { server: server.answering(answers), url }
    }

    /// About the token `canary-token`.
    fn cgrant(&self, command: &str, args: &[&str]) -> Command {
        let mut cgrant = cgrant(&[command, "oauth2", "-vv", "--token-url", &format!("{}/token", self.url)]);
        cgrant.args(["--introspection-url", &format!("{}/introspect", self.url)]);
        cgrant.args(["--revocation-url", &format!("{}/revoke", self.url)]).args(args);
        cgrant.env("OAUTH2_CLIENT_ID", "id").env("OAUTH2_CLIENT_SECRET", "canary-secret");
        cgrant.env("OAUTH2_ACCESS_TOKEN", "canary-token");
        cgrant
    }
}

const WORD: &str =
    r#"{"client_id":"id","active":true,"scope":"a b","exp":1795674000,"aud":["x","y"],"note":"one\ntwo"}"#;

#[test]
fn introspection_prints_one_member_per_line() {
    let asked = Asked::answering([json(WORD)]);
    let run = Run::of(&mut asked.cgrant("introspect", &[])).succeeded();
    let lines: Vec<_> = run.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(lines[0], "active true");
    for line in
        ["client_id id", "scope a b", "exp 1795674000 (2026-11-26T06:20:00Z)", r#"aud ["x","y"]"#, r"note one\ntwo"]
    {
        assert!(lines.iter().any(|other| other == line), "{line}: {run:?}");
    }
    let requests = asked.server.requests();
    assert!(requests[0].starts_with("POST /introspect ") && requests[0].contains("token=canary-token"), "{requests:?}");
    assert!(!run.stdout.contains(CANARY) && !run.stderr.contains(CANARY), "{run:?}");
}

#[test]
fn introspection_prints_the_answer_unchanged_for_programs() {
    let asked = Asked::answering([json(WORD)]);
    let run = Run::of(&mut asked.cgrant("introspect", &["--output", "json"])).succeeded();
    let word: serde_json::Value = serde_json::from_str(WORD).unwrap();
    assert_eq!((run.json(), run.stdout.lines().count()), (word, 1));
}

#[test]
fn a_token_that_is_not_active_has_an_exit_code_of_its_own_and_is_no_error() {
    for output in ["text", "json"] {
        let asked = Asked::answering([json(r#"{"active":false}"#)]);
        let run = Run::of(&mut asked.cgrant("introspect", &["--output", output]));
        assert_eq!(run.code, Some(8), "{run:?}");
        assert!(run.stdout.contains("active") && run.stdout.contains("false"), "{run:?}");
        assert!(!run.stderr.contains("error: "), "{run:?}");
    }
}

#[test]
fn a_token_comes_from_a_file_standard_input_or_the_environment_and_never_from_the_command_line() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, "canary-token\n").unwrap();
    for args in [&["--access-token-file", file.path().to_str().unwrap()][..], &["--access-token-file", "-"]] {
        let asked = Asked::answering([json(WORD)]);
        let mut command = asked.cgrant("introspect", args);
        Run::of_fed(command.env_remove("OAUTH2_ACCESS_TOKEN"), b"canary-token\n").succeeded();
        assert!(asked.server.requests()[0].contains("token=canary-token"), "{args:?}");
    }
    let asked = Asked::answering([]);
    let run = Run::of(asked.cgrant("introspect", &[]).env_remove("OAUTH2_ACCESS_TOKEN")).failed(2);
    run.says("the access token is missing").says("--access-token-file PATH").says("OAUTH2_ACCESS_TOKEN");
    let run = Run::of(&mut asked.cgrant("revoke", &["--access-token", "canary"])).failed(2);
    run.says("there is no --access-token: every user of this machine can read command lines");
    let run =
        Run::of(&mut asked.cgrant("revoke", &["--access-token-file", "-", "--client-secret-file", "-"])).failed(2);
    run.says("cannot share standard input");
}

#[test]
fn a_token_is_revoked() {
    for (output, words) in [("text", "Revoked."), ("json", "\"revoked\":true")] {
        let asked = Asked::answering([answer("200 OK", "", "")]);
        let run = Run::of(&mut asked.cgrant("revoke", &["--output", output])).succeeded();
        assert!(run.stdout.contains(words), "{run:?}");
        let requests = asked.server.requests();
        assert!(requests[0].starts_with("POST /revoke ") && requests[0].contains("token=canary-token"), "{requests:?}");
    }
}

#[test]
fn a_refusal_has_its_exit_code() {
    let refusal = || answer("401 Unauthorized", "", r#"{"error":"invalid_client","error_description":"canary-token"}"#);
    for command in ["introspect", "revoke"] {
        let asked = Asked::answering([refusal()]);
        Run::of(&mut asked.cgrant(command, &[]))
            .failed(3)
            .says("the server refused")
            .says("check the client id and secret");
        let asked = Asked::answering([answer("503 Service Unavailable", "", "")]);
        Run::of(&mut asked.cgrant(command, &[])).failed(5).says("503");
    }
    let asked = Asked::answering([json("{}")]);
    Run::of(&mut asked.cgrant("introspect", &[])).failed(6).says("does not say whether the token is active");
}

#[test]
fn an_unknown_endpoint_is_named_with_its_flag() {
    for (command, flag) in [("introspect", "--introspection-url"), ("revoke", "--revocation-url")] {
        let mut unknown = cgrant(&[command, "oauth2", "--token-url", "http://127.0.0.1:1/token", "--auth", "none"]);
        unknown.env("OAUTH2_CLIENT_ID", "id").env("OAUTH2_ACCESS_TOKEN", "canary-token");
        Run::of(&mut unknown).failed(2).says("only the token URL is known").says(&format!("set {flag}, or the issuer"));
    }
}

#[test]
fn an_endpoint_that_cannot_be_reached_is_named_with_its_flag() {
    for (command, flag) in [("introspect", "--introspection-url"), ("revoke", "--revocation-url")] {
        let mut closed =
            cgrant(&[command, "oauth2", "--token-url", "https://auth.example.com/token", "--auth", "none"]);
        closed.args([flag, "http://127.0.0.1:1/"]);
        closed.env("OAUTH2_CLIENT_ID", "id").env("OAUTH2_ACCESS_TOKEN", "canary-token");
        Run::of(&mut closed).failed(5).says(&format!("check {flag}, the network"));
    }
    for command in ["introspect", "revoke"] {
        let mut closed = cgrant(&[command, "oauth2", "--auth", "none"]);
        closed.env("OAUTH2_ISSUER", "http://127.0.0.1:1").env("OAUTH2_CLIENT_ID", "id");
        Run::of(closed.env("OAUTH2_ACCESS_TOKEN", "canary-token")).failed(5).says("check OAUTH2_ISSUER, the network");
    }
}

#[test]
fn providers_without_introspection_are_not_listed_and_refused() {
    for command in ["introspect", "revoke"] {
        let help = Run::of(&mut cgrant(&[command, "--help"])).succeeded().stdout;
        assert!(help.contains("oauth2") && !help.contains("apaleo"), "{help}");
        Run::of(&mut cgrant(&[command, "apaleo"])).failed(2).says("does not support introspection").says("use oauth2");
        Run::of(&mut cgrant(&[command])).failed(2).says(&format!("as in `cgrant {command} oauth2`"));
        Run::of(&mut cgrant(&[command, "nobody"])).failed(2).says("use one of oauth2");
    }
}

#[test]
fn an_issuer_that_cannot_be_reached_is_named_beside_the_endpoints_own_url() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let asked = Asked::answering([json(WORD)]);
    for (command, flag) in [("introspect", "--introspection-url"), ("revoke", "--revocation-url")] {
        let mut cgrant = cgrant(&[command, "oauth2", "--issuer", &format!("http://{closed}"), flag, &asked.url]);
        cgrant.env("OAUTH2_CLIENT_ID", "id").env("OAUTH2_CLIENT_SECRET", "canary-secret");
        let run = Run::of(cgrant.env("OAUTH2_ACCESS_TOKEN", "canary-token")).failed(5);
        run.says(&format!("check --issuer or {flag}"));
    }
    assert!(asked.server.requests().is_empty());
}
