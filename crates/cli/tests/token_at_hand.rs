//! `cgrant request` with a token that the user has already.

#![cfg(test)]

mod common;

use std::fs;
use std::process::Command;

use common::{Run, api_call, emulator, token};
use credentials_grant_emulator::{EmulatedVendor, RunningEmulator};
use tempfile::tempdir;

/// Calls the emulated API, with a token in the variable and without a client's credentials.
fn call(emulator: &RunningEmulator, token: &str, args: &[&str]) -> Command {
    let (mut command, name) = (api_call(emulator), emulator.vendor().name().to_uppercase());
    for credential in ["CLIENT_ID", "CLIENT_SECRET"] {
        command.env_remove(format!("{name}_{credential}"));
    }
    command.env(format!("{name}_ACCESS_TOKEN"), token).args(args);
    command
}

#[test]
fn every_vendors_api_is_called_with_the_token_at_hand_and_no_other_is_requested() {
    for &vendor in EmulatedVendor::ALL {
        let emulator = emulator(vendor);
        let text = Run::of(&mut token(&emulator, &[])).succeeded().stdout;
        let run = Run::of(&mut call(&emulator, text.trim(), &[])).succeeded();
        assert!(!run.stdout.is_empty() && !run.stderr.contains(text.trim()), "{run:?}");
        assert_eq!(emulator.token_requests(), 1, "{vendor}");

        let directory = tempdir().unwrap();
        let file = directory.path().join("token");
        fs::write(&file, &text).unwrap();
        Run::of(&mut call(&emulator, "canary-wrong", &["--access-token-file", file.to_str().unwrap()])).succeeded();
        assert_eq!(emulator.token_requests(), 1, "{vendor}: the flag counts");
    }
}

#[test]
fn a_token_that_the_api_rejects_is_not_replaced() {
    let emulator = emulator(EmulatedVendor::Apaleo);
    let run = Run::of(&mut call(&emulator, "canary-wrong", &[]));
    assert_eq!(emulator.token_requests(), 0);
    run.ended(7).says("401");
}

#[test]
fn what_is_no_token_is_refused_and_not_shown() {
    let emulator = emulator(EmulatedVendor::Apaleo);
    for wrong in ["Bearer canary-token", "canary-tökèn", "canary\ttoken"] {
        let run = Run::of(&mut call(&emulator, wrong, &[])).failed(2);
        assert!(!run.stderr.contains("the server sent"), "{run:?}");
        run.says("APALEO_ACCESS_TOKEN: this is a token with spaces").says("cgrant token apaleo");
    }
    assert_eq!(emulator.token_requests(), 0);
}

#[test]
fn credentials_given_by_flags_beat_a_token_in_a_variable() {
    let emulator = emulator(EmulatedVendor::Apaleo);
    let directory = tempdir().unwrap();
    let secret = directory.path().join("secret");
    fs::write(&secret, emulator.client_secret()).unwrap();
    let secret = ["--client-id", emulator.client_id(), "--client-secret-file", secret.to_str().unwrap()];
    let run = Run::of(&mut call(&emulator, "canary-wrong", &secret)).succeeded();
    assert!(run.stderr.contains("ignoring APALEO_ACCESS_TOKEN, because --client-secret-file is given"), "{run:?}");
    assert_eq!(emulator.token_requests(), 1);

    // Two flags contradict each other, and so do flags about a token that would be requested.
    let token = ["--access-token-file", secret[3]];
    Run::of(&mut call(&emulator, "canary", &[&secret[..], &token].concat())).failed(2).says("contradict each other");
    for flags in [&["--fresh"][..], &["--minimum-life", "1h"], &["--store", "x"], &["--no-store"]] {
        Run::of(&mut call(&emulator, "canary", &[flags, &token].concat())).failed(2).says("cannot be used with");
    }
    assert_eq!(emulator.token_requests(), 1);
}

#[test]
fn flags_about_the_token_to_request_beat_one_in_a_variable() {
    let flags = [&["--fresh"][..], &["--minimum-life", "1s"], &["--scope", "reservations.read"]];
    for flags in flags {
        let emulator = emulator(EmulatedVendor::Apaleo);
        let mut command = call(&emulator, "canary-wrong", flags);
        let (id, secret) = (emulator.client_id(), emulator.client_secret());
        let run = Run::of(command.env("APALEO_CLIENT_ID", id).env("APALEO_CLIENT_SECRET", secret)).succeeded();
        let ignored = format!("ignoring APALEO_ACCESS_TOKEN, because {} is given", flags[0]);
        assert!(run.stderr.contains(&ignored), "{run:?}");
        assert_eq!(emulator.token_requests(), 1, "{flags:?}");
    }
    let emulator = emulator(EmulatedVendor::Apaleo);
    let flags = ["--access-token-file", "x", "--scope", "reservations.read"];
    Run::of(&mut call(&emulator, "canary", &flags)).failed(2).says("contradict each other");
}

#[test]
fn credentials_in_variables_do_not_beat_a_token() {
    let emulator = emulator(EmulatedVendor::Apaleo);
    let text = Run::of(&mut token(&emulator, &[])).succeeded().stdout;
    let mut command = call(&emulator, text.trim(), &[]);
    Run::of(command.env("APALEO_CLIENT_ID", "x").env("APALEO_CLIENT_SECRET", "canary-wrong")).succeeded();
    assert_eq!(emulator.token_requests(), 1);
}
