#![doc = include_str!("../README.md")]

use std::hash::{Hash, Hasher};

use credentials_grant::settings::{Configure, Setting, Settings};
pub use credentials_grant::*;
#[cfg(feature = "client")]
pub use credentials_grant_client::*;
use serde::Deserialize;

/// The token endpoint of every account.
///
/// Source: <https://apaleo.dev/guides/oauth-connection/simple-client>, read 2026-11-21.
const TOKEN_URL: &str = "https://identity.apaleo.com/connect/token";

/// The host of every account's API.
///
/// Source: the same page, which calls `https://api.apaleo.com/inventory/v1/properties/MUC` with the token.
const API_HOST: &str = "api.apaleo.com";

/// The hotel management platform apaleo.
///
/// The client id determines the account, so there is nothing that must be configured.
///
/// ```
/// use credentials_grant_apaleo::{Apaleo, CredentialsGrant};
///
/// assert_eq!(Apaleo::new().policy().hosts(), ["api.apaleo.com"]);
/// ```
#[derive(Clone, Debug, Hash)]
pub struct Apaleo {
    token_endpoint: Endpoint,
    client_authentication: ClientAuthentication,
}

impl Apaleo {
    /// Creates the provider with apaleo's token endpoint.
    #[must_use]
    pub fn new() -> Self {
        Self::at(Endpoint::from_static(TOKEN_URL))
    }

    /// Creates the provider with another token endpoint, such as an emulator's.
    ///
    /// ```
    /// use credentials_grant_apaleo::Apaleo;
    ///
    /// let emulated = Apaleo::at("http://127.0.0.1:8080/connect/token".parse()?);
    /// # Ok::<(), credentials_grant_apaleo::Error>(())
    /// ```
    #[must_use]
    pub fn at(token_endpoint: Endpoint) -> Self {
        // The server is built on IdentityServer, which decodes the halves as RFC 6749 section 2.3.1 says.
        Self { token_endpoint, client_authentication: ClientAuthentication::ClientSecretBasic }
    }

    /// Sets how the client authenticates. Default: [`ClientSecretBasic`](ClientAuthentication::ClientSecretBasic).
    ///
    /// The vendor's page allows HTTP Basic alone, and its example does not encode the id and the secret. If an id or a
    /// secret with characters such as `+` is refused, try
    /// [`ClientSecretBasicRaw`](ClientAuthentication::ClientSecretBasicRaw):
    ///
    /// ```
    /// use credentials_grant_apaleo::{Apaleo, ClientAuthentication};
    ///
    /// let apaleo = Apaleo::new().with_client_authentication(ClientAuthentication::ClientSecretBasicRaw);
    /// ```
    #[must_use]
    pub fn with_client_authentication(mut self, method: ClientAuthentication) -> Self {
        self.client_authentication = method;
        self
    }

    /// Reads the claims of a token, **without verifying them**.
    ///
    /// Use it to find out which account the credentials belong to, never to decide what a caller may do.
    ///
    /// ```no_run
    /// use credentials_grant_apaleo::{Apaleo, Error, TokenSource};
    ///
    /// # async fn example(source: TokenSource) -> Result<(), Error> {
    /// let token = source.token().await?;
    /// let claims = Apaleo::unverified_claims(&token)?;
    /// println!("account {}", claims.account_code);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`BadResponse`](ErrorKind::BadResponse) if the token is not a JWT with these claims.
    pub fn unverified_claims(token: &AccessToken) -> Result<UnverifiedClaims, Error> {
        token.unverified_claims().map_err(|error| error.with_provider(Self::NAME))
    }
}

/// The methods that the setting `auth` takes.
const CLIENT_AUTHENTICATIONS: &[ClientAuthentication] =
    &[ClientAuthentication::ClientSecretBasic, ClientAuthentication::ClientSecretBasicRaw];

impl CredentialsGrant for Apaleo {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        context
            .post(&self.token_endpoint)
            .client_authentication(self.client_authentication)
            .client_credentials()
            .scope()
            .build()
    }

    fn policy(&self) -> Policy {
        Policy::new().with_host(API_HOST)
    }

    fn identify(&self, mut state: &mut dyn Hasher) -> bool {
        self.hash(&mut state);
        true
    }
}

impl Configure for Apaleo {
    const NAME: &'static str = "apaleo";
    const TITLE: &'static str = "apaleo";
    const SETTINGS: &'static [Setting] = &[Setting::client_authentication(
        "auth",
        "how the client authenticates: client_secret_basic unless set",
        CLIENT_AUTHENTICATIONS,
    )];

    fn configure(settings: &Settings) -> Result<Self, Error> {
        let provider = settings.token_url()?.map_or_else(Self::new, Self::at);
        let method = settings.parse("auth")?;
        Ok(method.into_iter().fold(provider, Self::with_client_authentication))
    }
}

impl Default for Apaleo {
    fn default() -> Self {
        Self::new()
    }
}

/// The claims of an apaleo token, not verified. [`Apaleo::unverified_claims`] reads them.
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
