//! A server of Redis or Valkey, which ends with the program, or earlier.

use std::env;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, cmd};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

/// How long the server may take to answer the program's own questions.
const MOST: Duration = Duration::from_mins(1);

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Kind {
    Redis,
    Valkey,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    program: PathBuf,
    port: u16,
    child: Child,
}

impl Kind {
    /// Returns where the server's program is.
    pub(crate) fn program(self) -> Result<PathBuf> {
        let (variable, program) = match self {
            Self::Redis => ("CGRANT_TEST_REDIS", "redis-server"),
            Self::Valkey => ("CGRANT_TEST_VALKEY", "valkey-server"),
        };
        if let Some(path) = env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from) {
            return if path.is_file() { Ok(path) } else { bail!("{variable} names no file; correct or remove it") };
        }
        let folders = env::var_os("PATH").unwrap_or_default();
        let found = env::split_paths(&folders).map(|folder| folder.join(program)).find(|program| program.is_file());
        found.with_context(|| {
            format!("there is no {program}: install it, set {variable} to its path, or choose another `--server`")
        })
    }
}

/// Returns a port that nobody listens on.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Server {
    /// Starts a server on a free port.
    pub(crate) async fn start(program: &Path) -> Result<Self> {
        // Somebody else may get the port meanwhile.
        for _ in 0..10 {
            let port = free_port()?;
            let mut server = Self { program: program.to_owned(), port, child: spawn(program, port)? };
            if server.is_ready().await? {
                return Ok(server);
            }
        }
        bail!("{} does not start; run it by hand to see why", program.display())
    }

    async fn is_ready(&mut self) -> Result<bool> {
        for _ in 0..1000 {
            if self.child.try_wait()?.is_some() {
                return Ok(false);
            }
            if self.ask::<String>("PING").await.is_ok() {
                return Ok(true);
            }
            sleep(Duration::from_millis(10)).await;
        }
        bail!("{} does not answer", self.program.display())
    }

    /// Returns the URL of the server.
    pub(crate) fn url(&self) -> String {
        url(self.port)
    }

    /// Returns the name and the version of the server.
    pub(crate) async fn version(&self) -> Result<String> {
        let information: String = self.ask("INFO server").await?;
        let version = |name: &str| field(&information, name).map(str::to_owned);
        let valkey = version("valkey_version").map(|version| format!("Valkey {version}"));
        valkey.or_else(|| Some(format!("Redis {}", version("redis_version")?))).context("the server has no version")
    }

    /// Returns how many scripts the server has run: the calls of all stores.
    pub(crate) async fn store_calls(&self) -> Result<u64> {
        let information: String = self.ask("INFO commandstats").await?;
        let calls = |name: &str| {
            let field = field(&information, name)?;
            field.strip_prefix("calls=")?.split(',').next()?.parse::<u64>().ok()
        };
        // The first call of a script is refused, and made again with its code.
        Ok(calls("cmdstat_evalsha").unwrap_or_default())
    }

    /// Returns the time for which the server's threads were running.
    pub(crate) async fn processor_time(&self) -> Result<Duration> {
        let information: String = self.ask("INFO cpu").await?;
        let seconds = |name: &str| field(&information, name).and_then(|field| field.parse::<f64>().ok());
        let (user, system) = (seconds("used_cpu_user"), seconds("used_cpu_sys"));
        let (user, system) = user.zip(system).context("the server does not tell its processor time")?;
        Ok(Duration::try_from_secs_f64(user + system)?)
    }

    /// Returns the memory of the largest record in bytes.
    pub(crate) async fn largest_record(&self) -> Result<u64> {
        let mut largest = 0;
        for key in self.ask::<Vec<String>>("KEYS cg1:*:r").await? {
            largest = largest.max(self.ask(&format!("MEMORY USAGE {key}")).await?);
        }
        Ok(largest)
    }

    /// Removes everything that is stored.
    pub(crate) async fn empty(&self) -> Result<()> {
        self.ask::<String>("FLUSHALL").await?;
        Ok(())
    }

    /// Stops the process, which keeps its connections.
    pub(crate) fn freeze(&self) -> Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), Signal::STOP)?)
    }

    /// Has a frozen process go on.
    pub(crate) fn thaw(&self) -> Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), Signal::CONT)?)
    }

    /// Kills the process.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts a server that was killed, without what it had.
    pub(crate) async fn start_again(&mut self) -> Result<()> {
        self.child = spawn(&self.program, self.port)?;
        if self.is_ready().await? { Ok(()) } else { bail!("{} does not start again", self.program.display()) }
    }

    /// Runs a command, whose words are separated by spaces.
    async fn ask<T: FromRedisValue>(&self, line: &str) -> Result<T> {
        let mut words = line.split(' ');
        let mut command = cmd(words.next().unwrap_or_default());
        command.arg(words.collect::<Vec<_>>());
        Ok(command.query_async(&mut self.connection().await?).await?)
    }

    async fn connection(&self) -> Result<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(MOST));
        Ok(Client::open(self.url())?.get_multiplexed_async_connection_with_config(&config).await?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.kill();
    }
}

/// Returns the URL of the server on this port.
pub(crate) fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}")
}

fn spawn(program: &Path, port: u16) -> Result<Child> {
    let mut command = Command::new(program);
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]).current_dir(env::temp_dir());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().with_context(|| format!("{} cannot be started", program.display()))
}

/// Returns the field of this name.
fn field<'a>(information: &'a str, name: &str) -> Option<&'a str> {
    information.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let information = "# Commandstats\r\ncmdstat_eval:calls=1,usec=2\r\ncmdstat_evalsha:calls=30,usec=4\r\n";
        assert_eq!(field(information, "cmdstat_evalsha"), Some("calls=30,usec=4"));
        assert_eq!(field(information, "cmdstat_eval"), Some("calls=1,usec=2"));
        assert_eq!(field(information, "cmdstat_ev"), None);
    }
}
