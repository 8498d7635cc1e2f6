//! A source of tokens for one client and one ask: kept while good, renewed in time, fetched once for everybody.

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwapOption, Guard};
use credentials_grant::{
    AccessToken, Ask, ClientCredentials, CredentialsGrant, CredentialsSource, Error, ErrorKind, ExposeSecret,
    LifetimeSource, Surroundings, Transport, grant,
};

use crate::clock::Clock;
use crate::failures::{Failures, Purpose};
use crate::flight::{Flight, Landing, too_slow};
use crate::life::{Life, Reading, State};
use crate::token_source_builder::TokenSourceBuilder;

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
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timeout: Duration,
    pub(crate) memory: Memory,
}

/// What a source knows that it was not told.
#[derive(Default)]
pub(crate) struct Memory {
    current: ArcSwapOption<Kept>,
    flight: Arc<Flight>,
    failures: Mutex<Failures>,
}

/// The token in memory.
struct Kept {
    token: Arc<AccessToken>,
    life: Life,
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
        Arc::clone(self.arc())
    }

    fn arc(&self) -> &Arc<AccessToken> {
        match &*self.0 {
            Some(kept) => &kept.token,
            None => unreachable!("it is made of a token"),
        }
    }
}

impl Deref for CachedToken {
    type Target = AccessToken;

    fn deref(&self) -> &AccessToken {
        self.arc()
    }
}

impl fmt::Debug for CachedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl TokenSource {
    /// A source for what the vendor grants by default, over HTTPS.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the settings do not make a request. Nothing is sent.
    #[cfg(feature = "reqwest")]
    pub fn new(provider: impl CredentialsGrant, credentials: impl CredentialsSource) -> Result<Self, Error> {
        Self::builder(provider, credentials).build()
    }

    /// Begins a source.
    pub fn builder(provider: impl CredentialsGrant, credentials: impl CredentialsSource) -> TokenSourceBuilder {
        TokenSourceBuilder::new(provider, credentials)
    }

    /// The token that is in memory, if it is good. Never waits, and starts nothing: no lock, no allocation, and nothing
    /// written that another thread reads.
    #[must_use]
    pub fn cached(&self) -> Option<CachedToken> {
        self.0.kept().map(|(token, _)| token)
    }

    /// A token that has not expired: the one in memory, or a new one.
    ///
    /// A caller who goes away while the request is under way does not end it.
    ///
    /// # Errors
    ///
    /// As [`grant`], and the same error for everyone who waited. After a refusal, the same error for a pause of one
    /// second, doubling to five minutes, during which nothing is sent unless the credentials change; while the server wants to be left alone
    /// (`Retry-After`), the same error with the time that is left. Outside of a tokio runtime with time enabled,
    /// [`Configuration`](ErrorKind::Configuration).
    pub async fn token(&self) -> Result<Arc<AccessToken>, Error> {
        if let Some(token) = self.serve() {
            return Ok(token);
        }
        let landing = self.0.memory.flight.board(self.0.timeout, || self.0.begin(Purpose::Need)).await;
        landing.map_err(|error| error.with_provider(self.0.provider.provider().to_owned()))
    }

    /// The token that is in memory, if it is good; one that is stale has its renewal started.
    pub(crate) fn serve(&self) -> Option<Arc<AccessToken>> {
        let (token, state) = self.0.kept()?;
        if state == State::Stale {
            self.0.memory.flight.launch(|| self.0.begin(Purpose::Renewal));
        }
        Some(token.to_arc())
    }

    /// Forgets this token, if it is still the current one: the vendor's API has said that it is no longer good.
    ///
    /// A late complaint about an older token does not take the newer one away.
    pub fn invalidate(&self, token: &AccessToken) {
        let current = self.0.memory.current.load();
        let is_current = |kept: &Arc<Kept>| kept.token.secret().expose_secret() == token.secret().expose_secret();
        if current.as_ref().is_some_and(is_current) {
            self.0.memory.current.compare_and_swap(&current, None);
        }
    }
}

impl Inner {
    /// The token in memory and how it is, unless it has expired.
    fn kept(&self) -> Option<(CachedToken, State)> {
        let current = self.memory.current.load();
        match current.as_ref()?.life.state(self.reading()) {
            State::Expired => None,
            state => Some((CachedToken(current), state)),
        }
    }

    /// The work of a flight, unless there is an answer already: a token that landed meanwhile, or a failure that stands.
    fn begin(self: &Arc<Self>, purpose: Purpose) -> Result<impl Future<Output = Landing> + Send + 'static, Landing> {
        match self.kept() {
            Some((token, State::Stale)) if purpose == Purpose::Need => return Err(Ok(token.to_arc())),
            Some((token, State::Fresh)) => return Err(Ok(token.to_arc())),
            _ => {}
        }
        let now = self.reading();
        let mut failures = self.failures();
        // A refusal stands until the credentials change, so they are looked at from time to time.
        let standing = match failures.standing(purpose, now) {
            Some(failure) => Some((failures.look(now).ok_or_else(|| Err(failure.clone()))?, failure)),
            None => None,
        };
        let inner = Arc::clone(self);
        Ok(async move {
            match standing {
                Some((refused, failure)) if inner.still_has(&refused).await => Err(failure),
                _ => inner.fetch().await,
            }
        })
    }

    /// Whether the source of credentials has nothing newer than these.
    async fn still_has(&self, refused: &ClientCredentials) -> bool {
        let credentials = tokio::time::timeout(self.timeout, self.credentials.credentials()).await;
        matches!(credentials, Ok(Ok(credentials)) if credentials == *refused)
    }

    async fn fetch(&self) -> Landing {
        let began = self.reading();
        let outcome = tokio::time::timeout(self.timeout, self.request(began)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(too_slow(self.timeout))).map_err(|error| self.blocked(error));
        self.failures().note(&outcome, self.reading());
        match outcome {
            Ok((token, chance)) => Ok(self.keep(Arc::new(token), began, chance)),
            Err(error) => {
                tracing::warn!(provider = self.provider.provider(), kind = error.kind().name(), %error, "no token");
                Err(error)
            }
        }
    }

    /// A token, and the chance by which its renewal is drawn.
    ///
    /// Where the credentials are refused, their source is asked once more: they may have been rotated a moment ago.
    async fn request(&self, began: Reading) -> Result<(AccessToken, u8), Error> {
        let mut credentials = self.credentials.credentials().await?;
        let mut outcome = self.grant(&credentials, began).await;
        if is_refused(&outcome) {
            let newer = self.credentials.credentials().await?;
            if newer != credentials {
                tracing::info!(
                    provider = self.provider.provider(),
                    "the credentials have changed, so they are tried anew"
                );
                outcome = self.grant(&newer, began).await;
                credentials = newer;
            }
        }
        if is_refused(&outcome) {
            self.failures().refuse(credentials, self.reading());
        }
        let [chance, ..] = entropy()?;
        Ok((outcome?, chance))
    }

    async fn grant(&self, credentials: &ClientCredentials, began: Reading) -> Result<AccessToken, Error> {
        let surroundings = Surroundings::new(began.wall, entropy()?);
        grant(&*self.provider, credentials, &self.ask, &*self.transport, surroundings).await
    }

    fn keep(&self, token: Arc<AccessToken>, began: Reading, chance: u8) -> Arc<AccessToken> {
        let length = token.expires_at().duration_since(token.requested_at()).unwrap_or_default();
        let (provider, seconds) = (self.provider.provider(), length.as_secs());
        if token.lifetime_source() == LifetimeSource::Assumed {
            tracing::warn!(provider, seconds, "nobody says how long the token lives, so it is not trusted for long");
        } else {
            tracing::debug!(provider, seconds, "fetched a token");
        }
        let life = Life::new(began, length, chance);
        self.memory.current.store(Some(Arc::new(Kept { token: Arc::clone(&token), life })));
        token
    }

    /// Says so where a vendor that blocks addresses may have blocked this one.
    fn blocked(&self, error: Error) -> Error {
        let refusals = self.failures().of_credentials();
        if error.kind() != ErrorKind::Unreachable || refusals == 0 || !self.provider.policy().refusals_block_address() {
            return error;
        }
        let times = if refusals == 1 { "once".to_owned() } else { format!("{refusals} times") };
        error.with_remedy(format!(
            "the vendor may have blocked this address, because it refused the credentials {times}: \
             correct them, then wait before you try again"
        ))
    }

    fn reading(&self) -> Reading {
        Reading::of(&*self.clock)
    }

    fn failures(&self) -> MutexGuard<'_, Failures> {
        self.memory.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_refused(outcome: &Result<AccessToken, Error>) -> bool {
    outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::CredentialsRefused)
}

fn entropy() -> Result<[u8; 16], Error> {
    let mut entropy = [0; 16];
    getrandom::fill(&mut entropy).map_err(|source| {
        Error::new(ErrorKind::Configuration, "the machine gives no randomness")
            .with_remedy("give the program access to the system's random source")
            .with_source(source)
    })?;
    Ok(entropy)
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
