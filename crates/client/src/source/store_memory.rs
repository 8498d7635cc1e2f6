//! What a source remembers of its store: the version of a token that the API rejected, and a renewal that was
//! postponed.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;

use super::validity::Reading;
use crate::random::random_number;
use crate::store::Version;

/// What a source remembers of its store.
#[derive(Debug, Default)]
pub(crate) struct StoreMemory(Mutex<Option<Box<Memory>>>);

#[derive(Debug, Default)]
struct Memory {
    /// The version of a token that the API rejected.
    rejected: Option<Version>,
    /// The renewal that looks again later.
    postponed: Option<Postponed>,
    /// The task that starts it.
    timer: Option<AbortHandle>,
}

/// The task ends with the source, or with a new token.
impl Drop for Memory {
    fn drop(&mut self) {
        if let Some(timer) = &self.timer {
            timer.abort();
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Postponed {
    since: Reading,
    /// When it looks again.
    until: Duration,
    /// When it does without the store: its solo point.
    solo: Duration,
}

impl StoreMemory {
    /// Returns `true` while a renewal is to look again later.
    pub(crate) fn postpones_renewal(&self, now: Reading) -> bool {
        self.memory()
            .as_ref()
            .and_then(|memory| memory.postponed)
            .is_some_and(|Postponed { since, until, .. }| since.left_of(until, now).is_some())
    }

    /// Remembers that the API rejected the token of this version.
    pub(crate) fn reject(&self, version: Version) {
        self.memory().get_or_insert_default().rejected = Some(version);
    }

    /// Forgets everything, since there is a new token.
    pub(crate) fn clear(&self) {
        *self.memory() = None;
    }

    pub(super) fn rejected(&self) -> Option<Version> {
        self.memory().as_ref().and_then(|memory| memory.rejected)
    }

    /// Returns `true` if a renewal was postponed, and is to do without the store by now.
    pub(super) fn is_solo(&self, now: Reading) -> bool {
        let postponed = self.memory().as_ref().and_then(|memory| memory.postponed);
        postponed.is_some_and(|Postponed { since, solo, .. }| since.left_of(solo, now).is_none())
    }

    /// Postpones a renewal: by this much, or to its solo point. Returns for how long. `lifetime_left` is that of the
    /// token.
    pub(super) fn postpone(&self, by: Option<Duration>, lifetime_left: Duration, now: Reading) -> Duration {
        let mut memory = self.memory();
        let memory = memory.get_or_insert_default();
        let drawn = || {
            let share = 0.25 + 0.33 * f64::from(random_number()) / f64::from(u32::MAX);
            Postponed { since: now, until: Duration::ZERO, solo: lifetime_left.mul_f64(share) }
        };
        let postponed = memory.postponed.get_or_insert_with(drawn);
        let gone = now.since(postponed.since);
        let solo = postponed.solo.saturating_sub(gone);
        let pause = by.map_or(solo, |by| by.min(solo));
        postponed.until = gone + pause;
        pause
    }

    /// Remembers the task that starts the renewal later.
    pub(super) fn set_timer(&self, timer: AbortHandle) {
        self.memory().get_or_insert_default().timer = Some(timer);
    }

    fn memory(&self) -> MutexGuard<'_, Option<Box<Memory>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
