//! A directory for tokens that cannot be used, or whose user is killed: every run gets its token all the same.

#![cfg(test)]
#![cfg(target_os = "linux")]

mod common;

use std::fs::{self, Permissions};
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::server::{Server, json};
use common::{Run, cgrant, emulator, token};
use credentials_grant_emulator::EmulatedVendor;
use tempfile::tempdir;

/// The user `nobody`.
const NOBODY: u32 = 65534;

/// What `-v` says if the store cannot be used.
const WITHOUT: &str = "the token store failed; going on without it";

/// Runs the command in this directory as a store, and returns what it said.
fn token_with(store: &Path, prepare: impl FnOnce(&mut Command)) -> Run {
    let emulator = emulator(EmulatedVendor::Apaleo);
    let mut command = token(&emulator, &["--store", store.to_str().unwrap()]);
    prepare(&mut command);
    let run = Run::of(&mut command).succeeded();
    assert_eq!((emulator.token_requests(), run.stdout.is_empty()), (1, false));
    run
}

/// Returns `true` if this process may do what it likes with any file, so that a test needs another user.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0)
}

#[test]
fn a_home_that_is_read_only_costs_no_run_its_token() {
    let home = tempdir().unwrap();
    fs::set_permissions(home.path(), Permissions::from_mode(0o555)).unwrap();
    let run = token_with(&home.path().join("cgrant"), |command| {
        if is_root() {
            // Nobody may not write there. The program itself may be where nobody finds it, so it is copied.
            let program = home.path().join("program");
            fs::copy(env!("CARGO_BIN_EXE_cgrant"), &program).unwrap();
            let mut copied = Command::new(program);
            copied.args(command.get_args()).env_clear().stdin(Stdio::null());
            copied.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).uid(NOBODY);
            *command = copied;
        }
    });
    assert!(run.stderr.contains(WITHOUT) && run.stderr.contains("denied"), "{run:?}");
    fs::set_permissions(home.path(), Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_directory_of_another_user_is_not_used() {
    let home = tempdir().unwrap();
    let directory = if is_root() {
        chown(home.path(), Some(NOBODY), None).unwrap();
        home.path()
    } else {
        Path::new("/etc")
    };
    token_with(directory, |_| ()).says(WITHOUT).says("it belongs to another user");
}

#[test]
fn a_disk_that_takes_nothing_more_costs_no_run_its_token() {
    let home = tempdir().unwrap();
    let store = home.path().join("cgrant");
    let run = token_with(&store, |command| {
        // Files may have no bytes: writing fails, as on a full disk.
        let mut limited = Command::new("sh");
        limited.args(["-c", r#"trap "" XFSZ; ulimit -f 0; exec "$0" "$@""#]).arg(command.get_program());
        limited.args(command.get_args()).env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        *command = limited;
    });
    assert!(run.stderr.contains(WITHOUT), "{run:?}");
    let left = fs::read_dir(&store).unwrap().map(|entry| entry.unwrap().path());
    let is_of_record = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "new" || kind == "record");
    let left: Vec<_> = left.filter(is_of_record).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_file_system_without_locks_costs_no_run_its_token() {
    let home = tempdir().unwrap();
    // As some network file systems answer.
    let source = home.path().join("locks.c");
    let library = home.path().join("locks.so");
    fs::write(&source, "#include <errno.h>\nint flock(int f, int o) { errno = ENOLCK; return -1; }\n").unwrap();
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).status().unwrap();
    assert!(compiled.success());
    let store = home.path().join("cgrant");
    let run = token_with(&store, |command| {
        command.env("LD_PRELOAD", &library);
    });
    assert!(run.stderr.contains(WITHOUT) && run.stderr.contains("No locks available"), "{run:?}");
}

#[test]
fn a_run_that_is_killed_while_it_requests_a_token_holds_up_no_other() {
    let (home, silent) = (tempdir().unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let server = Server::new();
    let url = server.url();
    let run = |url: &str| {
        // The vendor bills tokens, so the right to request one lasts for the whole timeout.
        let mut command = cgrant(&["token", "cognito", "--timeout", "10m", "--token-url", url, "--store"]);
        command.arg(home.path().join("cgrant"));
        command.env("COGNITO_CLIENT_ID", "client").env("COGNITO_CLIENT_SECRET", "canary-secret");
        command
    };
    let mut killed = run(&format!("http://{}", silent.local_addr().unwrap())).spawn().unwrap();
    let (mut socket, _) = silent.accept().unwrap();
    assert!(socket.read(&mut [0; 1024]).unwrap() > 0);
    killed.kill().unwrap();
    killed.wait().unwrap();
    let server = server.answering([json(r#"{"access_token":"t","token_type":"Bearer","expires_in":3600}"#)]);
    Run::of(&mut run(&url)).succeeded();
    Run::of(&mut run(&url)).succeeded();
    assert_eq!(server.requests().len(), 1);
}
