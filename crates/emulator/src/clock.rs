//! The time of an emulator, which a test can set and move.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use crate::lock::lock;

/// The clock of an emulator: it decides when tokens expire, and when rate limits and blocks end.
///
/// Clones share their time: give one to [`Emulator::with_clock`](crate::Emulator::with_clock) and
/// [advance](Self::advance) another.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use credentials_grant_emulator::EmulatorClock;
///
/// let clock = EmulatorClock::manual(SystemTime::UNIX_EPOCH);
/// let clone = clock.clone();
/// clone.advance(Duration::from_secs(3600));
/// assert_eq!(clock.now(), SystemTime::UNIX_EPOCH + Duration::from_secs(3600));
/// ```
#[derive(Clone, Debug)]
pub struct EmulatorClock {
    /// Where a manual clock starts; `None` for the system's time.
    start: Option<SystemTime>,
    advanced: Arc<Mutex<Duration>>,
}

impl EmulatorClock {
    /// Creates a clock that shows the system's time, plus every duration that it is [advanced](Self::advance) by.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use credentials_grant_emulator::EmulatorClock;
    ///
    /// let clock = EmulatorClock::system();
    /// clock.advance(Duration::from_secs(60));
    /// assert!(clock.now() > SystemTime::now() + Duration::from_secs(30));
    /// ```
    #[must_use]
    pub fn system() -> Self {
        Self::starting(None)
    }

    /// Creates a clock that shows `start` and moves only when it is [advanced](Self::advance).
    #[must_use]
    pub fn manual(start: SystemTime) -> Self {
        Self::starting(Some(start))
    }

    /// Moves this clock and all its clones forward.
    pub fn advance(&self, by: Duration) {
        let mut advanced = lock(&self.advanced);
        *advanced = advanced.saturating_add(by);
    }

    /// Returns the time that the clock shows.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        let start = self.start.unwrap_or_else(SystemTime::now);
        // A sum that no `SystemTime` can hold leaves the clock at its start.
        start.checked_add(*lock(&self.advanced)).unwrap_or(start)
    }

    fn starting(start: Option<SystemTime>) -> Self {
        Self { start, advanced: Arc::default() }
    }
}

/// Returns [`EmulatorClock::system`].
impl Default for EmulatorClock {
    fn default() -> Self {
        Self::system()
    }
}

/// Returns the time that passed between `since` and `now`, or zero if `since` is later.
pub(crate) fn age(since: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(since).unwrap_or_default()
}
