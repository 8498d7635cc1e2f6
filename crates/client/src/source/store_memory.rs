//! What a source remembers of its store: the versions of tokens that the API rejected, and a renewal that was
//! postponed.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::current_token::CurrentToken;
use super::validity::Reading;
use crate::backoff::pause_after;
use crate::random::random_number;
use crate::runtime::AbortOnDrop;
use crate::store::Version;

/// How many rejected versions are remembered.
const MOST_REJECTED: usize = 4;

/// The time that the solo point of a renewal leaves for the request, whatever is drawn: tokens may live for seconds.
const REQUEST: Duration = Duration::from_secs(1);

/// What a source remembers of its store.
#[derive(Debug, Default)]
pub(crate) struct StoreMemory(Mutex<Option<Box<Memory>>>);

#[derive(Debug, Default)]
struct Memory {
    /// The version of the token that was given up, and how many the API has rejected one after the other. Until there
    /// is a new one.
    rejected: Option<(Version, u32)>,
    /// The versions that the API rejected, the latest last. More than one, since the store may still hold the one
    /// before: its successor may not have been written.
    all_rejected: Vec<Version>,
    /// The renewal that looks again later.
    postponed: Option<Postponed>,
    /// The task that starts it. It ends with the source, or with a new token.
    timer: Option<AbortOnDrop>,
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
    /// Returns the time until a renewal that was postponed looks again, if that is later.
    pub(crate) fn until_renewal(&self, now: Reading) -> Option<Duration> {
        let Postponed { since, until, .. } = self.memory().as_ref()?.postponed?;
        since.left_of(until, now)
    }

    /// Returns `true` if a token that the API rejected is to be kept all the same: an API that rejects every token
    /// would cost one in each run of a program. It may be given up after a second, doubling to five minutes with each
    /// token that was rejected before.
    pub(crate) fn keeps(token: &CurrentToken, now: Reading) -> bool {
        let age = token.lifetime_on_arrival.saturating_sub(token.validity.left(now));
        token.version.is_some() && token.rejections > 0 && age < pause_after(token.rejections)
    }

    /// Remembers that this token is given up: `rejections` is how many the API has rejected one after the other.
    pub(crate) fn give_up(&self, token: &CurrentToken, rejections: u32) {
        let Some(version) = token.version else { return };
        let mut memory = self.memory();
        let Memory { rejected, all_rejected, .. } = &mut **memory.get_or_insert_default();
        *rejected = Some((version, rejections));
        all_rejected.push(version);
        let surplus = all_rejected.len().saturating_sub(MOST_REJECTED);
        all_rejected.drain(..surplus);
    }

    /// Returns how many tokens the API has rejected one after the other.
    pub(super) fn rejections(&self) -> u32 {
        let rejected = self.memory().as_ref().and_then(|memory| memory.rejected);
        rejected.map_or(0, |(_, rejections)| rejections)
    }

    /// Forgets everything but the versions that were rejected, since there is a new token.
    pub(crate) fn forget_all_but_rejected(&self) {
        let mut memory = self.memory();
        let all_rejected = memory.as_deref_mut().map(|memory| mem::take(&mut memory.all_rejected)).unwrap_or_default();
        *memory = (!all_rejected.is_empty()).then(|| {
            let mut kept = Box::<Memory>::default();
            kept.all_rejected = all_rejected;
            kept
        });
    }

    pub(super) fn rejected_version(&self) -> Option<Version> {
        self.memory().as_ref().and_then(|memory| memory.rejected).map(|(version, _)| version)
    }

    /// Returns `true` if the API rejected the token of this version.
    pub(super) fn is_rejected(&self, version: Version) -> bool {
        self.memory().as_ref().is_some_and(|memory| memory.all_rejected.contains(&version))
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
            let solo = lifetime_left.saturating_sub(REQUEST).mul_f64(share);
            Postponed { since: now, until: Duration::ZERO, solo }
        };
        let postponed = memory.postponed.get_or_insert_with(drawn);
        let gone = now.since(postponed.since);
        let solo = postponed.solo.saturating_sub(gone);
        let pause = by.map_or(solo, |by| by.min(solo));
        postponed.until = gone + pause;
        pause
    }

    /// Remembers the task that starts the renewal later, in the place of the one before.
    pub(super) fn set_timer(&self, timer: AbortOnDrop) {
        self.memory().get_or_insert_default().timer = Some(timer);
    }

    fn memory(&self) -> MutexGuard<'_, Option<Box<Memory>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
