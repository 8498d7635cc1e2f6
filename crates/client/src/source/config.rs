//! What sources are configured with and may share: transport, clock, timeouts and limits.

use std::sync::Arc;
use std::time::Duration;

use credentials_grant::{Error, ErrorKind, IssuanceLimit, Transport};

use super::limits::RequestLog;
use super::shared_failures::SharedFailures;
use super::validity::RenewalPlan;
use crate::clock::Clock;
#[cfg(feature = "store")]
use crate::store::SharedStore;
use crate::system_clock::SystemClock;

/// How long one fetch may take, with all its requests, unless the builder sets another timeout.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The longest timeout. More is a mistake.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// The longest expiry margin. More is a mistake.
const LONGEST_MARGIN: Duration = Duration::from_secs(60 * 60);

/// What sources are configured with. Those of a pool share it.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timeout: Duration,
    pub(crate) maximum_lifetime: Duration,
    pub(crate) renewal_plan: RenewalPlan,
    pub(crate) keep_warm: bool,
    /// The user's limits, beside those of the providers' policies.
    pub(crate) limits: Vec<IssuanceLimit>,
    pub(crate) request_log: Arc<RequestLog>,
    pub(crate) shared_failures: Arc<SharedFailures>,
    #[cfg(feature = "store")]
    pub(crate) store: Option<Arc<SharedStore>>,
}

/// The settings that the builders of sources and of pools have in common.
#[derive(Debug)]
pub(crate) struct ConfigBuilder {
    pub(crate) transport: Option<Arc<dyn Transport>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timeout: Duration,
    pub(crate) maximum_lifetime: Option<Duration>,
    pub(crate) renewal_plan: RenewalPlan,
    pub(crate) keep_warm: bool,
    pub(crate) limits: Vec<IssuanceLimit>,
    #[cfg(feature = "store")]
    pub(crate) store: Option<Arc<SharedStore>>,
}

impl ConfigBuilder {
    pub(crate) fn new() -> Self {
        Self {
            transport: None,
            clock: Arc::new(SystemClock::new()),
            timeout: TIMEOUT,
            maximum_lifetime: None,
            renewal_plan: RenewalPlan::default(),
            keep_warm: false,
            limits: Vec::new(),
            #[cfg(feature = "store")]
            store: None,
        }
    }

    /// Checks the settings, and fills in the defaults.
    pub(crate) fn build(self) -> Result<Config, Error> {
        let Self {
            transport,
            clock,
            timeout,
            maximum_lifetime,
            renewal_plan,
            keep_warm,
            limits,
            #[cfg(feature = "store")]
            store,
        } = self;
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
        if renewal_plan.window.is_some_and(|(start, end)| !(start > 0.0 && start <= end && end < 1.0)) {
            let remedy = "set two parts of the lifetime, the smaller one first, such as 0.5..0.6";
            return refused("the renewal window is not between 0 and 1", remedy);
        }
        if renewal_plan.margin.is_some_and(|margin| margin.is_zero() || margin > LONGEST_MARGIN) {
            return refused("the expiry margin is zero or longer than an hour", "set some seconds, or leave it out");
        }
        check_limits(&limits)?;
        let transport = match transport {
            Some(transport) => transport,
            None => default_transport(timeout)?,
        };
        let maximum_lifetime = maximum_lifetime.unwrap_or(Duration::MAX);
        Ok(Config {
            transport,
            clock,
            timeout,
            maximum_lifetime,
            renewal_plan,
            keep_warm,
            limits,
            request_log: Arc::default(),
            shared_failures: Arc::default(),
            #[cfg(feature = "store")]
            store,
        })
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
