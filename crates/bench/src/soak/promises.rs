//! What the client promises, and which of these promises were broken.

use std::array;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many examples of a broken promise are kept.
const EXAMPLES: usize = 3;

/// A promise that the soak checks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Promise {
    ServesValidTokens,
    ServesNoExpiredToken,
    ServesNoRejectedToken,
    KeepsTenantsApart,
    AnswersInTime,
    SendsOneRequestAtOnce,
    SendsNoNeedlessRequest,
    KeepsPauses,
    Recovers,
    NeedsNoMoreMemory,
    LeavesNoTask,
}

impl Promise {
    pub(crate) const ALL: [Self; 11] = [
        Self::ServesValidTokens,
        Self::ServesNoExpiredToken,
        Self::ServesNoRejectedToken,
        Self::KeepsTenantsApart,
        Self::AnswersInTime,
        Self::SendsOneRequestAtOnce,
        Self::SendsNoNeedlessRequest,
        Self::KeepsPauses,
        Self::Recovers,
        Self::NeedsNoMoreMemory,
        Self::LeavesNoTask,
    ];

    /// Returns the promise in words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::ServesValidTokens => "no call fails while its tenant holds a valid token",
            Self::ServesNoExpiredToken => "no call gets an expired token",
            Self::ServesNoRejectedToken => "no call gets a token that the API has rejected before",
            Self::KeepsTenantsApart => "no call gets another tenant's token",
            Self::AnswersInTime => "every call ends within its timeout",
            Self::SendsOneRequestAtOnce => "a tenant never sends two token requests at once",
            Self::SendsNoNeedlessRequest => "a tenant sends no request before 80 % of its token's life",
            Self::KeepsPauses => "no request is sent while the server asks for a pause",
            Self::Recovers => "every tenant gets a token again soon after a fault",
            Self::NeedsNoMoreMemory => "memory is flat after the first round",
            Self::LeavesNoTask => "no task is left when the pool is dropped",
        }
    }
}

/// How often each promise was broken.
#[derive(Debug)]
pub(crate) struct Findings([Mutex<Broken>; Promise::ALL.len()]);

/// How often a promise was broken, and what happened the first few times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Broken {
    pub(crate) times: u64,
    pub(crate) examples: Vec<String>,
}

impl Findings {
    pub(crate) fn new() -> Self {
        Self(array::from_fn(|_| Mutex::default()))
    }

    /// Records that a promise was broken.
    pub(crate) fn broken(&self, promise: Promise, what: impl FnOnce() -> String) {
        let mut broken = self.of(promise);
        broken.times += 1;
        if broken.examples.len() < EXAMPLES {
            broken.examples.push(what());
        }
    }

    /// Returns how often this promise was broken.
    pub(crate) fn against(&self, promise: Promise) -> Broken {
        self.of(promise).clone()
    }

    fn of(&self, promise: Promise) -> MutexGuard<'_, Broken> {
        self.0[promise as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_promise_is_counted_by_itself_and_its_first_examples_are_kept() {
        let findings = Findings::new();
        for (times, promise) in Promise::ALL.into_iter().enumerate() {
            assert_eq!(promise as usize, times, "the order of `ALL` is that of the variants");
            (0..times).for_each(|time| findings.broken(promise, || time.to_string()));
        }
        for (times, promise) in Promise::ALL.into_iter().enumerate() {
            let broken = findings.against(promise);
            assert_eq!(broken.times, times as u64);
            assert_eq!(broken.examples.len(), times.min(EXAMPLES));
        }
    }
}
