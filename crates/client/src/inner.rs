//! What a source is made of, as all that work for it see it: its provider, its token, the flight that is under way.

use std::fmt;
use std::ops::Deref;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::Guard;
use credentials_grant::{AccessToken, CredentialsGrant, CredentialsSource, Error, ErrorKind, Retry, TokenParameters};
use tokio::time::{Instant, sleep};

use crate::boarding::{self, Landing, SourcesFlight};
use crate::current::Current;
use crate::failures::{Failures, Purpose};
use crate::flight::Flight;
use crate::life::{Life, Reading, State};
use crate::means::Means;
use crate::token_options::TokenOptions;

/// The longest time that a caller waits, whatever deadline it gives.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

pub(crate) struct Inner {
    pub(crate) provider: Arc<dyn CredentialsGrant>,
    pub(crate) credentials: Arc<dyn CredentialsSource>,
    pub(crate) parameters: TokenParameters,
    pub(crate) means: Arc<Means>,
    pub(crate) current: Current<Kept>,
    pub(crate) flight: Arc<SourcesFlight>,
    pub(crate) is_kept_warm: AtomicBool,
    /// Whether its token was given back, so that none is fetched until somebody asks for one.
    pub(crate) is_at_rest: AtomicBool,
    failures: Mutex<Failures>,
}

/// The token in memory.
pub(crate) struct Kept {
    pub(crate) token: Arc<AccessToken>,
    pub(crate) life: Life,
    /// How much of its life was left when it arrived.
    pub(crate) landed_with: Duration,
}

impl Inner {
    pub(crate) fn new(
        provider: Arc<dyn CredentialsGrant>,
        credentials: Arc<dyn CredentialsSource>,
        parameters: TokenParameters,
        means: Arc<Means>,
    ) -> Self {
        Self {
            provider,
            credentials,
            parameters,
            means,
            current: Current::empty(),
            flight: Arc::new(Flight::new()),
            is_kept_warm: AtomicBool::new(false),
            is_at_rest: AtomicBool::new(false),
            failures: Mutex::default(),
        }
    }

    /// The token in memory and how it is, unless it has expired.
    pub(crate) fn kept(&self, now: Reading) -> Option<(TokenRef, State)> {
        let current = self.current.load();
        match current.as_ref()?.life.state(now) {
            State::Expired => None,
            state => Some((TokenRef(current), state)),
        }
    }

    /// Starts a renewal in the background, unless something stands in its way.
    pub(crate) fn renew(self: &Arc<Self>) {
        boarding::launch(&self.flight, || self.begin(Purpose::Renewal, TokenOptions::new()));
    }

    /// A token from the flight that is under way, or a new one; where there is a deadline, from those that follow a
    /// failure that may pass.
    pub(crate) async fn wait(self: &Arc<Self>, options: TokenOptions, since: Instant) -> Landing {
        let deadline = options.deadline.map(|deadline| since + deadline.min(LONGEST_WAIT));
        let mut before: Option<Error> = None;
        loop {
            let start = || self.begin(Purpose::Caller, options);
            let landing = boarding::board(&self.flight, deadline, self.means.timeout, start).await;
            let error = match landing.and_then(|token| self.checked(token, options)) {
                Ok(token) => return Ok(token),
                Err(error) => error,
            };
            let Some(deadline) = deadline.filter(|_| error.retry() != Retry::Never) else {
                return Err(error);
            };
            let time_left = deadline.saturating_duration_since(Instant::now());
            let pause = self.failures().until_retry(self.reading());
            if time_left.is_zero() {
                // What went wrong before tells more than that time ran out.
                return Err(before.unwrap_or(error));
            } else if pause >= time_left {
                return Err(error);
            }
            before = Some(error);
            sleep(pause).await;
        }
    }

    /// The token, if it lives as long as it is needed.
    fn checked(&self, token: Arc<AccessToken>, options: TokenOptions) -> Landing {
        let left = token.expires_at().duration_since(self.means.clock.now()).unwrap_or_default();
        let left = left.min(self.means.maximum_lifetime);
        if left < options.minimum_lifetime { Err(too_short(left, options)) } else { Ok(token) }
    }

    pub(crate) fn named(&self, error: Error) -> Error {
        error.with_provider(self.provider.name().to_owned())
    }

    pub(crate) fn reading(&self) -> Reading {
        Reading::of(&*self.means.clock)
    }

    pub(crate) fn failures(&self) -> MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn too_short(life: Duration, options: TokenOptions) -> Error {
    let (life, minimum) = (life.as_secs(), options.minimum_lifetime.as_secs());
    let message = format!("the vendor's token lives for {life} s, and one that lives for {minimum} s is needed");
    Error::new(ErrorKind::Configuration, message).with_remedy("ask for a shorter `minimum_lifetime`")
}

/// The token that a source has in memory, on loan: reading it counts no reference.
///
/// It is for use at once; [`to_arc`](Self::to_arc) gives one to keep.
///
/// ```no_run
/// # fn example(source: &credentials_grant_client::TokenSource) {
/// if let Some(token) = source.cached() {
///     println!("good until {:?}", token.expires_at());
/// }
/// # }
/// ```
pub struct TokenRef(Guard<Option<Arc<Kept>>>);

impl TokenRef {
    /// The token to keep.
    #[must_use]
    pub fn to_arc(&self) -> Arc<AccessToken> {
        Arc::clone(&self.kept().token)
    }

    pub(crate) fn kept(&self) -> &Kept {
        match &*self.0 {
            Some(kept) => kept,
            None => unreachable!("it is made of a token"),
        }
    }
}

impl Deref for TokenRef {
    type Target = AccessToken;

    fn deref(&self) -> &AccessToken {
        &self.kept().token
    }
}

impl fmt::Debug for TokenRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
