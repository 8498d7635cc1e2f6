//! A source of tokens for one client and one ask: kept while good, renewed in time, fetched once for everybody.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use credentials_grant::{
    AccessToken, Ask, Attempt, ClientCredentials, CredentialsGrant, CredentialsSource, Error, ErrorKind,
    LifetimeSource, Surroundings, Transport, grant,
};

use crate::clock::{Clock, SystemClock};
use crate::failures::{Failures, Purpose};
use crate::flight::{Flight, Landing, too_slow};
use crate::life::{Life, Reading, State};

/// How long one fetch may take, steps included, unless the builder says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

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
pub struct TokenSource(Arc<Inner>);

struct Inner {
    provider: Arc<dyn CredentialsGrant>,
    credentials: Arc<dyn CredentialsSource>,
    ask: Ask,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    current: ArcSwapOption<Kept>,
    flight: Arc<Flight>,
    failures: Mutex<Failures>,
}

/// The token in memory.
struct Kept {
    token: Arc<AccessToken>,
    life: Life,
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
        TokenSourceBuilder {
            provider: Arc::new(provider),
            credentials: Arc::new(credentials),
            ask: Ask::new(),
            transport: None,
            clock: Arc::new(SystemClock::new()),
            timeout: TIMEOUT,
        }
    }

    /// The token that is in memory, if it is good. Never waits, and starts nothing.
    #[must_use]
    pub fn cached(&self) -> Option<Arc<AccessToken>> {
        self.0.kept().map(|(token, _)| token)
    }

    /// A token that has not expired: the one in memory, or a new one.
    ///
    /// A caller who goes away while the request is under way does not end it.
    ///
    /// # Errors
    ///
    /// As [`grant`], and the same error for everyone who waited. After a refusal, the same error for a pause of one
    /// second, doubling to five minutes, during which nothing is sent; while the server wants to be left alone
    /// (`Retry-After`), the same error with the time that is left. Outside of a tokio runtime with time enabled,
    /// [`Configuration`](ErrorKind::Configuration).
    pub async fn token(&self) -> Result<Arc<AccessToken>, Error> {
        match self.0.kept() {
            Some((token, State::Stale)) => {
                self.0.flight.launch(|| self.0.begin(Purpose::Renewal));
                return Ok(token);
            }
            Some((token, _)) => return Ok(token),
            None => {}
        }
        let landing = self.0.flight.board(self.0.timeout, || self.0.begin(Purpose::Need)).await;
        landing.map_err(|error| error.with_provider(self.0.provider.provider().to_owned()))
    }

    /// Forgets this token, if it is still the current one: the vendor's API has said that it is no longer good.
    ///
    /// A late complaint about an older token does not take the newer one away.
    pub fn invalidate(&self, token: &Arc<AccessToken>) {
        let current = self.0.current.load();
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(&current.token, token)) {
            self.0.current.compare_and_swap(&current, None);
        }
    }
}

impl Inner {
    /// The token in memory and how it is, unless it has expired.
    fn kept(&self) -> Option<(Arc<AccessToken>, State)> {
        let current = self.current.load();
        let kept = current.as_ref()?;
        match kept.life.state(self.reading()) {
            State::Expired => None,
            state => Some((Arc::clone(&kept.token), state)),
        }
    }

    /// The work of a flight, unless there is an answer already: a token that landed meanwhile, or a failure that stands.
    fn begin(self: &Arc<Self>, purpose: Purpose) -> Result<impl Future<Output = Landing> + Send + 'static, Landing> {
        match self.kept() {
            Some((token, State::Stale)) if purpose == Purpose::Need => return Err(Ok(token)),
            Some((token, State::Fresh)) => return Err(Ok(token)),
            _ => {}
        }
        if let Some(failure) = self.failures().standing(purpose, self.reading()) {
            return Err(Err(failure));
        }
        let inner = Arc::clone(self);
        Ok(async move { inner.fetch().await })
    }

    async fn fetch(&self) -> Landing {
        let began = self.reading();
        let outcome = tokio::time::timeout(self.timeout, self.request(began)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(too_slow(self.timeout)));
        self.failures().note(&outcome, self.reading());
        match outcome {
            Ok((token, chance)) => Ok(self.keep(Arc::new(token), began, chance)),
            Err(error) => {
                let error = self.blocked(error);
                tracing::warn!(provider = self.provider.provider(), kind = error.kind().name(), %error, "no token");
                Err(error)
            }
        }
    }

    /// A token, and the chance by which its renewal is drawn.
    async fn request(&self, began: Reading) -> Result<(AccessToken, u8), Error> {
        let credentials = self.credentials.credentials().await?;
        let surroundings = Surroundings::new(began.wall, entropy()?);
        let token = grant(&*self.provider, &credentials, &self.ask, &*self.transport, surroundings).await?;
        let [chance, ..] = entropy()?;
        Ok((token, chance))
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
        self.current.store(Some(Arc::new(Kept { token: Arc::clone(&token), life })));
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
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sets up a [`TokenSource`].
#[derive(Debug)]
pub struct TokenSourceBuilder {
    provider: Arc<dyn CredentialsGrant>,
    credentials: Arc<dyn CredentialsSource>,
    ask: Ask,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
    timeout: Duration,
}

impl TokenSourceBuilder {
    /// What each token is asked for.
    #[must_use]
    pub fn with_ask(mut self, ask: Ask) -> Self {
        self.ask = ask;
        self
    }

    /// What carries the requests. An `Arc` of one transport serves any number of sources.
    #[must_use]
    pub fn with_transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// What is asked for the time.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How long one fetch may take, steps included: 30 seconds by default.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The source. The ask is checked against the provider; nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration), naming what does not make a request.
    pub fn build(self) -> Result<TokenSource, Error> {
        let name = self.provider.provider().to_owned();
        self.source().map_err(|error| error.with_provider(name))
    }

    fn source(self) -> Result<TokenSource, Error> {
        let Self { provider, credentials, ask, transport, clock, timeout } = self;
        if timeout.is_zero() {
            return Err(Error::new(ErrorKind::Configuration, "the timeout is zero")
                .with_remedy("allow a few seconds for a token"));
        }
        // What is wrong with the ask is better known now than at midnight.
        let placeholder = ClientCredentials::placeholder();
        provider.token_request(&Attempt::new(&placeholder, &ask, Surroundings::frozen()))?;
        let transport = match transport {
            Some(transport) => transport,
            None => default_transport(timeout)?,
        };
        Ok(TokenSource(Arc::new(Inner {
            provider,
            credentials,
            ask,
            transport,
            clock,
            timeout,
            current: ArcSwapOption::empty(),
            flight: Arc::default(),
            failures: Mutex::default(),
        })))
    }
}

#[cfg(feature = "reqwest")]
fn default_transport(timeout: Duration) -> Result<Arc<dyn Transport>, Error> {
    Ok(Arc::new(crate::HttpTransport::new()?.with_timeout(timeout)))
}

#[cfg(not(feature = "reqwest"))]
fn default_transport(_: Duration) -> Result<Arc<dyn Transport>, Error> {
    Err(Error::new(ErrorKind::Configuration, "there is no transport")
        .with_remedy("give one by `with_transport`, or turn on the feature `reqwest`"))
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
