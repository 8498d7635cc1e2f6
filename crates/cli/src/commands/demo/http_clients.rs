//! The HTTP clients that all trips share.

use std::sync::Arc;
use std::time::Duration;

use credentials_grant_client::HttpTransport;
use reqwest::Client;

use crate::error::CommandError;
use crate::exit::Exit;

/// How long a step may wait for anything.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// One client for token servers and one for APIs.
pub(super) struct HttpClients {
    pub(super) tokens: Arc<HttpTransport>,
    pub(super) api: Client,
}

impl HttpClients {
    pub(super) fn new() -> Result<Self, CommandError> {
        let api = Client::builder().no_proxy().tls_certs_only([]).timeout(TIMEOUT).build();
        let api =
            api.map_err(|error| CommandError::new(Exit::Failed, "cannot set up the HTTP client").with_cause(&error))?;
        Ok(Self { tokens: Arc::new(HttpTransport::new()?), api })
    }
}
