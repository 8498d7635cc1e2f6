#![doc = include_str!("../README.md")]

use std::hash::{Hash, Hasher};

use credentials_grant::settings::{Configure, Setting, Settings};
pub use credentials_grant::*;
#[cfg(feature = "client")]
pub use credentials_grant_client::*;

/// The token endpoint.
///
/// FILL IN: the URL, and where you found it, as `Source: <https://…>, read YYYY-MM-DD.`
const TOKEN_URL: &str = "https://auth.example.com/oauth2/token";

/// FILL IN: the vendor, in one line.
///
/// ```
/// use credentials_grant_{{module}}::{CredentialsGrant, {{Type}}};
///
/// assert_eq!({{Type}}::new().name(), "{{name}}");
/// ```
#[derive(Clone, Debug, Hash)]
pub struct {{Type}} {
    token_endpoint: Endpoint,
}

impl {{Type}} {
    /// Creates the provider with the vendor's token endpoint.
    #[must_use]
    pub fn new() -> Self {
        Self::at(Endpoint::from_static(TOKEN_URL))
    }

    /// Creates the provider with another token endpoint, such as an emulator's.
    #[must_use]
    pub fn at(token_endpoint: Endpoint) -> Self {
        Self { token_endpoint }
    }
}

impl CredentialsGrant for {{Type}} {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        context
            .post(&self.token_endpoint)
            .client_authentication(ClientAuthentication::ClientSecretBasic)
            .client_credentials()
            .scope()
            .build()
    }

    fn policy(&self) -> Policy {
        // FILL IN: the hosts of the vendor's API, and where you found them. The token is sent only to these hosts. If
        // each customer has its own host, leave them out: the caller then sets the host.
        Policy::new().with_host("api.example.com")
    }

    fn identify(&self, mut state: &mut dyn Hasher) -> bool {
        self.hash(&mut state);
        true
    }
}

impl Configure for {{Type}} {
    const NAME: &'static str = "{{name}}";
    const TITLE: &'static str = "{{Type}}";
    const SETTINGS: &'static [Setting] = &[];

    fn configure(settings: &Settings) -> Result<Self, Error> {
        Ok(settings.token_url()?.map_or_else(Self::new, Self::at))
    }
}

impl Default for {{Type}} {
    fn default() -> Self {
        Self::new()
    }
}
