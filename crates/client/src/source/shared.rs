//! What the clones of a source share: its provider, its current token, and the flight in progress.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use credentials_grant::{AccessToken, CredentialsGrant, CredentialsSource, Error, ErrorKind, TokenParameters};

use super::config::Config;
use super::current::Current;
use super::current_token::CurrentToken;
use super::failures::Failures;
use super::flight::Flight;
use super::join::{FetchResult, SourceFlight};
use super::predecessor::Predecessor;
#[cfg(feature = "store")]
use super::store_memory::StoreMemory;
use super::token_options::TokenOptions;
use super::token_ref::TokenRef;
use super::validity::{Reading, State};
use super::warm_task::WarmTask;

/// What the clones of a source share.
pub(crate) struct Shared {
    pub(crate) provider: Arc<dyn CredentialsGrant>,
    pub(crate) credentials: Arc<dyn CredentialsSource>,
    pub(crate) parameters: Arc<TokenParameters>,
    pub(crate) config: Arc<Config>,
    pub(crate) current: Current<CurrentToken>,
    pub(crate) predecessor: Predecessor,
    pub(crate) flight: Arc<SourceFlight>,
    pub(crate) warm_task: WarmTask,
    /// Whether its token was revoked, so that none is fetched until somebody asks for one.
    pub(crate) is_paused: AtomicBool,
    failures: Mutex<Failures>,
    #[cfg(feature = "store")]
    pub(crate) store_memory: StoreMemory,
}

impl Shared {
    pub(crate) fn new(
        provider: Arc<dyn CredentialsGrant>,
        credentials: Arc<dyn CredentialsSource>,
        parameters: Arc<TokenParameters>,
        config: Arc<Config>,
    ) -> Self {
        Self {
            provider,
            credentials,
            parameters,
            config,
            current: Current::empty(),
            predecessor: Predecessor::default(),
            flight: Arc::new(Flight::new()),
            warm_task: WarmTask::default(),
            is_paused: AtomicBool::new(false),
            failures: Mutex::default(),
            #[cfg(feature = "store")]
            store_memory: StoreMemory::default(),
        }
    }

    /// Returns the current token and its state, unless it has expired.
    pub(crate) fn valid_token(&self, now: Reading) -> Option<(TokenRef, State)> {
        let current = self.current.load();
        match current.as_ref()?.validity.state(now) {
            State::Expired => None,
            state => Some((TokenRef::new(current), state)),
        }
    }

    /// Returns the token, if its remaining lifetime is long enough.
    pub(crate) fn checked(&self, token: Arc<AccessToken>, options: TokenOptions) -> FetchResult {
        let left = token.expires_at().duration_since(self.config.clock.now()).unwrap_or_default();
        let left = left.min(self.config.maximum_lifetime);
        if left < options.minimum_lifetime { Err(too_short(left, options)) } else { Ok(token) }
    }

    /// Returns `true` if tokens of other processes are adopted.
    #[cfg_attr(not(feature = "store"), expect(clippy::unused_self, reason = "there are no stores"))]
    pub(crate) fn has_store(&self) -> bool {
        #[cfg(feature = "store")]
        return self.config.store.is_some();
        #[cfg(not(feature = "store"))]
        false
    }

    /// Adds the provider's name to an error.
    pub(crate) fn named(&self, error: Error) -> Error {
        error.with_provider(self.provider.name().to_owned())
    }

    pub(crate) fn reading(&self) -> Reading {
        Reading::of(&*self.config.clock)
    }

    pub(crate) fn failures(&self) -> MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn too_short(lifetime: Duration, options: TokenOptions) -> Error {
    let (lifetime, minimum) = (lifetime.as_secs(), options.minimum_lifetime.as_secs());
    let message = format!("the vendor's tokens live for {lifetime} s, and the minimum lifetime is {minimum} s");
    Error::new(ErrorKind::Configuration, message)
        .with_remedy("set a shorter minimum lifetime (`with_minimum_lifetime`)")
}
