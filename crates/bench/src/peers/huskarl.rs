//! `huskarl`: a token in an `ArcSwap`, with a mutex for its renewal.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use http::HeaderValue;
use huskarl::cache::{GrantTokenSource, InMemoryRefreshTokenStore, InMemoryTokenCache, TokenSource};
use huskarl::core::client_auth::ClientSecret;
use huskarl::core::secrets::{ProvidedSecret, SecretString};
use huskarl::grant::client_credentials::{ClientCredentialsGrant, ClientCredentialsGrantParameters};
use huskarl::grant::core::OAuth2ExchangeGrant;
use huskarl::token::AccessToken;
use huskarl_reqwest::ReqwestClient;
use url::Url;

use super::Sender;
use super::bare::http;
use crate::contender::{Boxed, CLIENT_ID, CLIENT_SECRET, Contender, FirstFetch, Peer, Settings, at_once, repeat};

pub(crate) const PEER: Peer = Peer {
    name: "huskarl",
    checks_expiry: true,
    yields: "token",
    first_fetch: FirstFetch::Later,
    start: |settings| Box::pin(async move { Ok(Arc::new(Huskarl::new(&settings)?) as Arc<dyn Contender>) }),
};

struct Huskarl(InMemoryTokenCache<GrantTokenSource<ClientCredentialsGrant, InMemoryRefreshTokenStore>>);

impl Huskarl {
    fn new(settings: &Settings) -> Result<Self> {
        let source = GrantTokenSource::builder()
            .grant(grant(&settings.url)?)
            .grant_parameters(ClientCredentialsGrantParameters::new())
            .refresh_store(InMemoryRefreshTokenStore::default())
            .build();
        let cache = InMemoryTokenCache::builder().source(source).maybe_refresh_ahead(settings.renewed_ahead);
        Ok(Self(cache.build()))
    }
}

impl Contender for Huskarl {
    fn authorization(&self) -> Boxed<'_, Result<HeaderValue>> {
        Box::pin(async {
            let token = self.0.token().await?;
            match token.access_token() {
                AccessToken::Bearer(token) => Ok(token.expose_header_value()?),
                _ => Err(anyhow!("a token of another type")),
            }
        })
    }

    fn read(&self, times: u32) {
        repeat(times, || at_once(self.0.token()));
    }
}

/// Fetches tokens with its grant, without its cache.
pub(crate) struct Uncached(ClientCredentialsGrant);

impl Uncached {
    pub(crate) fn new(url: &Url) -> Result<Self> {
        Ok(Self(grant(url)?))
    }
}

impl Sender for Uncached {
    fn send(&self) -> Boxed<'_, Result<()>> {
        Box::pin(async {
            self.0.exchange(ClientCredentialsGrantParameters::new()).await?;
            Ok(())
        })
    }
}

fn grant(url: &Url) -> Result<ClientCredentialsGrant> {
    let secret = ProvidedSecret::new(SecretString::new(CLIENT_SECRET));
    Ok(ClientCredentialsGrant::builder()
        .client_id(CLIENT_ID)
        .client_auth(ClientSecret::builder().client_secret(secret).prefer_basic_auth(true).build())
        .token_endpoint(url.as_str().parse()?)
        .http_client(ReqwestClient::from(http()?))
        .build())
}
