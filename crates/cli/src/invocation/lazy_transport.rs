//! The transport to the token server, made when it is needed.

use std::sync::OnceLock;
use std::time::Duration;

use credentials_grant::{Error, HttpRequest, HttpResponse, Transport, async_trait};
use credentials_grant_client::HttpTransport;

/// A transport that is made with the first request. To read the system's CA certificates takes longer than all the rest
/// of a run that finds its token in the store.
#[derive(Debug)]
pub(crate) struct LazyTransport {
    made: OnceLock<HttpTransport>,
    timeout: Duration,
}

impl LazyTransport {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { made: OnceLock::new(), timeout }
    }
}

#[async_trait]
impl Transport for LazyTransport {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Error> {
        let transport = if let Some(made) = self.made.get() {
            made
        } else {
            let made = HttpTransport::new()?.with_timeout(self.timeout);
            self.made.get_or_init(|| made)
        };
        transport.send(request).await
    }
}
