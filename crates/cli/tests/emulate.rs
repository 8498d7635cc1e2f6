//! `cgrant emulate`.
#![cfg(unix)]

mod common;

use std::net::TcpListener;
use std::process::Command;

use common::{Run, Running, cgrant};
use serde_json::Value;

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
