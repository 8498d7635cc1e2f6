//! Token pools: a source for each tenant, provider and set of parameters.

use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use credentials_grant::{CredentialsGrant, CredentialsSource, Error, TokenParameters};
use futures_util::stream::{self, StreamExt};
use lru::LruCache;

use super::key::{Key, KeyHash, Keys};
use crate::source::{Config, Shared, TokenSource, check_presentation, dry_run_request};

/// The most sources that one lookup examines in order to drop them, so that no caller waits for a great sweep. More
/// than one, so that a pool that has grown beyond its capacity shrinks again.
const EXAMINED_AT_ONCE: usize = 4;

/// How many tokens are revoked at once: enough to finish soon, and not so many that servers feel it.
const REVOKED_AT_ONCE: usize = 10;

/// Keeps one [`TokenSource`] for each client, provider and set of parameters, made when it is first asked for.
///
/// Two lookups that differ in anything that shapes a request (URL, tenant, client, scopes, audience, parameters …)
/// never share a token; lookups that agree in all of it share one. The sources share one transport, one clock, one
/// count of the vendor's limits, and failures that concern the client, the host or the address, and nothing else: a
/// slow server delays no other tenant.
///
/// A pool is cheap to clone, and clones are the same pool.
///
/// ```no_run
/// # async fn example(acme: impl credentials_grant::CredentialsGrant + Clone) -> Result<(), credentials_grant::Error> {
/// use credentials_grant::{ClientCredentials, TokenParameters};
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
pub struct TokenPool(Arc<Inner>);

struct Inner {
    config: Arc<Config>,
    capacity: usize,
    idle: Duration,
    keys: Keys,
    sources: Mutex<Sources>,
    /// Those of the source that was made last. Most tenants have the same, which their sources share.
    parameters: Mutex<Arc<TokenParameters>>,
}

type Sources = LruCache<Key, Pooled, KeyHash>;

struct Pooled {
    source: TokenSource,
    /// By the monotonic clock: when an unused source is dropped need not be exact.
    used: Duration,
}

impl TokenPool {
    pub(crate) fn with_config(config: Config, capacity: usize, idle: Duration) -> Result<Self, Error> {
        let sources = Mutex::new(LruCache::unbounded_with_hasher(KeyHash::default()));
        let (config, parameters) = (Arc::new(config), Mutex::default());
        Ok(Self(Arc::new(Inner { config, capacity, idle, keys: Keys::new()?, sources, parameters })))
    }

    /// Returns the source for this provider, these credentials and these parameters. Sends nothing, and waits for
    /// nothing.
    ///
    /// A source that somebody holds stays in the pool. Hold it while you use it, for example in an
    /// [`Authorizer`](crate::Authorizer); drop it afterwards, because the pool cannot drop it before.
    ///
    /// # Errors
    ///
    /// [`Configuration`](credentials_grant::ErrorKind::Configuration) if the parameters do not make a valid request, or
    /// if the provider or the credentials cannot be told from others ([`CredentialsGrant::identify`],
    /// [`CredentialsSource::identify`]).
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
        let named = |error: Error| error.with_provider(provider.name().to_owned());
        let key = pool.keys.derive(provider, credentials, parameters).map_err(named)?;
        let now = pool.config.clock.monotonic();
        if let Some(source) = pool.find(key, now) {
            return Ok(source);
        }
        dry_run_request(provider, parameters).map_err(named)?;
        check_presentation(provider, parameters).map_err(named)?;
        // Without the lock: a clone is the user's code.
        let source = TokenSource(Arc::new(Shared::new(
            Arc::new(provider.clone()),
            Arc::new(credentials.clone()),
            pool.shared(parameters),
            Arc::clone(&pool.config),
        )));
        Ok(pool.insert(key, source, now))
    }

    /// Revokes the token of every source that has one, for a program that stops. A failure does not stop the others.
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

    /// Returns the number of sources.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.sources().len()
    }

    /// Returns `true` if there are no sources.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Inner {
    /// Returns the source of this key, if there is one.
    fn find(&self, key: Key, now: Duration) -> Option<TokenSource> {
        let mut sources = self.sources();
        let found = sources.get_mut(&key).map(|pooled| {
            pooled.used = now;
            pooled.source.clone()
        });
        let dropped = self.sweep(&mut sources, now);
        drop(sources);
        // After the lock is released: dropping a source runs the user's code.
        drop(dropped);
        found
    }

    /// Adds a source, unless there is one of this key by now. Returns the one that is there.
    fn insert(&self, key: Key, source: TokenSource, now: Duration) -> TokenSource {
        let mut sources = self.sources();
        if let Some(pooled) = sources.get(&key) {
            return pooled.source.clone();
        }
        sources.push(key, Pooled { source: source.clone(), used: now });
        let dropped = self.sweep(&mut sources, now);
        drop(sources);
        drop(dropped);
        source
    }

    /// Takes out a few sources that are idle, or more than the capacity: the least recently used first, and none that
    /// is in use.
    fn sweep(&self, sources: &mut Sources, now: Duration) -> Vec<Pooled> {
        let mut dropped = Vec::new();
        for _ in 0..EXAMINED_AT_ONCE {
            let is_full = sources.len() > self.capacity;
            let Some((&key, pooled)) = sources.peek_lru() else { break };
            if !is_full && now.saturating_sub(pooled.used) < self.idle {
                break;
            }
            // Callers, authorizers and a flight in progress hold the source. If it were dropped here, the next lookup
            // would make a second one, which fetches its own tokens.
            if Arc::strong_count(&pooled.source.0) == 1 {
                dropped.extend(sources.pop_lru().map(|(_, pooled)| pooled));
            } else if let Some(pooled) = sources.get_mut(&key) {
                // Becomes the most recently used, so that the next lookup examines others.
                pooled.used = now;
            }
        }
        dropped
    }

    /// Returns these parameters, shared with the source that was made last if that has the same.
    fn shared(&self, parameters: &TokenParameters) -> Arc<TokenParameters> {
        let last = Arc::clone(&self.parameters());
        if *last == *parameters {
            return last;
        }
        let new = Arc::new(parameters.clone());
        let others = mem::replace(&mut *self.parameters(), Arc::clone(&new));
        // Without the lock: they may hold a user's key.
        drop(others);
        new
    }

    fn parameters(&self) -> MutexGuard<'_, Arc<TokenParameters>> {
        self.parameters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sources(&self) -> MutexGuard<'_, Sources> {
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
