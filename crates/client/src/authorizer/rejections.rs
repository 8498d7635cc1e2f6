//! Decides when a token that the API rejected is dropped, so that an API that rejects every token does not cost one per
//! call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use credentials_grant::AccessToken;

use crate::backoff::pause_after;
use crate::provide_token::{ProvideToken, is_same};

/// The rejections since the last call that was not rejected.
#[derive(Debug, Default)]
pub(crate) struct Rejections {
    /// Whether there are any: all that an accepted call has to read.
    any: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// How many tokens were dropped in a row, and when the last one was.
    dropped: u32,
    last: Duration,
    /// A token that was rejected and not dropped. If other calls with it are accepted, the API does not mean the token,
    /// and the next one is not dropped any sooner.
    suspect: Option<Arc<AccessToken>>,
}

impl Rejections {
    /// Records a call with this token that was not rejected.
    pub(crate) fn accepted(&self, token: &AccessToken) {
        if !self.any.load(Ordering::Relaxed) {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.suspect.as_ref().is_none_or(|suspect| !is_same(suspect, token)) {
            *state = State::default();
            self.any.store(false, Ordering::Relaxed);
        }
    }

    /// Records a call with this token that was rejected; `renewals` in a row had led to the token.
    ///
    /// Drops the token if it is still the current one, unless the pause since the last drop is not over. If the token
    /// is gone, returns how many renewals in a row lead to its successor.
    pub(crate) fn rejected(
        &self,
        source: &dyn ProvideToken,
        now: Duration,
        token: &Arc<AccessToken>,
        renewals: u32,
    ) -> Option<u32> {
        // Under the lock, so that of many calls rejected at once, the first drops the token and the others find it
        // gone.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !source.is_current(token) {
            return Some(state.dropped.max(1));
        }
        self.any.store(true, Ordering::Relaxed);
        if state.dropped < renewals {
            // Accepted calls of another kind reset the count meanwhile; for this call, the renewal was still in vain.
            (state.dropped, state.last) = (renewals, now);
        }
        if state.dropped > 0 && now.saturating_sub(state.last) < pause_after(state.dropped) {
            state.suspect = Some(Arc::clone(token));
            return None;
        }
        source.invalidate(token);
        (state.dropped, state.last, state.suspect) = (state.dropped + 1, now, None);
        Some(state.dropped)
    }
}
