//! `credentials-grant-client`.

use std::hint::black_box;
use std::sync::Arc;

use anyhow::Result;
use credentials_grant::{AccessToken, ClientCredentials, RequestSeed, TokenParameters, fetch_token};
use credentials_grant_client::{Authorizer, Clock, HttpTransport, SystemClock, TokenSource};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use url::Url;

use super::Sender;
use super::bare::http;
use crate::contender::{
    Boxed, CLIENT_ID, CLIENT_SECRET, Contender, FirstFetch, Peer, Settings, Started, at_once, bearer, repeat,
};
use crate::server;
use crate::standard::Standard;

/// Borrows the header value from the cached token. No reference count changes.
pub(crate) const BORROWED: Peer = Peer {
    name: "credentials-grant, borrowed",
    checks_expiry: true,
    yields: "&header",
    first_fetch: FirstFetch::Later,
    start: |settings| Ours::start(settings, borrowed),
};

/// Clones the header value of the cached token.
pub(crate) const OWNED: Peer = Peer {
    name: "credentials-grant, owned",
    yields: "header",
    start: |settings| Ours::start(settings, owned),
    ..BORROWED
};

/// Calls `TokenSource::token`, as most callers do. It fetches a token if necessary.
pub(crate) const TOKEN: Peer =
    Peer { name: "credentials-grant", yields: "token", start: |settings| Ours::start(settings, token), ..BORROWED };

struct Ours {
    source: TokenSource,
    read: fn(&TokenSource, u32),
}

impl Ours {
    fn start(settings: Settings, read: fn(&TokenSource, u32)) -> Started {
        Box::pin(async move {
            let source = TokenSource::new(Standard::new(&settings.url)?, credentials())?;
            Ok(Arc::new(Self { source, read }) as Arc<dyn Contender>)
        })
    }
}

impl Contender for Ours {
    fn authorization(&self) -> Boxed<'_, Result<HeaderValue>> {
        Box::pin(async { Ok(self.source.token().await?.header_value().clone()) })
    }

    fn read(&self, times: u32) {
        (self.read)(&self.source, times);
    }
}

fn borrowed(source: &TokenSource, times: u32) {
    repeat(times, || {
        let token = source.cached();
        black_box(token.as_deref().map(AccessToken::header_value));
    });
}

fn owned(source: &TokenSource, times: u32) {
    repeat(times, || source.cached().map(|token| token.header_value().clone()));
}

fn token(source: &TokenSource, times: u32) {
    repeat(times, || at_once(source.token()));
}

/// Fetches tokens with core alone, which has no cache.
pub(crate) struct Uncached {
    provider: Standard,
    credentials: ClientCredentials,
    parameters: TokenParameters,
    transport: HttpTransport,
    clock: SystemClock,
}

impl Uncached {
    pub(crate) fn new(url: &Url) -> Result<Self> {
        Ok(Self {
            provider: Standard::new(url)?,
            credentials: credentials(),
            parameters: TokenParameters::new(),
            transport: HttpTransport::new()?,
            clock: SystemClock::new(),
        })
    }
}

impl Sender for Uncached {
    fn send(&self) -> Boxed<'_, Result<()>> {
        Box::pin(async {
            let mut entropy = [0; 16];
            getrandom::fill(&mut entropy)?;
            let seed = RequestSeed::new(self.clock.now(), entropy);
            fetch_token(&self.provider, &self.credentials, &self.parameters, &self.transport, seed).await?;
            Ok(())
        })
    }
}

/// An API call through a chain of middlewares, with a header added by hand if it is set.
pub(crate) struct Call {
    pub(crate) http: ClientWithMiddleware,
    pub(crate) api: Url,
    pub(crate) header: Option<HeaderValue>,
}

impl Call {
    /// Creates a call through our middleware only.
    pub(crate) fn new(token_url: &Url, api: &Url) -> Result<Self> {
        let http = ClientBuilder::new(http()?).with(authorizer(token_url, api)?).build();
        Ok(Self { http, api: api.clone(), header: None })
    }

    /// Creates a call without a middleware, which shows the cost of `reqwest-middleware` itself.
    pub(crate) fn without_middleware(api: &Url) -> Result<Self> {
        let header = Some(bearer(&server::token(0))?);
        Ok(Self { http: ClientBuilder::new(http()?).build(), api: api.clone(), header })
    }
}

impl Sender for Call {
    fn send(&self) -> Boxed<'_, Result<()>> {
        Box::pin(async {
            let mut request = self.http.get(self.api.clone());
            if let Some(header) = &self.header {
                request = request.header(AUTHORIZATION, header.clone());
            }
            request.send().await?.bytes().await?;
            Ok(())
        })
    }
}

/// Returns an authorizer for the API at this URL.
pub(crate) fn authorizer(token_url: &Url, api: &Url) -> Result<Authorizer> {
    let source = TokenSource::new(Standard::new(token_url)?, credentials())?;
    Ok(Authorizer::builder(source).with_host(api.authority().to_owned()).build()?)
}

fn credentials() -> ClientCredentials {
    ClientCredentials::new(CLIENT_ID, CLIENT_SECRET)
}
