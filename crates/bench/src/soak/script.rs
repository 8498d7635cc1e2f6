//! The script of faults: what goes wrong, when, and for how long.

use std::time::Duration;

use clap::ValueEnum;
use tokio::time::Instant;

/// How long one fault and the time to recover take together, or a little longer.
const USUAL_SLOT: Duration = Duration::from_secs(12);

/// The longest time for the first tokens, before the first fault.
const LONGEST_START: Duration = Duration::from_secs(10);

/// What goes wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Fault {
    /// Answers slowly, some only after the timeout.
    Slow,
    /// Accepts requests and never answers.
    Hang,
    /// Resets the connection once it has read a request.
    Reset,
    /// Closes its port and all connections.
    Refuse,
    /// Answers 500.
    ServerError,
    /// Answers 503 and asks everyone for a pause (`Retry-After`).
    Unavailable,
    /// Answers 429 and asks the tenant for a pause (`Retry-After`).
    TooManyRequests,
    /// Answers 200 with a page of HTML.
    Html,
    /// Ends the response in the middle of the token.
    Truncated,
    /// Sends a body without an end to some tenants.
    Endless,
    /// Refuses the credentials of some tenants (`invalid_client`).
    InvalidClient,
    /// Answers 403.
    Forbidden,
    /// Does not say how long its tokens live.
    NoLifetime,
    /// The API rejects valid tokens.
    Rejection,
    /// More tenants than another, small pool has room for.
    Eviction,
    /// Callers go away before the server has answered.
    Impatience,
}

impl Fault {
    /// Returns the name that the option `--faults` takes.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// What happens at present.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phase {
    /// The number of the fault that is in progress, or that was the last one.
    pub(crate) number: Option<usize>,
    /// What goes wrong now, if anything.
    pub(crate) fault: Option<Fault>,
    /// Since when.
    pub(crate) since: Instant,
}

/// The faults of a run, in rounds: each fault is followed by a time without one.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) faults: Vec<Fault>,
    pub(crate) rounds: u32,
    /// The time before the first fault.
    pub(crate) start: Duration,
    pub(crate) fault_length: Duration,
    pub(crate) recovery_length: Duration,
}

impl Script {
    /// Divides the length of a run among whole rounds of these faults.
    pub(crate) fn new(length: Duration, faults: Vec<Fault>) -> Self {
        let start = (length / 10).min(LONGEST_START);
        let (left, count) = (length.saturating_sub(start), u32::try_from(faults.len()).unwrap_or(u32::MAX));
        let usual_rounds = left.as_secs() / (USUAL_SLOT * count).as_secs();
        let rounds = u32::try_from(usual_rounds).unwrap_or(u32::MAX).max(1);
        let slot = left / rounds / count;
        let fault_length = slot * 5 / 16;
        let recovery_length = slot.saturating_sub(fault_length);
        Self { faults, rounds, start, fault_length, recovery_length }
    }

    /// Returns how long after a fault a call may still fail.
    ///
    /// Pauses after refusals double, so the last one is at most one second longer than the fault. Another second covers
    /// what takes time besides. After a pause, a tenant must be called before the next fault, or it doubles further.
    pub(crate) fn longest_recovery(&self, timeout: Duration) -> Duration {
        (self.fault_length + Duration::from_secs(1)).max(2 * timeout) + Duration::from_secs(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_consists_of_whole_rounds() {
        let all = Fault::value_variants().to_vec();
        for (seconds, rounds) in [(1, 1), (30, 1), (300, 1), (600, 3), (3600, 18)] {
            let length = Duration::from_secs(seconds);
            let script = Script::new(length, all.clone());
            assert_eq!(script.rounds, rounds, "{seconds}");
            let slots = rounds * u32::try_from(all.len()).unwrap();
            let whole = script.start + (script.fault_length + script.recovery_length) * slots;
            assert!(length.abs_diff(whole) < Duration::from_millis(1), "{seconds}: {whole:?}");
        }
    }

    #[test]
    fn a_run_of_ten_minutes_has_time_to_recover_after_each_fault() {
        let script = Script::new(Duration::from_mins(10), Fault::value_variants().to_vec());
        assert!(script.longest_recovery(Duration::from_secs(2)) + Duration::from_secs(2) < script.recovery_length);
    }

    #[test]
    fn the_name_of_a_fault_is_what_the_option_takes() {
        for fault in Fault::value_variants() {
            assert_eq!(Fault::from_str(&fault.name(), false), Ok(*fault));
        }
    }
}
