#![doc = include_str!("../README.md")]

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::time::Duration;

use credentials_grant::settings::{Configure, Setting, Settings};
pub use credentials_grant::*;
#[cfg(feature = "client")]
pub use credentials_grant_client::*;

/// A user pool of Amazon Cognito.
///
/// A scope is `resource-server/scope`, where the identifier of the resource server may itself be a URL.
/// Cognito bills tokens, but not refused requests.
///
/// Source: <https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html>, read 2026-11-21.
///
/// ```
/// use credentials_grant_cognito::{ClientAuthentication, Cognito};
///
/// let pool = Cognito::new("cps-poc-api-access", "eu-south-2")?
///     .with_client_authentication(ClientAuthentication::ClientSecretPost)
///     .with_client_metadata("hotel", "MUC");
/// # Ok::<(), credentials_grant_cognito::Error>(())
/// ```
#[derive(Clone, Debug, Hash)]
pub struct Cognito {
    token_endpoint: Endpoint,
    client_authentication: ClientAuthentication,
    client_metadata: BTreeMap<String, String>,
}

impl Cognito {
    /// Creates the provider for a user pool with a prefix domain: `https://{prefix}.auth.{region}.amazoncognito.com`,
    /// or the form of the region's partition (`auth-fips` in AWS GovCloud, `amazoncognito.com.cn` in China).
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the prefix or the region cannot be part of a host name.
    pub fn new(prefix: &str, region: &str) -> Result<Self, Error> {
        // Sources: https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-cog.html for GovCloud; for China,
        // public code that maps the partition `aws-cn`. Read 2026-11-21.
        let region = region.trim().to_ascii_lowercase();
        let template = match &*region {
            gov if gov.starts_with("us-gov-") => "https://{prefix}.auth-fips.{region}.amazoncognito.com/oauth2/token",
            china if china.starts_with("cn-") => "https://{prefix}.auth.{region}.amazoncognito.com.cn/oauth2/token",
            _ => "https://{prefix}.auth.{region}.amazoncognito.com/oauth2/token",
        };
        let endpoint = Endpoint::expand(template, &[("prefix", prefix), ("region", &region)]);
        endpoint.map(Self::at).map_err(|error| error.with_provider(Self::NAME))
    }

    /// Creates the provider for a user pool with a domain of your own.
    #[must_use]
    pub fn at_custom_domain(domain: CustomDomain) -> Self {
        Self::at(domain.0)
    }

    /// Creates the provider with another token endpoint, such as an emulator's.
    ///
    /// ```
    /// use credentials_grant_cognito::Cognito;
    ///
    /// let emulated = Cognito::at("http://127.0.0.1:8080/oauth2/token".parse()?);
    /// # Ok::<(), credentials_grant_cognito::Error>(())
    /// ```
    #[must_use]
    pub fn at(token_endpoint: Endpoint) -> Self {
        let client_metadata = BTreeMap::new();
        Self { token_endpoint, client_authentication: ClientAuthentication::ClientSecretBasicRaw, client_metadata }
    }

    /// Sets how the client authenticates. Default:
    /// [`ClientSecretBasicRaw`](ClientAuthentication::ClientSecretBasicRaw), because the page joins id and secret
    /// without encoding them.
    ///
    /// Ids and secrets of Cognito have letters, digits, `_` and `+`, so that only a `+` makes a difference to
    /// [`ClientSecretBasic`](ClientAuthentication::ClientSecretBasic).
    ///
    /// Source: `ClientSecret` at
    /// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AddUserPoolClientSecret.html>,
    /// read 2026-11-29.
    #[must_use]
    pub fn with_client_authentication(mut self, method: ClientAuthentication) -> Self {
        self.client_authentication = method;
        self
    }

    /// Adds an entry to the metadata for the pool's pre-token-generation Lambda (`aws_client_metadata`).
    #[must_use]
    pub fn with_client_metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.client_metadata.insert(name.into(), value.into());
        self
    }
}

/// The methods that the setting `auth` takes.
const CLIENT_AUTHENTICATIONS: &[ClientAuthentication] = &[
    ClientAuthentication::ClientSecretBasic,
    ClientAuthentication::ClientSecretBasicRaw,
    ClientAuthentication::ClientSecretPost,
];

impl CredentialsGrant for Cognito {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        let mut request = context
            .post(&self.token_endpoint)
            .client_credentials()
            .client_authentication(self.client_authentication)
            .scope();
        if !self.client_metadata.is_empty() {
            let metadata = serde_json::json!(self.client_metadata).to_string();
            request = request.parameter("aws_client_metadata", metadata);
        }
        request.build()
    }

    fn policy(&self) -> Policy {
        // No host: the API is the customer's own.
        //
        // The quota «ClientAuthentication» is 150 requests per second for an account in a region.
        // Source: https://docs.aws.amazon.com/cognito/latest/developerguide/limits.html, edition of 2023.
        Policy::new().with_limit(IssuanceLimit::new(150, Duration::from_secs(1))).with_billed_tokens()
    }

    fn identify(&self, mut state: &mut dyn Hasher) -> bool {
        self.hash(&mut state);
        true
    }
}

impl Configure for Cognito {
    const NAME: &'static str = "cognito";
    const TITLE: &'static str = "Amazon Cognito";
    const SETTINGS: &'static [Setting] = &[
        Setting::new("prefix", "the prefix of the user pool's domain, with `region`"),
        Setting::new("region", "the AWS region of the user pool, such as eu-south-2"),
        Setting::new("domain", "the user pool's custom domain, instead of `prefix` and `region`"),
        Setting::client_authentication(
            "auth",
            "how the client authenticates: client_secret_basic_raw unless set",
            CLIENT_AUTHENTICATIONS,
        ),
    ];

    fn configure(settings: &Settings) -> Result<Self, Error> {
        settings.at_most_one_of(&["domain", "prefix", "token-url"])?;
        settings.at_most_one_of(&["domain", "region", "token-url"])?;
        // Not `settings.parse`, because the error already names the setting.
        let domain = settings.find("domain").map(str::parse).transpose()?;
        let provider = match (settings.token_url()?, domain) {
            (Some(url), _) => Self::at(url),
            (None, Some(domain)) => Self::at_custom_domain(domain),
            (None, None) => Self::new(settings.require("prefix")?, settings.require("region")?)?,
        };
        let method = settings.parse("auth")?;
        Ok(method.into_iter().fold(provider, Self::with_client_authentication))
    }
}

/// A user pool's custom domain, such as `auth.example.com`.
///
/// ```
/// use credentials_grant_cognito::{Cognito, CustomDomain};
///
/// let domain: CustomDomain = "auth.example.com".parse()?;
/// let cognito = Cognito::at_custom_domain(domain);
///
/// assert!("https://auth.example.com/login".parse::<CustomDomain>().is_err());
/// # Ok::<(), credentials_grant_cognito::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CustomDomain(Endpoint);

impl FromStr for CustomDomain {
    type Err = Error;

    fn from_str(domain: &str) -> Result<Self, Error> {
        let endpoint = Endpoint::expand("https://{domain}/oauth2/token", &[("domain", domain)]);
        endpoint.map(Self).map_err(|error| error.with_provider(Cognito::NAME))
    }
}
