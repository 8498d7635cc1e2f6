//! Servers that tests start: Redis and Valkey.

use std::env;
use std::io::{Write as _, stderr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A kind of server, which a test starts as a program.
///
/// Redis is `CGRANT_TEST_REDIS`, or else `redis-server` on the path; Valkey is `CGRANT_TEST_VALKEY`, or else
/// `valkey-server`. A test whose server is missing says so and succeeds, except where `CI` is `true`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a test may run at each kind")]
pub enum RedisKind {
    /// Redis.
    Redis,
    /// Valkey.
    Valkey,
}

impl RedisKind {
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Redis => ("CGRANT_TEST_REDIS", "redis-server"),
            Self::Valkey => ("CGRANT_TEST_VALKEY", "valkey-server"),
        }
    }

    fn program(self) -> Option<PathBuf> {
        let (variable, program) = self.names();
        env::var_os(variable).filter(|program| !program.is_empty()).map(PathBuf::from).or_else(|| {
            let path = env::var_os("PATH")?;
            env::split_paths(&path).map(|folder| folder.join(program)).find(|program| program.is_file())
        })
    }

    /// Returns `false`, and says so, if there is no such server.
    pub fn is_there(self) -> bool {
        if self.program().is_some() {
            return true;
        }
        let (variable, program) = self.names();
        let skipped = format!("the store was NOT tested at {self:?}: no {variable}, and no {program} on the path");
        assert!(env::var_os("CI").is_none_or(|ci| ci != "true"), "{skipped}");
        // Not by the macro, whose output a test that succeeds does not show.
        stderr().write_all(format!("\n!!! SKIPPED: {skipped}\n").as_bytes()).unwrap();
        false
    }

    /// Starts a server that keeps nothing on disk, with its log in this directory, and these arguments.
    pub fn spawn(self, directory: &Path, port: u16, arguments: &[String]) -> Child {
        let mut command = Command::new(self.program().unwrap());
        // A Sentinel's configuration is a file, and comes first.
        let is_file = |argument: &&String| Path::new(argument).is_absolute();
        let files = arguments.iter().take(1).filter(is_file).count();
        let (files, arguments) = arguments.split_at(files);
        command.args(files).args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
        command.args(["--logfile", "log", "--dir"]).arg(directory).args(arguments);
        command.current_dir(directory).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }
}
