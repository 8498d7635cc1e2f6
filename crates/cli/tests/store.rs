//! Tokens that runs of the command leave for each other.

#![cfg(test)]

mod common;

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use common::server::{Server, json};
use common::{Run, at, cgrant, emulator, token};
use credentials_grant_emulator::{EmulatedVendor, Emulator, RunningEmulator};
use tempfile::{TempDir, tempdir};

/// A home, in which runs find each other.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempdir().unwrap())
    }

    /// The command, at home in this directory.
    fn run<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env_remove("CGRANT_STORE").env("HOME", self.0.path())
    }

    fn token(&self, emulator: &RunningEmulator, args: &[&str]) -> Run {
        Run::of(self.run(&mut token(emulator, args)))
    }

    fn store(&self, args: &[&str]) -> Run {
        Run::of(self.run(&mut cgrant(&[&["store"], args].concat())))
    }

    fn directory(&self) -> PathBuf {
        self.0.path().join(".cache/cgrant")
    }
}

#[cfg(target_os = "linux")]
#[test]
fn sixty_runs_in_a_row_request_one_token() {
    for &vendor in EmulatedVendor::ALL {
        let (emulator, home) = (emulator(vendor), Home::new());
        let first = home.token(&emulator, &[]).succeeded().stdout;
        for _ in 0..if vendor == EmulatedVendor::Apaleo { 59 } else { 3 } {
            assert_eq!(home.token(&emulator, &[]).succeeded().stdout, first, "{vendor}");
        }
        assert_eq!(emulator.token_requests(), 1, "{vendor}");
        assert!(home.directory().is_dir(), "{vendor}");
    }
}

#[test]
fn runs_that_call_an_api_share_their_token_with_those_that_print_it() {
    let (emulator, home) = (emulator(EmulatedVendor::Apaleo), Home::new());
    let call = emulator.api_call();
    let host = call.url.authority().to_owned();
    for _ in 0..5 {
        let args = [call.method.as_str(), call.url.as_str(), "--host", &host];
        Run::of(home.run(&mut at(&emulator, "request", &args))).succeeded();
    }
    home.token(&emulator, &[]).succeeded();
    assert_eq!(emulator.token_requests(), 1);
}

#[test]
fn a_hundred_runs_at_once_request_one_token() {
    let (emulator, home) = (emulator(EmulatedVendor::Cognito), Home::new());
    let tokens: Vec<_> = thread::scope(|scope| {
        let runs: Vec<_> = (0..100).map(|_| scope.spawn(|| home.token(&emulator, &[]).succeeded().stdout)).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!(emulator.token_requests(), 1);
}

#[test]
fn a_wrong_secret_is_sent_once_by_runs_at_the_same_time_and_each_says_when_it_is_sent_again() {
    let emulator = Emulator::new(EmulatedVendor::Ptv).with_client("client", "canary-secret").start().unwrap();
    let home = Home::new();
    home.run(&mut wrong(&emulator)).output().unwrap();
    // Nothing that is sent while the pause lasts reaches the server, so time makes no difference.
    let before = emulator.token_requests();
    let runs: Vec<_> = thread::scope(|scope| {
        let run = || scope.spawn(|| Run::of(home.run(&mut wrong(&emulator))));
        let runs: Vec<_> = (0..12).map(|_| run()).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    for run in runs {
        run.failed(3).says("refused the client credentials");
    }
    // A slow machine may need longer than the first pauses: one second, then two.
    assert!(emulator.token_requests() - before <= 3, "{}", emulator.token_requests());
    Run::of(home.run(&mut wrong(&emulator))).failed(3).says("again in ");
}

fn wrong(emulator: &RunningEmulator) -> Command {
    let mut command = token(emulator, &[]);
    command.env("PTV_CLIENT_SECRET", "canary-of-last-year");
    command
}

#[test]
fn a_fresh_token_replaces_the_one_in_the_store() {
    let (emulator, home) = (emulator(EmulatedVendor::Apaleo), Home::new());
    let first = home.token(&emulator, &["--fresh"]).succeeded().stdout;
    assert_eq!(emulator.token_requests(), 1, "the first token is fresh");
    let second = home.token(&emulator, &["--fresh"]).succeeded().stdout;
    assert_ne!(first, second);
    assert_eq!(home.token(&emulator, &[]).succeeded().stdout, second);
    assert_eq!(emulator.token_requests(), 2);
    for requests in 3..6 {
        home.token(&emulator, &["--fresh"]).succeeded();
        assert_eq!(emulator.token_requests(), requests, "however often");
    }
}

#[test]
fn a_revoked_token_is_not_handed_out_again_whatever_it_was_requested_for() {
    let tokens = ["one", "two"].map(|token| json(&format!(r#"{{"access_token":"{token}","expires_in":3600}}"#)));
    let [one, two] = tokens;
    let server = Server::new();
    let url = server.url();
    let server = server.answering([one, json(""), two]);
    let home = Home::new();
    let run = |args: &[&str]| {
        let mut command = cgrant(args);
        command.env("OAUTH2_CLIENT_ID", "client").env("OAUTH2_CLIENT_SECRET", "canary-secret");
        Run::of(home.run(&mut command)).succeeded().stdout
    };
    let token = ["token", "oauth2", "--token-url", &url, "--scope", "read"];
    assert_eq!(run(&token), "one\n");
    let file = home.0.path().join("token");
    fs::write(&file, "one").unwrap();
    let (revocation, file) = (format!("{url}/revoke"), file.to_string_lossy().into_owned());
    let revoke = ["--token-url", &url, "--revocation-url", &revocation, "--access-token-file", &file];
    run(&[&["revoke", "oauth2"], &revoke[..]].concat());
    assert_eq!(run(&token), "two\n");
    assert_eq!(run(&token), "two\n");
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn the_store_is_off_by_the_flag_too() {
    let (emulator, home) = (emulator(EmulatedVendor::Apaleo), Home::new());
    home.token(&emulator, &["--store", "off"]).succeeded();
    assert_eq!(fs::read_dir(home.0.path()).unwrap().count(), 0);
}

#[test]
fn without_a_store_each_run_requests_its_token_and_leaves_nothing() {
    let (emulator, home) = (emulator(EmulatedVendor::Apaleo), Home::new());
    home.token(&emulator, &["--no-store"]).succeeded();
    Run::of(home.run(&mut token(&emulator, &[])).env("CGRANT_STORE", "off")).succeeded();
    assert_eq!(emulator.token_requests(), 2);
    assert_eq!(fs::read_dir(home.0.path()).unwrap().count(), 0);
}

#[test]
fn a_token_that_is_about_to_expire_is_not_handed_out() {
    let home = Home::new();
    let emulator = Emulator::new(EmulatedVendor::Apaleo).with_client("client", "canary-secret");
    let emulator = emulator.with_lifetime(Duration::from_secs(100)).start().unwrap();
    let first = home.token(&emulator, &[]).succeeded().stdout;
    assert_eq!(home.token(&emulator, &["--minimum-life", "50s"]).succeeded().stdout, first);
    home.token(&emulator, &["--minimum-life", "101s"])
        .failed(2)
        .says("set a shorter minimum lifetime (--minimum-life)");
    home.token(&emulator, &["--minimum-life", "soon"]).failed(2).says("--minimum-life is not a duration");
}

#[test]
fn what_is_odd_about_the_directory_is_said_under_v_and_fails_no_run() {
    let emulator = emulator(EmulatedVendor::Apaleo);
    let home = Home::new();
    fs::write(home.0.path().join(".cache"), "").unwrap();
    home.token(&emulator, &[]).succeeded().says("the token store failed; going on without it");
    let quiet = &mut token(&emulator, &[]);
    let quiet = home.run(quiet);
    let args: Vec<_> = quiet.get_args().filter(|arg| *arg != "-vv").map(ToOwned::to_owned).collect();
    let mut silent = Command::new(quiet.get_program());
    silent.args(args).env_clear().envs(quiet.get_envs().filter_map(|(name, value)| Some((name, value?))));
    assert_eq!(Run::of(&mut silent).succeeded().stderr, "");
}

#[test]
fn records_are_listed_without_a_secret_and_removed() {
    let (emulator, home) = (emulator(EmulatedVendor::Apaleo), Home::new());
    home.store(&["list"]).succeeded().says("holds no records");
    assert_eq!(home.store(&["clear"]).succeeded().stdout, "removed 0 records\n");
    let token = home.token(&emulator, &[]).succeeded().stdout;
    let listed = home.store(&["list"]).succeeded().stdout;
    assert!(listed.contains("a token") && listed.contains("59m") || listed.contains("1h"), "{listed}");
    let json = home.store(&["list", "--output", "json"]).succeeded();
    let records = json.json()["records"].as_array().unwrap().clone();
    assert_eq!((records.len(), &records[0]["kind"]), (1, &"a token".into()));
    for shown in [&listed, &json.stdout] {
        assert!(!shown.contains("canary") && !shown.contains(token.trim()), "{shown}");
    }
    let name = records[0]["name"].as_str().unwrap();
    for name in [name, "token-"] {
        let shown = home.store(&["show", name]).succeeded().stdout;
        assert!(shown.contains("0s ago") && shown.contains("the client's own secret"), "{shown}");
        assert!(!shown.contains("canary") && !shown.contains(token.trim()), "{shown}");
        assert_eq!(home.store(&["show", name, "--output", "json"]).succeeded().json(), records[0]);
    }
    home.store(&["show", "host-"]).failed(2).says("no record has a name that begins like this");
    let path = home.store(&["path"]).succeeded().stdout;
    assert!(Path::new(path.trim_end()).is_dir());
    assert_eq!(home.store(&["clear"]).succeeded().stdout, "removed 1 record\n");
    home.token(&emulator, &[]).succeeded();
    assert_eq!(emulator.token_requests(), 2);
}

#[test]
fn neither_the_secret_nor_the_token_is_in_a_file() {
    let (emulator, home) = (emulator(EmulatedVendor::Apaleo), Home::new());
    let token = home.token(&emulator, &[]).succeeded().stdout;
    for entry in fs::read_dir(home.directory()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        for secret in ["canary", token.trim()] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
}

#[test]
fn keys_and_keyrings_are_made_and_wrong_ones_refused() {
    let home = Home::new();
    let keyring = home.store(&["key", "--keyring"]).succeeded().stdout;
    let lines: Vec<_> = keyring.lines().map(|line| line.split_once(' ').unwrap()).collect();
    assert_eq!(lines.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), ["name", "seal"]);
    let line = home.store(&["key"]).succeeded().stdout;
    assert!(line.starts_with("seal ") && line.lines().count() == 1, "{line}");

    let emulator = emulator(EmulatedVendor::Apaleo);
    let with = |keyring: &str| Run::of(home.run(&mut token(&emulator, &[])).env("CGRANT_STORE_KEYS", keyring));
    with(&keyring).succeeded();
    with(&format!("{line}{keyring}")).succeeded();
    assert_eq!(emulator.token_requests(), 1, "the old key still opens");
    let mut show = cgrant(&["store", "show", "token-"]);
    let shown = home.run(&mut show).env("CGRANT_STORE_KEYS", format!("{line}{keyring}"));
    assert!(Run::of(shown).succeeded().stdout.contains("`seal` key 2 of the keyring"));
    home.token(&emulator, &[]).succeeded();
    assert_eq!(emulator.token_requests(), 2, "without the keyring, nothing is found");
    for (wrong, says) in [
        ("name AAAA\n", "line 1 of the keyring has no key of 32 bytes in base64"),
        (keyring.lines().next().unwrap(), "the keyring has no `seal` key"),
        (&line, "the keyring has no `name` key"),
        (&format!("{keyring}{line}{line}"), "line 4 of the keyring repeats a key"),
        ("secret\n", "line 1 of the keyring is not `name KEY` or `seal KEY`"),
    ] {
        with(wrong).failed(2).says(says).says("CGRANT_STORE_KEYS");
    }
}

#[test]
fn a_token_bound_to_a_key_of_one_run_is_not_stored() {
    let server = Server::new();
    let url = server.url();
    let bound = || json(r#"{"access_token":"t","token_type":"DPoP","expires_in":3600}"#);
    let server = server.answering([bound(), bound()]);
    let home = Home::new();
    for _ in 0..2 {
        let mut command = cgrant(&["token", "oauth2", "--dpop", "--token-url", &url]);
        command.env("OAUTH2_CLIENT_ID", "client").env("OAUTH2_CLIENT_SECRET", "canary-secret");
        Run::of(home.run(&mut command)).succeeded();
    }
    assert_eq!(server.requests().len(), 2);
    assert!(!home.directory().exists());
}

#[test]
fn a_fresh_token_is_requested_once_where_there_is_none() {
    let (emulator, home) = (emulator(EmulatedVendor::Apaleo), Home::new());
    for runs in 1..=20 {
        home.token(&emulator, &["--fresh"]).succeeded();
        assert_eq!(emulator.token_requests(), runs);
        home.store(&["clear"]).succeeded();
    }
}

#[test]
fn runs_of_a_client_that_signs_with_a_key_share_its_token() {
    let server = Server::new();
    let url = server.url();
    let server = server.answering([json(r#"{"access_token":"t","token_type":"Bearer","expires_in":3600}"#)]);
    let home = Home::new();
    let key = home.0.path().join("key.pem");
    fs::write(&key, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    for _ in 0..3 {
        let mut command = cgrant(&["token", "oauth2", "--auth", "private_key_jwt", "--token-url", &url, "--key-file"]);
        command.arg(&key).env("OAUTH2_CLIENT_ID", "client");
        assert_eq!(Run::of(home.run(&mut command)).succeeded().stdout, "t\n");
    }
    assert_eq!(server.requests().len(), 1);
}

/// An API that closes the connection at the first bytes of an upload.
fn api_that_breaks_off() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        while let Ok((mut socket, _)) = listener.accept() {
            // What lies there unread resets the connection.
            let _ = socket.read(&mut [0; 64]);
        }
    });
    address
}

#[test]
fn an_upload_that_breaks_off_leaves_a_new_token_for_the_next_run() {
    let (emulator, home, host) = (emulator(EmulatedVendor::Apaleo), Home::new(), api_that_breaks_off());
    let file = home.0.path().join("upload");
    fs::write(&file, vec![b'7'; 8 * 1024 * 1024]).unwrap();
    let args = ["POST", &format!("http://{host}/"), "--host", &host, "--data-file", file.to_str().unwrap()];
    let upload = || Run::of(home.run(&mut at(&emulator, "request", &args))).ended(5);
    let run = upload();
    assert!(!run.stderr.contains("a new one was fetched"), "its token was new: {run:?}");
    assert_eq!(emulator.token_requests(), 1);
    let first = home.token(&emulator, &[]).succeeded().stdout;
    upload().says("the API may have rejected the token while the body was on its way, so a new one was fetched");
    assert_eq!(emulator.token_requests(), 2);
    assert_ne!(home.token(&emulator, &[]).succeeded().stdout, first);
    let run = Run::of(home.run(&mut at(&emulator, "request", &args[..4]))).ended(5);
    assert!(!run.stderr.contains("a new one was fetched"), "there was no body: {run:?}");
    assert_eq!(emulator.token_requests(), 2);
}
