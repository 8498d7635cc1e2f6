//! Runs of the command, in an environment that holds nothing but what the test says.
#![allow(dead_code, reason = "each test file uses a part of this")]
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking, outside of its own function too")]

pub(crate) mod certified;
pub(crate) mod server;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use credentials_grant_emulator::{EmulatedVendor, Emulator, RunningEmulator};
use serde_json::Value;

/// Part of every secret, so that it is found wherever it turns up.
pub(crate) const CANARY: &str = "canary";

pub(crate) fn cgrant(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cgrant"));
    // Otherwise runs would leave their tokens for each other, and in the home of whoever runs the tests.
    command.env_clear().env("CGRANT_STORE", "off").args(args).stdin(Stdio::null());
    command
}

/// An emulator whose client has a secret that is easily found again.
pub(crate) fn emulator(vendor: EmulatedVendor) -> RunningEmulator {
    Emulator::new(vendor).with_client("client", "canary-secret").start().unwrap()
}

/// `cgrant token` for this emulator, told by the environment, and loud.
pub(crate) fn token(emulator: &RunningEmulator, args: &[&str]) -> Command {
    at(emulator, "token", args)
}

/// A command for this emulator, told by the environment, and loud.
pub(crate) fn at(emulator: &RunningEmulator, command: &str, args: &[&str]) -> Command {
    let name = emulator.vendor().name();
    let mut command = cgrant(&[command, name, "-vv"]);
    let variable = |setting| format!("{}_{setting}", name.to_uppercase());
    command.args(args).env(variable("TOKEN_URL"), emulator.token_url().as_str());
    command.env(variable("CLIENT_ID"), emulator.client_id()).env(variable("CLIENT_SECRET"), emulator.client_secret());
    if let Some(key) = emulator.gateway_key() {
        command.env(variable("API_KEY"), key);
    }
    command
}

/// `cgrant request` for the emulated API, with what it wants to see.
pub(crate) fn api_call(emulator: &RunningEmulator) -> Command {
    let call = emulator.api_call();
    let mut command = at(emulator, "request", &[call.method.as_str(), call.url.as_str()]);
    command.args(["--host", call.url.authority()]);
    // The gateway's key comes with the token.
    for (name, value) in call.headers.iter().filter(|(_, value)| !value.is_sensitive()) {
        command.args(["--header", &format!("{name}: {}", value.to_str().unwrap())]);
    }
    if let Some(body) = &call.body {
        command.args(["--data", &body.to_string()]);
    }
    command
}

/// What a run said, and how it ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn of(command: &mut Command) -> Self {
        command.output().unwrap().into()
    }

    /// With this on its standard input.
    pub(crate) fn of_fed(command: &mut Command, input: &[u8]) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A run that refuses its input before reading it is none the worse.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap().into()
    }

    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// Failed in this way, with an error and its remedy, without an answer and without a secret.
    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> Self {
        assert_eq!(self.stdout, "", "{self:?}");
        self.ended(code)
    }

    /// Ended with an error, though it may have printed an answer.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.stderr.contains("error: ") && !self.stderr.contains("panicked"), "{self:?}");
        assert!(!self.stderr.contains(CANARY), "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "{words:?} is not in {self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// A run that goes on until it is told to stop, or the test ends.
pub(crate) struct Running {
    pub(crate) child: Child,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Running {
    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().map(BufReader::new);
        Self { child, stdout }
    }

    /// The next line; `None` if it ended without one.
    pub(crate) fn prints_a_line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.stdout.as_mut().unwrap().read_line(&mut line).unwrap();
        (!line.is_empty()).then_some(line)
    }

    /// The lines before this one.
    pub(crate) fn prints_until(&mut self, last: &str) -> String {
        let mut lines = String::new();
        loop {
            match self.prints_a_line().unwrap() {
                line if line.trim_end() == last => return lines,
                line => lines += &line,
            }
        }
    }

    /// Reads no more of what it prints.
    pub(crate) fn is_not_read(&mut self) {
        self.stdout = None;
    }

    /// Ends it with a signal, and returns its exit code.
    pub(crate) fn ends_with(&mut self, signal: &str) -> Option<i32> {
        let kill = format!("kill -{signal} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
