//! Pauses after failures.

use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// The bounds of the pause before a retry: the first one, and the longest that doubling leads to.
const FIRST_BOUND: Duration = Duration::from_millis(250);
const LONGEST_BOUND: Duration = Duration::from_secs(10);

/// Returns the pause after this many refusals: one second, doubling to five minutes.
pub(crate) fn pause_after(failures: u32) -> Duration {
    doubled(FIRST_PAUSE, failures.saturating_sub(1), LONGEST_PAUSE)
}

/// Returns the pause before a retry, after this many earlier failures, with full jitter: a random part of a bound that
/// doubles from a quarter of a second to ten.
pub(crate) fn jittered_pause(failures: u32, random: u32) -> Duration {
    let bound = doubled(FIRST_BOUND, failures, LONGEST_BOUND);
    bound.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    first.saturating_mul(2u32.saturating_pow(times)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_after_refusals_doubles_from_a_second_to_five_minutes() {
        for (failures, seconds) in [(0, 1), (1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (u32::MAX, 300)] {
            assert_eq!(pause_after(failures), Duration::from_secs(seconds), "{failures}");
        }
    }

    #[test]
    fn a_jittered_pause_is_anything_between_nothing_and_its_bound() {
        for (failures, milliseconds) in [(0, 250), (1, 500), (5, 8000), (6, 10_000), (u32::MAX, 10_000)] {
            assert_eq!(jittered_pause(failures, 0), Duration::ZERO);
            assert_eq!(jittered_pause(failures, u32::MAX), Duration::from_millis(milliseconds));
            let half = jittered_pause(failures, u32::MAX / 2).as_millis();
            assert!((milliseconds / 2 - 1..=milliseconds / 2).contains(&u64::try_from(half).unwrap()), "{half}");
        }
    }
}
