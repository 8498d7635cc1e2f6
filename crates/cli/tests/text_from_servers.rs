//! Text and numbers that a server chose, in every form of output.

#![cfg(test)]

mod common;

use std::process::Command;

use common::server::{Answering, Server, answer, json, token};
use common::{Run, cgrant};
use serde_json::json;

/// Every character that moves the cursor, starts a command of the terminal, or changes the direction or lines of text.
fn hostile() -> Vec<char> {
    let controls = ('\0'..='\u{9f}').filter(|c| c.is_control());
    let directions = ['\u{61c}', '\u{200e}', '\u{200f}'].into_iter();
    let ranges = ('\u{2028}'..='\u{202e}').chain('\u{2066}'..='\u{2069}');
    controls.chain(directions).chain(ranges).collect()
}

/// All of them, each between two letters.
fn hostile_text() -> String {
    hostile().into_iter().fold("a".to_owned(), |text, c| text + &format!("{c}a"))
}

/// Nothing but line breaks is left of them.
#[track_caller]
fn assert_harmless(text: &str) {
    let left: Vec<_> = hostile().into_iter().filter(|c| *c != '\n' && text.contains(*c)).collect();
    assert!(left.is_empty(), "{left:?} in {text:?}");
}

/// `cgrant` for a server with these answers.
fn run(command: &str, answers: Vec<String>, args: &[&str]) -> (Run, Answering) {
    let server = Server::new();
    let url = server.url();
    let server = server.answering(answers);
    let mut cgrant: Command = cgrant(&[command, "oauth2"]);
    let args: Vec<_> = args.iter().map(|arg| arg.replace("URL", &url)).collect();
    cgrant.args(&args).args(["--token-url", &format!("{url}/token")]);
    cgrant.env("OAUTH2_CLIENT_ID", "id").env("OAUTH2_CLIENT_SECRET", "canary-secret");
    (Run::of(cgrant.env("OAUTH2_ACCESS_TOKEN", "canary-token")), server)
}

#[test]
fn json_for_programs_has_every_character_and_none_that_a_terminal_obeys() {
    let text = hostile_text();
    let host = |url: &str| url.replace("http://", "");
    let server = Server::new();
    let url = server.url();
    let _server = server.answering([token(), answer("200 OK", "", &text)]);
    let mut request = cgrant(&["request", "oauth2", "GET", &url, "--host", &host(&url), "--output", "json"]);
    request.args(["--token-url", &url, "--client-id", "id", "--auth", "none"]);
    let request = Run::of(&mut request).succeeded();
    assert_eq!(request.json()["body"], text.as_str());

    let extra = json!({"access_token": "abc", "expires_in": 60, "note": text}).to_string();
    let (token, _server) = run("token", vec![json(&extra)], &["--output", "json"]);
    assert_eq!(token.json()["extra"]["note"], text.as_str());

    let members = json!({"active": true, "note": text, text.as_str(): 1});
    let args = ["--introspection-url", "URL/introspect", "--output", "json"];
    let (introspection, _server) = run("introspect", vec![json(&members.to_string())], &args);
    assert_eq!(introspection.json(), members);

    let scope = json!({"access_token": "abc", "expires_in": 60, "scope": text}).to_string();
    let (doctor, _server) = run("doctor", vec![json(&scope)], &["--output", "json"]);
    let report = doctor.json();
    let scopes = report["steps"].as_array().unwrap().iter().find_map(|step| step["scopes"].as_array()).unwrap();
    assert!(scopes.iter().any(|scope| scope.as_str().unwrap().contains('\u{7f}')), "{report}");

    for run in [request, token, introspection, doctor] {
        assert_eq!(run.stdout.lines().count(), 1, "{run:?}");
        assert_harmless(&run.stdout);
        assert_harmless(&run.stderr);
    }
}

#[test]
fn people_see_none_of_them() {
    let text = hostile_text();
    let members = json!({"active": true, "note": text, text.as_str(): 1}).to_string();
    let args = ["--introspection-url", "URL/introspect", "-vv"];
    let (introspection, _server) = run("introspect", vec![json(&members)], &args);
    let scope = json!({"access_token": "abc", "expires_in": 60, "scope": text, "token_type": "Bearer"}).to_string();
    let (doctor, _server) = run("doctor", vec![json(&scope)], &["-vv"]);
    let refusal = json!({"error": text, "error_description": text}).to_string();
    let (refused, _server) = run("token", vec![answer("400 Bad Request", "", &refusal)], &["-vv"]);
    let (refused_doctor, _server) = run("doctor", vec![answer("400 Bad Request", "", &refusal)], &["-vv"]);
    let scope = ["--scope", "\u{202e}x", "-vv"];
    let (asked, _server) = run("token", vec![token()], &scope);
    for run in [introspection, doctor, refused, refused_doctor, asked] {
        assert_harmless(&run.stdout);
        assert_harmless(&run.stderr);
        assert!(!run.stderr.contains("panicked"), "{run:?}");
    }
}

#[test]
fn no_number_or_date_of_a_server_causes_a_panic() {
    let numbers = ["0", "-1", "1", "59", "9223372036854775807", "9223372036854775808", "18446744073709551615", "1e308"];
    let dates = ["Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Sat, 01 Jan 0000 00:00:00 GMT"];
    for number in numbers {
        for date in dates {
            let headers = format!("date: {date}\r\nage: {number}\r\nretry-after: {number}\r\n");
            let body = format!(r#"{{"access_token":"abc","expires_in":{number},"exp":{number}}}"#);
            for output in ["text", "json"] {
                let answers = |status: &str| vec![answer(status, &headers, &body); 2];
                for status in ["200 OK", "429 Too Many Requests"] {
                    let (doctor, _server) = run("doctor", answers(status), &["--output", output]);
                    assert!(doctor.code.is_some_and(|code| code < 10), "{headers}: {doctor:?}");
                }
            }
        }
        let members = format!(r#"{{"active":true,"exp":{number},"iat":{number},"nbf":-{}}}"#, number.replace('-', ""));
        let (told, _server) = run("introspect", vec![json(&members)], &["--introspection-url", "URL/introspect"]);
        told.succeeded();
        let waits = vec![token(), answer("503 Unavailable", &format!("retry-after: {number}\r\n"), "")];
        let server = Server::new();
        let url = server.url();
        let _server = server.answering(waits);
        let mut request = cgrant(&["request", "oauth2", "GET", &url, "--host", &url.replace("http://", "")]);
        request.args(["--token-url", &url, "--client-id", "id", "--auth", "none"]);
        Run::of(&mut request).ended(5);
        let body = format!(r#"{{"access_token":"abc","expires_in":{number}}}"#);
        // A token that is over is asked for once more.
        let (token, _server) = run("token", vec![json(&body), json(&body)], &["--output", "json"]);
        assert!(matches!(token.code, Some(0 | 6)), "{number}: {token:?}");
    }
}
