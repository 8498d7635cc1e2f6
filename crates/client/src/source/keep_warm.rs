//! Renews tokens although nobody asks for them.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep;

use super::shared::Shared;
use crate::runtime::AbortOnDrop;

/// The longest pause between two checks: timers stand still while the machine sleeps.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The shortest pause, which gives a renewal that has just started time to finish.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

impl Shared {
    /// Starts the task that keeps the token warm, if that is configured and it does not run already.
    pub(crate) fn keep_warm(self: &Arc<Self>) {
        self.is_paused.store(false, Ordering::Release);
        if self.config.keep_warm
            && let Ok(runtime) = Handle::try_current()
            && !self.warm_task.is_running.swap(true, Ordering::AcqRel)
        {
            // Without the lock: a runtime that shuts down drops the task at once.
            let task = runtime.spawn(keep_warm(KeepWarmGuard(Arc::downgrade(self))));
            self.warm_task.set(AbortOnDrop(task.abort_handle()));
        }
    }

    /// Renews the token if it is due, and returns when to check again; `None` once the vendor has refused to issue
    /// another, or the token was revoked.
    fn renew_if_due(self: &Arc<Self>) -> Option<Duration> {
        if self.is_paused.load(Ordering::Acquire) {
            return None;
        }
        let now = self.reading();
        let current = self.current.load();
        let until_stale = current.as_ref().map(|current| current.validity.until_stale(now)).unwrap_or_default();
        if !until_stale.is_zero() {
            return Some(until_stale);
        }
        if self.failures().is_refused() {
            return None;
        }
        self.renew();
        Some(SHORTEST_PAUSE)
    }
}

async fn keep_warm(guard: KeepWarmGuard) {
    // The task holds the source weakly, so that the source can be dropped.
    while let Some(pause) = guard.0.upgrade().and_then(|source| source.renew_if_due()) {
        sleep(pause.clamp(SHORTEST_PAUSE, LONGEST_PAUSE)).await;
    }
}

/// Lets the next caller start the task again once it has ended, also if it was dropped with its runtime.
struct KeepWarmGuard(Weak<Shared>);

impl Drop for KeepWarmGuard {
    fn drop(&mut self) {
        if let Some(source) = self.0.upgrade() {
            source.warm_task.is_running.store(false, Ordering::Release);
        }
    }
}
