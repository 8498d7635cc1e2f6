//! The token endpoint on loopback, which does what the script of faults says.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fastrand::Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep};
use url::Url;

use crate::book::{Book, Request};
use crate::request;
use crate::script::{Fault, Phase};

/// How many connections wait until they are accepted: a burst must not look like a fault.
const BACKLOG: u32 = 4096;

/// The ports to try. They are below those that the system gives to clients, or a client could take the server's own
/// port while it is closed.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

/// The length of a pause that the server asks for.
const PAUSE: Duration = Duration::from_secs(2);

/// The lifetime that the client assumes if the server states none.
const ASSUMED_LIFE: Duration = Duration::from_mins(5);

/// Some tenants: every tenth, or every twentieth.
const REFUSED: u32 = 10;
const ENDLESS: u32 = 20;

/// A token endpoint, and what it needs to answer.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    book: Arc<Book>,
    phase: Receiver<Phase>,
    /// The shortest life of a token in seconds. The longest is twice that.
    life: u32,
    /// After which the client gives up.
    timeout: Duration,
}

/// A connection that a client has opened.
struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    rng: Rng,
    server: Arc<Server>,
}

/// What a connection does after a response.
enum Next {
    Keep,
    Close,
}

impl Server {
    /// Starts a server on the runtime that was entered. Returns the URL of its token endpoint.
    pub(crate) fn start(
        book: Arc<Book>,
        phase: Receiver<Phase>,
        life: u32,
        timeout: Duration,
        mut rng: Rng,
    ) -> Result<Url> {
        let listener = (0..100).find_map(|_| listen(SocketAddr::from(([127, 0, 0, 1], rng.u16(PORTS)))).ok());
        let listener = listener.context("there is no free port between 20000 and 30000 on 127.0.0.1; free one")?;
        let address = listener.local_addr()?;
        let server = Arc::new(Self { address, book, phase, life, timeout });
        tokio::spawn(server.run(listener, rng));
        Ok(Url::parse(&format!("http://{address}/token"))?)
    }

    async fn run(self: Arc<Self>, listener: TcpListener, mut rng: Rng) {
        let mut phase = self.phase.clone();
        let mut listener = Some(listener);
        loop {
            tokio::select! {
                stream = accept(listener.as_ref()) => {
                    let connection =
                        Connection { stream, received: Vec::new(), rng: rng.fork(), server: Arc::clone(&self) };
                    // Ignore the error of a client that closes the connection.
                    tokio::spawn(connection.converse());
                }
                changed = phase.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let refuses = is_refused(&phase.borrow_and_update());
                    listener = if refuses { None } else { listener.or_else(|| listen(self.address).ok()) };
                }
            }
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // Connections of the listener before may still be closing.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Returns the next connection. Waits for ever if the port is closed.
async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else { return pending().await };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // Too many open files, for example: others have to be closed first.
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    }
}

fn is_refused(phase: &Phase) -> bool {
    phase.fault == Some(Fault::Refuse)
}

impl Connection {
    async fn converse(mut self) -> io::Result<()> {
        self.stream.set_nodelay(true)?;
        let mut phase = self.server.phase.clone();
        loop {
            let request = tokio::select! {
                request = self.next_request() => request?,
                _ = phase.wait_for(is_refused) => return Ok(()),
            };
            let Some(request) = request else { return Ok(()) };
            let fault = phase.borrow().fault;
            if matches!(self.answer(request, fault).await?, Next::Close) {
                return Ok(());
            }
        }
    }

    /// Returns the next request, or `None` if the client has closed the connection.
    async fn next_request(&mut self) -> io::Result<Option<Request>> {
        loop {
            if let Some((end, authorization)) = request::first(&self.received)? {
                let tenant = authorization.and_then(tenant_of);
                self.received.drain(..end);
                let request = tenant.and_then(|tenant| self.server.book.arrived(tenant, Instant::now()));
                return request.map(Some).ok_or_else(|| io::Error::other("the request is from no tenant"));
            }
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Ok(None);
            }
        }
    }

    async fn answer(&mut self, request: Request, fault: Option<Fault>) -> io::Result<Next> {
        let server = Arc::clone(&self.server);
        let book = &server.book;
        match fault {
            Some(Fault::Slow) => {
                // Every seventh answer or so comes too late.
                sleep(server.timeout.mul_f64(self.rng.f64() * 1.15)).await;
                self.token(request).await
            }
            Some(Fault::Impatience) => {
                sleep(server.timeout / 5).await;
                self.token(request).await
            }
            Some(Fault::Hang) => {
                // Until the client closes the connection.
                while self.stream.read_buf(&mut self.received).await? > 0 {}
                book.ended(request);
                Ok(Next::Close)
            }
            Some(Fault::Reset) => {
                self.stream.set_zero_linger()?;
                book.ended(request);
                Ok(Next::Close)
            }
            Some(Fault::ServerError) => self.send(request, "500 Internal Server Error", "", "").await,
            Some(Fault::Unavailable) => {
                book.paused_all(PAUSE, Instant::now());
                self.send(request, "503 Service Unavailable", &retry_after(), "").await
            }
            Some(Fault::TooManyRequests) => {
                book.paused(request, PAUSE, Instant::now());
                self.send(request, "429 Too Many Requests", &retry_after(), r#"{"error":"too_many_requests"}"#).await
            }
            Some(Fault::Html) => {
                let page = "<!DOCTYPE html><title>Welcome</title><p>Down for maintenance.";
                self.send(request, "200 OK", "content-type: text/html\r\n", page).await
            }
            Some(Fault::Truncated) => {
                book.ended(request);
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n";
                self.stream.write_all(format!(r#"{head}{{"access_token":"truncat"#).as_bytes()).await?;
                Ok(Next::Close)
            }
            Some(Fault::Endless) if request.tenant.is_multiple_of(ENDLESS) => self.endless(request).await,
            Some(Fault::InvalidClient) if request.tenant.is_multiple_of(REFUSED) => {
                self.send(request, "401 Unauthorized", "", r#"{"error":"invalid_client"}"#).await
            }
            Some(Fault::Forbidden) => self.send(request, "403 Forbidden", "", "").await,
            Some(Fault::NoLifetime) => {
                let token = book.issued(request, ASSUMED_LIFE, Instant::now());
                self.send_token(request, &format!(r#"{{"access_token":"{token}","token_type":"Bearer"}}"#)).await
            }
            None | Some(Fault::Refuse | Fault::Endless | Fault::InvalidClient | Fault::Rejection | Fault::Eviction) => {
                self.token(request).await
            }
        }
    }

    /// Sends a token.
    async fn token(&mut self, request: Request) -> io::Result<Next> {
        let seconds = self.rng.u32(self.server.life..=2 * self.server.life);
        let token = self.server.book.issued(request, Duration::from_secs(seconds.into()), Instant::now());
        let body = format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":{seconds}}}"#);
        self.send_token(request, &body).await
    }

    async fn send_token(&mut self, request: Request, body: &str) -> io::Result<Next> {
        let next = self.send(request, "200 OK", "content-type: application/json\r\n", body).await?;
        self.server.book.sent(request, Instant::now());
        Ok(next)
    }

    async fn send(&mut self, request: Request, status: &str, headers: &str, body: &str) -> io::Result<Next> {
        let length = body.len();
        let message = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}");
        // Before it is sent, or the client could be faster with its next request.
        self.server.book.ended(request);
        self.stream.write_all(message.as_bytes()).await?;
        Ok(Next::Keep)
    }

    /// Sends a body until the client closes the connection.
    async fn endless(&mut self, request: Request) -> io::Result<Next> {
        self.stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n").await?;
        // The client may close the connection at any time from here on.
        self.server.book.ended(request);
        loop {
            self.stream.write_all(&[b' '; 16 * 1024]).await?;
        }
    }
}

fn retry_after() -> String {
    format!("content-type: application/json\r\nretry-after: {}\r\n", PAUSE.as_secs())
}

/// Returns the tenant whose client ID is in this header.
fn tenant_of(authorization: &str) -> Option<u32> {
    let credentials = STANDARD.decode(authorization.strip_prefix("Basic ")?).ok()?;
    str::from_utf8(&credentials).ok()?.split_once(':')?.0.parse().ok()
}
