//! A vendor with an API, whose policy the test writes.

use std::sync::Arc;

use credentials_grant::{
    AccessToken, ClientAuthentication, ClientCredentials, CredentialsGrant, Error, Policy, Presentation,
    RequestContext, UnsignedRequest,
};
use credentials_grant_client::{Authorizer, ManualClock, TokenSource};

use crate::acme::{Act, Script, clock, endpoint};

#[derive(Debug)]
pub(crate) struct Shop(pub(crate) Policy);

impl CredentialsGrant for Shop {
    fn name(&self) -> &'static str {
        "shop"
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        context
            .post(&endpoint())
            .client_authentication(ClientAuthentication::ClientSecretBasic)
            .client_credentials()
            .build()
    }

    fn policy(&self) -> Policy {
        self.0.clone()
    }
}

/// An authorizer, and what it works with.
pub(crate) struct Rig {
    pub(crate) script: Arc<Script>,
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
    rig_with(policy, Script::new((0..100).map(|_| Act::Issue(3600))))
}

pub(crate) fn rig_with(policy: Policy, script: Arc<Script>) -> Rig {
    let clock = clock();
    let source = source(policy, &script, &clock);
    Rig { authorizer: Authorizer::new(source.clone()).unwrap(), script, clock, source }
}

pub(crate) fn source(policy: Policy, script: &Arc<Script>, clock: &ManualClock) -> TokenSource {
    let credentials = ClientCredentials::new("id", "a-client-secret").with_secret("key", "a-key");
    let builder = TokenSource::builder(Shop(policy), credentials);
    builder.with_transport(Arc::clone(script)).with_clock(clock.clone()).build().unwrap()
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
