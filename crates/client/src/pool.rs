//! Sources of tokens for many: tenants, scopes, audiences.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use credentials_grant::{CredentialsGrant, CredentialsSource, Error, ErrorKind, TokenParameters};
use futures_util::stream::{self, StreamExt};
use lru::LruCache;

use crate::builder::Builder;
use crate::inner::Inner;
use crate::key::{Key, Keys};
use crate::life::Reading;
use crate::means::Means;
use crate::token_source::TokenSource;

/// How many sources a pool keeps, unless the builder says otherwise.
const CAPACITY: usize = 10_000;

/// For how long it keeps one that nobody asks for, unless the builder says otherwise.
const IDLE: Duration = Duration::from_secs(24 * 60 * 60);

/// The most idle sources that one lookup drops: nobody waits for a great sweep.
const SWEPT_AT_ONCE: usize = 2;

/// How many tokens are taken back at once: enough to end soon, and not so many that servers feel it.
const REVOKED_AT_ONCE: usize = 10;

/// One [`TokenSource`] for each client, provider and ask, made when it is first asked for.
///
/// Two that differ in anything that shapes a request (URL, tenant, client, scopes, audience, parameters …) never share a
/// token; two that do not, always do. A pool's sources have one transport, one clock and one count of the vendor's limits
/// on token requests in common, and nothing else: a slow server for one delays no other.
///
/// It is cheap to clone, and clones are the same pool.
///
/// ```no_run
/// # async fn example(acme: impl credentials_grant::CredentialsGrant + Clone) -> Result<(), credentials_grant::Error> {
/// use credentials_grant::{TokenParameters, ClientCredentials};
/// use credentials_grant_client::TokenPool;
///
/// let pool = TokenPool::new()?;
/// for hotel in [ClientCredentials::new("hotel-1", "a secret"), ClientCredentials::new("hotel-2", "another")] {
///     let source = pool.source(&acme, &hotel, &TokenParameters::new().with_scope("reservations.read"))?;
///     let token = source.token().await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TokenPool(Arc<Pool>);

struct Pool {
    means: Arc<Means>,
    capacity: usize,
    idle: Duration,
    keys: Keys,
    sources: Mutex<LruCache<Key, Pooled>>,
}

struct Pooled {
    source: TokenSource,
    used: Reading,
}

/// Sets up a [`TokenPool`].
pub type TokenPoolBuilder = Builder<ForPool>;

/// What a builder is told of a pool.
#[derive(Debug)]
pub struct ForPool {
    capacity: usize,
    idle: Duration,
}

impl Builder<ForPool> {
    /// How many sources the pool keeps: 10 000 by default. Beyond that, the one that was not asked for the longest is
    /// dropped; its tenant's next caller has to fetch a token anew.
    #[must_use]
    pub fn with_capacity(mut self, sources: usize) -> Self {
        self.target.capacity = sources;
        self
    }

    /// For how long the pool keeps a source that nobody asks for or holds: a day by default. Idle ones are dropped, a few
    /// at a time, when others are asked for.
    #[must_use]
    pub fn with_idle(mut self, idle: Duration) -> Self {
        self.target.idle = idle;
        self
    }

    /// The pool. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration), naming what cannot be meant.
    pub fn build(self) -> Result<TokenPool, Error> {
        let (ForPool { capacity, idle }, means) = self.means()?;
        if capacity == 0 || idle.is_zero() {
            return Err(Error::new(ErrorKind::Configuration, "a pool of this capacity and idle time keeps nothing")
                .with_remedy("let it keep one source at least, and for a while"));
        }
        let sources = Mutex::new(LruCache::unbounded());
        Ok(TokenPool(Arc::new(Pool { means: Arc::new(means), capacity, idle, keys: Keys::new()?, sources })))
    }
}

impl TokenPool {
    /// A pool whose sources send over HTTPS.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the HTTP client cannot be set up.
    #[cfg(feature = "reqwest")]
    pub fn new() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// Begins a pool.
    #[must_use]
    pub fn builder() -> TokenPoolBuilder {
        Builder::new(ForPool { capacity: CAPACITY, idle: IDLE })
    }

    /// The source for whoever asks this of this provider. Sends nothing, and waits for nobody who does.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if this does not make a request, or if the credentials cannot be told
    /// from others ([`CredentialsSource::identify`]).
    pub fn source<P, C>(
        &self,
        provider: &P,
        credentials: &C,
        parameters: &TokenParameters,
    ) -> Result<TokenSource, Error>
    where
        P: CredentialsGrant + Clone,
        C: CredentialsSource + Clone,
    {
        let pool = &*self.0;
        let key = pool.keys.derive(provider, credentials, parameters);
        let key = key.map_err(|error| error.with_provider(provider.name().to_owned()))?;
        let now = Reading::of(&*pool.means.clock);
        if let Some(source) = pool.find(key, now) {
            return Ok(source);
        }
        // Without the lock: a clone is the user's code.
        let source = TokenSource(Arc::new(Inner::new(
            Arc::new(provider.clone()),
            Arc::new(credentials.clone()),
            parameters.clone(),
            Arc::clone(&pool.means),
        )));
        let pooled = Pooled { source: source.clone(), used: now };
        let mut sources = pool.sources();
        if let Some(pooled) = sources.get(&key) {
            return Ok(pooled.source.clone());
        }
        sources.push(key, pooled);
        let dropped = (sources.len() > pool.capacity).then(|| sources.pop_lru());
        drop(sources);
        drop(dropped);
        Ok(source)
    }

    /// Has the servers take back the tokens in memory, each if there is one: for a program that ends. One that cannot be
    /// taken back keeps no other from it.
    ///
    /// # Errors
    ///
    /// The first, as [`TokenSource::revoke`].
    pub async fn revoke_current(&self) -> Result<(), Error> {
        let sources: Vec<_> = self.0.sources().iter().map(|(_, pooled)| pooled.source.clone()).collect();
        let revocations = stream::iter(sources).map(async |source: TokenSource| source.revoke_current().await);
        let outcomes: Vec<_> = revocations.buffer_unordered(REVOKED_AT_ONCE).collect().await;
        outcomes.into_iter().collect()
    }

    /// How many sources it keeps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.sources().len()
    }

    /// Whether it keeps none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Pool {
    /// The source of this key, if there is one. Drops a few that have been idle for too long: those that were not asked
    /// for the longest come first.
    fn find(&self, key: Key, now: Reading) -> Option<TokenSource> {
        let mut dropped = Vec::new();
        let mut sources = self.sources();
        let found = sources.get_mut(&key).map(|pooled| {
            pooled.used = now;
            pooled.source.clone()
        });
        for _ in 0..SWEPT_AT_ONCE {
            match sources.peek_lru() {
                Some((_, pooled)) if now.since(pooled.used) >= self.idle => {}
                _ => break,
            }
            // Somebody who holds it still uses it: another of the same key would fetch tokens of its own.
            match sources.pop_lru() {
                Some((key, pooled)) if Arc::strong_count(&pooled.source.0) > 1 => {
                    sources.push(key, Pooled { used: now, ..pooled });
                }
                idle => dropped.extend(idle),
            }
        }
        drop(sources);
        // Only now: what they hold is the user's.
        drop(dropped);
        found
    }

    fn sources(&self) -> MutexGuard<'_, LruCache<Key, Pooled>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for TokenPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenPool")
            .field("sources", &self.len())
            .field("capacity", &self.0.capacity)
            .finish_non_exhaustive()
    }
}
