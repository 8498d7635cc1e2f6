//! Servers, each started by its test on a free port, with a directory of its own, and stopped with it.

use std::net::TcpListener;
use std::process::Child;
use std::time::Duration;

pub(crate) use credentials_grant_test_kit::RedisKind as Kind;
use credentials_grant_test_kit::pass;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, cmd};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::runtime::Builder;
use tokio::time::timeout;

/// How long a test may take: much longer than it does.
const MOST: Duration = Duration::from_secs(120);

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) directory: TempDir,
    pub(crate) port: u16,
    arguments: Vec<String>,
    child: Child,
}

/// Makes a test at each kind of server from an async function that takes the kind.
macro_rules! on_each_server {
    ($($test:ident),+ $(,)?) => {
        mod redis_server {
            $(
                #[test]
                fn $test() {
                    crate::server::run(crate::server::Kind::Redis, super::$test);
                }
            )+
        }

        mod valkey_server {
            $(
                #[test]
                fn $test() {
                    crate::server::run(crate::server::Kind::Valkey, super::$test);
                }
            )+
        }
    };
}
pub(crate) use on_each_server;

/// Runs a test on one thread: a call that blocks it would block the test too.
pub(crate) fn run(kind: Kind, test: impl AsyncFnOnce(Kind)) {
    if !kind.is_there() {
        return;
    }
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { timeout(MOST, test(kind)).await.expect("the test came to an end") });
}

/// Returns a port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Server {
    pub(crate) async fn start(kind: Kind) -> Self {
        Self::start_with(kind, &[]).await
    }

    pub(crate) async fn start_with(kind: Kind, arguments: &[&str]) -> Self {
        let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        loop {
            let (directory, port) = (tempfile::tempdir().unwrap(), free_port());
            let child = kind.spawn(directory.path(), port, &arguments);
            let mut server = Self { kind, directory, port, arguments: arguments.clone(), child };
            // Somebody else may have got the port meanwhile.
            if server.is_ready().await {
                return server;
            }
        }
    }

    async fn is_ready(&mut self) -> bool {
        for _ in 0..3000 {
            if let Some(status) = self.child.try_wait().unwrap() {
                let log = std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
                assert!(log.contains("ddress already in use"), "{status}: {log}");
                return false;
            }
            if let Some(mut connection) = self.try_connect().await
                && cmd("PING").exec_async(&mut connection).await.is_ok()
            {
                return true;
            }
            pass(Duration::from_millis(10)).await;
        }
        panic!("the server does not answer");
    }

    async fn try_connect(&self) -> Option<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(MOST));
        let client = Client::open(self.url()).unwrap();
        client.get_multiplexed_async_connection_with_config(&config).await.ok()
    }

    /// Returns the URL of the server.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Runs a command, whose words are separated by spaces.
    pub(crate) async fn ask<T: FromRedisValue>(&self, line: &str) -> T {
        let mut words = line.split(' ');
        let mut command = cmd(words.next().unwrap());
        command.arg(words.collect::<Vec<_>>());
        let mut connection = self.connection().await;
        command.query_async(&mut connection).await.unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    /// Runs a command that has no answer of interest.
    pub(crate) async fn tell(&self, line: &str) {
        self.ask::<redis::Value>(line).await;
    }

    /// Returns a connection of the test's own.
    pub(crate) async fn connection(&self) -> MultiplexedConnection {
        self.try_connect().await.expect("the server accepts connections")
    }

    /// Returns the names of the keys that begin with `cg1:` and end with this.
    pub(crate) async fn keys(&self, end: &str) -> Vec<String> {
        self.ask(&format!("KEYS cg1:*{end}")).await
    }

    pub(crate) fn process(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Stops the process, which keeps its connections.
    pub(crate) fn freeze(&self) {
        kill_process(self.process(), Signal::STOP).unwrap();
    }

    pub(crate) fn thaw(&self) {
        kill_process(self.process(), Signal::CONT).unwrap();
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts a server that was killed, without what it had.
    pub(crate) async fn start_again(&mut self) {
        self.child = self.kind.spawn(self.directory.path(), self.port, &self.arguments);
        assert!(self.is_ready().await);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
