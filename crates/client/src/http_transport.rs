//! The transport over reqwest.

#[cfg(test)]
mod address_tests;
mod connections;
mod environment_proxy;
mod failure;
mod proxy_login;
#[cfg(test)]
mod proxy_tests;
mod resolver;
mod trust;
mod unlabelled;

use std::error::Error as StdError;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{fmt, mem};

use async_trait::async_trait;
use bytes::Bytes;
use credentials_grant::{ClientCertificate, Error, ErrorKind, HttpRequest, HttpResponse, Transport};
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method};
use lru::LruCache;
use reqwest::{Request, Response};
use rustls::client::danger::ServerCertVerifier;
use zeroize::Zeroizing;

use self::connections::{ClientSettings, Connections};
pub use self::environment_proxy::EnvironmentProxy;
use self::failure::{not_decompressed, request_failure, unusable};
use self::resolver::Resolver;
use self::unlabelled::{Unreadable, decompressed};

/// The largest body that is read, after decompression.
const LARGEST_BODY: usize = 1024 * 1024;

/// Room for the body of a token response, unless the server says how long it is.
const USUAL_BODY: usize = 4 * 1024;

/// How many client certificates have their connections kept: a transport may serve many tenants, each with its own.
const MOST_CERTIFICATES: NonZeroUsize = NonZeroUsize::new(100).unwrap();

const TIMEOUT: Duration = Duration::from_secs(30);

/// Sends token requests with reqwest and rustls: HTTP/1.1 over TLS 1.2 or 1.3.
///
/// It follows no redirects, and does not retry but in one case: if the server closes a connection that was kept from
/// an earlier request, and sends no answer, the request is sent once more on a new connection. Lines among the headers
/// of a response that are no headers are skipped, as browsers do.
///
/// It times out after 10 seconds without a connection and 30 seconds in all, and reads at most 1 MiB of a body,
/// counted after decompression. HTTPS uses the proxy of the environment ([`EnvironmentProxy`]), which sees no secrets;
/// plain HTTP, for loopback, uses none. If the proxy refuses its login, nothing is sent to it for a pause of one
/// second, which doubles to five minutes. The operating system looks up names, on threads of their own: a name server
/// that hangs delays the callers of its names, and nobody else.
///
/// One transport can serve any number of sources, which then share its connections. Credentials with a certificate
/// ([`ClientCredentials::with_certificate`](credentials_grant::ClientCredentials::with_certificate)) get connections of
/// their own, on which the certificate is presented.
///
/// ```no_run
/// use std::time::Duration;
/// use credentials_grant_client::HttpTransport;
///
/// let transport = HttpTransport::new()?.with_timeout(Duration::from_secs(5));
/// # Ok::<(), credentials_grant::Error>(())
/// ```
#[derive(Clone)]
pub struct HttpTransport {
    /// Or the error: a machine without CA certificates, or with an unusable proxy, can still reach loopback.
    https: Result<Arc<Connections>, Error>,
    plain: Arc<Connections>,
    resolver: Resolver,
    timeout: Duration,
    certified: Arc<Mutex<LruCache<ClientCertificate, Arc<Connections>>>>,
}

impl HttpTransport {
    /// Creates a transport that trusts the system's CA certificates.
    ///
    /// On a machine without CA certificates, each request over HTTPS fails with an error that says so. On Unix systems
    /// other than Apple's, `SSL_CERT_FILE` and `SSL_CERT_DIR` say where they are; the error names these variables if
    /// they lead to none.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the HTTP client cannot be built.
    pub fn new() -> Result<Self, Error> {
        Self::with_resolver(Resolver::system())
    }

    fn with_resolver(resolver: Resolver) -> Result<Self, Error> {
        let plain = Connections::open(ClientSettings::plain(resolver.clone()))?;
        let https = system_trust().and_then(|trust| connections(&resolver, trust));
        Ok(Self { https, plain, resolver, timeout: TIMEOUT, certified: no_certificates() })
    }

    /// Sets the timeout of a request, from connecting to the end of the response: 30 seconds by default.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the certificates (PEM, one or more) to trust **instead of** the system's, for a vendor or a proxy with a
    /// private CA. To trust both, pass both, or install the private one in the system.
    ///
    /// They are trusted as CA certificates, and as servers' own: a server that presents exactly one of them, such as a
    /// self-signed one, is accepted if the certificate is valid now and for its name.
    ///
    /// ```no_run
    /// use credentials_grant_client::HttpTransport;
    ///
    /// let transport = HttpTransport::new()?.with_root_certificates(&std::fs::read("/etc/ssl/acme-ca.pem")?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if there is no certificate in it, or an invalid one.
    pub fn with_root_certificates(self, pem: &[u8]) -> Result<Self, Error> {
        let https = connections(&self.resolver, trusted_only(pem)?);
        Ok(Self { https, certified: no_certificates(), ..self })
    }

    /// Returns what decides about servers' certificates, for TLS connections of your own: the system's CA certificates,
    /// or these in their place (PEM), as in [`with_root_certificates`](Self::with_root_certificates).
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the system has no CA certificates, there is no certificate in the
    /// PEM text, or an invalid one.
    pub fn certificate_verifier(roots: Option<&[u8]>) -> Result<Arc<dyn ServerCertVerifier>, Error> {
        roots.map_or_else(system_trust, trusted_only)
    }

    /// Converts an error of any HTTP client into an [`Error`] with a message and a remedy, as this transport's own
    /// errors have.
    ///
    /// It looks through the causes for errors of reqwest, hyper, rustls and the operating system. The error becomes the
    /// source, without reqwest's URL. If a proxy refused, it is named as the environment names it
    /// ([`EnvironmentProxy`]).
    ///
    /// ```
    /// use std::io;
    /// use credentials_grant_client::HttpTransport;
    ///
    /// let error = HttpTransport::explain(io::Error::from(io::ErrorKind::ConnectionRefused), "api.example.com");
    /// assert_eq!(error.message(), "could not connect to api.example.com");
    /// ```
    pub fn explain(error: impl Into<Box<dyn StdError + Send + Sync>>, host: &str) -> Error {
        let proxy = EnvironmentProxy::read().ok().flatten().map(|proxy| proxy.name());
        request_failure(error.into(), host, proxy.as_deref())
    }

    /// Returns the client that presents this certificate, which has connections of its own.
    fn certified(&self, certificate: &ClientCertificate) -> Result<Arc<Connections>, Error> {
        let refused = |source: Box<dyn StdError + Send + Sync>| {
            Error::new(ErrorKind::Configuration, "the client certificate cannot be used")
                .with_remedy("use the certificate and its private key, both in PEM, one after the other")
                .with_source(source)
        };
        let mut certified = self.certified.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = certified.get(certificate) {
            return Ok(Arc::clone(client));
        }
        let settings = self.https.as_ref().map_err(Error::clone)?.settings().presenting(certificate.clone());
        let client = Connections::open(settings).map_err(|error| refused(error.into()))?;
        certified.put(certificate.clone(), Arc::clone(&client));
        Ok(client)
    }
}

/// Returns the client that trusts this, and uses the proxy of the environment.
fn connections(resolver: &Resolver, trust: Arc<dyn ServerCertVerifier>) -> Result<Arc<Connections>, Error> {
    Connections::open(ClientSettings::new(resolver.clone(), EnvironmentProxy::read()?, trust))
}

fn system_trust() -> Result<Arc<dyn ServerCertVerifier>, Error> {
    trust::system().map_err(|error| match trust::variables() {
        None => Error::new(ErrorKind::Configuration, "this machine has no CA certificates")
            .with_remedy("install them (the package ca-certificates)")
            .with_source(error),
        Some(variables) => {
            Error::new(ErrorKind::Configuration, format!("no CA certificate could be read from {variables}"))
                .with_remedy("correct it, or unset it to use the CA certificates of the system")
                .with_source(error)
        }
    })
}

fn trusted_only(pem: &[u8]) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    trust::only(pem).ok_or_else(|| {
        Error::new(ErrorKind::Configuration, "the CA certificates cannot be used")
            .with_remedy("use PEM: blocks that begin with -----BEGIN CERTIFICATE-----")
    })
}

fn no_certificates() -> Arc<Mutex<LruCache<ClientCertificate, Arc<Connections>>>> {
    Arc::new(Mutex::new(LruCache::new(MOST_CERTIFICATES)))
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Error> {
        let url = request.url();
        let host = url.host_str().unwrap_or_default();
        let client = match request.client_certificate() {
            _ if url.scheme() != "https" => self.plain.clone(),
            Some(certificate) => self.certified(certificate)?,
            None => self.https.clone()?,
        };
        let response = client.send(|| outgoing(request), self.timeout).await?;
        tracing::debug!(url = request.shown_url(), status = response.status().as_u16(), "received a response");
        read(response, host).await
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport").finish_non_exhaustive()
    }
}

/// Returns the request for reqwest. Not with reqwest's builder, which inserts each header anew.
fn outgoing(request: &HttpRequest) -> Request {
    let mut outgoing = Request::new(request.method().clone(), request.url().clone());
    outgoing.headers_mut().clone_from(request.headers());
    if request.body().is_empty() {
        // RFC 9110 section 8.6. hyper leaves it out, and strict servers answer 411.
        if [Method::POST, Method::PUT, Method::PATCH].contains(request.method()) {
            outgoing.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
    } else {
        *outgoing.body_mut() = Some(Bytes::from_owner(Zeroizing::new(request.body().to_vec())).into());
    }
    outgoing
}

async fn read(mut response: Response, host: &str) -> Result<HttpResponse, Error> {
    let status = response.status();
    let expected = response.content_length().and_then(|length| usize::try_from(length).ok());
    let mut body = Zeroizing::new(Vec::with_capacity(expected.unwrap_or(USUAL_BODY).min(LARGEST_BODY)));
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= LARGEST_BODY => append(&mut body, &chunk),
            Ok(None) => break,
            // An error response counts, however its body ended: a retry might get the address blocked.
            Ok(Some(_)) | Err(_) if !status.is_success() => break,
            Ok(Some(_)) => return Err(too_large(host).with_status(status)),
            Err(error) => return Err(request_failure(error.into(), host, None).with_status(status)),
        }
    }
    let body = match decompressed(response.headers(), &body, LARGEST_BODY) {
        Some(Ok(decompressed)) => decompressed,
        Some(Err(why)) if status.is_success() => {
            let error = if why == Unreadable::TooLarge { too_large(host) } else { not_decompressed(host) };
            return Err(error.with_status(status));
        }
        None | Some(Err(_)) => body,
    };
    Ok(HttpResponse::new(status, mem::take(response.headers_mut()), exact(body)))
}

fn too_large(host: &str) -> Error {
    unusable(format!("{host} answered with more than 1 MiB"))
}

/// Returns the bytes in memory of exactly their length. A vector that shrinks leaves a copy of the token behind.
fn exact(mut body: Zeroizing<Vec<u8>>) -> Vec<u8> {
    if body.len() == body.capacity() { mem::take(&mut *body) } else { body.to_vec() }
}

/// Appends to a body. A vector that grows by itself leaves copies of the token behind.
fn append(body: &mut Zeroizing<Vec<u8>>, chunk: &[u8]) {
    let length = body.len() + chunk.len();
    if length > body.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(length.max(2 * body.capacity())));
        larger.extend_from_slice(body);
        // The smaller one is wiped.
        *body = larger;
    }
    body.extend_from_slice(chunk);
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use credentials_grant::{AccessToken, Endpoint, RequestSeed, TokenParameters, fetch_token};
    use credentials_grant_test_kit::{Acme, credentials};
    use futures_util::future::join_all;
    use futures_util::poll;
    use tokio::net::TcpListener;
    use tokio::time::Instant;
    use wiremock::matchers::any;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    async fn fetch(url: &str, transport: &HttpTransport) -> Result<AccessToken, Error> {
        let endpoint = Endpoint::insecure(url).unwrap();
        let acme = Acme::new().with_endpoint(endpoint);
        fetch_token(&acme, &credentials(), &TokenParameters::new(), transport, RequestSeed::fixed()).await
    }

    /// A server that issues tokens.
    async fn issuer() -> MockServer {
        let server = MockServer::start().await;
        let token = ResponseTemplate::new(200).set_body_string(r#"{"access_token":"abc","expires_in":3600}"#);
        Mock::given(any()).respond_with(token).mount(&server).await;
        server
    }

    #[tokio::test]
    async fn a_tls_handshake_that_hangs_is_given_up_on_as_long_as_there_is_no_connection() {
        // The system accepts, and nobody ever reads.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let settings =
            ClientSettings::new(Resolver::system(), None, trust::system().unwrap()).within(Duration::from_millis(100));
        let https = Connections::open(settings);
        let transport = HttpTransport { https, ..HttpTransport::new().unwrap() };
        let error = fetch(&format!("https://{}/", listener.local_addr().unwrap()), &transport).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        assert_eq!(error.message(), "could not connect to 127.0.0.1 in time");
    }

    #[tokio::test]
    async fn a_connection_is_given_up_on_after_ten_seconds() {
        // The system accepts, and nobody ever reads.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_keep, hanging) = mpsc::channel::<()>();
        let hanging = Mutex::new(hanging);
        let resolver = Resolver::new(move |_| {
            let _ = hanging.lock().unwrap().recv();
            Err(std::io::Error::other("no such name"))
        });
        let roots = include_bytes!("../tests/it/keys/certificate.pem");
        let transport = HttpTransport::with_resolver(resolver).unwrap().with_root_certificates(roots).unwrap();
        tokio::time::pause();
        for (url, host) in
            [(format!("https://{address}/"), "127.0.0.1"), ("http://hangs.example/".to_owned(), "hangs.example")]
        {
            let began = Instant::now();
            let error = fetch(&url, &transport).await.unwrap_err();
            assert_eq!(error.message(), format!("could not connect to {host} in time"));
            // To the millisecond, which is what tokio's timers count in.
            assert_eq!(began.elapsed().as_millis().div_euclid(100), 100, "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_whose_look_up_hangs_delays_no_other_and_is_looked_up_once() {
        let (server, (release, hanging), (calls, called)) = (issuer().await, mpsc::channel::<()>(), mpsc::channel());
        let hanging = Mutex::new(hanging);
        let resolver = Resolver::new(move |name| {
            calls.send(name.clone()).unwrap();
            if name == "hangs.example" {
                let _ = hanging.lock().unwrap().recv();
                return Err(std::io::Error::other("no such name"));
            }
            Ok(["127.0.0.1:0".parse().unwrap()].into())
        });
        let transport = HttpTransport::with_resolver(resolver).unwrap();
        // More than tokio has threads for blocking work.
        let mut hung = Box::pin(join_all((0..600).map(|_| fetch("http://hangs.example/", &transport))));
        assert!(poll!(&mut hung).is_pending());
        let healthy = format!("http://healthy.example:{}/", server.address().port());
        assert_eq!(fetch(&healthy, &transport).await.unwrap().header_value(), "Bearer abc");
        drop(release);
        for outcome in hung.await {
            assert_eq!(outcome.unwrap_err().message(), "could not connect to hangs.example");
        }
        drop(transport);
        let mut names: Vec<String> = called.try_iter().collect();
        names.sort();
        assert_eq!(names, ["hangs.example", "healthy.example"]);
    }

    #[test]
    fn a_body_that_outgrows_its_memory_stays_whole() {
        let mut body = Zeroizing::new(Vec::with_capacity(4));
        for chunk in [&b"abc"[..], b"d", b"", b"efghijklmnopqrst", b"u"] {
            append(&mut body, chunk);
        }
        assert_eq!(*body, b"abcdefghijklmnopqrstu");
        assert!(body.capacity() >= 40, "it at least doubles, so that few copies are made: {}", body.capacity());
        let mut small = Zeroizing::new(Vec::with_capacity(1));
        for chunk in [&b"a"[..], b"bc"] {
            append(&mut small, chunk);
        }
        assert!(small.capacity() < 8, "it would be 8 if the vector had grown by itself and left a copy behind");
    }

    #[tokio::test]
    async fn the_operating_system_looks_up_names() {
        let server = issuer().await;
        let transport = HttpTransport::new().unwrap();
        let url = format!("http://localhost:{}/", server.address().port());
        assert_eq!(fetch(&url, &transport).await.unwrap().header_value(), "Bearer abc");
    }

    #[tokio::test]
    async fn the_timeout_is_the_one_that_was_set_and_30_seconds_otherwise() {
        // The system accepts, and nobody ever answers.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let transport = HttpTransport::new().unwrap();
        tokio::time::pause();
        for (transport, seconds) in [
            (transport.clone().with_timeout(Duration::from_secs(3)), 3),
            (transport.clone().with_timeout(Duration::from_secs(5)), 5),
            (transport, 30),
        ] {
            let began = Instant::now();
            let error = fetch(&url, &transport).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unreachable);
            // To the millisecond, which is what tokio's timers count in.
            assert_eq!(began.elapsed().as_millis().div_euclid(100), seconds * 10, "{error}");
        }
    }
}
