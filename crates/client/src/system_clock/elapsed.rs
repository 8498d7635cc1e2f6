//! The time that has passed, whatever happens to the machine's clocks.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Stands for a lead before the clocks were first read. No two clocks differ by it.
const UNREAD: i64 = i64::MIN;

/// The time that has passed: the larger of the steps that the wall clock and the other clocks make, added up.
///
/// The clocks normally go on together, which one comparison shows. If the wall clock is set, or the machine sleeps, it
/// differs from before by more than the slack, and the time that only it or only the sleep shows is added.
#[derive(Debug)]
pub(super) struct Elapsed {
    slack: Duration,
    /// By how many nanoseconds the wall clock is ahead of the running clock, or `UNREAD`.
    lead: AtomicI64,
    /// How many nanoseconds have passed beyond those that the running clock shows.
    extra: AtomicU64,
    /// How long the machine had slept at the last change.
    asleep: Mutex<Duration>,
}

impl Elapsed {
    /// Creates a count. The slack is how far the clocks may differ because they are not read at the same moment.
    pub(super) const fn new(slack: Duration) -> Self {
        let (lead, extra) = (AtomicI64::new(UNREAD), AtomicU64::new(0));
        Self { slack, lead, extra, asleep: Mutex::new(Duration::ZERO) }
    }

    /// Returns the wall clock's time, and the time that has passed since a fixed moment.
    ///
    /// `running` stands still while the machine sleeps. `asleep` is how long it has slept, or zero where no clock
    /// knows.
    pub(super) fn read(
        &self,
        wall: impl Fn() -> Duration,
        running: impl Fn() -> Duration,
        asleep: impl Fn() -> Duration,
    ) -> (Duration, Duration) {
        let (now, run) = (wall(), running());
        let extra = self.extra.load(Ordering::Acquire);
        let before = self.lead.load(Ordering::Acquire);
        if lead(now, run).abs_diff(before) <= nanos(self.slack) {
            return (now, run + Duration::from_nanos(extra));
        }
        self.look_again(wall, running, asleep)
    }

    #[cold]
    fn look_again(
        &self,
        wall: impl Fn() -> Duration,
        running: impl Fn() -> Duration,
        asleep: impl Fn() -> Duration,
    ) -> (Duration, Duration) {
        let mut slept_before = self.asleep.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, run) = at_once(wall, running, self.slack);
        let slept = asleep();
        let (lead, before) = (lead(now, run), self.lead.load(Ordering::Acquire));
        let mut extra = self.extra.load(Ordering::Acquire);
        if before != UNREAD {
            let ahead = u64::try_from(lead.saturating_sub(before)).unwrap_or_default();
            extra = extra.saturating_add(ahead.max(nanos(slept.saturating_sub(*slept_before))));
        }
        *slept_before = slept;
        // In this order: who sees the new lead adds the new extra time.
        self.extra.store(extra, Ordering::Release);
        self.lead.store(lead, Ordering::Release);
        (now, run + Duration::from_nanos(extra))
    }
}

/// Reads two clocks within the slack of each other, as far as the machine's load lets it.
fn at_once(wall: impl Fn() -> Duration, running: impl Fn() -> Duration, slack: Duration) -> (Duration, Duration) {
    let mut run = running();
    let mut now = wall();
    for _ in 0..10 {
        let after = running();
        if after.saturating_sub(run) <= slack {
            break;
        }
        (run, now) = (after, wall());
    }
    (now, run)
}

/// Returns by how many nanoseconds the wall clock is ahead of the running clock.
fn lead(wall: Duration, running: Duration) -> i64 {
    nanos(wall).wrapping_sub(nanos(running)).cast_signed()
}

/// Nanoseconds since 1970 or since a start fit into 64 bits for 584 years.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod properties;
