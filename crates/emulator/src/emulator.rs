//! The settings of an emulator, before it starts.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::clock::EmulatorClock;
use crate::limits::AddressBlock;
use crate::running::RunningEmulator;
use crate::settings::Settings;
use crate::start_error::StartError;
use crate::vendor::EmulatedVendor;
use crate::vendors;

/// Configures and starts an emulator. Every setting has a default that suits the vendor.
///
/// ```
/// use std::time::Duration;
/// use credentials_grant_emulator::{EmulatedVendor, Emulator};
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
    vendor: EmulatedVendor,
    port: u16,
    settings: Settings,
}

impl Emulator {
    /// Creates an emulator of `vendor`, on a free port and with the system's clock.
    pub fn new(vendor: EmulatedVendor) -> Self {
        Self { vendor, port: 0, settings: vendors::definition(vendor).settings() }
    }

    /// Sets the port to listen on. The default, 0, is a free port.
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the client id and the client secret of the client that the vendor knows.
    pub fn with_client(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.settings.client_id = id.into();
        self.settings.client_secret = secret.into();
        self
    }

    /// Adds a client that the vendor knows beside the first, with the same scopes and grant types.
    ///
    /// ```
    /// use credentials_grant_emulator::{EmulatedVendor, Emulator};
    ///
    /// // Each hotel has a client of its own.
    /// let apaleo = Emulator::new(EmulatedVendor::Apaleo)
    ///     .with_client("MUCH-SP-APP", "the secret of Munich")
    ///     .with_further_client("BERL-SP-APP", "the secret of Berlin")
    ///     .start()?;
    /// # Ok::<(), credentials_grant_emulator::StartError>(())
    /// ```
    pub fn with_further_client(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.settings.further_clients.insert(id.into(), secret.into());
        self
    }

    /// Accepts client credentials in the body too (apaleo), as `IdentityServer` does.
    ///
    /// The default is what the vendor's page allows: HTTP Basic alone.
    ///
    /// ```
    /// use credentials_grant_emulator::{EmulatedVendor, Emulator};
    ///
    /// let apaleo = Emulator::new(EmulatedVendor::Apaleo).with_client_secret_post().start()?;
    /// # Ok::<(), credentials_grant_emulator::StartError>(())
    /// ```
    pub fn with_client_secret_post(mut self) -> Self {
        self.settings.client_secret_post = true;
        self
    }

    /// Sets the scopes that the client may have.
    ///
    /// A request for any other scope is refused with the vendor's `invalid_scope` error. A request without scopes gets
    /// all of them; if there are none, Resamania's response has `"scope": null`. Octorate has no scopes, so its
    /// emulator ignores this setting.
    ///
    /// ```
    /// use credentials_grant_emulator::{EmulatedVendor, Emulator};
    ///
    /// let apaleo = Emulator::new(EmulatedVendor::Apaleo).with_scopes(["offers.read", "reservations.read"]).start()?;
    /// # Ok::<(), credentials_grant_emulator::StartError>(())
    /// ```
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.settings.scopes = owned(scopes);
        self
    }

    /// Sets the scopes that the client had until they were deleted at the vendor (Cognito).
    ///
    /// The emulator leaves them out of the token without an error, as Cognito does.
    ///
    /// ```
    /// use credentials_grant_emulator::{EmulatedVendor, Emulator};
    ///
    /// // A request for both scopes gets a token for `pms/read`.
    /// let cognito = Emulator::new(EmulatedVendor::Cognito)
    ///     .with_scopes(["pms/read"])
    ///     .with_deleted_scopes(["pms/write"])
    ///     .start()?;
    /// # Ok::<(), credentials_grant_emulator::StartError>(())
    /// ```
    pub fn with_deleted_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.settings.deleted_scopes = owned(scopes);
        self
    }

    /// Sets which of the vendor's grant types the client may use.
    ///
    /// A request with another of them gets the vendor's error for an unauthorized client.
    ///
    /// ```
    /// use credentials_grant_emulator::{EmulatedVendor, Emulator};
    ///
    /// // A client that exists, but for which nobody enabled client credentials.
    /// let apaleo = Emulator::new(EmulatedVendor::Apaleo).with_grant_types(["authorization_code"]).start()?;
    /// # Ok::<(), credentials_grant_emulator::StartError>(())
    /// ```
    pub fn with_grant_types<S: Into<String>>(mut self, types: impl IntoIterator<Item = S>) -> Self {
        self.settings.grant_types = owned(types);
        self
    }

    /// Sets how long an access token is valid.
    ///
    /// The token response states it in seconds as `expires_in`, unless [`with_expires_in`](Self::with_expires_in) sets
    /// another value.
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.lifetime = lifetime;
        self
    }

    /// Sets the `expires_in` of the token response, independently of how long a token is valid.
    ///
    /// The value may be any JSON, also one that a client has to reject.
    /// It also helps with Octorate, which does not document the unit of its `expires_in` of 1440:
    ///
    /// ```
    /// use std::time::Duration;
    /// use credentials_grant_emulator::{EmulatedVendor, Emulator};
    ///
    /// // Tokens that are valid for 1440 minutes instead of 1440 seconds.
    /// let octorate = Emulator::new(EmulatedVendor::Octorate)
    ///     .with_lifetime(Duration::from_secs(1440 * 60))
    ///     .with_expires_in(1440)
    ///     .start()?;
    /// # Ok::<(), credentials_grant_emulator::StartError>(())
    /// ```
    pub fn with_expires_in(mut self, expires_in: impl Into<Value>) -> Self {
        self.settings.expires_in = Some(expires_in.into());
        self
    }

    /// Sets the `X-Gravitee-Api-Key` that the gateway requires (Resamania).
    ///
    /// ```
    /// use credentials_grant_emulator::{EmulatedVendor, Emulator};
    ///
    /// let resamania = Emulator::new(EmulatedVendor::Resamania).with_gateway_key("my-key").start()?;
    /// assert_eq!(resamania.gateway_key(), Some("my-key"));
    /// # Ok::<(), credentials_grant_emulator::StartError>(())
    /// ```
    pub fn with_gateway_key(mut self, key: impl Into<String>) -> Self {
        self.settings.gateway_key = Some(key.into());
        self
    }

    /// Removes the gateway, so that no key is required (Resamania).
    pub fn without_gateway_key(mut self) -> Self {
        self.settings.gateway_key = None;
        self
    }

    /// Leaves the refresh token out of the token response (Resamania).
    ///
    /// The vendor documents a refresh token, but the software behind its endpoint issues none for client credentials.
    pub fn without_refresh_tokens(mut self) -> Self {
        self.settings.refresh_tokens = false;
        self
    }

    /// Refuses multipart bodies at the token endpoint (PTV).
    ///
    /// The text of the vendor's page requires a form, but its example sends multipart. The default accepts both.
    pub fn without_multipart(mut self) -> Self {
        self.settings.multipart = false;
        self
    }

    /// Limits token requests from one address to this many in any second. Further requests get status 429.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use credentials_grant_emulator::{EmulatedVendor, Emulator, EmulatorClock};
    ///
    /// let clock = EmulatorClock::manual(SystemTime::UNIX_EPOCH);
    /// let apaleo = Emulator::new(EmulatedVendor::Apaleo).with_rate_limit(1).with_clock(clock.clone()).start()?;
    ///
    /// // The second request gets 429, until the clock is moved:
    /// clock.advance(Duration::from_secs(1));
    /// # Ok::<(), credentials_grant_emulator::StartError>(())
    /// ```
    pub fn with_rate_limit(mut self, requests_per_second: u32) -> Self {
        self.settings.requests_per_second = Some(requests_per_second);
        self
    }

    /// Accepts any number of token requests a second.
    pub fn without_rate_limit(mut self) -> Self {
        self.settings.requests_per_second = None;
        self
    }

    /// Blocks an address for `duration` after this many failed logins in a row.
    ///
    /// A failed login is a token request with wrong client credentials.
    /// While an address is blocked, the emulator closes all its connections without a response.
    ///
    /// ```
    /// use std::time::Duration;
    /// use credentials_grant_emulator::{EmulatedVendor, Emulator};
    ///
    /// let ptv = Emulator::new(EmulatedVendor::Ptv).with_address_block(3, Duration::from_secs(60)).start()?;
    /// # Ok::<(), credentials_grant_emulator::StartError>(())
    /// ```
    pub fn with_address_block(mut self, failed_logins: u32, duration: Duration) -> Self {
        self.settings.address_block = Some(AddressBlock { failed_logins, duration });
        self
    }

    /// Never blocks an address.
    pub fn without_address_block(mut self) -> Self {
        self.settings.address_block = None;
        self
    }

    /// Sets the clock that decides when tokens expire, and when rate limits and blocks end.
    ///
    /// The default is [`EmulatorClock::system`].
    pub fn with_clock(mut self, clock: EmulatorClock) -> Self {
        self.settings.clock = clock;
        self
    }

    /// Starts the emulator on 127.0.0.1, in a thread of its own.
    ///
    /// It works with and without an async runtime, and it responds while the caller blocks.
    /// It stops when the [`RunningEmulator`] is dropped.
    ///
    /// # Errors
    ///
    /// - [`StartError::Port`] if the port is taken, or this user may not listen on it.
    /// - [`StartError::Server`] if the system does not provide a thread, an event loop or a socket.
    /// - [`StartError::SigningKey`] if the key that signs tokens cannot be generated.
    pub fn start(self) -> Result<RunningEmulator, StartError> {
        RunningEmulator::start(self.vendor, vendors::definition(self.vendor), self.settings, self.port)
    }
}

/// Shows no secret.
impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("vendor", &self.vendor)
            .field("port", &self.port)
            .field("client_id", &self.settings.client_id)
            .field("scopes", &self.settings.scopes)
            .field("lifetime", &self.settings.lifetime)
            .finish_non_exhaustive()
    }
}

fn owned<S: Into<String>>(items: impl IntoIterator<Item = S>) -> Vec<String> {
    items.into_iter().map(Into::into).collect()
}
