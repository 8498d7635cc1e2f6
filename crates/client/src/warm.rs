//! Renews a token though nobody asks for it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::inner::Inner;

/// The longest time between two looks at the token: a machine that slept has stopped the timers.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The shortest, which lets a renewal that was just started come back.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl Inner {
    /// Keeps the token warm from now on, if that is wanted and is not done already.
    pub(crate) fn keep_warm(self: &Arc<Self>) {
        self.is_at_rest.store(false, Ordering::Release);
        if self.means.keep_warm
            && !self.is_kept_warm.swap(true, Ordering::AcqRel)
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(keep_warm(Warmth(Arc::downgrade(self))));
        }
    }

    /// Renews the token if it is time to, and says when to look again; `None` once the vendor has refused to issue another,
    /// or the token was given back.
    fn warm(self: &Arc<Self>) -> Option<Duration> {
        if self.is_at_rest.load(Ordering::Acquire) {
            return None;
        }
        let now = self.reading();
        let until_stale = self.current.load().as_ref().map(|kept| kept.life.until_stale(now)).unwrap_or_default();
        if !until_stale.is_zero() {
            return Some(until_stale);
        }
        if self.failures().is_refused() {
            return None;
        }
        self.renew();
        Some(LOOK_AGAIN)
    }
}

async fn keep_warm(warmth: Warmth) {
    // The source may be gone: nobody holds it for the sake of its warmth.
    while let Some(pause) = warmth.0.upgrade().and_then(|source| source.warm()) {
        sleep(pause.clamp(LOOK_AGAIN, LOOK_EVERY)).await;
    }
}

/// Lets the next caller begin anew once this ends, also if it is dropped with its runtime.
struct Warmth(Weak<Inner>);

impl Drop for Warmth {
    fn drop(&mut self) {
        if let Some(source) = self.0.upgrade() {
            source.is_kept_warm.store(false, Ordering::Release);
        }
    }
}
