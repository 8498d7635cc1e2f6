//! Clocks, behind a trait so that tests can control the time.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// The clocks that a [`TokenSource`](crate::TokenSource) reads: two, because either alone can mislead.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Returns the wall-clock time, which may be set back or forth.
    fn now(&self) -> SystemTime;

    /// Returns the time since a fixed moment. It is never set. It should go on while the machine sleeps: a clock that
    /// stands still then relies on the wall clock, which may have been set back meanwhile.
    fn monotonic(&self) -> Duration;

    /// Returns both, [`now`](Self::now) and [`monotonic`](Self::monotonic). Implement it where reading them together is
    /// cheaper.
    fn read(&self) -> (SystemTime, Duration) {
        (self.now(), self.monotonic())
    }
}

/// A clock for tests, which moves only when told to. Clones are the same clock.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use credentials_grant_client::{Clock, ManualClock};
///
/// let clock = ManualClock::at(SystemTime::UNIX_EPOCH);
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now(), SystemTime::UNIX_EPOCH + Duration::from_secs(60));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<(SystemTime, Duration)>>);

impl ManualClock {
    /// Creates a clock that shows this time.
    #[must_use]
    pub fn at(now: SystemTime) -> Self {
        Self(Arc::new(Mutex::new((now, Duration::ZERO))))
    }

    /// Moves both clocks forward.
    pub fn advance(&self, by: Duration) {
        let mut clocks = self.clocks();
        clocks.0 += by;
        clocks.1 += by;
    }

    /// Sets the wall clock alone, forward or back, as an administrator does, or as it appears after the machine has
    /// slept.
    pub fn set(&self, now: SystemTime) {
        self.clocks().0 = now;
    }

    fn clocks(&self) -> MutexGuard<'_, (SystemTime, Duration)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        self.clocks().0
    }

    fn monotonic(&self) -> Duration {
        self.clocks().1
    }
}

impl<T: Clock + ?Sized> Clock for Arc<T> {
    fn now(&self) -> SystemTime {
        (**self).now()
    }

    fn monotonic(&self) -> Duration {
        (**self).monotonic()
    }

    fn read(&self) -> (SystemTime, Duration) {
        (**self).read()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_passes_moves_both_clocks_and_setting_one_moves_one() {
        let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH));
        let minute = Duration::from_secs(60);
        clock.advance(minute);
        let shown = |clock: &dyn Clock| (clock.now(), clock.monotonic());
        assert_eq!(shown(&clock), (SystemTime::UNIX_EPOCH + minute, minute));
        clock.set(SystemTime::UNIX_EPOCH);
        assert_eq!(shown(&clock), (SystemTime::UNIX_EPOCH, minute));
    }
}
