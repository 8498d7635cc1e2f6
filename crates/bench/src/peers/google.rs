//! `google-cloud-auth`: a task renews the token and sends it to a watch channel.
//!
//! We measure its user credentials, because their token endpoint can be set. They send a refresh token, which the
//! server ignores. Their margins (four minutes, and ten seconds after that) cannot be set.

use std::sync::Arc;

use anyhow::Result;
use google_cloud_auth::credentials::{AccessTokenCredentials, user_account::Builder};
use http::HeaderValue;
use serde_json::json;

use crate::contender::{
    Boxed, CLIENT_ID, CLIENT_SECRET, Contender, FirstFetch, Peer, Settings, at_once, bearer, repeat,
};

pub(crate) const PEER: Peer = Peer {
    name: "google-cloud-auth",
    checks_expiry: true,
    yields: "string",
    first_fetch: FirstFetch::Later,
    start: |settings| Box::pin(async move { Ok(Arc::new(Google::new(&settings)?) as Arc<dyn Contender>) }),
};

struct Google(AccessTokenCredentials);

impl Google {
    fn new(settings: &Settings) -> Result<Self> {
        let user = json!({
            "type": "authorized_user",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "refresh_token": "a-refresh-token",
        });
        Ok(Self(Builder::new(user).with_token_uri(settings.url.as_str()).build_access_token_credentials()?))
    }
}

impl Contender for Google {
    fn authorization(&self) -> Boxed<'_, Result<HeaderValue>> {
        Box::pin(async { bearer(&self.0.access_token().await?.token) })
    }

    fn read(&self, times: u32) {
        repeat(times, || at_once(self.0.access_token()));
    }
}
