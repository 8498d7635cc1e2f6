#![doc = include_str!("../README.md")]

use std::hash::{Hash, Hasher};

use credentials_grant::settings::{Configure, Setting, Settings};
pub use credentials_grant::*;
#[cfg(feature = "client")]
pub use credentials_grant_client::*;

/// The token endpoint.
///
/// Source: <https://octotable-1.gitbook.io/octotable-api/authentication/quickstart>, read 2026-11-21.
const TOKEN_URL: &str = "https://api.octorate.com/octotable-pms/api/v2/oauth2/token";

/// The host that the same page's last example calls with the token. Its «base resource URL» is at the host of
/// [`TOKEN_URL`].
const API_HOST: &str = "api.octotable.com";

/// The restaurant reservation system Octotable, by Octorate.
///
/// The request is JSON, and the response has `type` in place of `token_type`.
/// There are no scopes.
///
/// ```
/// use credentials_grant_octorate::{ExpiryUnit, Octorate};
///
/// let octotable = Octorate::new().with_expiry_unit(ExpiryUnit::Minutes);
/// ```
#[derive(Clone, Debug, Hash)]
pub struct Octorate {
    token_endpoint: Endpoint,
    api_host: String,
    expiry_unit: ExpiryUnit,
}

impl Octorate {
    /// Creates the provider with the token endpoint of the vendor's page.
    #[must_use]
    pub fn new() -> Self {
        Self::at(Endpoint::from_static(TOKEN_URL))
    }

    /// Creates the provider with another base URL: the vendor's page names two hosts.
    ///
    /// ```
    /// use credentials_grant_octorate::Octorate;
    ///
    /// let octotable = Octorate::at_base_url("https://api.octotable.com/api/v2")?;
    /// # Ok::<(), credentials_grant_octorate::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if it is not a base URL over HTTPS.
    pub fn at_base_url(base_url: &str) -> Result<Self, Error> {
        let endpoint = Endpoint::expand("{base-url}/oauth2/token", &[("base-url", base_url)]);
        endpoint.map(Self::at).map_err(|error| error.with_provider(Self::NAME))
    }

    /// Creates the provider with another token endpoint, such as an emulator's.
    #[must_use]
    pub fn at(token_endpoint: Endpoint) -> Self {
        Self { token_endpoint, api_host: API_HOST.to_owned(), expiry_unit: ExpiryUnit::Seconds }
    }

    /// Sets the host of the API. Default: `api.octotable.com`. The host of the token endpoint also gets the token.
    #[must_use]
    pub fn with_api_host(mut self, host: impl Into<String>) -> Self {
        self.api_host = host.into();
        self
    }

    /// Sets the unit of `expires_in`, which the vendor's page does not name. Default: seconds.
    ///
    /// The page's 1440 would be a day in minutes. Seconds are the safe choice: renewing too early costs a request,
    /// renewing too late costs a 401.
    #[must_use]
    pub fn with_expiry_unit(mut self, unit: ExpiryUnit) -> Self {
        self.expiry_unit = unit;
        self
    }
}

impl CredentialsGrant for Octorate {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        context
            .post(&self.token_endpoint)
            .json()
            .client_credentials()
            .client_authentication(ClientAuthentication::ClientSecretPost)
            .build()
    }

    fn read_response(&self, response: &HttpResponse) -> Result<TokenResponse, Error> {
        // The API's envelope: {"success": false, "error": {"code", "message", "class_name"}}. The vendor does not say
        // whether the token endpoint uses it too, so errors of RFC 6749 are read as well.
        // Source: https://octotable-1.gitbook.io/octotable-api/error-manual/overview, read 2026-11-21.
        ResponseReader::rfc6749()
            .token_type_in("type")
            .expires_in("expires_in", self.expiry_unit)
            .errors_in("/error/code", "/error/message")
            .read(response)
    }

    fn policy(&self) -> Policy {
        Policy::new().with_host(self.api_host.clone()).with_host(self.token_endpoint.url().authority().to_owned())
    }

    fn identify(&self, mut state: &mut dyn Hasher) -> bool {
        self.hash(&mut state);
        true
    }
}

impl Configure for Octorate {
    const NAME: &'static str = "octorate";
    const TITLE: &'static str = "Octorate/Octotable";
    const SETTINGS: &'static [Setting] = &[
        Setting::new("base-url", "the base URL: https://api.octorate.com/octotable-pms/api/v2 unless set"),
        Setting::new("api-host", "the host of the API: api.octotable.com unless set"),
        Setting::one_of("expiry-unit", "the unit of `expires_in`: seconds unless set", &["seconds", "minutes"]),
    ];

    fn configure(settings: &Settings) -> Result<Self, Error> {
        settings.at_most_one_of(&["base-url", "token-url"])?;
        let mut provider = match (settings.token_url()?, settings.find("base-url")) {
            (Some(url), _) => Self::at(url),
            (None, Some(base_url)) => Self::at_base_url(base_url)?,
            (None, None) => Self::new(),
        };
        if let Some(host) = settings.find("api-host") {
            // The token is sent to this host, so nothing but a host is accepted.
            Endpoint::expand("https://{api-host}/", &[("api-host", host)])?;
            provider = provider.with_api_host(host);
        }
        let unit = settings.parse("expiry-unit")?;
        Ok(unit.into_iter().fold(provider, Self::with_expiry_unit))
    }
}

impl Default for Octorate {
    fn default() -> Self {
        Self::new()
    }
}
