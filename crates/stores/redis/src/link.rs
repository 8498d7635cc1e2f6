//! One connection that all calls share. It is made when it is needed, and made again when it was lost.

use std::future::Future;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisError, RedisResult, ServerErrorKind, Value, pipe};
use tokio::time::{Instant, timeout};

use crate::scripts::Script;
use crate::target::Address;

/// How long the server may take to answer. A caller without a token gives up earlier.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// If a call is given up sooner, that says nothing about the connection.
const SILENCE: Duration = Duration::from_millis(250);

/// How long it may take to connect, to all servers that were named. If it takes longer, the runtime that does it was
/// left by its program.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(30);

/// A connection, and whom it leads to.
#[derive(Clone, Debug)]
pub(crate) struct Connected {
    pub(crate) address: Address,
    pub(crate) connection: MultiplexedConnection,
}

type Attempt = Shared<BoxFuture<'static, RedisResult<Connected>>>;

/// The connection to one server.
#[derive(Debug, Default)]
pub(crate) struct Link(Mutex<Slot>);

#[derive(Debug, Default)]
struct Slot {
    /// The number of the last connection.
    number: u64,
    attempt: Option<(Attempt, Instant)>,
}

/// A script to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) script: &'a Script,
    pub(crate) keys: &'a [&'a str],
    pub(crate) arguments: &'a [&'a [u8]],
    /// Whether the server is asked for a slot that it is about to get from another one of its cluster.
    pub(crate) is_asking: bool,
}

/// Why a request was not answered.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: RedisError,
    /// Who failed, if there was a connection.
    pub(crate) address: Option<Address>,
    /// Whether the connection is of no use any more.
    pub(crate) is_lost: bool,
    /// Whether the connection was made for this request.
    pub(crate) is_new: bool,
}

impl Link {
    /// Sends a request, and waits for the answer.
    pub(crate) async fn run<F>(&self, connect: impl FnOnce() -> F, request: &Request<'_>) -> Result<Value, Failed>
    where
        F: Future<Output = RedisResult<Connected>> + Send + 'static,
    {
        let (number, attempt, is_new) = self.join(connect);
        let failed = |error, address, is_lost| {
            if is_lost {
                self.discard(number);
            }
            Failed { error, address, is_lost, is_new }
        };
        let Connected { address, connection } = attempt.await.map_err(|error| failed(error, None, true))?;
        let mut watch = Watch { link: self, number, since: Instant::now(), is_answered: false };
        let answer = timeout(RESPONSE_TIMEOUT, request.send(connection)).await;
        watch.is_answered = true;
        let error = match answer {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => error,
            Err(_) => io::Error::new(io::ErrorKind::TimedOut, "the server does not answer").into(),
        };
        let is_lost = !is_of_server(&error) || is_of_replica(&error);
        Err(failed(error, Some(address), is_lost))
    }

    /// Joins the connection, or makes one. The task that makes it goes on if the caller gives up: the next one finds
    /// it.
    fn join<F>(&self, connect: impl FnOnce() -> F) -> (u64, Attempt, bool)
    where
        F: Future<Output = RedisResult<Connected>> + Send + 'static,
    {
        let mut slot = self.slot();
        if let Some((attempt, since)) = &slot.attempt
            && (attempt.peek().is_some() || since.elapsed() < LONGEST_ATTEMPT)
        {
            return (slot.number, attempt.clone(), false);
        }
        let task = tokio::spawn(connect());
        // The task ends with its runtime. A later call may come from another one.
        let attempt = async move { task.await.map_err(|error| io::Error::other(error.to_string()))? };
        let attempt = attempt.boxed().shared();
        slot.number += 1;
        slot.attempt = Some((attempt.clone(), Instant::now()));
        (slot.number, attempt, true)
    }

    /// Has the next call make a new connection. Those who wait on the old one still get their answers.
    fn discard(&self, number: u64) {
        let mut slot = self.slot();
        if slot.number == number {
            slot.attempt = None;
        }
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Request<'_> {
    async fn send(&self, mut connection: MultiplexedConnection) -> RedisResult<Value> {
        match self.send_command(&mut connection, self.script.by_hash(self.keys, self.arguments)).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.send_command(&mut connection, self.script.by_code(self.keys, self.arguments)).await
            }
            answer => answer,
        }
    }

    async fn send_command(&self, connection: &mut MultiplexedConnection, command: redis::Cmd) -> RedisResult<Value> {
        if !self.is_asking {
            return command.query_async(connection).await;
        }
        // `ASKING` is for the next command, so nobody else's may come between them.
        let mut pipeline = pipe();
        pipeline.cmd("ASKING").ignore().add_command(command);
        let (answer,) = pipeline.query_async(connection).await?;
        Ok(answer)
    }
}

/// Notices that a call was given up, since the server was silent for too long: the connection may lead nowhere.
struct Watch<'a> {
    link: &'a Link,
    number: u64,
    since: Instant,
    is_answered: bool,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.is_answered && self.since.elapsed() >= SILENCE {
            self.link.discard(self.number);
        }
    }
}

/// Returns `true` if the server answered with this error, so that the connection is in order.
fn is_of_server(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension)
}

/// Returns `true` if the server is a replica. It may have been the primary when the connection was made, and its name
/// may lead to another server by now. Redis 6 has the code in the text, since the error is that of a script.
fn is_of_replica(error: &RedisError) -> bool {
    let has = |text: Option<&str>| text.is_some_and(|text| text.contains("READONLY") || text.contains("MASTERDOWN"));
    has(error.code()) || has(error.detail())
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::scripts::Scripts;

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_never_ends_is_left_for_another_one() {
        let (link, scripts) = (Link::default(), Scripts::new());
        let request = Request { script: &scripts.read, keys: &["key"], arguments: &[], is_asking: false };
        let refused = || async { Err(io::Error::from(io::ErrorKind::ConnectionRefused).into()) };
        let patience = Duration::from_secs(10);
        assert!(timeout(patience, link.run(pending, &request)).await.is_err());
        assert!(timeout(patience, link.run(refused, &request)).await.is_err(), "it may still come to an end");
        assert!(timeout(patience, link.run(refused, &request)).await.is_err());
        assert!(timeout(patience, link.run(refused, &request)).await.unwrap().unwrap_err().is_new);
    }
}
