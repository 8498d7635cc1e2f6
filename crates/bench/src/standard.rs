//! The vendor of the measurements and of the soak.

use std::hash::{Hash, Hasher};

use anyhow::Result;
use credentials_grant::{ClientAuthentication, CredentialsGrant, Endpoint, Error, RequestContext, UnsignedRequest};
use url::Url;

/// A vendor that follows RFC 6749.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Standard(Endpoint);

impl Standard {
    pub(crate) fn new(url: &Url) -> Result<Self> {
        Ok(Self(Endpoint::parse(url.as_str())?))
    }
}

impl CredentialsGrant for Standard {
    fn name(&self) -> &'static str {
        "standard"
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        context
            .post(&self.0)
            .client_credentials()
            .client_authentication(ClientAuthentication::ClientSecretBasic)
            .build()
    }

    fn identify(&self, mut state: &mut dyn Hasher) -> bool {
        self.hash(&mut state);
        true
    }
}
