//! The time, through a trait, so that tests own it.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

#[cfg(target_os = "linux")]
use rustix::time::{ClockId, clock_gettime};

/// What a [`TokenSource`](crate::TokenSource) asks for the time: two clocks, because either alone can mislead.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The time of day, which somebody may set back or forth.
    fn now(&self) -> SystemTime;

    /// The time since a moment of the clock's choosing, which nobody sets, and which may stand still while the machine
    /// sleeps.
    fn monotonic(&self) -> Duration;
}

/// The machine's clocks.
///
/// On Linux they are the coarse ones, which cost a quarter as much to read and lag behind by a tick: 10 ms at the most,
/// which the point at which a token is taken for expired allows for.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    /// Where there is no coarse clock: when the monotonic one began.
    #[cfg(not(target_os = "linux"))]
    began: std::time::Instant,
}

#[cfg(target_os = "linux")]
impl SystemClock {
    /// The machine's clocks.
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
    // Before 1970, it is as good as 1970.
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}

#[cfg(not(target_os = "linux"))]
impl SystemClock {
    /// The machine's clocks; the monotonic one begins now.
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

/// Clocks that stand still until they are told to move. Clones are the same clocks.
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
    /// A clock that shows this time of day.
    #[must_use]
    pub fn at(now: SystemTime) -> Self {
        Self(Arc::new(Mutex::new((now, Duration::ZERO))))
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        let mut clocks = self.clocks();
        clocks.0 += by;
        clocks.1 += by;
    }

    /// Sets the time of day forward or back, as an administrator does, or as it looks after the machine has slept.
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
