//! The keys of an issuer: fetched when they are needed, cached, and fetched again by one caller for all.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use credentials_grant::{Error, ErrorKind, Retry, Transport};
use credentials_grant_client::Clock;
use credentials_grant_discovery::{Cached, Discovery, FetchError, Issuer};
use tokio::runtime::Handle;
use tokio::task::JoinError;

use crate::key_set::KeySet;

/// The shortest time for which keys are fresh. Servers send `Cache-Control` for browsers, often `no-store`: each call
/// of the API would cost a request to the issuer.
const SHORTEST_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// The shortest pause after a failed fetch, if there are no keys.
const PAUSE: Duration = Duration::from_secs(5);

/// Fetches and caches the keys of an issuer.
pub(crate) struct IssuerKeys {
    discovery: Discovery,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    cache: Mutex<Cache>,
    /// Held while keys are fetched, by one caller for all.
    fetch_lock: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct Cache {
    keys: Option<Cached<Arc<KeySet>>>,
    /// When and why the last fetch failed, unless a later one succeeded.
    failure: Option<(SystemTime, Error)>,
}

type KeysResult = Result<Arc<KeySet>, Error>;

impl IssuerKeys {
    pub(crate) fn new(issuer: Issuer, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        let discovery = Discovery::new(issuer);
        Self { discovery, transport, clock, cache: Mutex::default(), fetch_lock: Arc::default() }
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Returns the keys, fetched if that is due.
    pub(crate) async fn current(self: &Arc<Self>) -> KeysResult {
        self.fetch_unless(Cache::current).await
    }

    /// Returns the keys, fetched again because a key is missing, unless they were fetched a moment ago.
    pub(crate) async fn newer(self: &Arc<Self>) -> KeysResult {
        self.fetch_unless(Cache::newer).await
    }

    /// Fetches the keys once for all callers that wait, unless `cached` has the answer.
    async fn fetch_unless(
        self: &Arc<Self>,
        cached: impl Fn(&mut Cache, SystemTime) -> Option<KeysResult>,
    ) -> KeysResult {
        let cached = || cached(&mut self.cache(), self.now());
        if let Some(result) = cached() {
            return result;
        }
        let lock = Arc::clone(&self.fetch_lock).lock_owned().await;
        // The caller that held the lock before may have fetched them.
        if let Some(result) = cached() {
            return result;
        }
        let keys = Arc::clone(self);
        // In a task of its own, so that a caller that is dropped does not cancel the fetch for which others wait.
        let fetch = runtime()?.spawn(async move {
            let result = keys.fetch().await;
            drop(lock);
            result
        });
        let result = fetch.await.unwrap_or_else(|ended| Err(interrupted(&ended)));
        cached().unwrap_or(result)
    }

    async fn fetch(&self) -> KeysResult {
        let fetched = self.fetch_keys().await;
        let now = self.now();
        let mut cache = self.cache();
        let error = match fetched {
            Ok((keys, lifetime)) => {
                let keys = Arc::new(keys);
                *cache = Cache { keys: Some(Cached::new(Arc::clone(&keys), now, lifetime)), failure: None };
                return Ok(keys);
            }
            Err(error) => error,
        };
        if !matches!(error, FetchError::Unavailable(_)) {
            cache.keys = None;
        }
        let error = Error::from(error);
        cache.failure = Some((now, error.clone()));
        let Some(keys) = cache.keys.as_mut() else { return Err(error) };
        keys.defer_fetch(now, pause(&error));
        keys.usable(now).cloned().ok_or(error)
    }

    async fn fetch_keys(&self) -> Result<(KeySet, Duration), FetchError> {
        let document = self.discovery.jwks(&*self.transport, self.now()).await?;
        let keys = KeySet::read(self.discovery.issuer(), &document).map_err(FetchError::Invalid)?;
        Ok((keys, document.lifetime().max(SHORTEST_LIFETIME)))
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    fn current(&mut self, now: SystemTime) -> Option<KeysResult> {
        if let Some(keys) = self.keys.as_mut().and_then(|keys| keys.current(now)) {
            return Some(Ok(Arc::clone(keys)));
        }
        let (at, error) = self.failure.as_ref()?;
        now.duration_since(*at).is_ok_and(|past| past < pause(error).max(PAUSE)).then(|| Err(error.clone()))
    }

    fn newer(&mut self, now: SystemTime) -> Option<KeysResult> {
        let Some(keys) = self.keys.as_mut() else { return self.current(now) };
        if keys.may_be_fetched(now) {
            return None;
        }
        match &self.failure {
            // The issuer may have published the missing key since: that is not known.
            Some((_, error)) => Some(Err(error.clone())),
            None => Some(Ok(Arc::clone(keys.value()))),
        }
    }
}

impl fmt::Debug for IssuerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuerKeys").field("issuer", self.discovery.issuer()).finish_non_exhaustive()
    }
}

/// Returns how long the server asks us to wait.
fn pause(error: &Error) -> Duration {
    match error.retry() {
        Retry::After(pause) => pause,
        _ => Duration::ZERO,
    }
}

fn runtime() -> Result<Handle, Error> {
    Handle::try_current().map_err(|source| {
        Error::new(ErrorKind::Configuration, "tokens can only be verified inside a tokio runtime")
            .with_remedy("call `verify` from async code that tokio runs")
            .with_source(source)
    })
}

/// Creates the error for a fetch that did not end. A panic's message is not repeated: it may hold anything.
fn interrupted(ended: &JoinError) -> Error {
    if ended.is_panic() {
        return Error::new(ErrorKind::Configuration, "the transport panicked while the issuer's keys were fetched")
            .with_remedy("report the panic, which the program's error output shows, to the transport's authors");
    }
    Error::new(ErrorKind::Unavailable, "the runtime shut down while the issuer's keys were fetched")
        .with_remedy("verify tokens on a runtime that lives as long as the program")
}
