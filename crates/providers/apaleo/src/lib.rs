#![doc = include_str!("../README.md")]

use credentials_grant::settings::{Configure, Setting, Settings};
pub use credentials_grant::*;
#[cfg(feature = "client")]
pub use credentials_grant_client::*;
use serde::Deserialize;

/// The token endpoint, the same for every account.
///
/// Source: <https://apaleo.dev/guides/oauth-connection/simple-client>, read 2026-11-21.
const TOKEN_URL: &str = "https://identity.apaleo.com/connect/token";

/// The host of the API, for every account.
///
/// Source: the same page, which calls `https://api.apaleo.com/inventory/v1/properties/MUC` with the token.
const API_HOST: &str = "api.apaleo.com";

/// The hotel management platform apaleo.
///
/// The account follows from the client id, so there is nothing to set.
#[derive(Clone, Debug)]
pub struct Apaleo {
    token_endpoint: Endpoint,
}

impl Apaleo {
    /// apaleo as it is.
    #[must_use]
    pub fn new() -> Self {
        Self::at(Endpoint::from_static(TOKEN_URL))
    }

    /// apaleo at another token endpoint, such as an emulator's.
    #[must_use]
    pub fn at(token_endpoint: Endpoint) -> Self {
        Self { token_endpoint }
    }

    /// Reads what a token says of itself, **without verifying it**.
    ///
    /// Good for finding out which account one works for; never for deciding what someone may do.
    ///
    /// # Errors
    ///
    /// [`BadResponse`](ErrorKind::BadResponse) if the token is not a JWT with these claims.
    pub fn unverified_claims(token: &AccessToken) -> Result<UnverifiedClaims, Error> {
        token.unverified_claims().map_err(|error| error.with_provider(Self::NAME))
    }
}

impl CredentialsGrant for Apaleo {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        context
            .post(&self.token_endpoint)
            // The server decodes what RFC 6749 section 2.3.1 has encoded: it is built on IdentityServer, which does.
            .client_authentication(ClientAuthentication::ClientSecretBasic)
            .client_credentials()
            .scope()
            .build()
    }

    fn policy(&self) -> Policy {
        Policy::new().with_host(API_HOST)
    }
}

impl Configure for Apaleo {
    const NAME: &'static str = "apaleo";
    const TITLE: &'static str = "apaleo";
    const SETTINGS: &'static [Setting] = &[];

    fn configure(settings: &Settings) -> Result<Self, Error> {
        Ok(settings.token_url()?.map_or_else(Self::new, Self::at))
    }
}

impl Default for Apaleo {
    fn default() -> Self {
        Self::new()
    }
}

/// What an apaleo token says of itself. Nobody has checked it.
///
/// Source: <https://apaleo.dev/guides/oauth-connection/simple-client>, read 2026-11-21.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct UnverifiedClaims {
    /// The account, such as `SDXE`.
    pub account_code: String,
    /// The client, such as `SDXE-SP-SIMPLEAPP`.
    pub client_id: String,
    /// The scopes granted.
    #[serde(rename = "scope")]
    pub scopes: Vec<String>,
}
