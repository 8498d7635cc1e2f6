#![doc = include_str!("../README.md")]

use std::hash::{Hash, Hasher};
use std::time::Duration;

use credentials_grant::settings::{Configure, Setting, Settings};
pub use credentials_grant::*;
#[cfg(feature = "client")]
pub use credentials_grant_client::*;

/// The route planning APIs of PTV Logistics (Conundra).
///
/// Each API names its own token URL, so there is no default.
///
/// Source: <https://developer.conundra.eu/developer-portal/authentication>, read 2026-11-21.
///
/// ```
/// use credentials_grant_ptv::{ClientAuthentication, Ptv};
///
/// let ptv = Ptv::at("https://auth.conundra.eu/auth/realms/prod/protocol/openid-connect/token".parse()?)
///     .with_client_authentication(ClientAuthentication::ClientSecretPost);
/// # Ok::<(), credentials_grant_ptv::Error>(())
/// ```
#[derive(Clone, Debug, Hash)]
pub struct Ptv {
    token_endpoint: Endpoint,
    client_authentication: ClientAuthentication,
}

impl Ptv {
    /// Creates the provider for the API whose page names this token URL.
    #[must_use]
    pub fn at(token_endpoint: Endpoint) -> Self {
        Self { token_endpoint, client_authentication: ClientAuthentication::ClientSecretBasic }
    }

    /// Sets how the client authenticates. Default: [`ClientSecretBasic`](ClientAuthentication::ClientSecretBasic).
    #[must_use]
    pub fn with_client_authentication(mut self, method: ClientAuthentication) -> Self {
        self.client_authentication = method;
        self
    }
}

/// The methods that the setting `auth` takes.
const CLIENT_AUTHENTICATIONS: &[ClientAuthentication] = &[
    ClientAuthentication::ClientSecretBasic,
    ClientAuthentication::ClientSecretBasicRaw,
    ClientAuthentication::ClientSecretPost,
];

impl CredentialsGrant for Ptv {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        // The page asks for a urlencoded form, and its example sends multipart (`curl --form`). We send what it asks
        // for.
        context
            .post(&self.token_endpoint)
            .client_credentials()
            .client_authentication(self.client_authentication)
            .scope()
            .build()
    }

    fn policy(&self) -> Policy {
        // No host: the vendor's page names none, and each API has its own.
        //
        // «Up to 50 requests per second from the same IP». «Continuous failed login attempts from the same IP» block
        // the address below HTTP.
        Policy::new().with_limit(IssuanceLimit::new(50, Duration::from_secs(1))).with_address_blocking()
    }

    fn identify(&self, mut state: &mut dyn Hasher) -> bool {
        self.hash(&mut state);
        true
    }
}

impl Configure for Ptv {
    const NAME: &'static str = "ptv";
    const TITLE: &'static str = "PTV Logistics (Conundra)";
    const SETTINGS: &'static [Setting] = &[
        Setting::new("token-url", "the token URL, which the page of your PTV API names; there is no default"),
        Setting::client_authentication(
            "auth",
            "how the client authenticates: client_secret_basic unless set",
            CLIENT_AUTHENTICATIONS,
        ),
    ];

    fn configure(settings: &Settings) -> Result<Self, Error> {
        let url = settings.token_url()?.ok_or_else(|| {
            Error::new(ErrorKind::Configuration, "the setting `token-url` is missing")
                .with_remedy("set `token-url` to the token URL that the page of your PTV API names")
        })?;
        let method = settings.parse("auth")?;
        Ok(method.into_iter().fold(Self::at(url), Self::with_client_authentication))
    }
}
