//! Leaves a store alone for a while after it failed.

use std::time::Duration;

use tokio::time::Instant;

/// The pause after the first failure. It doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Whether a store is asked, or left alone for now.
#[derive(Debug, Default)]
pub(crate) struct Circuit {
    failures: u32,
    /// When the pause is over.
    closes: Option<Instant>,
}

impl Circuit {
    /// Returns `true` while the store is left alone.
    pub(crate) fn is_open(&self, now: Instant) -> bool {
        self.closes.is_some_and(|closes| now < closes)
    }

    /// Records a failure. Returns `true` if it begins a pause, and `false` if it belongs to one.
    ///
    /// `random` lengthens the pause by up to a quarter, so that not all machines come back at once.
    pub(crate) fn fail(&mut self, now: Instant, random: u32) -> bool {
        if self.is_open(now) {
            return false;
        }
        let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST_PAUSE);
        let jitter = pause.mul_f64(f64::from(random) / f64::from(u32::MAX) / 4.0);
        self.failures = self.failures.saturating_add(1);
        self.closes = now.checked_add(pause + jitter);
        true
    }

    /// Records that the store answered. Returns `true` if it had failed before.
    pub(crate) fn succeed(&mut self) -> bool {
        std::mem::take(&mut self.failures) > 0 && self.closes.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_store_that_fails_is_left_alone_for_a_second_doubling_to_half_a_minute() {
        let mut circuit = Circuit::default();
        let mut now = Instant::now();
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            assert!(circuit.fail(now, 0) && circuit.is_open(now), "{seconds}");
            assert!(!circuit.fail(now, 0), "a failure meanwhile does not count");
            let end = now + Duration::from_secs(seconds);
            assert!(circuit.is_open(end.checked_sub(Duration::from_nanos(1)).unwrap()) && !circuit.is_open(end));
            now = end;
        }
        assert!(circuit.succeed() && !circuit.succeed());
        assert!(circuit.fail(now, u32::MAX));
        let (second, quarter) = (now + Duration::from_secs(1), now + Duration::from_millis(1250));
        assert!(circuit.is_open(second) && !circuit.is_open(quarter), "the first pause again, and its jitter");
    }
}
