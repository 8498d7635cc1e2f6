//! `a2a-protocol-client`: a token behind a mutex, and a fetch that concurrent callers share (singleflight).

use std::sync::Arc;

use a2a_protocol_client::token_provider::{OAuth2ClientCredentials, TokenProvider};
use anyhow::Result;
use http::HeaderValue;

use crate::contender::{
    Boxed, CLIENT_ID, CLIENT_SECRET, Contender, FirstFetch, Peer, Settings, at_once, bearer, repeat,
};

pub(crate) const PEER: Peer = Peer {
    name: "a2a-protocol-client",
    checks_expiry: true,
    yields: "string",
    first_fetch: FirstFetch::Later,
    start: |settings| Box::pin(async move { Ok(Arc::new(A2a::new(&settings)) as Arc<dyn Contender>) }),
};

struct A2a(OAuth2ClientCredentials);

impl A2a {
    fn new(settings: &Settings) -> Self {
        let provider = OAuth2ClientCredentials::new(settings.url.as_str(), CLIENT_ID, CLIENT_SECRET);
        Self(match settings.renewed_ahead {
            Some(ahead) => provider.with_refresh_leeway(ahead),
            None => provider,
        })
    }
}

impl Contender for A2a {
    fn authorization(&self) -> Boxed<'_, Result<HeaderValue>> {
        Box::pin(async { bearer(&self.0.access_token().await?) })
    }

    fn read(&self, times: u32) {
        repeat(times, || at_once(self.0.access_token()));
    }
}
