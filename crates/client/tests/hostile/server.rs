//! A server on loopback that does as the test says, and the caller who asks it for a token.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use credentials_grant::{AccessToken, ClientCredentials, Endpoint, Error, ErrorKind};
use credentials_grant_client::{HttpTransport, TokenSource};
use credentials_grant_test_kit::Acme;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does once it has written its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    /// Hangs up.
    HangUp,
    /// Hangs up so that the connection is reset.
    Reset,
    /// Writes this over and over, until the client has had enough.
    Repeat(&'static [u8]),
    /// Writes this over and over, to a client who has 200 ms.
    RepeatPastTimeout(&'static [u8]),
    /// Writes nothing more, to a client who has 200 ms.
    Stall,
}

/// What comes of it if the server reads the request, writes this, and goes on in this way.
pub(crate) async fn answered(answer: &[u8], then: Then) -> Result<Arc<AccessToken>, Error> {
    let timeout = match then {
        Then::RepeatPastTimeout(_) | Then::Stall => Duration::from_millis(200),
        _ => Duration::from_secs(30),
    };
    let server = Server::start().await;
    let serving = async {
        let mut socket = server.request().await;
        // The client may have hung up in the middle of it.
        let _ = socket.write_all(answer).await;
        match then {
            Then::HangUp => {}
            Then::Reset => socket.set_zero_linger().unwrap(),
            Then::Repeat(more) | Then::RepeatPastTimeout(more) => while socket.write_all(more).await.is_ok() {},
            Then::Stall => is_hung_up(socket).await,
        }
    };
    let url = server.url("/token");
    let outcome = meanwhile(serving, parameters(&url, timeout)).await;
    server.is_left_alone().await;
    outcome
}

/// What comes of it if the server answers every request with this, and how many requests it gets.
pub(crate) async fn answered_each_time(answer: &[u8]) -> (Result<Arc<AccessToken>, Error>, usize) {
    let (server, mut requests) = (Server::start().await, 0);
    let url = server.url("/token");
    let serving = async {
        loop {
            let mut socket = server.request().await;
            requests += 1;
            let _ = socket.write_all(answer).await;
        }
    };
    let outcome = meanwhile(serving, parameters(&url, Duration::from_secs(30))).await;
    server.is_left_alone().await;
    (outcome, requests)
}

/// What the client gets, while the server is at work.
pub(crate) async fn meanwhile<T>(serving: impl Future<Output = ()>, asking: impl Future<Output = T>) -> T {
    let serving = async {
        serving.await;
        pending().await
    };
    tokio::select! {
        outcome = asking => outcome,
        outcome = serving => outcome,
    }
}

/// A token source's token from this URL.
pub(crate) async fn parameters(url: &str, timeout: Duration) -> Result<Arc<AccessToken>, Error> {
    let source = source(url, timeout)?;
    Box::pin(source.token()).await
}

pub(crate) fn source(url: &str, timeout: Duration) -> Result<TokenSource, Error> {
    TokenSource::builder(Acme::new().with_endpoint(Endpoint::parse(url)?), ClientCredentials::new("id", "canary"))
        .with_transport(HttpTransport::new()?.with_timeout(timeout))
        .build()
}

/// An answer with this body, whole and in order.
pub(crate) fn http(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// The error is of this kind, says these words and what to do, in one line, and shows no secret however deep one looks.
#[track_caller]
pub(crate) fn assert_error(error: &Error, kind: ErrorKind, words: &str, what: &str) {
    assert_eq!(error.kind(), kind, "{what}: {error}");
    let shown = error.to_string();
    assert!(shown.starts_with("acme: ") && shown.contains(words), "{what}: {error}");
    assert!(!shown.contains(char::is_control) && shown.len() < 2000, "{what}: {error}");
    assert!(error.remedy().is_some_and(|remedy| !remedy.is_empty()), "{what}: {error}");
    let mut link: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = link {
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("canary") && !shown.contains("aWQ6Y2FuYXJ5"), "{what}: {shown}");
        link = error.source();
    }
}

#[derive(Debug)]
pub(crate) struct Server(TcpListener);

impl Server {
    pub(crate) async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.0.local_addr().unwrap())
    }

    pub(crate) async fn connection(&self) -> TcpStream {
        self.0.accept().await.unwrap().0
    }

    /// A connection whose request has been read.
    pub(crate) async fn request(&self) -> TcpStream {
        let mut socket = self.connection().await;
        read_request(&mut socket).await;
        socket
    }

    /// Nobody has connected, or not again: the next who is let in is this very check.
    pub(crate) async fn is_left_alone(&self) {
        let check = TcpStream::connect(self.0.local_addr().unwrap()).await.unwrap();
        let (_, next) = self.0.accept().await.unwrap();
        assert_eq!(next, check.local_addr().unwrap(), "somebody has connected who should not have");
    }
}

pub(crate) async fn read_request(socket: &mut TcpStream) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"grant_type=client_credentials") {
        assert_ne!(socket.read_buf(&mut request).await.unwrap(), 0, "the request ended early");
    }
    String::from_utf8(request).unwrap()
}

/// Waits until the client has hung up, whatever it still sends.
pub(crate) async fn is_hung_up(mut socket: TcpStream) {
    let mut rest = [0; 1024];
    while socket.read(&mut rest).await.is_ok_and(|read| read > 0) {}
}
