//! `cgrant token` where all goes well: what it prints, and where its secrets come from.

mod common;

use std::fs;
use std::process::Command;

use common::{Run, Running, cgrant, emulator, token};
use credentials_grant_emulator::{EmulatedVendor, Emulator, Misbehaviour};
use jiff::Timestamp;

#[test]
fn every_provider_prints_the_token_alone() {
    for &vendor in EmulatedVendor::ALL {
        let emulator = emulator(vendor);
        let run = Run::of(&mut token(&emulator, &[])).succeeded();
        let issued = run.stdout.strip_suffix('\n').unwrap();
        assert!(!issued.is_empty() && issued.bytes().all(|byte| byte.is_ascii_graphic()), "{vendor}: {run:?}");
        assert_eq!((emulator.token_requests(), emulator.tokens_issued()), (1, 1), "{vendor}");
    }
}

#[test]
fn every_provider_prints_the_members_that_programs_rely_on() {
    for &vendor in EmulatedVendor::ALL {
        let run = Run::of(&mut token(&emulator(vendor), &["--output", "json"])).succeeded();
        let answer = run.json();
        let members: Vec<_> = answer.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected =
            ["provider", "access_token", "token_type", "expires_at", "expires_in", "scopes", "extra"].to_vec();
        expected.sort_unstable();
        assert_eq!(members, expected, "{vendor}");
        assert_eq!(answer["provider"], vendor.name());
        assert!(answer["token_type"].as_str().unwrap().eq_ignore_ascii_case("bearer"), "{vendor}");
        assert!((1..=3600).contains(&answer["expires_in"].as_u64().unwrap()), "{vendor}: {answer}");
        let expires_at = answer["expires_at"].as_str().unwrap();
        assert_eq!(expires_at.len(), "2026-11-21T02:32:22Z".len(), "{vendor}: {expires_at}");
        assert!(expires_at.parse::<Timestamp>().unwrap() > Timestamp::now(), "{vendor}: {expires_at}");
        assert!(answer["scopes"].is_array() && answer["extra"].is_object(), "{vendor}: {answer}");
    }
}

#[test]
fn every_provider_prints_the_headers_of_an_api_call() {
    for &vendor in EmulatedVendor::ALL {
        let emulator = emulator(vendor);
        let run = Run::of(&mut token(&emulator, &["--output", "header"])).succeeded();
        let mut lines = run.stdout.lines();
        assert!(lines.next().unwrap().starts_with("Authorization: Bearer "), "{vendor}");
        let key = emulator.gateway_key().map(|key| format!("X-Gravitee-Api-Key: {key}"));
        assert_eq!(lines.next(), key.as_deref(), "{vendor}");
        assert_eq!(lines.next(), None, "{vendor}");
    }
}

#[test]
fn every_provider_prints_variables_that_a_shell_reads() {
    for &vendor in EmulatedVendor::ALL {
        let run = Run::of(&mut token(&emulator(vendor), &["--output", "env"])).succeeded();
        let prefix = vendor.name().to_uppercase();
        let variables: Vec<_> = run.stdout.lines().map(|line| line.split_once("='").unwrap().0).collect();
        assert_eq!(variables, [format!("{prefix}_ACCESS_TOKEN"), format!("{prefix}_ACCESS_TOKEN_EXPIRES_AT")]);
    }
}

#[cfg(unix)]
#[test]
fn a_shell_reads_any_token_as_it_is() {
    let emulator = emulator(EmulatedVendor::Apaleo);
    let hostile = "a'b\"c$HOME`id`;#\\";
    emulator.misbehave(Misbehaviour::Token { value: hostile.to_owned() });
    let run = Run::of(&mut token(&emulator, &["--output", "env"])).succeeded();
    let script = format!("{}printf %s \"$APALEO_ACCESS_TOKEN\"", run.stdout);
    assert_eq!(Run::of(Command::new("sh").args(["-c", &script])).stdout, hostile);
}

#[test]
fn scopes_and_parameters_reach_the_vendor() {
    let cognito = emulator(EmulatedVendor::Cognito);
    let metadata = r#"aws_client_metadata={"hotel":"north"}"#;
    let scope = "https://pms.example.com/reservation.read";
    let args = ["--scope", "pms/reservation.checkin", "--scope", scope, "--param", metadata, "--output", "json"];
    let answer = Run::of(&mut token(&cognito, &args)).succeeded().json();
    assert_eq!(answer["scopes"], serde_json::json!(["pms/reservation.checkin", scope]));
    assert_eq!(cognito.client_metadata(), Some(serde_json::json!({"hotel": "north"})));
}

#[test]
fn a_secret_comes_from_a_file_or_from_standard_input_without_its_line_break() {
    let octorate = emulator(EmulatedVendor::Octorate);
    let url = octorate.token_url().as_str();
    let command = |file| {
        cgrant(&["token", "octorate", "--token-url", url, "--client-id", "client", "--client-secret-file", file])
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    for content in ["canary-secret", "canary-secret\n", "canary-secret\r\n"] {
        fs::write(&file, content).unwrap();
        Run::of(&mut command(file.path().to_str().unwrap())).succeeded();
        Run::of_fed(&mut command("-"), content.as_bytes()).succeeded();
        let mut by_variable = token(&octorate, &[]);
        by_variable.env_remove("OCTORATE_CLIENT_SECRET").env("OCTORATE_CLIENT_SECRET_FILE", file.path());
        Run::of(&mut by_variable).succeeded();
    }
}

#[test]
fn a_flag_wins_over_its_environment_variable() {
    let ptv = emulator(EmulatedVendor::Ptv);
    let mut command = token(&ptv, &["--client-id", "client", "--token-url", ptv.token_url().as_str()]);
    Run::of(command.env("PTV_CLIENT_ID", "another").env("PTV_TOKEN_URL", "http://127.0.0.1:1/")).succeeded();
}

#[test]
fn a_setting_of_the_vendor_comes_from_a_flag_or_the_environment() {
    let octorate = Emulator::new(EmulatedVendor::Octorate).with_client("client", "canary-secret").with_expires_in(30);
    let octorate = octorate.start().unwrap();
    let lives = |command: &mut Command| Run::of(command).succeeded().json()["expires_in"].as_u64().unwrap();
    assert!(lives(&mut token(&octorate, &["--output", "json"])) <= 30);
    assert!(lives(&mut token(&octorate, &["--output", "json", "--expiry-unit", "minutes"])) > 30);
    assert!(lives(token(&octorate, &["--output", "json"]).env("OCTORATE_EXPIRY_UNIT", "minutes")) > 30);
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let apaleo = emulator(EmulatedVendor::Apaleo);
    let mut quiet = cgrant(&["providers"]);
    for command in [&mut token(&apaleo, &[]), &mut quiet] {
        let mut running = Running::of(command);
        running.is_not_read();
        assert_eq!(running.child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn a_proxy_in_the_environment_never_sees_what_goes_to_loopback() {
    let apaleo = emulator(EmulatedVendor::Apaleo);
    let mut command = token(&apaleo, &[]);
    for variable in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(variable, "http://127.0.0.1:9");
    }
    Run::of(&mut command).succeeded();
}
