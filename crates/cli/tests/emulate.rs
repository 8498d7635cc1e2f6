//! `cgrant emulate`.
#![cfg(unix)]

mod common;

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use common::{Run, Running, cgrant};
use serde_json::{Value, json};

#[test]
fn programs_are_told_all_they_need_in_one_line() {
    let mut running = Running::of(&mut cgrant(&["emulate", "--output", "json"]));
    let told: Value = serde_json::from_str(&running.prints_a_line().unwrap()).unwrap();
    let emulators = told["emulators"].as_array().unwrap();
    assert_eq!(emulators.len(), 5);
    for emulator in emulators {
        let text = |member: &str| emulator[member].as_str().unwrap();
        let environment = emulator["environment"].as_object().unwrap();
        let variables = environment.iter().map(|(name, value)| (name, value.as_str().unwrap()));
        Run::of(cgrant(&["token", text("provider")]).envs(variables)).succeeded();
        for member in ["token_url", "client_id", "client_secret", "admin_url"] {
            assert!(!text(member).is_empty(), "{emulator}");
        }
        assert!(emulator["api_call"]["url"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{emulator}");
    }
    assert_eq!(running.ends_with("INT"), Some(0));
}

#[test]
fn people_are_told_commands_that_can_be_pasted() {
    let mut running = Running::of(&mut cgrant(&["emulate", "resamania"]));
    let told = running.prints_until("Press Ctrl-C to stop.");
    let commands = ["export ", "token resamania", "request resamania"];
    let wanted = |line: &&str| commands.iter().any(|command| line.contains(command)) && !line.contains("curl");
    let script: Vec<_> = told.lines().filter(wanted).collect();
    let run = Run::of(Command::new("sh").args(["-c", &script.join("\n")])).succeeded();
    let (token, club) = run.stdout.split_once('\n').unwrap();
    assert!(!token.is_empty() && club.contains("\"@id\":\"/demoapi/clubs/1210\""), "{run:?}");
    assert_eq!(running.ends_with("TERM"), Some(0));
}

#[test]
fn several_vendors_stand_on_ports_in_a_row_as_they_were_named() {
    // Below those that systems give away; other people's programs may still be there.
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    let (port, told) = (first..first + 200)
        .step_by(2)
        .find_map(|port| {
            let args = ["emulate", "ptv", "apaleo", "ptv", "--output", "json", "--port", &port.to_string()];
            Some((port, Running::of(&mut cgrant(&args)).prints_a_line()?))
        })
        .unwrap();
    let told: Value = serde_json::from_str(&told).unwrap();
    for (at, provider, port) in [(0, "ptv", port), (1, "apaleo", port + 1)] {
        assert_eq!(told["emulators"][at]["provider"], provider);
        let url = told["emulators"][at]["token_url"].as_str().unwrap();
        assert!(url.starts_with(&format!("http://127.0.0.1:{port}/")), "{url}");
    }
}

#[test]
fn a_port_that_is_taken_is_a_usage_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    Run::of(&mut cgrant(&["emulate", "apaleo", "--port", &port])).failed(2).says(&port).says("--port");
}

#[test]
fn there_are_no_ports_behind_the_last() {
    Run::of(&mut cgrant(&["emulate", "--port", "65535"])).failed(2).says("--port");
    Run::of(&mut cgrant(&["emulate", "--port", "65536"])).failed(2).says("--port");
}

/// Returns what is told of the one emulator, while it runs.
fn only(running: &mut Running) -> Value {
    let told: Value = running.prints_a_line().and_then(|line| serde_json::from_str(&line).ok()).unwrap_or_default();
    told["emulators"][0].clone()
}

/// Requests a token by the variables that are told, with these arguments and on top of these variables.
fn token(told: &Value, args: &[&str], variables: &[(&str, &str)]) -> Run {
    let environment = told["environment"].as_object().into_iter().flatten();
    let mut command = cgrant(&["token", told["provider"].as_str().unwrap_or_default()]);
    command.envs(environment.map(|(name, value)| (name, value.as_str().unwrap_or_default())));
    Run::of(command.args(args).envs(variables.iter().copied()))
}

#[test]
fn client_and_gateway_key_can_be_chosen() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (secret, key) = (file("secret", "s%cret +\n"), file("key", "my-key\n"));
    let client = ["--client-id", "123_mine", "--client-secret-file", &secret];
    let args = [&["emulate", "resamania", "--gateway-key-file", &key, "--output", "json"], &client[..]].concat();
    let mut running = Running::of(&mut cgrant(&args));
    let told = only(&mut running);
    assert_eq!((&told["client_id"], &told["client_secret"]), (&json!("123_mine"), &json!("s%cret +")));
    assert_eq!(told["environment"]["RESAMANIA_API_KEY"], "my-key");
    token(&told, &[], &[]).succeeded();
    token(&told, &[], &[("RESAMANIA_API_KEY", "00000000-e301-4a70-8000-000000000000")]).failed(3).says("gateway");
    token(&told, &[], &[("RESAMANIA_CLIENT_SECRET", "other")]).failed(3).says("invalid_client");

    let mut running = Running::of(&mut cgrant(&["emulate", "resamania", "--no-gateway-key", "--output", "json"]));
    let told = only(&mut running);
    assert_eq!(told["environment"].get("RESAMANIA_API_KEY"), None);
    token(&told, &[], &[]).succeeded();
}

#[test]
fn scopes_can_be_chosen_and_left_out() {
    let scopes = |args: &[&str]| {
        let mut running = Running::of(&mut cgrant(&[&["emulate", "resamania", "--output", "json"], args].concat()));
        let told = only(&mut running);
        token(&told, &["--output", "json"], &[]).succeeded().json()["scopes"].clone()
    };
    assert_eq!(scopes(&[]), json!(["clubs.read", "contacts.read"]));
    assert_eq!(scopes(&["--scope", "a", "--scope", "b"]), json!(["a", "b"]));
    assert_eq!(scopes(&["--no-scopes"]), json!([]), "`scope: null`");
}

#[test]
fn apaleo_takes_credentials_in_the_body_if_asked() {
    let status = |args: &[&str]| {
        let mut running = Running::of(&mut cgrant(&[&["emulate", "apaleo", "--output", "json"], args].concat()));
        let told = only(&mut running);
        let text = |member: &str| told[member].as_str().unwrap();
        // The generic provider, because the vendor's own follows the page.
        let mut command = cgrant(&["token", "oauth2", "--auth", "post", "--token-url", text("token_url")]);
        command.env("OAUTH2_CLIENT_ID", text("client_id")).env("OAUTH2_CLIENT_SECRET", text("client_secret"));
        Run::of(&mut command).code
    };
    assert_eq!(status(&[]), Some(3), "the page allows Basic alone");
    assert_eq!(status(&["--client-secret-post"]), Some(0));
}

#[test]
fn a_flag_for_a_vendor_that_is_not_named_is_a_usage_error() {
    for (flag, vendor) in [
        (&["--no-gateway-key"][..], "resamania"),
        (&["--gateway-key-file", "/nowhere"], "resamania"),
        (&["--client-secret-post"], "apaleo"),
    ] {
        let run = Run::of(&mut cgrant(&[&["emulate", "ptv"], flag].concat())).failed(2);
        run.says(flag[0]).says(&format!("add {vendor}, or remove {}", flag[0]));
    }
    Run::of(&mut cgrant(&["emulate", "--client-id", "id"])).failed(2).says("--client-secret-file");
    let shared = ["emulate", "--client-id", "id", "--client-secret-file", "-", "--gateway-key-file", "-"];
    Run::of(&mut cgrant(&shared)).failed(2).says("cannot share standard input");
}
