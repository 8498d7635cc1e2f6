//! What the callers of a fleet notice.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use credentials_grant::Error;

/// Counts calls while they are made.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counts>);

/// The calls so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) calls: u64,
    pub(crate) failed: u64,
    /// The calls whose first poll was pending.
    pub(crate) waited: u64,
    /// Those of them that waited although there was a valid token.
    pub(crate) waited_with_token: u64,
    pub(crate) longest_wait: Duration,
    /// What the last one failed with.
    pub(crate) error: Option<String>,
}

impl Tally {
    /// Records a call that was answered at once.
    pub(crate) fn answered_at_once(&self) {
        self.counts().calls += 1;
    }

    /// Records a call that waited for as long as this.
    pub(crate) fn answered_after(&self, wait: Duration, had_token: bool) {
        let mut counts = self.counts();
        counts.calls += 1;
        counts.waited += 1;
        counts.waited_with_token += u64::from(had_token);
        counts.longest_wait = counts.longest_wait.max(wait);
    }

    /// Records that the call failed.
    pub(crate) fn failed(&self, error: &Error) {
        let mut counts = self.counts();
        counts.failed += 1;
        counts.error = Some(error.to_string());
    }

    /// Returns the counts, and begins anew.
    pub(crate) fn take(&self) -> Counts {
        std::mem::take(&mut *self.counts())
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// Adds the calls that came later.
    pub(crate) fn add(&mut self, later: &Self) {
        self.calls += later.calls;
        self.failed += later.failed;
        self.waited += later.waited;
        self.waited_with_token += later.waited_with_token;
        self.longest_wait = self.longest_wait.max(later.longest_wait);
        self.error = later.error.clone().or(self.error.take());
    }

    /// Returns how many calls failed, and why the last one did.
    pub(crate) fn failures(&self) -> String {
        let error = self.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
        format!("{} of {} calls failed{error}", self.failed, self.calls)
    }
}
