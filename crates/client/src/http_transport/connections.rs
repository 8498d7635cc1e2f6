//! The HTTP client of a transport: how it is set up, and what it does if a kept connection turns out to be dropped.

mod new_connections;

use std::error::Error as StdError;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use credentials_grant::{ClientCertificate, Error, ErrorKind, ExposeSecret};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Request, Response, retry};
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ALL_VERSIONS, ClientConfig};
use tokio::time::Instant;

use self::new_connections::{NoteConnections, connects};
use super::environment_proxy::EnvironmentProxy;
use super::failure::{causes, request_failure};
use super::proxy_login::{ProxyLogin, ProxyOutcome};
use super::resolver::Resolver;
use super::trust::cryptography;

type BoxError = Box<dyn StdError + Send + Sync>;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How a client is set up.
#[derive(Clone)]
pub(super) struct ClientSettings {
    connect_timeout: Duration,
    resolver: Resolver,
    proxy: Option<EnvironmentProxy>,
    /// Which certificates are trusted, or `None` for plain HTTP without a proxy.
    trust: Option<Arc<dyn ServerCertVerifier>>,
    certificate: Option<ClientCertificate>,
}

impl ClientSettings {
    /// Trusts what this verifier does, and uses this proxy, or else that of the system.
    pub(super) fn new(resolver: Resolver, proxy: Option<EnvironmentProxy>, trust: Arc<dyn ServerCertVerifier>) -> Self {
        Self { proxy, trust: Some(trust), ..Self::plain(resolver) }
    }

    /// Uses no certificates and no proxy.
    pub(super) fn plain(resolver: Resolver) -> Self {
        Self { connect_timeout: CONNECT_TIMEOUT, resolver, proxy: None, trust: None, certificate: None }
    }

    /// Gives up on a connection after this time.
    #[cfg(test)]
    pub(super) fn within(self, connect_timeout: Duration) -> Self {
        Self { connect_timeout, ..self }
    }

    /// Presents this certificate.
    pub(super) fn presenting(self, certificate: ClientCertificate) -> Self {
        Self { certificate: Some(certificate), ..self }
    }

    /// Sets everything that reqwest would otherwise derive from features that any crate in the program may turn on: one
    /// protocol, one TLS library, one compression, one resolver, no retries. What was tested is what runs.
    fn builder(&self) -> Result<ClientBuilder, BoxError> {
        let client = Client::builder()
            .user_agent(concat!("credentials-grant/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .retry(retry::never())
            .http1_only()
            // Some servers and proxies know only the spelling of RFC 9110, and that of curl.
            .http1_title_case_headers()
            // A line among the headers that is none, such as a warning of PHP, is skipped, as curl and browsers do.
            .http1_ignore_invalid_headers_in_responses(true)
            // Read as what they are, and not skipped: what they say may be how long the body is.
            .http1_allow_spaces_after_header_name_in_responses(true)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .dns_resolver(self.resolver.clone())
            .connect_timeout(self.connect_timeout)
            .connector_layer(NoteConnections);
        let client = match &self.proxy {
            // reqwest would ignore a variable that it does not understand, and connect directly.
            Some(proxy) => client.no_proxy().proxy(proxy.to_reqwest()),
            None => client,
        };
        Ok(match &self.trust {
            Some(trust) => client.tls_backend_preconfigured(self.tls(Arc::clone(trust))?),
            None => client.tls_backend_rustls().no_proxy().tls_certs_only([]),
        })
    }

    /// Sets up TLS as reqwest does.
    fn tls(&self, trust: Arc<dyn ServerCertVerifier>) -> Result<ClientConfig, BoxError> {
        let config = ClientConfig::builder_with_provider(cryptography()).with_protocol_versions(ALL_VERSIONS)?;
        let config = config.dangerous().with_custom_certificate_verifier(trust);
        let mut config = match &self.certificate {
            None => config.with_no_client_auth(),
            Some(certificate) => {
                let pem = certificate.pem().expose_secret().as_bytes();
                let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>()?;
                config.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(pem)?)?
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// A client, whose connections are kept for the next requests.
pub(super) struct Connections {
    settings: ClientSettings,
    client: Client,
    /// Keeps no connections. Few programs need it.
    without_kept: OnceLock<Client>,
    login: Option<Arc<ProxyLogin>>,
}

impl Connections {
    pub(super) fn settings(&self) -> ClientSettings {
        self.settings.clone()
    }

    pub(super) fn open(settings: ClientSettings) -> Result<Arc<Self>, Error> {
        let login = settings.proxy.as_ref().map(ProxyLogin::of);
        Self::open_with(settings, login)
    }

    pub(super) fn open_with(settings: ClientSettings, login: Option<Arc<ProxyLogin>>) -> Result<Arc<Self>, Error> {
        let client = settings.builder().and_then(|builder| Ok(builder.build()?)).map_err(unbuilt)?;
        Ok(Arc::new(Self { settings, client, without_kept: OnceLock::new(), login }))
    }

    /// Sends a request within this time, through the proxy if there is one for it. A proxy that refused its login a
    /// moment ago is not asked.
    pub(super) async fn send(&self, request: impl Fn() -> Request, timeout: Duration) -> Result<Response, Error> {
        let example = request();
        let (url, began) = (example.url(), Instant::now());
        let host = url.host_str().unwrap_or_default();
        let proxy = self.settings.proxy.as_ref().filter(|proxy| proxy.serves(url));
        let Some((proxy, login)) = proxy.zip(self.login.as_deref()) else {
            return self.exchange(request, timeout).await.map_err(|error| request_failure(error.into(), host, None));
        };
        let turn = login.enter(timeout).await?;
        let result = self.exchange(request, timeout.saturating_sub(began.elapsed())).await;
        let outcome = ProxyOutcome::of(&result);
        let result = result.map_err(|error| request_failure(error.into(), host, Some(&proxy.name())));
        login.note(outcome, result.as_ref().err(), turn);
        result
    }

    /// Sends a request, and again on a new connection if the server had dropped the kept one: it closes without an
    /// answer. Both together take this long at most.
    async fn exchange(&self, request: impl Fn() -> Request, timeout: Duration) -> Result<Response, reqwest::Error> {
        let began = Instant::now();
        let within = |timeout| {
            let mut request = request();
            *request.timeout_mut() = Some(timeout);
            request
        };
        let (result, connected) = connects(self.client.execute(within(timeout))).await;
        let error = match result {
            Err(error) if !connected && is_dropped(&error) => error,
            result => return result,
        };
        let Some(client) = self.without_kept() else { return Err(error) };
        tracing::debug!(host = error.url().and_then(|url| url.host_str()), "the server had dropped the connection");
        client.execute(within(timeout.saturating_sub(began.elapsed()))).await
    }

    fn without_kept(&self) -> Option<&Client> {
        if self.without_kept.get().is_none() {
            let client = self.settings.builder().ok()?.pool_max_idle_per_host(0).build().ok()?;
            // Somebody else may have been faster.
            let _ = self.without_kept.set(client);
        }
        self.without_kept.get()
    }
}

/// Returns the error for a client that cannot be built.
pub(super) fn unbuilt(source: impl Into<BoxError>) -> Error {
    Error::new(ErrorKind::Configuration, "the HTTPS client cannot be built")
        .with_remedy("check the system's CA certificates (the package ca-certificates) and the proxy variables")
        .with_source(source)
}

/// Returns `true` if the connection ended before the head of an answer did.
fn is_dropped(error: &reqwest::Error) -> bool {
    if error.is_timeout() || error.is_connect() {
        return false;
    }
    causes(error).any(|cause| {
        let http = cause.downcast_ref::<hyper::Error>();
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        http.is_some_and(|http| http.is_incomplete_message() || http.is_canceled() || http.is_closed())
            || matches!(
                io,
                Some(
                    io::ErrorKind::BrokenPipe
                        | io::ErrorKind::ConnectionAborted
                        | io::ErrorKind::ConnectionReset
                        | io::ErrorKind::UnexpectedEof
                )
            )
    })
}
