//! The token before the current one, in the first seconds of that: an API whose clock lags behind its issuer's refuses
//! a new token at first, while the one before is still good.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use credentials_grant::AccessToken;

use super::current::Current;
use super::current_token::CurrentToken;
use super::validity::{Reading, State};
use crate::provide_token::is_same;
use crate::runtime::AbortOnDrop;

/// How long a new token may be refused because a clock lags behind.
pub(crate) const FIRST_SECONDS: Duration = Duration::from_secs(10);

/// The token before the current one, or the new one that is to replace it again.
#[derive(Default)]
pub(crate) struct Predecessor(Mutex<Option<Kept>>);

enum Kept {
    /// The token that the current one has replaced. It is dropped when the first seconds are over.
    Replaced { token: Arc<CurrentToken>, at: Reading, _timer: AbortOnDrop },
    /// A new token that the API refused, so that the one before it is current again.
    Refused { token: Arc<CurrentToken>, at: Reading },
}

impl Predecessor {
    /// Keeps a token that was replaced at this moment, until the timer [forgets it](Self::forget_replaced).
    pub(crate) fn keep(&self, token: Arc<CurrentToken>, now: Reading, timer: AbortOnDrop) {
        *self.kept() = Some(Kept::Replaced { token, at: now, _timer: timer });
    }

    pub(crate) fn forget(&self) {
        *self.kept() = None;
    }

    pub(crate) fn forget_replaced(&self) {
        let mut kept = self.kept();
        // Dropped without the lock.
        let _replaced = kept.take_if(|kept| matches!(kept, Kept::Replaced { .. }));
        drop(kept);
    }

    /// Makes the token before this one current again, if the API refuses this one in its first seconds. Returns `false`
    /// if there is none that is still valid.
    pub(crate) fn reinstate(&self, current: &Current<CurrentToken>, refused: &AccessToken, now: Reading) -> bool {
        let is_valid = |kept: &mut Kept| match kept {
            Kept::Replaced { token, at, .. } => {
                at.left_of(FIRST_SECONDS, now).is_some() && token.validity.state(now) != State::Expired
            }
            Kept::Refused { .. } => false,
        };
        let mut kept = self.kept();
        let loaded = current.load();
        let Some(new) = loaded.as_ref().filter(|current| is_same(&current.token, refused)).cloned() else {
            return false;
        };
        let Some(Kept::Replaced { token, at, .. }) = kept.take_if(is_valid) else { return false };
        if current.replace(&loaded, token) {
            *kept = Some(Kept::Refused { token: new, at });
        }
        true
    }

    /// Makes a new token current again that the API refused at first, if its first seconds are over, or if the one
    /// before it will not do. Returns `true` if it still has to wait.
    pub(crate) fn resume(&self, current: &Current<CurrentToken>, will_do: bool, now: Reading) -> bool {
        let mut kept = self.kept();
        let Some(Kept::Refused { at, .. }) = &*kept else { return false };
        if will_do && at.left_of(FIRST_SECONDS, now).is_some() {
            return true;
        }
        if let Some(Kept::Refused { token, .. }) = kept.take() {
            current.store(token);
        }
        false
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
