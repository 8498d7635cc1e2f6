//! The transport over reqwest.

use std::error::Error as _;
use std::time::Duration;
use std::{fmt, io};

use async_trait::async_trait;
use credentials_grant::{Error, ErrorKind, SealedRequest, TokenResponse, Transport};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response};

/// The most of a body that is read, after decompression.
const LARGEST_BODY: usize = 1024 * 1024;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(30);

/// Sends token requests over HTTPS by reqwest and rustls.
///
/// It follows no redirect, repeats nothing, gives up after 10 seconds without a connection and 30 seconds in all, and
/// reads 1 MiB of a body at the most, counted after decompression. HTTPS goes through the proxy that the environment
/// names (`HTTPS_PROXY`), which sees no secret; plain HTTP, for loopback, never does.
///
/// One transport serves any number of sources: it keeps connections.
#[derive(Clone)]
pub struct HttpTransport {
    /// Or why there is none: a machine without certificates still reaches its own loopback.
    https: Result<Client, Error>,
    plain: Client,
    timeout: Duration,
}

impl HttpTransport {
    /// A transport that trusts whom the machine trusts.
    ///
    /// On a machine without certificates, each request over HTTPS fails and says so.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the HTTP client cannot be set up.
    pub fn new() -> Result<Self, Error> {
        let plain = build(client().no_proxy().tls_certs_only([]))?;
        Ok(Self { https: build(client()), plain, timeout: TIMEOUT })
    }

    /// Gives up on a request after this time instead of 30 seconds.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

fn client() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("credentials-grant/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
}

fn build(builder: ClientBuilder) -> Result<Client, Error> {
    builder.build().map_err(|source| {
        Error::new(ErrorKind::Configuration, "the HTTPS client cannot be set up")
            .with_remedy("check the machine's certificates (the package ca-certificates) and its proxy variables")
            .with_source(source)
    })
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: &SealedRequest) -> Result<TokenResponse, Error> {
        let url = request.url();
        let host = url.host_str().unwrap_or_default();
        let client = if url.scheme() == "https" { self.https.as_ref().map_err(Error::clone)? } else { &self.plain };
        let response = client
            .request(request.method().clone(), url.clone())
            .timeout(self.timeout)
            .headers(request.headers().clone())
            .body(request.body().to_vec())
            .send()
            .await
            .map_err(|error| unreachable(error, host))?;
        tracing::debug!(url = request.shown_url(), status = response.status().as_u16(), "answered");
        read(response, host).await
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport").finish_non_exhaustive()
    }
}

async fn read(mut response: Response, host: &str) -> Result<TokenResponse, Error> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= LARGEST_BODY => body.extend_from_slice(&chunk),
            Ok(None) => break,
            // A refusal is one, however long its body and however it ended: to try again might get the address blocked.
            Ok(Some(_)) | Err(_) if !response.status().is_success() => break,
            Ok(Some(_)) => return Err(unusable(format!("{host} answered with more than 1 MiB"), &response)),
            Err(error) if is_garbled(&error) => {
                let message = format!("{host} answered with a body that cannot be decompressed");
                return Err(unusable(message, &response).with_source(error.without_url()));
            }
            Err(error) => return Err(unreachable(error, host)),
        }
    }
    Ok(TokenResponse::new(response.status(), response.headers().clone(), body))
}

/// Whether the bytes arrived but do not decompress, which reqwest tells by the same kind as bytes that did not arrive.
fn is_garbled(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(inner) = inner.downcast_ref::<io::Error>()
            && matches!(inner.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
        {
            return true;
        }
        cause = inner.source();
    }
    false
}

fn unusable(message: String, response: &Response) -> Error {
    Error::new(ErrorKind::BadResponse, message)
        .with_remedy("check that the token URL is the vendor's")
        .with_status(response.status())
}

fn unreachable(error: reqwest::Error, host: &str) -> Error {
    let what = if error.is_timeout() {
        format!("{host} did not answer in time")
    } else if error.is_connect() {
        format!("could not connect to {host}")
    } else {
        format!("the connection to {host} broke")
    };
    Error::new(ErrorKind::Unreachable, what)
        .with_remedy("check the token URL, the network (proxies and certificates too) and the vendor's status page")
        // A URL may hold secrets in its query.
        .with_source(error.without_url())
}
