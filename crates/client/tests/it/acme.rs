//! The sources of most tests, whose tokens come from a provider that keeps to RFC 6749.

use std::time::Duration;

use credentials_grant::{ClientCredentials, Error, Policy};
use credentials_grant_client::{Clock, ManualClock, TokenSource, TokenSourceBuilder};
use credentials_grant_test_kit::{Acme, TestServer};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// A provider whose server blocks addresses.
pub(crate) fn acme() -> Acme {
    Acme::new().with_policy(Policy::new().with_address_blocking())
}

pub(crate) fn builder(server: &TestServer, clock: &ManualClock) -> TokenSourceBuilder {
    on_clock(server, clock.clone())
}

pub(crate) fn on_clock(server: &TestServer, clock: impl Clock) -> TokenSourceBuilder {
    TokenSource::builder(acme(), ClientCredentials::new("id", "a-client-secret"))
        .with_transport(server.clone())
        .with_clock(clock)
}

pub(crate) fn builder_for(provider: Acme, server: &TestServer, clock: &ManualClock) -> TokenSourceBuilder {
    let credentials = ClientCredentials::new("id", "a-client-secret");
    TokenSource::builder(provider, credentials).with_transport(server.clone()).with_clock(clock.clone())
}

pub(crate) fn source(server: &TestServer, clock: &ManualClock) -> TokenSource {
    builder(server, clock).build().unwrap()
}

/// Returns the token that a source hands out, as it stands in the header.
pub(crate) async fn token(source: &TokenSource) -> Result<String, Error> {
    source.token().await.map(|token| token.header_value().to_str().unwrap().to_owned())
}
