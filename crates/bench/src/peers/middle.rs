//! `middle`: a task renews the header value behind a read-write lock.

use std::sync::Arc;

use anyhow::Result;
use http::HeaderValue;
use middle::{Authorizer, BasicClientCredentialAuthorizer, HttpClient};
use url::Url;

use super::Sender;
use super::oauth2::older_http;
use crate::contender::{Boxed, CLIENT_ID, CLIENT_SECRET, Contender, FirstFetch, Peer, Settings, repeat};

pub(crate) const PEER: Peer = Peer {
    name: "middle",
    checks_expiry: true,
    yields: "header",
    first_fetch: FirstFetch::InConstructor,
    start: |settings| Box::pin(async move { Ok(Arc::new(Middle::new(&settings).await?) as Arc<dyn Contender>) }),
};

struct Middle(BasicClientCredentialAuthorizer);

impl Middle {
    async fn new(settings: &Settings) -> Result<Self> {
        let builder = BasicClientCredentialAuthorizer::basic_builder(CLIENT_ID, CLIENT_SECRET, settings.url.clone())
            .set_http_client(older_http()?)
            .set_max_retries(0);
        let builder = match settings.renewed_ahead {
            Some(ahead) => builder.refresh_tolerance(ahead),
            None => builder,
        };
        Ok(Self(builder.build().await?))
    }
}

impl Contender for Middle {
    fn authorization(&self) -> Boxed<'_, Result<HeaderValue>> {
        Box::pin(async { Ok(Arc::unwrap_or_clone(self.0.authorization_header()?)) })
    }

    fn read(&self, times: u32) {
        repeat(times, || self.0.authorization_header());
    }
}

/// An API call through its client, which uses reqwest 0.12.
pub(crate) struct Call {
    http: HttpClient<BasicClientCredentialAuthorizer>,
    api: Url,
}

impl Call {
    pub(crate) async fn new(token_url: &Url, api: &Url) -> Result<Self> {
        let Middle(authorizer) = Middle::new(&Settings::new(token_url)).await?;
        Ok(Self { http: HttpClient::new(authorizer).set_client(older_http()?), api: api.clone() })
    }
}

impl Sender for Call {
    fn send(&self) -> Boxed<'_, Result<()>> {
        Box::pin(async {
            self.http.get(self.api.clone())?.send().await?.bytes().await?;
            Ok(())
        })
    }
}
