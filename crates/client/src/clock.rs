//! Clocks, behind a trait so that tests can control the time.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

#[cfg(target_os = "linux")]
use rustix::time::{ClockId, clock_gettime};

/// The clocks that a [`TokenSource`](crate::TokenSource) reads: two, because either alone can mislead.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Returns the wall-clock time, which may be set back or forth.
    fn now(&self) -> SystemTime;

    /// Returns the time since a fixed moment. It is never set, and may stop while the machine sleeps.
    fn monotonic(&self) -> Duration;
}

/// The system's clocks.
///
/// On Linux it reads the coarse ones, which cost a quarter as much and lag by a tick, 10 ms at most. The margin before
/// a token's expiry allows for that.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SystemClock {
    /// When the monotonic clock began, on systems without a coarse clock.
    #[cfg(not(target_os = "linux"))]
    began: std::time::Instant,
}

#[cfg(target_os = "linux")]
impl SystemClock {
    /// Creates a clock.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

#[cfg(target_os = "linux")]
impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + since_zero(ClockId::RealtimeCoarse)
    }

    fn monotonic(&self) -> Duration {
        since_zero(ClockId::MonotonicCoarse)
    }
}

#[cfg(target_os = "linux")]
fn since_zero(clock: ClockId) -> Duration {
    // A time before 1970 counts as 1970.
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}

#[cfg(not(target_os = "linux"))]
impl SystemClock {
    /// Creates a clock whose monotonic time begins now.
    #[must_use]
    pub fn new() -> Self {
        Self { began: std::time::Instant::now() }
    }
}

#[cfg(not(target_os = "linux"))]
impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn monotonic(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_clocks_move() {
        let clock = SystemClock::new();
        let (wall, monotonic) = (clock.now(), clock.monotonic());
        let moved = (0..100_000_000).any(|_| clock.now() > wall && clock.monotonic() > monotonic);
        assert!(moved);
    }

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
