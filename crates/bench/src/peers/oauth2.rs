//! `oauth2`: fetches tokens, without a cache.

use anyhow::Result;
use oauth2::basic::BasicClient;
use oauth2::{ClientId, ClientSecret, EndpointNotSet, EndpointSet, TokenUrl, reqwest};
use url::Url;

use super::Sender;
use crate::contender::{Boxed, CLIENT_ID, CLIENT_SECRET};

/// A client without the endpoints of the grants that need a user.
type Client = BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

pub(crate) struct Uncached {
    client: Client,
    http: reqwest::Client,
}

impl Uncached {
    pub(crate) fn new(url: &Url) -> Result<Self> {
        let client = BasicClient::new(ClientId::new(CLIENT_ID.to_owned()))
            .set_client_secret(ClientSecret::new(CLIENT_SECRET.to_owned()))
            .set_token_uri(TokenUrl::from_url(url.clone()));
        Ok(Self { client, http: older_http()? })
    }
}

impl Sender for Uncached {
    fn send(&self) -> Boxed<'_, Result<()>> {
        Box::pin(async {
            self.client.exchange_client_credentials().request_async(&self.http).await?;
            Ok(())
        })
    }
}

/// Returns a client of reqwest 0.12, which this crate and those that depend on it use.
pub(super) fn older_http() -> Result<reqwest::Client> {
    Ok(reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?)
}
