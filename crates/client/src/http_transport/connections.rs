//! The HTTP client of a transport: how it is set up, and what it does if a kept connection turns out to be dropped.

mod new_connections;

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use credentials_grant::{Error, ErrorKind};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Identity, Request, Response, retry};
use tokio::time::Instant;

use self::new_connections::{NoteConnections, connects};
use super::environment_proxy::EnvironmentProxy;
use super::failure::{causes, failure};
use super::proxy_login::{ProxyLogin, ProxyOutcome};
use super::resolver::Resolver;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How a client is set up.
#[derive(Clone)]
pub(super) struct ClientSettings {
    connect_timeout: Duration,
    resolver: Resolver,
    proxy: Option<EnvironmentProxy>,
    trust: Trust,
    identity: Option<Identity>,
}

/// The CA certificates to trust.
#[derive(Clone)]
enum Trust {
    System,
    Only(Vec<Certificate>),
    /// For plain HTTP, without a proxy.
    Nothing,
}

impl ClientSettings {
    /// Trusts the system's CA certificates, and uses this proxy, or else that of the system.
    pub(super) fn new(resolver: Resolver, proxy: Option<EnvironmentProxy>) -> Self {
        Self { connect_timeout: CONNECT_TIMEOUT, resolver, proxy, trust: Trust::System, identity: None }
    }

    /// Gives up on a connection after this time.
    #[cfg(test)]
    pub(super) fn within(self, connect_timeout: Duration) -> Self {
        Self { connect_timeout, ..self }
    }

    /// Uses no certificates and no proxy.
    pub(super) fn plain(resolver: Resolver) -> Self {
        Self { trust: Trust::Nothing, ..Self::new(resolver, None) }
    }

    /// Trusts these CA certificates instead of the system's.
    pub(super) fn trusting(self, roots: Vec<Certificate>) -> Self {
        Self { trust: Trust::Only(roots), ..self }
    }

    /// Presents this certificate.
    pub(super) fn presenting(self, identity: Identity) -> Self {
        Self { identity: Some(identity), ..self }
    }

    /// Sets everything that reqwest would otherwise derive from features that any crate in the program may turn on: one
    /// protocol, one TLS library, one compression, one resolver, no retries. What was tested is what runs.
    fn builder(&self) -> ClientBuilder {
        let client = Client::builder()
            .user_agent(concat!("credentials-grant/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .retry(retry::never())
            .tls_backend_rustls()
            .http1_only()
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
        let client = match &self.trust {
            Trust::System => client,
            Trust::Only(roots) => client.tls_certs_only(roots.iter().cloned()),
            Trust::Nothing => client.no_proxy().tls_certs_only([]),
        };
        self.identity.iter().cloned().fold(client, ClientBuilder::identity)
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
    pub(super) fn open(settings: ClientSettings) -> Result<Arc<Self>, Error> {
        let login = settings.proxy.as_ref().map(ProxyLogin::of);
        Self::open_with(settings, login)
    }

    pub(super) fn open_with(settings: ClientSettings, login: Option<Arc<ProxyLogin>>) -> Result<Arc<Self>, Error> {
        let client = build(settings.builder())?;
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
            return self.exchange(request, timeout).await.map_err(|error| failure(error.into(), host, None));
        };
        let turn = login.enter(timeout).await?;
        let result = self.exchange(request, timeout.saturating_sub(began.elapsed())).await;
        let outcome = ProxyOutcome::of(&result);
        let result = result.map_err(|error| failure(error.into(), host, Some(&proxy.name())));
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
            let client = self.settings.builder().pool_max_idle_per_host(0).build().ok()?;
            // Somebody else may have been faster.
            let _ = self.without_kept.set(client);
        }
        self.without_kept.get()
    }
}

fn build(builder: ClientBuilder) -> Result<Client, Error> {
    builder.build().map_err(|source| {
        Error::new(ErrorKind::Configuration, "the HTTPS client cannot be built")
            .with_remedy("check the system's CA certificates (the package ca-certificates) and the proxy variables")
            .with_source(source)
    })
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
