//! The keys of an issuer: fetched when they are needed, cached, and fetched again by one task for all callers.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use credentials_grant::{Error, ErrorKind, Retry, Transport};
use credentials_grant_client::Clock;
use credentials_grant_discovery::{Cached, Discovery, FetchError, Issuer, Metadata};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinError;
use tokio::time::{Instant, timeout, timeout_at};

use crate::key_set::KeySet;

/// The shortest time for which keys are fresh. Servers send `Cache-Control` for browsers, often `no-store`: each call
/// of the API would cost a request to the issuer.
const SHORTEST_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// The shortest pause after a failed fetch, if there are no keys.
const PAUSE: Duration = Duration::from_secs(5);

/// How long a caller waits for keys at most, from when they began to be fetched.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How long a fetch takes at most. Transports have timeouts of their own, and it has four requests.
const LONGEST_FETCH: Duration = Duration::from_secs(120);

/// Fetches and caches the keys of an issuer.
pub(crate) struct IssuerKeys {
    discovery: Discovery,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    keys: Option<Cached<Arc<KeySet>>>,
    /// When and why the last fetch failed, unless a later one succeeded.
    failure: Option<(SystemTime, Error)>,
    /// The fetch that was started last.
    fetch: Option<Fetch>,
}

/// A fetch, by one task for all callers.
#[derive(Clone)]
struct Fetch {
    started: Instant,
    /// Closed when the keys have arrived, or cannot be had.
    running: watch::Receiver<()>,
}

/// What a caller gets at once.
enum Known {
    Keys(Arc<KeySet>),
    /// Known keys that are stale.
    Stale(Arc<KeySet>),
    Failure(Error),
    Nothing,
}

type KeysResult = Result<Arc<KeySet>, Error>;

impl IssuerKeys {
    pub(crate) fn new(issuer: Issuer, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        let discovery = Discovery::new(issuer);
        Self { discovery, transport, clock, cache: Mutex::default() }
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Returns the keys. Known ones serve at once, for a day after they are stale, while a task fetches new ones. Only
    /// if there are none, the caller waits.
    pub(crate) async fn current(self: &Arc<Self>) -> KeysResult {
        let known = self.cache().known(self.now());
        match known {
            Known::Keys(keys) => Ok(keys),
            Known::Stale(keys) => {
                // Outside of a runtime there is no task, and the keys serve as long as they may.
                let _ = self.start_fetch();
                Ok(keys)
            }
            Known::Failure(error) => Err(error),
            Known::Nothing => self.fetched().await,
        }
    }

    /// Returns the keys, fetched again because a key is missing, unless they were fetched a moment ago.
    pub(crate) async fn newer(self: &Arc<Self>) -> KeysResult {
        {
            let mut cache = self.cache();
            let is_due = cache.keys.as_mut().is_none_or(|keys| keys.may_be_fetched(self.now()));
            if !is_due && !cache.is_fetching() {
                return cache.outcome();
            }
        }
        self.fetched().await
    }

    /// Waits for the fetch of the keys, which is started unless it runs.
    async fn fetched(self: &Arc<Self>) -> KeysResult {
        let mut fetch = self.start_fetch()?;
        let deadline = fetch.started + LONGEST_WAIT;
        // It never changes, and is closed in the end.
        match timeout_at(deadline, fetch.running.changed()).await {
            Ok(_) => self.cache().outcome(),
            Err(_) => Err(Error::new(
                ErrorKind::Unreachable,
                format!("the keys of {} did not arrive within {} s", self.discovery.issuer(), LONGEST_WAIT.as_secs()),
            )
            .with_remedy("check the network and the issuer's status page; try again later")),
        }
    }

    /// Starts to fetch the keys, in a task of its own: no caller cancels it, and those who have keys do not wait.
    fn start_fetch(self: &Arc<Self>) -> Result<Fetch, Error> {
        let mut cache = self.cache();
        if let Some(fetch) = cache.fetch.clone().filter(|_| cache.is_fetching()) {
            return Ok(fetch);
        }
        let runtime = runtime()?;
        let (done, running) = watch::channel(());
        let fetch = Fetch { started: Instant::now(), running };
        cache.fetch = Some(fetch.clone());
        if let Some(keys) = cache.keys.as_mut() {
            keys.defer_fetch(self.now(), Duration::ZERO);
        }
        let (keys, task) = (Arc::clone(self), Arc::clone(self));
        let work = runtime.spawn(async move { timeout(LONGEST_FETCH, task.fetch(done)).await });
        // Watches over the work, which may panic.
        runtime.spawn(async move {
            match work.await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => keys.fail(FetchError::Unavailable(overdue(keys.discovery.issuer()))),
                Err(ended) => keys.fail(FetchError::Unavailable(interrupted(&ended))),
            }
        });
        Ok(fetch)
    }

    /// Fetches the keys from where the issuer is known to have them, and then, if that is due, its metadata, which may
    /// say otherwise.
    async fn fetch(self: Arc<Self>, done: watch::Sender<()>) {
        let known = self.discovery.known_metadata(self.now());
        let fetched = match &known {
            Some(metadata) => self.fetch_keys(metadata).await,
            None => self.fetch_metadata_and_keys().await,
        };
        self.keep(fetched);
        let Some(known) = known else { return };
        // The keys serve. The metadata may take its time.
        drop(done);
        let fetched = match self.discovery.metadata(&*self.transport, self.now()).await {
            Ok(metadata) if is_moved(&known, &metadata) => self.fetch_keys(&metadata).await,
            Ok(_) | Err(FetchError::Unavailable(_)) => return,
            Err(error) => Err(error),
        };
        self.keep(fetched);
    }

    async fn fetch_metadata_and_keys(&self) -> Result<(KeySet, Duration), FetchError> {
        let metadata = self.discovery.metadata(&*self.transport, self.now()).await?;
        self.fetch_keys(&metadata).await
    }

    async fn fetch_keys(&self, metadata: &Metadata) -> Result<(KeySet, Duration), FetchError> {
        let document = self.discovery.jwks_of(metadata, &*self.transport).await?;
        let keys = KeySet::read(self.discovery.issuer(), &document).map_err(FetchError::Invalid)?;
        Ok((keys, document.lifetime().max(SHORTEST_LIFETIME)))
    }

    fn keep(&self, fetched: Result<(KeySet, Duration), FetchError>) {
        match fetched {
            Ok((keys, lifetime)) => {
                let mut cache = self.cache();
                cache.keys = Some(Cached::new(Arc::new(keys), self.now(), lifetime));
                cache.failure = None;
            }
            Err(error) => self.fail(error),
        }
    }

    /// Keeps the old keys for a while if no new ones have arrived, and forgets them if those that have are wrong.
    fn fail(&self, error: FetchError) {
        let now = self.now();
        let mut cache = self.cache();
        if !matches!(error, FetchError::Unavailable(_)) {
            cache.keys = None;
        }
        let error = Error::from(error);
        if let Some(keys) = cache.keys.as_mut() {
            keys.defer_fetch(now, pause(&error));
        }
        cache.failure = Some((now, error));
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    fn known(&mut self, now: SystemTime) -> Known {
        if let Some(keys) = self.keys.as_mut() {
            if let Some(fresh) = keys.current(now) {
                return Known::Keys(Arc::clone(fresh));
            }
            if let Some(stale) = keys.usable(now) {
                return Known::Stale(Arc::clone(stale));
            }
            self.keys = None;
        }
        match &self.failure {
            Some((at, error)) if now.duration_since(*at).is_ok_and(|past| past < pause(error).max(PAUSE)) => {
                Known::Failure(error.clone())
            }
            _ => Known::Nothing,
        }
    }

    fn is_fetching(&self) -> bool {
        self.fetch.as_ref().is_some_and(|fetch| fetch.running.has_changed().is_ok())
    }

    /// Returns how the last fetch ended. While it fails, the issuer may have published what is missing: that is not
    /// known.
    fn outcome(&self) -> KeysResult {
        match (&self.failure, &self.keys) {
            (Some((_, error)), _) => Err(error.clone()),
            (None, Some(keys)) => Ok(Arc::clone(keys.value())),
            (None, None) => Err(shut_down()),
        }
    }
}

/// Returns `true` if the keys are at another place than before.
fn is_moved(before: &Metadata, now: &Metadata) -> bool {
    let place = |metadata: &Metadata| metadata.jwks_uri().ok().map(|uri| uri.url().clone());
    place(before) != place(now)
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

/// Creates the error for a fetch that takes too long.
fn overdue(issuer: &Issuer) -> Error {
    let message = format!("the keys of {issuer} did not arrive within {} s", LONGEST_FETCH.as_secs());
    Error::new(ErrorKind::Unreachable, message)
        .with_remedy("check the network and the issuer's status page; try again later")
}

/// Creates the error for a fetch that did not end. A panic's message is not repeated: it may hold anything.
fn interrupted(ended: &JoinError) -> Error {
    if !ended.is_panic() {
        return shut_down();
    }
    Error::new(ErrorKind::Configuration, "the transport panicked while the issuer's keys were fetched")
        .with_remedy("report the panic, which the program's error output shows, to the transport's authors")
}

fn shut_down() -> Error {
    Error::new(ErrorKind::Unavailable, "the runtime shut down while the issuer's keys were fetched")
        .with_remedy("verify tokens on a runtime that lives as long as the program")
}
