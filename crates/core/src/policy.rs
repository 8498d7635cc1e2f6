//! What a runtime must know of a vendor beside the bytes.

use std::borrow::Cow;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, StatusCode};
use secrecy::ExposeSecret;

use crate::credentials::ClientCredentials;
use crate::error::Error;
use crate::header;
use crate::proof_key::ProofKey;

/// How a vendor's tokens are presented, how long they live and how often they may be asked for.
///
/// ```
/// use std::time::Duration;
/// use credentials_grant::{IssuanceLimit, Policy};
///
/// let policy = Policy::new().with_host("api.example.com").with_limit(IssuanceLimit::new(50, Duration::from_secs(1)));
/// assert_eq!(policy.hosts(), ["api.example.com"]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Policy {
    presentation: Presentation,
    hosts: Vec<Cow<'static, str>>,
    expired_statuses: Vec<StatusCode>,
    lifetime: Option<Duration>,
    limits: Vec<IssuanceLimit>,
    refusals_block_address: bool,
}

impl Policy {
    /// What RFC 6749 and RFC 6750 say: a bearer token, its life as the answer states it, no limits known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how API calls present the token.
    #[must_use]
    pub fn with_presentation(mut self, presentation: Presentation) -> Self {
        self.presentation = presentation;
        self
    }

    /// Adds a host whose API takes the token.
    ///
    /// A host is one by name, `api.example.com`, or all below one, `*.example.com`, which does not mean `example.com`.
    /// Without a port, it is the scheme's own; with one, `localhost:8080`, that one. A vendor whose host depends on the
    /// customer has none: the customer names it.
    #[must_use]
    pub fn with_host(mut self, host: impl Into<Cow<'static, str>>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// Adds a status by which the API says that a token has expired, beside 401 (RFC 6750 section 3.1).
    #[must_use]
    pub fn with_expired_status(mut self, status: StatusCode) -> Self {
        self.expired_statuses.push(status);
        self
    }

    /// Sets the life of a token whose answer states none.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// Adds a limit on how often tokens may be asked for.
    #[must_use]
    pub fn with_limit(mut self, limit: IssuanceLimit) -> Self {
        self.limits.push(limit);
        self
    }

    /// Says that the vendor blocks the address of whoever keeps sending credentials that it refuses.
    #[must_use]
    pub fn with_refusals_blocking_the_address(mut self) -> Self {
        self.refusals_block_address = true;
        self
    }

    /// How API calls present the token.
    #[must_use]
    pub fn presentation(&self) -> &Presentation {
        &self.presentation
    }

    /// The hosts whose API takes the token.
    #[must_use]
    pub fn hosts(&self) -> &[Cow<'static, str>] {
        &self.hosts
    }

    /// The statuses by which the API says that a token has expired, beside 401.
    #[must_use]
    pub fn expired_statuses(&self) -> &[StatusCode] {
        &self.expired_statuses
    }

    /// The life of a token whose answer states none.
    #[must_use]
    pub fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }

    /// How often tokens may be asked for.
    #[must_use]
    pub fn limits(&self) -> &[IssuanceLimit] {
        &self.limits
    }

    /// Whether the vendor blocks the address of whoever keeps sending credentials that it refuses.
    #[must_use]
    pub fn refusals_block_address(&self) -> bool {
        self.refusals_block_address
    }
}

/// At most this many token requests in this much time.
///
/// ```
/// use std::time::Duration;
/// use credentials_grant::IssuanceLimit;
///
/// let guesty = IssuanceLimit::new(5, Duration::from_secs(24 * 60 * 60)).per_client();
/// assert!(guesty.is_per_client());
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct IssuanceLimit {
    requests: u32,
    period: Duration,
    per_client: bool,
}

impl IssuanceLimit {
    /// At most `requests` in `period`, all clients of this machine's taken together.
    #[must_use]
    pub fn new(requests: u32, period: Duration) -> Self {
        Self { requests, period, per_client: false }
    }

    /// Counts each client id by itself.
    #[must_use]
    pub fn per_client(mut self) -> Self {
        self.per_client = true;
        self
    }

    /// How many requests.
    #[must_use]
    pub fn requests(self) -> u32 {
        self.requests
    }

    /// In how much time.
    #[must_use]
    pub fn period(self) -> Duration {
        self.period
    }

    /// Whether each client id is counted by itself.
    #[must_use]
    pub fn is_per_client(self) -> bool {
        self.per_client
    }
}

/// How an API call carries a token: the header, and what must stand beside it.
///
/// ```
/// use credentials_grant::Presentation;
///
/// let shopify = Presentation::header("X-Shopify-Access-Token");
/// let resamania = Presentation::bearer().with_secret_companion("X-Gravitee-Api-Key", "api-key");
/// let zoho = Presentation::header("Authorization").with_scheme("Zoho-oauthtoken");
/// let twitch = Presentation::bearer().with_client_id_companion("Client-Id");
/// ```
#[derive(Clone, Debug)]
pub struct Presentation {
    header: Cow<'static, str>,
    /// What stands before the token, behind which comes a space.
    scheme: Option<Cow<'static, str>>,
    companions: Vec<(Cow<'static, str>, Companion)>,
}

const BEARER: &str = "Bearer";

#[derive(Clone, Debug)]
enum Companion {
    ClientId,
    Plain(String),
    /// The name of the secret among the credentials; left out where they hold none of that name.
    Secret(Cow<'static, str>),
}

impl Presentation {
    /// `Authorization: Bearer …` (RFC 6750 section 2.1).
    #[must_use]
    pub fn bearer() -> Self {
        Self::header(AUTHORIZATION.as_str()).with_scheme(BEARER)
    }

    /// The token alone, in a header of the vendor's.
    #[must_use]
    pub fn header(name: impl Into<Cow<'static, str>>) -> Self {
        Self { header: name.into(), scheme: None, companions: Vec::new() }
    }

    /// Writes this word and a space before the token.
    #[must_use]
    pub fn with_scheme(mut self, scheme: impl Into<Cow<'static, str>>) -> Self {
        self.scheme = Some(scheme.into());
        self
    }

    /// Adds a header that API calls need beside the token.
    #[must_use]
    pub fn with_companion(mut self, header: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.companions.push((header.into(), Companion::Plain(value.into())));
        self
    }

    /// Adds a header whose value is the secret of this name, where the credentials hold one.
    #[must_use]
    pub fn with_secret_companion(
        mut self,
        header: impl Into<Cow<'static, str>>,
        secret: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.companions.push((header.into(), Companion::Secret(secret.into())));
        self
    }

    /// Adds a header whose value is the client id.
    #[must_use]
    pub fn with_client_id_companion(mut self, header: impl Into<Cow<'static, str>>) -> Self {
        self.companions.push((header.into(), Companion::ClientId));
        self
    }

    /// The name of the header that presents the token.
    #[must_use]
    pub fn header_name(&self) -> &str {
        &self.header
    }

    /// The headers for this token, which a header can carry, its own first. One that is bound to a key is no bearer token
    /// (RFC 9449 section 7.1).
    pub(crate) fn headers(
        &self,
        token: &str,
        proof_key: Option<&ProofKey>,
        credentials: &ClientCredentials,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, Error> {
        let scheme = match (self.scheme.as_deref(), proof_key) {
            (Some(scheme), Some(_)) if scheme.eq_ignore_ascii_case(BEARER) => Some("DPoP"),
            (scheme, _) => scheme,
        };
        let token = scheme.map_or_else(|| token.to_owned(), |scheme| format!("{scheme} {token}"));
        let mut headers = vec![(header::name(&self.header)?, header::secret_value(&self.header, &token)?)];
        for (name, companion) in &self.companions {
            let value = match companion {
                Companion::ClientId => Some(credentials.client_id()?),
                Companion::Plain(value) => Some(value.as_str()),
                Companion::Secret(secret) => credentials.secret(secret).map(ExposeSecret::expose_secret),
            };
            if let Some(value) = value {
                headers.push((header::name(name)?, header::secret_value(name, value)?));
            }
        }
        Ok(headers)
    }
}

impl Default for Presentation {
    fn default() -> Self {
        Self::bearer()
    }
}
