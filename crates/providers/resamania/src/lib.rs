#![doc = include_str!("../README.md")]

use std::fmt;
use std::hash::{Hash, Hasher};

use credentials_grant::settings::{Configure, Setting, Settings};
pub use credentials_grant::*;
#[cfg(feature = "client")]
pub use credentials_grant_client::*;

/// The header with the API gateway's key.
///
/// The vendor's page does not mention it; its FAQ and its public collection do.
/// Source: <https://doc.resamania.com/en/general/frequently-asked-questions>, read 2026-11-21.
const API_KEY_HEADER: &str = "X-Gravitee-Api-Key";
/// The name of that key in the credentials.
const API_KEY: &str = "api-key";

/// The fitness club software Resamania.
///
/// Source: <https://doc.resamania.com>, «Authenticating via the client credentials method», read 2026-11-21.
///
/// ```
/// use credentials_grant_resamania::{Grant, Resamania};
///
/// let club = Grant::Club("/demoapi/clubs/1234".to_owned());
/// let resamania = Resamania::new(Resamania::STAGING, Some("demoapi"))?.with_grant(club);
/// # Ok::<(), credentials_grant_resamania::Error>(())
/// ```
#[derive(Clone, Debug, Hash)]
pub struct Resamania {
    token_endpoint: Endpoint,
    grant: Grant,
}

/// On whose behalf a token acts.
///
/// Source: the pages on authentication at <https://doc.resamania.com> and the vendor's public collection
/// (`stadline/resamania2-partners`), read 2026-11-21.
///
/// `Debug` shows no e-mail address.
///
/// ```
/// use credentials_grant_resamania::Grant;
///
/// let member = Grant::Contact("member@example.com".to_owned());
/// assert_eq!(format!("{member:?}"), "Contact(…)");
/// ```
#[derive(Clone, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Grant {
    /// The application itself: `client_credentials`.
    #[default]
    Application,
    /// A club: `http://clubclientcredentials`, with the club's IRI, such as `/demoapi/clubs/1234`.
    Club(String),
    /// A member: `http://contactclientcredentials`, with the member's e-mail address.
    Contact(String),
}

impl Resamania {
    /// The base URL of the vendor's sandbox, for [`new`](Self::new).
    pub const STAGING: &'static str = "https://gateway.prod.gravitee.stadline.tech/resa2-staging";

    /// Creates the provider with a base URL, which ends in the environment's segment, and a client token, which
    /// identifies the club chain and is optional.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if either cannot be part of the URL.
    pub fn new(base_url: &str, client_token: Option<&str>) -> Result<Self, Error> {
        let values = [("base-url", base_url), ("client-token", client_token.unwrap_or_default())];
        let endpoint = Endpoint::expand("{base-url}/{client-token?}/oauth/v2/token", &values);
        endpoint.map(Self::at).map_err(|error| error.with_provider(Self::NAME))
    }

    /// Creates the provider with another token endpoint, such as an emulator's.
    #[must_use]
    pub fn at(token_endpoint: Endpoint) -> Self {
        Self { token_endpoint, grant: Grant::Application }
    }

    /// Requests tokens that act for a club or a member.
    #[must_use]
    pub fn with_grant(mut self, grant: Grant) -> Self {
        self.grant = grant;
        self
    }

    /// Creates credentials with the key of the API gateway, which every call needs (`X-Gravitee-Api-Key`).
    ///
    /// ```
    /// use credentials_grant_resamania::Resamania;
    ///
    /// # let (secret, api_key) = ("secret", "key");
    /// let credentials = Resamania::credentials("123_abc", secret, api_key);
    /// assert!(credentials.secret("api-key").is_some());
    /// ```
    pub fn credentials(
        client_id: impl Into<String>,
        client_secret: impl Into<SecretString>,
        api_key: impl Into<SecretString>,
    ) -> ClientCredentials {
        ClientCredentials::new(client_id, client_secret).with_secret(API_KEY, api_key)
    }
}

impl CredentialsGrant for Resamania {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        let request = context.post(&self.token_endpoint).client_authentication(ClientAuthentication::ClientSecretPost);
        let request = match &self.grant {
            Grant::Application => request.client_credentials(),
            // The grant types are exactly these URIs; the vendor's tables misprint them as «http».
            Grant::Club(iri) => request.grant_type("http://clubclientcredentials").parameter("clubId", iri),
            Grant::Contact(email) => request.grant_type("http://contactclientcredentials").parameter("email", email),
        };
        let request = request.scope();
        match context.credentials().secret(API_KEY) {
            Some(key) => request.secret_header(API_KEY_HEADER, key).build(),
            None => request.build(),
        }
    }

    fn read_response(&self, response: &HttpResponse) -> Result<TokenResponse, Error> {
        // The OAuth server refuses wrong client credentials with 400. A 401 without an error code comes from the
        // gateway in front of it.
        let gateway = ErrorMapping::for_status(StatusCode::UNAUTHORIZED, ErrorKind::CredentialsRefused)
            .with_message("the API gateway refused the call")
            .with_remedy("check the gateway's key, `api-key`: the client id and secret were not checked");
        ResponseReader::rfc6749().with_error_mapping(gateway).read(response)
    }

    fn policy(&self) -> Policy {
        let presentation = Presentation::bearer().with_secret_header(API_KEY_HEADER, API_KEY);
        // The API is behind the same gateway.
        Policy::new().with_presentation(presentation).with_host(self.token_endpoint.url().authority().to_owned())
    }

    fn identify(&self, mut state: &mut dyn Hasher) -> bool {
        self.hash(&mut state);
        true
    }
}

impl Configure for Resamania {
    const NAME: &'static str = "resamania";
    const TITLE: &'static str = "Resamania";
    const SETTINGS: &'static [Setting] = &[
        Setting::new(
            "base-url",
            "the API URL with its environment, such as https://gateway…/resa2-staging; no default",
        ),
        Setting::new("client-token", "the identifier of the club chain, such as demoapi"),
        Setting::new("club", "act for this club: its IRI, such as /demoapi/clubs/1234"),
        Setting::new("contact", "act for this member: the e-mail address"),
        Setting::secret(API_KEY, "the key of the API gateway (X-Gravitee-Api-Key)"),
    ];

    fn configure(settings: &Settings) -> Result<Self, Error> {
        settings.at_most_one_of(&["club", "contact"])?;
        settings.at_most_one_of(&["base-url", "token-url"])?;
        settings.at_most_one_of(&["client-token", "token-url"])?;
        let provider = match settings.token_url()? {
            Some(url) => Self::at(url),
            None => Self::new(settings.require("base-url")?, settings.find("client-token"))?,
        };
        Ok(match (settings.find("club"), settings.find("contact")) {
            (Some(iri), _) => provider.with_grant(Grant::Club(iri.to_owned())),
            (_, Some(email)) => provider.with_grant(Grant::Contact(email.to_owned())),
            (None, None) => provider,
        })
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Application => f.write_str("Application"),
            Self::Club(iri) => f.debug_tuple("Club").field(iri).finish(),
            Self::Contact(_) => f.write_str("Contact(…)"),
        }
    }
}
