//! A source of tokens for one client and one ask: kept while good, renewed in time, fetched once for everybody.

use std::fmt;
use std::ops::Deref;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::Guard;
use credentials_grant::{AccessToken, Ask, CredentialsGrant, CredentialsSource, Error, ErrorKind, ExposeSecret, Retry};
use tokio::time::{Instant, sleep};

use crate::boarding::{self, Landing, SourcesFlight};
use crate::builder::{Means, TokenSourceBuilder};
use crate::clock::Clock;
use crate::current::Current;
use crate::failures::{Failures, Purpose};
use crate::flight::Flight;
use crate::life::{Life, Reading, State};
use crate::metrics;
use crate::need::Need;
use crate::status::Status;

/// The longest time that a caller waits, whatever deadline it gives.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Hands out access tokens: from its memory while they are good, else from the vendor, with one request for any number
/// of callers.
///
/// Whoever asks for a token in the last fifth of its life gets it at once and has it renewed in the background, so that
/// nobody waits while there is a good one. A renewal that fails leaves the good token in place.
///
/// It is cheap to clone, and clones share their tokens. It does nothing until it is asked, so an idle program buys no
/// tokens.
///
/// ```no_run
/// # async fn example(acme: impl credentials_grant::CredentialsGrant) -> Result<(), credentials_grant::Error> {
/// use credentials_grant_client::{EnvironmentCredentials, TokenSource};
///
/// let source = TokenSource::new(acme, EnvironmentCredentials::with_prefix("ACME"))?;
/// let token = source.token().await?;
/// println!("good until {:?}", token.expires_at());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TokenSource(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) provider: Arc<dyn CredentialsGrant>,
    pub(crate) credentials: Arc<dyn CredentialsSource>,
    pub(crate) ask: Ask,
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

impl TokenSource {
    /// A source for what the vendor grants by default, over HTTPS.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the settings do not make a request. Nothing is
    /// sent.
    #[cfg(feature = "reqwest")]
    pub fn new(provider: impl CredentialsGrant, credentials: impl CredentialsSource) -> Result<Self, Error> {
        Self::builder(provider, credentials).build()
    }

    /// Begins a source.
    pub fn builder(provider: impl CredentialsGrant, credentials: impl CredentialsSource) -> TokenSourceBuilder {
        TokenSourceBuilder::for_source(provider, credentials)
    }

    /// The token that is in memory, if it is good. Never waits, and starts nothing: no lock, no allocation, and no counter
    /// that readers share.
    #[must_use]
    pub fn cached(&self) -> Option<CachedToken> {
        self.0.kept(self.0.reading()).map(|(token, _)| token)
    }

    /// A token that has not expired: the one in memory, or a new one.
    ///
    /// A caller who goes away while the request is under way does not end it. What fails is not tried again: see
    /// [`Need::with_deadline`] for callers who have time.
    ///
    /// # Errors
    ///
    /// As [`grant`](credentials_grant::grant), and the same error for everyone who waited. After a refusal, the same error for a pause of one
    /// second, doubling to five minutes, during which nothing is sent unless the credentials change; while the server
    /// wants to be left alone (`Retry-After`), the same error with the time that is left. Where the vendor's limit on
    /// token requests is used up, [`RateLimited`](ErrorKind::RateLimited) without a request. Outside of
    /// a tokio runtime, which must have its timers enabled, [`Configuration`](ErrorKind::Configuration).
    pub async fn token(&self) -> Result<Arc<AccessToken>, Error> {
        self.token_for(Need::new()).await
    }

    /// A token that has not expired and meets a need.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token). If the vendor's tokens do not live as long as they are needed,
    /// [`Configuration`](ErrorKind::Configuration).
    pub async fn token_for(&self, need: Need) -> Result<Arc<AccessToken>, Error> {
        if let Some(token) = self.serve(need) {
            return Ok(token);
        }
        let asked = Instant::now();
        let landing = self.0.wait(need, asked).await.map_err(|error| self.0.named(error));
        metrics::waited(self.0.provider.provider(), &landing, asked);
        landing
    }

    /// How the source is doing, for a health endpoint. Sends nothing.
    #[must_use]
    pub fn status(&self) -> Status {
        Status::of(&self.0)
    }

    /// The token that is in memory, if it is good; one that is stale has its renewal started.
    pub(crate) fn serve(&self, need: Need) -> Option<Arc<AccessToken>> {
        let now = self.0.reading();
        let (token, state) = self.0.kept(now)?;
        let left = token.kept().life.left(now);
        if left < need.minimum_life {
            return None;
        }
        if state == State::Stale {
            self.0.renew();
        }
        metrics::served(self.0.provider.provider(), state, left);
        Some(token.to_arc())
    }

    /// Forgets this token, if it is still the current one: the vendor's API has said that it is no longer good.
    ///
    /// A late complaint about an older token does not take the newer one away.
    pub fn invalidate(&self, token: &AccessToken) {
        self.0.current.take_out(|kept| kept.token.secret().expose_secret() == token.secret().expose_secret());
    }

    pub(crate) fn provider(&self) -> &dyn CredentialsGrant {
        &*self.0.provider
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.means.clock
    }
}

impl Inner {
    pub(crate) fn new(
        provider: Arc<dyn CredentialsGrant>,
        credentials: Arc<dyn CredentialsSource>,
        ask: Ask,
        means: Arc<Means>,
    ) -> Self {
        Self {
            provider,
            credentials,
            ask,
            means,
            current: Current::empty(),
            flight: Arc::new(Flight::new()),
            is_kept_warm: AtomicBool::new(false),
            is_at_rest: AtomicBool::new(false),
            failures: Mutex::default(),
        }
    }

    /// The token in memory and how it is, unless it has expired.
    pub(crate) fn kept(&self, now: Reading) -> Option<(CachedToken, State)> {
        let current = self.current.load();
        match current.as_ref()?.life.state(now) {
            State::Expired => None,
            state => Some((CachedToken(current), state)),
        }
    }

    /// Starts a renewal in the background, unless something stands in its way.
    pub(crate) fn renew(self: &Arc<Self>) {
        boarding::launch(&self.flight, || self.begin(Purpose::Renewal, Need::new()));
    }

    /// A token from the flight that is under way, or a new one; where there is a deadline, from those that follow a
    /// failure that may pass.
    async fn wait(self: &Arc<Self>, need: Need, since: Instant) -> Landing {
        let deadline = need.deadline.map(|deadline| since + deadline.min(LONGEST_WAIT));
        let mut before: Option<Error> = None;
        loop {
            let start = || self.begin(Purpose::Need, need);
            let landing = boarding::board(&self.flight, deadline, self.means.timeout, start).await;
            let error = match landing.and_then(|token| self.checked(token, need)) {
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
    fn checked(&self, token: Arc<AccessToken>, need: Need) -> Landing {
        let left = token.expires_at().duration_since(self.means.clock.now()).unwrap_or_default();
        let left = left.min(self.means.maximum_life);
        if left < need.minimum_life { Err(too_short(left, need)) } else { Ok(token) }
    }

    pub(crate) fn named(&self, error: Error) -> Error {
        error.with_provider(self.provider.provider().to_owned())
    }

    pub(crate) fn reading(&self) -> Reading {
        Reading::of(&*self.means.clock)
    }

    pub(crate) fn failures(&self) -> MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn too_short(life: Duration, need: Need) -> Error {
    let (life, minimum) = (life.as_secs(), need.minimum_life.as_secs());
    let message = format!("the vendor's token lives for {life} s, and one that lives for {minimum} s is needed");
    Error::new(ErrorKind::Configuration, message).with_remedy("ask for a shorter `minimum_life`")
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
pub struct CachedToken(Guard<Option<Arc<Kept>>>);

impl CachedToken {
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

impl Deref for CachedToken {
    type Target = AccessToken;

    fn deref(&self) -> &AccessToken {
        &self.kept().token
    }
}

impl fmt::Debug for CachedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource")
            .field("provider", &self.0.provider)
            .field("ask", &self.0.ask)
            .field("current", &self.cached())
            .finish_non_exhaustive()
    }
}
