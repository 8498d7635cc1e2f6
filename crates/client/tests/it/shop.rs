//! A vendor with an API, whose policy the test writes.

use credentials_grant::{AccessToken, ClientCredentials, Policy, Presentation};
use credentials_grant_client::{Authorizer, ManualClock, TokenSource};
use credentials_grant_test_kit::{Acme, Answer, TestServer, clock};

/// An authorizer, and what it works with.
pub(crate) struct Rig {
    pub(crate) server: TestServer,
    pub(crate) clock: ManualClock,
    pub(crate) source: TokenSource,
    pub(crate) authorizer: Authorizer,
}

/// A bearer token for `api.example.com`.
pub(crate) fn policy() -> Policy {
    Policy::new().with_host("api.example.com")
}

/// The token alone, in a header of the vendor's, with two companions.
pub(crate) fn presentation() -> Presentation {
    Presentation::header("X-Shop-Token").with_extra_header("x-plan", "basic").with_secret_header("x-key", "key")
}

/// An authorizer for a vendor that issues as many tokens as are asked for.
pub(crate) fn rig(policy: Policy) -> Rig {
    rig_with(policy, TestServer::in_turn((0..100).map(|_| Answer::Token(3600))))
}

pub(crate) fn rig_with(policy: Policy, server: TestServer) -> Rig {
    let clock = clock();
    let source = source(policy, &server, &clock);
    Rig { authorizer: Authorizer::new(source.clone()).unwrap(), server, clock, source }
}

pub(crate) fn source(policy: Policy, server: &TestServer, clock: &ManualClock) -> TokenSource {
    let credentials = ClientCredentials::new("id", "a-client-secret").with_secret("key", "a-key");
    let builder = TokenSource::builder(Acme::new().with_name("shop").with_policy(policy), credentials);
    builder.with_transport(server.clone()).with_clock(clock.clone()).build().unwrap()
}

impl Rig {
    /// Has a token in memory, as a program has that runs for a while.
    pub(crate) async fn warm(self) -> Self {
        self.source.token().await.unwrap();
        self
    }

    /// The token in memory, as the API would see it.
    pub(crate) fn cached(&self) -> Option<String> {
        self.source.cached().map(|token: credentials_grant_client::TokenRef| shown(&token))
    }
}

fn shown(token: &AccessToken) -> String {
    token.header_value().to_str().unwrap().to_owned()
}
