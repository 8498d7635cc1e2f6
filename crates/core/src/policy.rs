//! What the runtime must know about a vendor beyond its requests and responses.

use std::borrow::Cow;
use std::time::Duration;

use http::StatusCode;

use crate::expired_body::ExpiredBody;
use crate::presentation::Presentation;

/// What the runtime must know about a vendor: how tokens are presented and to which hosts, how long they live, and how
/// often they may be requested.
///
/// ```
/// use std::time::Duration;
/// use credentials_grant::{IssuanceLimit, Policy};
///
/// let policy = Policy::new().with_host("api.example.com").with_limit(IssuanceLimit::new(50, Duration::from_secs(1)));
/// assert_eq!(policy.hosts(), ["api.example.com"]);
/// ```
#[derive(Clone, Debug, Default, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and any of them go together")]
pub struct Policy {
    presentation: Presentation,
    hosts: Vec<Cow<'static, str>>,
    expired_statuses: Vec<StatusCode>,
    expired_bodies: Vec<ExpiredBody>,
    lifetime: Option<Duration>,
    limits: Vec<IssuanceLimit>,
    blocks_addresses: bool,
    has_single_token: bool,
    bills_tokens: bool,
    extends_tokens: bool,
}

impl Policy {
    /// Creates the policy of RFC 6749 and RFC 6750: bearer tokens, the lifetime that the response states, no known
    /// limits.
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

    /// Adds a host that the token may be sent to.
    ///
    /// `api.example.com` is one host; `*.example.com` is every host below `example.com`, but not `example.com` itself.
    /// Without a port, the scheme's default port is meant; `localhost:8080` names one. If the host depends on the
    /// customer, leave it to the customer to add it.
    #[must_use]
    pub fn with_host(mut self, host: impl Into<Cow<'static, str>>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// Adds a status that means "the token has expired" at this API, in addition to 401 (RFC 6750 section 3.1). Some
    /// APIs redirect to a page to log in at (302).
    #[must_use]
    pub fn with_expired_status(mut self, status: StatusCode) -> Self {
        self.expired_statuses.push(status);
        self
    }

    /// Adds a body that means "the token has expired" at this API, whatever the status.
    #[must_use]
    pub fn with_expired_body(mut self, body: ExpiredBody) -> Self {
        self.expired_bodies.push(body);
        self
    }

    /// Sets the lifetime of tokens whose response states none.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// Adds a limit on token requests, which the runtime keeps.
    #[must_use]
    pub fn with_limit(mut self, limit: IssuanceLimit) -> Self {
        self.limits.push(limit);
        self
    }

    /// Declares that the vendor blocks IP addresses after repeated failed authentication.
    #[must_use]
    pub fn with_address_blocking(mut self) -> Self {
        self.blocks_addresses = true;
        self
    }

    /// Declares that a new token ends the client's earlier ones. Processes that share a store wait for each other's new
    /// token, however long it takes.
    #[must_use]
    pub fn with_single_token(mut self) -> Self {
        self.has_single_token = true;
        self
    }

    /// Declares that each token costs money. Processes that share a store wait for each other's new token, however long
    /// it takes.
    #[must_use]
    pub fn with_billed_tokens(mut self) -> Self {
        self.bills_tokens = true;
        self
    }

    /// Declares that the vendor extends tokens: it sends the same token again, with a new lifetime. By default, a token
    /// that comes again ends when it was said to at first, whatever the server says later: answers may come from a
    /// cache.
    #[must_use]
    pub fn with_extended_tokens(mut self) -> Self {
        self.extends_tokens = true;
        self
    }

    /// Returns how API calls present the token.
    #[must_use]
    pub fn presentation(&self) -> &Presentation {
        &self.presentation
    }

    /// Returns the hosts that the token may be sent to.
    #[must_use]
    pub fn hosts(&self) -> &[Cow<'static, str>] {
        &self.hosts
    }

    /// Returns the statuses that mean "the token has expired", in addition to 401.
    #[must_use]
    pub fn expired_statuses(&self) -> &[StatusCode] {
        &self.expired_statuses
    }

    /// Returns the bodies that mean "the token has expired".
    #[must_use]
    pub fn expired_bodies(&self) -> &[ExpiredBody] {
        &self.expired_bodies
    }

    /// Returns the lifetime of tokens whose response states none.
    #[must_use]
    pub fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }

    /// Returns the limits on token requests.
    #[must_use]
    pub fn limits(&self) -> &[IssuanceLimit] {
        &self.limits
    }

    /// Returns `true` if the vendor blocks IP addresses after repeated failed authentication.
    #[must_use]
    pub fn blocks_addresses(&self) -> bool {
        self.blocks_addresses
    }

    /// Returns `true` if a new token ends the client's earlier ones.
    #[must_use]
    pub fn has_single_token(&self) -> bool {
        self.has_single_token
    }

    /// Returns `true` if each token costs money.
    #[must_use]
    pub fn bills_tokens(&self) -> bool {
        self.bills_tokens
    }

    /// Returns `true` if the vendor extends tokens.
    #[must_use]
    pub fn extends_tokens(&self) -> bool {
        self.extends_tokens
    }
}

/// A limit on token requests: at most `requests` in any window of length `period`.
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
    /// Allows at most `requests` in `period`, for all clients together.
    #[must_use]
    pub fn new(requests: u32, period: Duration) -> Self {
        Self { requests, period, per_client: false }
    }

    /// Counts each client id separately.
    #[must_use]
    pub fn per_client(mut self) -> Self {
        self.per_client = true;
        self
    }

    /// Returns the number of requests allowed in the period.
    #[must_use]
    pub fn requests(self) -> u32 {
        self.requests
    }

    /// Returns the period.
    #[must_use]
    pub fn period(self) -> Duration {
        self.period
    }

    /// Returns `true` if each client id is counted separately.
    #[must_use]
    pub fn is_per_client(self) -> bool {
        self.per_client
    }
}
