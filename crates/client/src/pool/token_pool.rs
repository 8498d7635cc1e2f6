//! Token pools: a source for each tenant, provider and set of parameters.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use credentials_grant::{CredentialsGrant, CredentialsSource, Error, TokenParameters};
use futures_util::stream::{self, StreamExt};
use lru::LruCache;

use super::key::{Key, Keys};
use crate::source::{Config, Reading, Shared, TokenSource, check_presentation, dry_run_request};

/// The most idle sources that one lookup drops, so that no caller waits for a great sweep.
const SWEPT_AT_ONCE: usize = 2;

/// How many tokens are revoked at once: enough to finish soon, and not so many that servers feel it.
const REVOKED_AT_ONCE: usize = 10;

/// Keeps one [`TokenSource`] for each client, provider and set of parameters, made when it is first asked for.
///
/// Two lookups that differ in anything that shapes a request (URL, tenant, client, scopes, audience, parameters …)
/// never share a token; lookups that agree in all of it share one. The sources share one transport, one clock and one
/// count of the vendor's limits, and nothing else: a slow server delays no other tenant.
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
    sources: Mutex<LruCache<Key, Pooled>>,
}

struct Pooled {
    source: TokenSource,
    used: Reading,
}

impl TokenPool {
    pub(crate) fn with_config(config: Config, capacity: usize, idle: Duration) -> Result<Self, Error> {
        let sources = Mutex::new(LruCache::unbounded());
        Ok(Self(Arc::new(Inner { config: Arc::new(config), capacity, idle, keys: Keys::new()?, sources })))
    }

    /// Returns the source for this provider, these credentials and these parameters. Sends nothing, and waits for
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`Configuration`](credentials_grant::ErrorKind::Configuration) if the parameters do not make a valid request, or
    /// if the credentials cannot be told from others ([`CredentialsSource::identify`]).
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
        let now = Reading::of(&*pool.config.clock);
        if let Some(source) = pool.find(key, now) {
            return Ok(source);
        }
        dry_run_request(provider, parameters).map_err(|error| error.with_provider(provider.name().to_owned()))?;
        check_presentation(provider, parameters).map_err(|error| error.with_provider(provider.name().to_owned()))?;
        // Without the lock: a clone is the user's code.
        let source = TokenSource(Arc::new(Shared::new(
            Arc::new(provider.clone()),
            Arc::new(credentials.clone()),
            parameters.clone(),
            Arc::clone(&pool.config),
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
    /// Returns the source of this key, if there is one. Drops a few idle sources, the least recently used first.
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
            // A source that somebody holds is in use: a second one of the same key would fetch its own tokens.
            match sources.pop_lru() {
                Some((key, pooled)) if Arc::strong_count(&pooled.source.0) > 1 => {
                    sources.push(key, Pooled { used: now, ..pooled });
                }
                idle => dropped.extend(idle),
            }
        }
        drop(sources);
        // After the lock is released: dropping a source runs the user's code.
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
