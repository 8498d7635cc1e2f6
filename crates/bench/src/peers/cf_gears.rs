//! `cf-gears-toolkit-auth`: a task renews the token and stores it in an `ArcSwap`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use http::HeaderValue;
use toolkit_auth::{OAuthClientConfig, SecretString, TokenProvider};
use toolkit_http::HttpClientConfig;

use crate::contender::{
    Boxed, CLIENT_ID, CLIENT_SECRET, Contender, FirstFetch, Peer, Settings, at_once, bearer, repeat,
};

pub(crate) const PEER: Peer = Peer {
    name: "cf-gears-toolkit-auth",
    checks_expiry: true,
    yields: "string",
    first_fetch: FirstFetch::Later,
    start: |settings| Box::pin(async move { Ok(Arc::new(CfGears::new(&settings)?) as Arc<dyn Contender>) }),
};

struct CfGears(TokenProvider);

impl CfGears {
    fn new(settings: &Settings) -> Result<Self> {
        let config = OAuthClientConfig {
            token_endpoint: Some(settings.url.clone()),
            client_id: CLIENT_ID.into(),
            client_secret: SecretString::new(CLIENT_SECRET),
            // The only configuration that allows plain HTTP. It does not retry.
            http_config: Some(HttpClientConfig::for_testing()),
            ..OAuthClientConfig::default()
        };
        let config = match settings.renewed_ahead {
            Some(_) => OAuthClientConfig {
                // It counts in whole seconds.
                refresh_offset: Duration::from_secs(1),
                jitter_max: Duration::ZERO,
                min_refresh_period: Duration::from_millis(100),
                ..config
            },
            None => config,
        };
        Ok(Self(TokenProvider::new(config)?))
    }
}

impl Contender for CfGears {
    fn authorization(&self) -> Boxed<'_, Result<HeaderValue>> {
        Box::pin(async { bearer(self.0.get().await?.expose()) })
    }

    fn read(&self, times: u32) {
        repeat(times, || at_once(self.0.get()));
    }
}
