//! What an emulator is told before it starts.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::clock::EmulatorClock;
use crate::limits::AddressBlock;
use crate::vendor::EmulatedVendor;

/// An emulator's settings: the vendor's own unless said otherwise.
///
/// ```
/// # use std::time::Duration;
/// use credentials_grant_emulator::{Emulator, EmulatedVendor};
///
/// let octorate = Emulator::new(EmulatedVendor::Octorate)
///     .with_client("my-client", "my-secret")
///     .with_lifetime(Duration::from_secs(60))
///     .start()?;
/// assert_eq!(octorate.client_id(), "my-client");
/// # Ok::<(), credentials_grant_emulator::StartError>(())
/// ```
#[derive(Clone)]
#[must_use = "an emulator does nothing until it is started"]
pub struct Emulator {
    pub(crate) vendor: EmulatedVendor,
    pub(crate) port: u16,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) gateway_key: Option<String>,
    pub(crate) grant_types: Vec<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) deleted_scopes: Vec<String>,
    pub(crate) lifetime: Duration,
    pub(crate) expires_in: Option<Value>,
    pub(crate) refresh_tokens: bool,
    pub(crate) multipart: bool,
    pub(crate) requests_per_second: Option<u32>,
    pub(crate) address_block: Option<AddressBlock>,
    pub(crate) clock: EmulatorClock,
}

impl Emulator {
    /// Listens on this port; 0, the default, takes a free one.
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The one client that the vendor knows.
    pub fn with_client(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.client_id = id.into();
        self.client_secret = secret.into();
        self
    }

    /// The scopes that the client may have.
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = owned(scopes);
        self
    }

    /// Scopes that the client once had and that are silently left out when asked for (Cognito).
    pub fn with_deleted_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.deleted_scopes = owned(scopes);
        self
    }

    /// The grant types that the client may use, of those the vendor has; the others are refused as unauthorized.
    pub fn with_grant_types<S: Into<String>>(mut self, types: impl IntoIterator<Item = S>) -> Self {
        self.grant_types = owned(types);
        self
    }

    /// How long a token lives.
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// What the answer says as `expires_in`, in place of the lifetime in seconds.
    ///
    /// Octorate does not document the unit of its 1440: a lifetime of a day with `with_expires_in(1440)` are minutes.
    pub fn with_expires_in(mut self, expires_in: impl Into<Value>) -> Self {
        self.expires_in = Some(expires_in.into());
        self
    }

    /// The `X-Gravitee-Api-Key` that the gateway asks for (Resamania).
    pub fn with_gateway_key(mut self, key: impl Into<String>) -> Self {
        self.gateway_key = Some(key.into());
        self
    }

    /// No gateway in front: no key is asked for (Resamania).
    pub fn without_gateway_key(mut self) -> Self {
        self.gateway_key = None;
        self
    }

    /// Answers carry no refresh token (Resamania: documented, but not in the software behind it).
    pub fn without_refresh_tokens(mut self) -> Self {
        self.refresh_tokens = false;
        self
    }

    /// Refuses multipart bodies (PTV: the page's text demands a form, its example sends multipart).
    pub fn without_multipart(mut self) -> Self {
        self.multipart = false;
        self
    }

    /// Answers 429 to whatever exceeds so many token requests a second from one address.
    pub fn with_rate_limit(mut self, requests_per_second: u32) -> Self {
        self.requests_per_second = Some(requests_per_second);
        self
    }

    /// Takes any number of requests a second.
    pub fn without_rate_limit(mut self) -> Self {
        self.requests_per_second = None;
        self
    }

    /// Drops every connection of an address for `lasting` after so many failed logins in a row.
    pub fn with_address_block(mut self, failed_logins: u32, lasting: Duration) -> Self {
        self.address_block = Some(AddressBlock { failed_logins, lasting });
        self
    }

    /// Never blocks an address.
    pub fn without_address_block(mut self) -> Self {
        self.address_block = None;
        self
    }

    /// The clock that every expiry, limit and block reads.
    pub fn with_clock(mut self, clock: EmulatorClock) -> Self {
        self.clock = clock;
        self
    }
}

/// Shows no secret.
impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("vendor", &self.vendor)
            .field("port", &self.port)
            .field("client_id", &self.client_id)
            .field("scopes", &self.scopes)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

pub(crate) fn owned<S: Into<String>>(items: impl IntoIterator<Item = S>) -> Vec<String> {
    items.into_iter().map(Into::into).collect()
}
