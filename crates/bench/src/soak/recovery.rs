//! How long after each fault calls still failed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::promises::{Findings, Promise};
use crate::script::Phase;

/// The calls that failed, by fault.
#[derive(Debug)]
pub(crate) struct Recovery {
    /// How long after a fault a call may still fail.
    longest: Duration,
    /// One for each fault of the script.
    failures: Mutex<Vec<Failures>>,
    findings: Arc<Findings>,
}

/// The calls that failed because of one fault, in all rounds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Failures {
    /// While the fault lasted.
    pub(crate) during: u64,
    /// After its end.
    pub(crate) after: u64,
    /// How long after its end the last one failed, at most.
    pub(crate) last: Duration,
}

impl Recovery {
    /// Expects calls to succeed this long after each of a number of faults.
    pub(crate) fn new(longest: Duration, faults: usize, findings: Arc<Findings>) -> Self {
        Self { longest, failures: Mutex::new(vec![Failures::default(); faults]), findings }
    }

    /// Records that a call failed in this phase.
    pub(crate) fn failed(&self, phase: Phase, tenant: u32, why: &str, now: Instant) {
        let since = now - phase.since;
        if phase.fault.is_none() && since > self.longest {
            let what =
                || format!("tenant {tenant} got no token {:.1} s after the last fault: {why}", since.as_secs_f64());
            self.findings.broken(Promise::Recovers, what);
        }
        let mut all = self.failures();
        let Some(failures) = phase.number.and_then(|number| all.get_mut(number)) else { return };
        if phase.fault.is_some() {
            failures.during += 1;
        } else {
            failures.after += 1;
            failures.last = failures.last.max(since);
        }
    }

    /// Returns the calls that failed, for each fault of the script.
    pub(crate) fn all(&self) -> Vec<Failures> {
        self.failures().clone()
    }

    fn failures(&self) -> MutexGuard<'_, Vec<Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Fault;

    #[test]
    fn a_call_that_fails_long_after_a_fault_is_found() {
        let (findings, since) = (Arc::new(Findings::new()), Instant::now());
        let recovery = Recovery::new(Duration::from_secs(8), 2, Arc::clone(&findings));
        let fail = |fault, seconds| {
            let phase = Phase { number: Some(1), fault, since };
            recovery.failed(phase, 7, "no token", since + Duration::from_secs(seconds));
        };
        fail(Some(Fault::Hang), 20);
        fail(None, 2);
        fail(None, 8);
        assert_eq!(findings.against(Promise::Recovers).times, 0);
        fail(None, 9);
        assert_eq!(findings.against(Promise::Recovers).times, 1);
        let [other, failures] = recovery.all()[..] else { panic!("there are two faults") };
        assert_eq!((other.during, other.after), (0, 0));
        assert_eq!((failures.during, failures.after, failures.last), (1, 3, Duration::from_secs(9)));
    }

    #[test]
    fn a_call_that_fails_although_nothing_was_ever_wrong_is_found() {
        let (findings, since) = (Arc::new(Findings::new()), Instant::now());
        let recovery = Recovery::new(Duration::ZERO, 0, Arc::clone(&findings));
        recovery.failed(Phase { number: None, fault: None, since }, 7, "no token", since + Duration::from_secs(1));
        assert_eq!(findings.against(Promise::Recovers).times, 1);
    }
}
