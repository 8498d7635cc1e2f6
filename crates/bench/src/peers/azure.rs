//! `azure_identity`: its client-secret credential, with a token cache behind an async read-write lock.
//!
//! Its margin of five minutes cannot be set.

use std::sync::Arc;

use anyhow::{Context, Result};
use async_trait::async_trait;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::TokenCredential;
use azure_core::http::{
    AsyncRawResponse, ClientOptions, HttpClient, Request, RetryOptions, Transport, new_http_client,
};
use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};
use http::HeaderValue;
use url::Url;

use crate::contender::{
    Boxed, CLIENT_ID, CLIENT_SECRET, Contender, FirstFetch, Peer, Settings, at_once, bearer, repeat,
};

const SCOPES: &[&str] = &["an-api/.default"];

pub(crate) const PEER: Peer = Peer {
    name: "azure_identity",
    checks_expiry: true,
    yields: "string",
    first_fetch: FirstFetch::Later,
    start: |settings| Box::pin(async move { Ok(Arc::new(Azure::new(&settings)?) as Arc<dyn Contender>) }),
};

struct Azure(Arc<ClientSecretCredential>);

impl Azure {
    fn new(settings: &Settings) -> Result<Self> {
        let host = settings.url.socket_addrs(|| None)?.pop().context("the server has an address")?;
        let mut cloud = CustomConfiguration::default();
        cloud.authority_host = format!("https://{host}");
        let client_options = ClientOptions {
            cloud: Some(Arc::new(CloudConfiguration::from(cloud))),
            retry: RetryOptions::none(),
            transport: Some(Transport::new(Arc::new(Loopback::new()))),
            ..ClientOptions::default()
        };
        let options = ClientSecretCredentialOptions { client_options };
        Ok(Self(ClientSecretCredential::new("a-tenant", CLIENT_ID.into(), CLIENT_SECRET.into(), Some(options))?))
    }
}

impl Contender for Azure {
    fn authorization(&self) -> Boxed<'_, Result<HeaderValue>> {
        Box::pin(async { bearer(self.0.get_token(SCOPES, None).await?.token.secret()) })
    }

    fn read(&self, times: u32) {
        repeat(times, || at_once(self.0.get_token(SCOPES, None)));
    }
}

/// Its own HTTP client without TLS: it insists on HTTPS URLs, and the server speaks plain HTTP.
#[derive(Debug)]
struct Loopback(Arc<dyn HttpClient>);

impl Loopback {
    fn new() -> Self {
        Self(new_http_client(None))
    }
}

#[async_trait]
impl HttpClient for Loopback {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let url: Url = request.url().as_str().replacen("https", "http", 1).parse()?;
        let mut plain = Request::new(url, request.method());
        plain.set_body(request.body().clone());
        for (name, value) in request.headers().clone() {
            plain.insert_header(name, value);
        }
        self.0.execute_request(&plain).await
    }
}
