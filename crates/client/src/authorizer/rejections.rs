//! Decides when a token that the API rejected is given up, so that an API that rejects every token does not cost one for
//! each call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use credentials_grant::{AccessToken, ExposeSecret};

use crate::failures::pause_after;
use crate::token_source::TokenSource;

/// The rejections since a call that was not rejected.
#[derive(Debug, Default)]
pub(crate) struct Rejections {
    /// Whether there are any: all that a call which is not rejected has to read.
    any: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// How many tokens were given up in a row, and when the last one was.
    given_up: u32,
    last: Duration,
    /// A token that was rejected and not given up. That other calls are not rejected with it says that the API does not
    /// mean the token, and is no reason to give up the next one sooner.
    doubted: Option<Arc<AccessToken>>,
}

impl Rejections {
    /// A call with this token was not rejected.
    pub(crate) fn accepted(&self, token: &AccessToken) {
        if !self.any.load(Ordering::Relaxed) {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.doubted.as_ref().is_none_or(|doubted| !is_same(doubted, token)) {
            *state = State::default();
            self.any.store(false, Ordering::Relaxed);
        }
    }

    /// A call with this token was rejected, which that many renewals in a row had led to.
    ///
    /// Gives the token up if it is still the current one, unless the pause since the last one is not over. If it is gone,
    /// the number of renewals in a row that its successor comes from.
    pub(crate) fn rejected(&self, source: &TokenSource, token: &Arc<AccessToken>, renewal: u32) -> Option<u32> {
        let now = source.clock().monotonic();
        // Under the lock, so that of many who are rejected at once the first gives the token up, and the others find it
        // gone.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if source.cached().is_none_or(|current| !is_same(&current, token)) {
            return Some(state.given_up.max(1));
        }
        self.any.store(true, Ordering::Relaxed);
        if state.given_up < renewal {
            // Calls that mean nothing for this one were not rejected meanwhile: the renewal was in vain all the same.
            (state.given_up, state.last) = (renewal, now);
        }
        if state.given_up > 0 && now.saturating_sub(state.last) < pause_after(state.given_up) {
            state.doubted = Some(Arc::clone(token));
            return None;
        }
        source.invalidate(token);
        (state.given_up, state.last, state.doubted) = (state.given_up + 1, now, None);
        Some(state.given_up)
    }
}

fn is_same(token: &AccessToken, other: &AccessToken) -> bool {
    token.secret().expose_secret() == other.secret().expose_secret()
}
