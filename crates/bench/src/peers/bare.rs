//! The bare HTTP client. Fetches are compared with it, and the hand-written patterns use it.

use anyhow::Result;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use serde::Deserialize;
use url::Url;

use super::Sender;
use crate::contender::{Boxed, CLIENT_ID, CLIENT_SECRET, bearer};
use crate::server::token;

/// The token response of the server.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    pub(crate) access_token: String,
    pub(crate) expires_in: u64,
}

/// A reqwest client and the URL of a token endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: Url,
}

impl Client {
    pub(crate) fn new(url: &Url) -> Result<Self> {
        Ok(Self { http: http()?, url: url.clone() })
    }

    /// Sends the same POST as the other contenders, and parses the JSON.
    pub(crate) async fn token(&self) -> Result<Answer> {
        let request = self.http.post(self.url.clone()).basic_auth(CLIENT_ID, Some(CLIENT_SECRET));
        let response = request.form(&[("grant_type", "client_credentials")]).send().await?;
        Ok(response.error_for_status()?.json().await?)
    }
}

impl Sender for Client {
    fn send(&self) -> Boxed<'_, Result<()>> {
        Box::pin(async { self.token().await.map(drop) })
    }
}

/// An API call with a prepared header value.
#[derive(Debug)]
pub(crate) struct Call {
    http: reqwest::Client,
    api: Url,
    header: HeaderValue,
}

impl Call {
    pub(crate) fn new(api: &Url) -> Result<Self> {
        Ok(Self { http: http()?, api: api.clone(), header: bearer(&token(0))? })
    }
}

impl Sender for Call {
    fn send(&self) -> Boxed<'_, Result<()>> {
        Box::pin(async {
            let request = self.http.get(self.api.clone()).header(AUTHORIZATION, self.header.clone());
            request.send().await?.bytes().await?;
            Ok(())
        })
    }
}

/// Returns a client that ignores the system's proxies.
pub(crate) fn http() -> Result<reqwest::Client> {
    Ok(reqwest::Client::builder().no_proxy().build()?)
}
