//! Token endpoints on loopback, as small as can be, so that they weigh little in what is measured.

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

/// The length of a token, about that of a JWT with a few claims and an RSA signature.
const TOKEN_LENGTH: usize = 1024;

/// Where servers run: on one thread of their own, so that they wait for nobody who is measured.
pub(crate) struct Loopback(Runtime);

/// What a server does with a request.
#[derive(Clone, Copy)]
pub(crate) struct Behaviour {
    pub(crate) answer: Answer,
    /// How long it takes.
    pub(crate) delay: Duration,
}

#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// A token that lives so many seconds.
    Token(u64),
    /// Status 503.
    Unavailable,
    /// Status 401 and `invalid_client`.
    Refusal,
}

/// A token endpoint, gone when it is dropped.
pub(crate) struct TokenServer {
    pub(crate) url: Url,
    log: Arc<Log>,
    task: JoinHandle<()>,
}

/// When each request arrived and, once it is answered, when that was.
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
    /// How many requests have arrived.
    pub(crate) fn requests(&self) -> usize {
        self.log.times().len()
    }

    /// When the token in this header was handed out.
    pub(crate) fn issued_at(&self, header: &HeaderValue) -> Result<Instant> {
        let number = header.to_str()?.strip_prefix("Bearer ").and_then(|token| token.split('.').next());
        let number: usize = number.context("no token of this server's")?.parse()?;
        self.log.times().get(number).copied().context("a token that nobody asked for")
    }
}

impl Drop for TokenServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Log {
    /// Takes notice of a request, and gives it a number.
    fn number(&self) -> usize {
        let mut times = self.times();
        times.push(Instant::now());
        times.len() - 1
    }

    /// Takes notice of the answer to a request.
    fn answered(&self, number: usize) {
        if let Some(time) = self.times().get_mut(number) {
            *time = Instant::now();
        }
    }

    fn times(&self) -> MutexGuard<'_, Vec<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A token that says by which request it was asked for.
pub(crate) fn token(number: usize) -> String {
    format!("{:x<TOKEN_LENGTH$}", format!("{number}."))
}

async fn accept(listener: TcpListener, behaviour: Behaviour, log: Arc<Log>) {
    while let Ok((stream, _)) = listener.accept().await {
        // A client that breaks off is no concern of the server's.
        tokio::spawn(converse(stream, behaviour, Arc::clone(&log)));
    }
}

async fn converse(mut stream: TcpStream, behaviour: Behaviour, log: Arc<Log>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut received = Vec::with_capacity(4096);
    loop {
        let end = loop {
            if let Some(end) = end_of_request(&received)? {
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

/// Where the first request ends, once it is there in full.
fn end_of_request(received: &[u8]) -> io::Result<Option<usize>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut headers);
    let Ok(httparse::Status::Complete(head)) = request.parse(received) else { return Ok(None) };
    let length = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    // A call of an API has no body.
    let length = length.map_or(Some(0), |header| str::from_utf8(header.value).ok()?.parse::<usize>().ok());
    let length = length.ok_or_else(|| io::Error::other("a length that is no number"))?;
    Ok((received.len() >= head + length).then_some(head + length))
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
    format!(r#"{{"error":"{code}","error_description":"as the measurement wants it"}}"#)
}
