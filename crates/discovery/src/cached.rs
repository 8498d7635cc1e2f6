//! A document in memory: fresh for a time, and usable a while longer if it cannot be fetched again.

use std::time::{Duration, SystemTime};

/// How long a stale document is used if it cannot be fetched again.
const GRACE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the other callers use the document after one of them has started to fetch it again.
const PAUSE: Duration = Duration::from_secs(60);

/// A document that was fetched, and its age.
///
/// It is fresh for its lifetime, and usable for a day more if it cannot be fetched again. When it is stale, one caller
/// fetches it; the others use the old one for a minute, so that an issuer that is down costs one attempt a minute.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use credentials_grant_discovery::Cached;
///
/// let now = SystemTime::now();
/// let hour = Duration::from_secs(60 * 60);
/// let mut keys = Cached::new("keys", now, hour);
/// assert_eq!(keys.current(now), Some(&"keys"));
/// assert_eq!(keys.current(now + hour), None, "it is stale: fetch it");
///
/// // This caller fetches it, and the others use the old one meanwhile.
/// keys.defer_fetch(now + hour, Duration::ZERO);
/// assert_eq!(keys.current(now + hour), Some(&"keys"));
///
/// // The fetch has failed.
/// assert_eq!(keys.usable(now + hour), Some(&"keys"));
/// assert_eq!(keys.usable(now + hour * 25), None);
/// ```
#[derive(Clone, Debug)]
pub struct Cached<T> {
    value: T,
    fetched_at: SystemTime,
    lifetime: Duration,
    /// When a caller last started to fetch it again, and how long the others wait for that.
    deferred: Option<(SystemTime, Duration)>,
}

impl<T> Cached<T> {
    /// Creates a document that was fetched at this time and is fresh for this long.
    pub fn new(value: T, fetched_at: SystemTime, lifetime: Duration) -> Self {
        Self { value, fetched_at, lifetime, deferred: None }
    }

    /// Returns the document, unless the caller should fetch it: it is fresh, or another caller is fetching it or has
    /// just failed to.
    pub fn current(&mut self, now: SystemTime) -> Option<&T> {
        let is_deferred = self.is_deferred(now);
        let age = self.age(now);
        (age < self.lifetime || is_deferred && age < self.lifetime + GRACE).then_some(&self.value)
    }

    /// Returns the document for a caller that could not fetch it again, unless it has been stale for a day.
    pub fn usable(&mut self, now: SystemTime) -> Option<&T> {
        (self.age(now) < self.lifetime + GRACE).then_some(&self.value)
    }

    /// Returns `true` if a fresh document may be fetched again, because it lacks something: it is a minute old, and no
    /// other caller has tried for a minute.
    pub fn may_be_fetched(&mut self, now: SystemTime) -> bool {
        !self.is_deferred(now) && self.age(now) >= PAUSE
    }

    /// Returns the document, whatever its age.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// Lets the other callers use the document for this long, and for at least a minute: call it before a fetch, and
    /// after one that failed.
    pub fn defer_fetch(&mut self, now: SystemTime, pause: Duration) {
        self.deferred = Some((now, pause.max(PAUSE)));
    }

    fn is_deferred(&self, now: SystemTime) -> bool {
        self.deferred.is_some_and(|(since, pause)| now.duration_since(since).is_ok_and(|past| past < pause))
    }

    /// Returns the age. After the clock was set back, the true age is unknown: the document counts as stale from now
    /// on.
    fn age(&mut self, now: SystemTime) -> Duration {
        now.duration_since(self.fetched_at).unwrap_or_else(|_| {
            self.fetched_at = now.checked_sub(self.lifetime).unwrap_or(now);
            self.lifetime
        })
    }
}
