//! What sources are configured with and may share: transport, clock, timeouts and limits.

use std::sync::Arc;
use std::time::Duration;

use credentials_grant::{Error, ErrorKind, IssuanceLimit, Transport};

use super::limits::RequestLog;
use crate::clock::{Clock, SystemClock};

/// How long one fetch may take, with all its requests, unless the builder sets another timeout.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// The longest timeout. More is a mistake.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// What sources are configured with. Those of a pool share it.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timeout: Duration,
    pub(crate) maximum_lifetime: Duration,
    pub(crate) keep_warm: bool,
    /// The user's limits, beside those of the providers' policies.
    pub(crate) limits: Vec<IssuanceLimit>,
    pub(crate) request_log: Arc<RequestLog>,
}

/// The settings that the builders of sources and of pools have in common.
#[derive(Debug)]
pub(crate) struct ConfigBuilder {
    pub(crate) transport: Option<Arc<dyn Transport>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timeout: Duration,
    pub(crate) maximum_lifetime: Option<Duration>,
    pub(crate) keep_warm: bool,
    pub(crate) limits: Vec<IssuanceLimit>,
}

/// Writes the setters that both builders have, over their field `config`.
macro_rules! config_setters {
    () => {
        /// Sets the transport that sends the requests. An `Arc` of one transport can serve any number of sources.
        #[must_use]
        pub fn with_transport(mut self, transport: impl Transport) -> Self {
            self.config.transport = Some(Arc::new(transport));
            self
        }

        /// Sets the clock, for tests.
        #[must_use]
        pub fn with_clock(mut self, clock: impl Clock) -> Self {
            self.config.clock = Arc::new(clock);
            self
        }

        /// Sets how long one fetch may take, with all its requests: 30 seconds by default, ten minutes at most.
        #[must_use]
        pub fn with_timeout(mut self, timeout: Duration) -> Self {
            self.config.timeout = timeout;
            self
        }

        /// Sets the longest lifetime to assume, whatever the server states. Tokens are renewed accordingly.
        #[must_use]
        pub fn with_maximum_lifetime(mut self, maximum_lifetime: Duration) -> Self {
            self.config.maximum_lifetime = Some(maximum_lifetime);
            self
        }

        /// Adds a limit on token requests to those of the provider's policy, such as one from your contract. In a pool,
        /// it applies to each provider, or to each client of one.
        #[must_use]
        pub fn with_limit(mut self, limit: IssuanceLimit) -> Self {
            self.config.limits.push(limit);
            self
        }

        /// Renews tokens before they expire even if nobody asks for them, once the first was asked for. By default, an
        /// idle program requests no tokens.
        ///
        /// Renewal stops when the source or the runtime is dropped, and when the vendor refuses to issue a token. It
        /// starts again with the next token that somebody gets.
        #[must_use]
        pub fn keep_warm(mut self) -> Self {
            self.config.keep_warm = true;
            self
        }
    };
}

pub(crate) use config_setters;

impl ConfigBuilder {
    pub(crate) fn new() -> Self {
        Self {
            transport: None,
            clock: Arc::new(SystemClock::new()),
            timeout: TIMEOUT,
            maximum_lifetime: None,
            keep_warm: false,
            limits: Vec::new(),
        }
    }

    /// Checks the settings, and fills in the defaults.
    pub(crate) fn build(self) -> Result<Config, Error> {
        let Self { transport, clock, timeout, maximum_lifetime, keep_warm, limits } = self;
        let refused = |what: &'static str, remedy| Err(Error::new(ErrorKind::Configuration, what).with_remedy(remedy));
        if timeout.is_zero() {
            return refused("the timeout is zero", "allow a few seconds for a token");
        }
        if timeout > LONGEST_TIMEOUT {
            return refused("the timeout is longer than ten minutes", "allow a few seconds for a token");
        }
        if maximum_lifetime.is_some_and(|lifetime| lifetime.is_zero()) {
            return refused("the maximum lifetime is zero", "set how long a token may be used");
        }
        check_limits(&limits)?;
        let transport = match transport {
            Some(transport) => transport,
            None => default_transport(timeout)?,
        };
        let maximum_lifetime = maximum_lifetime.unwrap_or(Duration::MAX);
        Ok(Config { transport, clock, timeout, maximum_lifetime, keep_warm, limits, request_log: Arc::default() })
    }
}

pub(crate) fn check_limits(limits: &[IssuanceLimit]) -> Result<(), Error> {
    match limits.iter().find(|limit| limit.requests() == 0 || limit.period().is_zero()) {
        None => Ok(()),
        Some(_) => {
            Err(Error::new(ErrorKind::Configuration, "a limit allows no token requests, or has a period of zero")
                .with_remedy("correct it in the provider's policy, or where the source is built"))
        }
    }
}

#[cfg(feature = "reqwest")]
fn default_transport(timeout: Duration) -> Result<Arc<dyn Transport>, Error> {
    Ok(Arc::new(crate::http_transport::HttpTransport::new()?.with_timeout(timeout)))
}

#[cfg(not(feature = "reqwest"))]
fn default_transport(_: Duration) -> Result<Arc<dyn Transport>, Error> {
    Err(Error::new(ErrorKind::Configuration, "there is no transport")
        .with_remedy("set one by `with_transport`, or turn on the feature `reqwest`"))
}
