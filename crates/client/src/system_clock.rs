//! The system's clocks.

mod elapsed;

use std::time::{Duration, SystemTime};

use elapsed::Elapsed;

use crate::clock::Clock;

/// How far the wall clock and the monotonic clock may differ from before without a closer look, since they are not
/// read at the same moment. Two ticks of a coarse clock.
const TICKS: Duration = Duration::from_millis(20);

/// The time that has passed for this process. It is static, as the machine's clocks are.
static ELAPSED: Elapsed = Elapsed::new(TICKS);

/// The system's clocks.
///
/// [`monotonic`](Clock::monotonic) goes on while the machine sleeps, whatever happens to the wall clock meanwhile.
/// Where the system has no clock for that, the wall clock shows how long the machine slept.
///
/// On Linux it reads the coarse clocks, which cost a third as much and lag by a tick, 10 ms at most. The margin before
/// a token's expiry allows for that.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock {}

impl SystemClock {
    /// Creates a clock.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + machine::wall()
    }

    fn monotonic(&self) -> Duration {
        self.read().1
    }

    fn read(&self) -> (SystemTime, Duration) {
        let (wall, elapsed) = ELAPSED.read(machine::wall, machine::running, machine::asleep);
        (SystemTime::UNIX_EPOCH + wall, elapsed)
    }
}

/// What the machine's clocks show.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod machine {
    use std::time::Duration;

    use rustix::time::{ClockId, clock_gettime};

    /// The time since 1970. A time before counts as 1970.
    pub(super) fn wall() -> Duration {
        Duration::try_from(clock_gettime(ClockId::RealtimeCoarse)).unwrap_or_default()
    }

    /// The time since the machine started, without the time that it slept.
    pub(super) fn running() -> Duration {
        Duration::try_from(clock_gettime(ClockId::MonotonicCoarse)).unwrap_or_default()
    }

    /// The time that the machine slept since it started.
    pub(super) fn asleep() -> Duration {
        let awake = Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap_or_default();
        let all = Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default();
        all.saturating_sub(awake)
    }
}

/// What the machine's clocks show.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod machine {
    use std::sync::LazyLock;
    use std::time::{Duration, Instant, SystemTime};

    /// When the clock was first read.
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

    /// The time since 1970. A time before counts as 1970.
    pub(super) fn wall() -> Duration {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }

    /// The time since the clock was first read. Some systems leave out the time that the machine slept.
    pub(super) fn running() -> Duration {
        BEGAN.elapsed()
    }

    /// The time that the machine slept: only the wall clock shows it.
    pub(super) fn asleep() -> Duration {
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_clocks_move() {
        let clock = SystemClock::new();
        let (wall, monotonic) = clock.read();
        let moved = (0..100_000_000).any(|_| clock.now() > wall && clock.monotonic() > monotonic);
        assert!(moved);
    }
}
