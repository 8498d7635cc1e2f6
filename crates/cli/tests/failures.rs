//! `cgrant token` where something is wrong: the exit code, the words, and no secret among them.

mod common;

use std::process::Stdio;

use common::{CANARY, Run, Running, at, cgrant, emulator, token};
use credentials_grant::StatusCode;
use credentials_grant_emulator::{EmulatedVendor, Emulator, Misbehaviour};

#[test]
fn a_wrong_secret_is_a_refusal_at_every_vendor() {
    for &vendor in EmulatedVendor::ALL {
        let emulator = emulator(vendor);
        let mut command = token(&emulator, &[]);
        let secret = format!("{}_CLIENT_SECRET", vendor.name().to_uppercase());
        let run = Run::of(command.env(secret, "wrong-canary")).failed(3);
        run.says(&format!("error: {vendor}: the server refused")).says("help: check the client id and secret");
    }
}

#[test]
fn a_refusal_that_may_be_about_the_encoding_of_basic_names_the_other_one() {
    let odd = |vendor, secret: &str| Emulator::new(vendor).with_client("client", secret).start().unwrap();
    // The emulators of PTV and apaleo decode, and that of Cognito does not.
    for (emulator, auth, other) in [
        (odd(EmulatedVendor::Apaleo, "canary+secret"), "client_secret_basic_raw", "client_secret_basic"),
        (odd(EmulatedVendor::Ptv, "canary%secret"), "client_secret_basic_raw", "client_secret_basic"),
        (odd(EmulatedVendor::Cognito, "canary+secret"), "client_secret_basic", "client_secret_basic_raw"),
    ] {
        for command in ["token", "doctor"] {
            let run = Run::of(&mut at(&emulator, command, &["--auth", auth])).ended(3);
            run.says("help: check the client id and secret before you try again; if they are right")
                .says(&format!("authenticate by `{other}`\n"));
        }
        Run::of(&mut token(&emulator, &["--auth", other])).succeeded();
        Run::of(&mut token(&emulator, &[])).succeeded();
    }
}

#[test]
fn a_missing_gateway_key_is_told_from_a_wrong_secret() {
    let resamania = emulator(EmulatedVendor::Resamania);
    Run::of(token(&resamania, &[]).env_remove("RESAMANIA_API_KEY"))
        .failed(3)
        .says("gateway")
        .says("--api-key-file or RESAMANIA_API_KEY");
}

#[test]
fn the_exit_code_says_what_the_server_did() {
    let apaleo = emulator(EmulatedVendor::Apaleo);
    let status = |status| Misbehaviour::Status { status };
    let html = |status| Misbehaviour::Html { status };
    let as_token = |value: &str| Misbehaviour::Token { value: value.to_owned() };
    let cases = [
        (3, Misbehaviour::ErrorAsSuccess, "invalid_client"),
        (3, Misbehaviour::EchoSecret, "[redacted]"),
        (3, status(StatusCode::UNAUTHORIZED), "401"),
        (3, status(StatusCode::FORBIDDEN), "403"),
        (4, Misbehaviour::Throttle { retry_after: None }, "429"),
        (
            4,
            Misbehaviour::Throttle { retry_after: Some("120".to_owned()) },
            "help: try again in 2m, as the server asks",
        ),
        (5, Misbehaviour::Unavailable { retry_after: None }, "503"),
        (5, status(StatusCode::REQUEST_TIMEOUT), "408"),
        (5, html(StatusCode::BAD_GATEWAY), "502"),
        (5, Misbehaviour::Drop, "broke"),
        (5, Misbehaviour::DropAfterHeaders, "broke"),
        (6, Misbehaviour::Redirect { to: apaleo.token_url().clone() }, "redirect"),
        (6, html(StatusCode::OK), "HTML"),
        (6, Misbehaviour::EmptyBody, "an empty body"),
        (6, Misbehaviour::TruncatedBody, "JSON"),
        (6, Misbehaviour::HugeBody, "1 MiB"),
        (6, Misbehaviour::GzipBomb, "1 MiB"),
        (6, Misbehaviour::EndlessBody, "1 MiB"),
        (6, as_token("two\r\nlines"), "no header can carry"),
        (6, as_token(""), "without a token"),
    ];
    for (code, misbehaviour, words) in cases {
        println!("{misbehaviour:?}");
        apaleo.misbehave(misbehaviour);
        Run::of(&mut token(&apaleo, &[])).failed(code).says("error: apaleo: ").says("help: ").says(words);
    }
}

#[test]
fn a_server_that_cannot_be_reached_is_unavailable() {
    let apaleo = emulator(EmulatedVendor::Apaleo);
    let tls = apaleo.token_url().as_str().replace("http:", "https:");
    let closed = {
        let gone = emulator(EmulatedVendor::Apaleo);
        gone.token_url().to_string()
    };
    for url in [closed.as_str(), &tls, "https://cgrant.invalid/token"] {
        Run::of(&mut token(&apaleo, &["--token-url", url, "--timeout", "5s"])).failed(5).says("error: apaleo: ");
    }
}

#[test]
fn a_server_that_does_not_answer_is_given_up_on() {
    let apaleo = emulator(EmulatedVendor::Apaleo);
    for misbehaviour in [Misbehaviour::Hang, Misbehaviour::SlowBody] {
        apaleo.misbehave(misbehaviour);
        // Whether the source or its transport gives up first is all one.
        Run::of(&mut token(&apaleo, &["--timeout", "200ms"])).failed(5).says("help: check the");
    }
}

#[test]
fn a_blocked_address_is_unavailable() {
    let minute = std::time::Duration::from_secs(60);
    let ptv = Emulator::new(EmulatedVendor::Ptv).with_client("client", "canary-secret").with_address_block(1, minute);
    let ptv = ptv.start().unwrap();
    Run::of(token(&ptv, &[]).env("PTV_CLIENT_SECRET", "wrong-canary")).failed(3);
    Run::of(&mut token(&ptv, &[])).failed(5).says("it may have blocked this address");
}

#[test]
fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
    let resamania = emulator(EmulatedVendor::Resamania);
    let cases: [(&[&str], &str); 7] = [
        (&["--client-secret", "canary"], "--client-secret-file PATH"),
        (&["--client-secret=canary"], "RESAMANIA_CLIENT_SECRET"),
        (&["--client-secret", "canary", "more"], "--client-secret-file PATH"),
        (&["--api-key", "canary"], "--api-key-file PATH"),
        (&["--api-key=canary"], "RESAMANIA_API_KEY"),
        (&["--client-secret-file", "canary"], "--client-secret-file"),
        (&["canary"], "--help"),
    ];
    for (args, words) in cases {
        Run::of(&mut token(&resamania, args)).failed(2).says(words);
    }
    assert_eq!(resamania.token_requests(), 0);
}

/// Nor may it be there from elsewhere: other users can read the command line, but not the environment.
#[cfg(target_os = "linux")]
#[test]
fn a_secret_does_not_stand_in_the_process_list() {
    let apaleo = emulator(EmulatedVendor::Apaleo);
    apaleo.misbehave(Misbehaviour::Hang);
    let running = Running::of(&mut token(&apaleo, &[]));
    while apaleo.token_requests() == 0 {
        std::thread::yield_now();
    }
    let command_line = std::fs::read(format!("/proc/{}/cmdline", running.child.id())).unwrap();
    let command_line = String::from_utf8(command_line).unwrap();
    assert!(command_line.contains("apaleo") && !command_line.contains(CANARY), "{command_line}");
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_written_is_a_failure() {
    let apaleo = emulator(EmulatedVendor::Apaleo);
    let full = std::fs::File::create("/dev/full").unwrap();
    let child = token(&apaleo, &[]).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    Run::from(child.wait_with_output().unwrap()).failed(1).says("standard output cannot be written");
}

#[test]
fn a_command_that_does_not_exist_is_a_usage_error() {
    for (args, words) in [
        (&["tokn"][..], "token"),
        (&["token"], "apaleo, cognito, oauth2, octorate, ptv, resamania"),
        (&["token", "cognit"], "did you mean cognito?"),
        (&["token", "nobody"], "use one of apaleo, cognito, oauth2, octorate, ptv, resamania"),
        (&["emulate", "apale"], "did you mean apaleo?"),
        (&["help", "nothing"], "nothing"),
        (&["token", "apaleo", "--output", "yaml"], "text, json, header, env"),
    ] {
        Run::of(&mut cgrant(args)).failed(2).says(words);
    }
}
