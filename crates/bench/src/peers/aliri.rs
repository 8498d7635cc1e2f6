//! `aliri_tokens`: a task renews the token and sends it to a watch channel.

use std::hint::black_box;
use std::sync::Arc;

use aliri_clock::{DurationSecs, System};
use aliri_tokens::backoff::ErrorBackoffConfig;
use aliri_tokens::jitter::NullJitter;
use aliri_tokens::sources::AsyncTokenSource;
use aliri_tokens::sources::oauth2::dto::{ClientCredentials, ClientCredentialsWithAudience};
use aliri_tokens::sources::oauth2::{ClientCredentialsTokenSource, FormBody};
use aliri_tokens::{TokenLifetimeConfig, TokenWatcher};
use anyhow::Result;
use http::HeaderValue;
use url::Url;

use super::Sender;
use super::oauth2::older_http;
use crate::contender::{Boxed, CLIENT_ID, CLIENT_SECRET, Contender, FirstFetch, Peer, Settings, bearer, repeat};

pub(crate) const PEER: Peer = Peer {
    name: "aliri_tokens",
    checks_expiry: false,
    yields: "&string",
    first_fetch: FirstFetch::InConstructor,
    start: |settings| Box::pin(async move { Ok(Arc::new(Aliri::new(&settings).await?) as Arc<dyn Contender>) }),
};

struct Aliri(TokenWatcher);

impl Aliri {
    async fn new(settings: &Settings) -> Result<Self> {
        let lifetime = match settings.renewed_ahead {
            // It counts in whole seconds, and by default waits for 30 seconds before it renews a token.
            Some(_) => TokenLifetimeConfig::new(0.5, DurationSecs(1)),
            None => TokenLifetimeConfig::default(),
        };
        let source = source(&settings.url, lifetime)?;
        Ok(Self(TokenWatcher::spawn_from_token_source(source, NullJitter, ErrorBackoffConfig::default()).await?))
    }
}

impl Contender for Aliri {
    fn authorization(&self) -> Boxed<'_, Result<HeaderValue>> {
        Box::pin(async { bearer(self.0.token().access_token().as_str()) })
    }

    fn read(&self, times: u32) {
        repeat(times, || {
            let token = self.0.token();
            black_box(token.access_token());
        });
    }
}

/// Fetches tokens with its source. A fetch needs `&mut` access, so each fetch gets its own source with a cloned client.
pub(crate) struct Uncached {
    http: oauth2::reqwest::Client,
    url: Url,
}

impl Uncached {
    pub(crate) fn new(url: &Url) -> Result<Self> {
        Ok(Self { http: older_http()?, url: url.clone() })
    }
}

impl Sender for Uncached {
    fn send(&self) -> Boxed<'_, Result<()>> {
        Box::pin(async {
            source_over(self.http.clone(), &self.url, TokenLifetimeConfig::default()).request_token().await?;
            Ok(())
        })
    }
}

fn source(url: &Url, lifetime: TokenLifetimeConfig) -> Result<ClientCredentialsTokenSource<System, FormBody>> {
    Ok(source_over(older_http()?, url, lifetime))
}

fn source_over(
    http: oauth2::reqwest::Client,
    url: &Url,
    lifetime: TokenLifetimeConfig,
) -> ClientCredentialsTokenSource<System, FormBody> {
    let credentials = ClientCredentials { client_id: CLIENT_ID.into(), client_secret: CLIENT_SECRET.into() };
    let credentials = ClientCredentialsWithAudience { credentials: credentials.into(), audience: "an-api".into() };
    ClientCredentialsTokenSource::new(http, url.clone(), credentials, lifetime).using_form_data()
}
