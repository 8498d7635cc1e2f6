//! Minimal token endpoints on loopback, so that the server has little influence on the figures.

use std::io;
use std::net::TcpListener as StdListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use http::HeaderValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use url::Url;

use crate::request;

/// The length of a token, about that of a JWT with a few claims and an RSA signature.
const TOKEN_LENGTH: usize = 1024;

/// Runs the servers on a separate thread, so that they do not wait for the code that is measured.
pub(crate) struct Loopback(Runtime);

/// How a server responds to a request.
#[derive(Clone, Copy)]
pub(crate) struct Behaviour {
    pub(crate) answer: Answer,
    /// The time until the response.
    pub(crate) delay: Duration,
}

#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// A token with this lifetime in seconds.
    Token(u64),
    /// Status 503.
    Unavailable,
    /// Status 401 and `invalid_client`.
    Refusal,
}

/// A token endpoint. It stops when it is dropped.
pub(crate) struct TokenServer {
    pub(crate) url: Url,
    log: Arc<Log>,
    task: JoinHandle<()>,
}

/// For each request, the time at which it arrived, replaced by the time of the response once that is sent.
#[derive(Default)]
struct Log(Mutex<Vec<Instant>>);

impl Loopback {
    pub(crate) fn start() -> Result<Self> {
        Ok(Self(Builder::new_multi_thread().worker_threads(1).enable_all().build()?))
    }

    /// Starts a server.
    pub(crate) fn serve(&self, behaviour: Behaviour) -> Result<TokenServer> {
        let listener = StdListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let url = Url::parse(&format!("http://{}/token", listener.local_addr()?))?;
        let _inside = self.0.enter();
        let listener = TcpListener::from_std(listener)?;
        let log = Arc::new(Log::default());
        let task = self.0.spawn(accept(listener, behaviour, Arc::clone(&log)));
        Ok(TokenServer { url, log, task })
    }
}

impl TokenServer {
    /// Returns the number of requests that have arrived.
    pub(crate) fn requests(&self) -> usize {
        self.log.times().len()
    }

    /// Returns the time at which the token in this header was issued.
    pub(crate) fn issued_at(&self, header: &HeaderValue) -> Result<Instant> {
        let number = header.to_str()?.strip_prefix("Bearer ").and_then(|token| token.split('.').next());
        let number: usize = number.context("the token is not from this server")?.parse()?;
        self.log.times().get(number).copied().context("the token was never issued")
    }
}

impl Drop for TokenServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Log {
    /// Records a request and returns its number.
    fn number(&self) -> usize {
        let mut times = self.times();
        times.push(Instant::now());
        times.len() - 1
    }

    /// Records the response to a request.
    fn answered(&self, number: usize) {
        if let Some(time) = self.times().get_mut(number) {
            *time = Instant::now();
        }
    }

    fn times(&self) -> MutexGuard<'_, Vec<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns a token that contains the number of its request.
pub(crate) fn token(number: usize) -> String {
    format!("{:x<TOKEN_LENGTH$}", format!("{number}."))
}

async fn accept(listener: TcpListener, behaviour: Behaviour, log: Arc<Log>) {
    while let Ok((stream, _)) = listener.accept().await {
        // Ignore the error of a client that closes the connection.
        tokio::spawn(converse(stream, behaviour, Arc::clone(&log)));
    }
}

async fn converse(mut stream: TcpStream, behaviour: Behaviour, log: Arc<Log>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut received = Vec::with_capacity(4096);
    loop {
        let end = loop {
            if let Some((end, _)) = request::first(&received)? {
                break end;
            }
            if stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
        };
        received.drain(..end);
        let number = log.number();
        if !behaviour.delay.is_zero() {
            tokio::time::sleep(behaviour.delay).await;
        }
        log.answered(number);
        stream.write_all(behaviour.answer.to_message(number).as_bytes()).await?;
    }
}

impl Answer {
    fn to_message(self, number: usize) -> String {
        let (status, body) = match self {
            Self::Token(seconds) => {
                let token = token(number);
                ("200 OK", format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":{seconds}}}"#))
            }
            Self::Unavailable => ("503 Service Unavailable", error("temporarily_unavailable")),
            Self::Refusal => ("401 Unauthorized", error("invalid_client")),
        };
        let length = body.len();
        format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
    }
}

fn error(code: &str) -> String {
    format!(r#"{{"error":"{code}","error_description":"as the benchmark requires"}}"#)
}
