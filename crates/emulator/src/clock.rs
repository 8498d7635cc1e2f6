//! Time as the emulator sees it: a test owns it, nobody waits for it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use crate::lock;

/// The clock that every expiry, limit and block reads.
///
/// Clones share their time, so a test keeps one and hands the other to
/// [`Emulator::with_clock`](crate::Emulator::with_clock).
///
/// ```
/// # use std::time::{Duration, SystemTime};
/// use credentials_grant_emulator::EmulatorClock;
///
/// let clock = EmulatorClock::manual(SystemTime::UNIX_EPOCH);
/// clock.clone().advance(Duration::from_secs(3600));
/// assert_eq!(clock.now(), SystemTime::UNIX_EPOCH + Duration::from_secs(3600));
/// ```
#[derive(Clone, Debug)]
pub struct EmulatorClock {
    /// Where a manual clock stands; the system's clock has no such place.
    start: Option<SystemTime>,
    advanced: Arc<Mutex<Duration>>,
}

impl EmulatorClock {
    /// The system's time, plus whatever it is [advanced](Self::advance) by.
    #[must_use]
    pub fn system() -> Self {
        Self::starting(None)
    }

    /// A clock that stands at `start` and moves only when it is [advanced](Self::advance).
    #[must_use]
    pub fn manual(start: SystemTime) -> Self {
        Self::starting(Some(start))
    }

    /// Moves this clock and all its clones forward.
    pub fn advance(&self, by: Duration) {
        let mut advanced = lock(&self.advanced);
        *advanced = advanced.saturating_add(by);
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        let start = self.start.unwrap_or_else(SystemTime::now);
        start.checked_add(*lock(&self.advanced)).unwrap_or(start)
    }

    fn starting(start: Option<SystemTime>) -> Self {
        Self { start, advanced: Arc::default() }
    }
}

impl Default for EmulatorClock {
    fn default() -> Self {
        Self::system()
    }
}

/// How long ago that was; a moment that is still to come was just now.
pub(crate) fn age(since: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(since).unwrap_or_default()
}
