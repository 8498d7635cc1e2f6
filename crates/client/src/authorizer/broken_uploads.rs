//! Remembers the token with which an upload broke off. Many servers answer 401 at once and close the connection while
//! the body is still on its way; the answer is then lost.

#[cfg(feature = "tower")]
use std::error::Error;
#[cfg(feature = "tower")]
use std::io::{self, ErrorKind};
#[cfg(feature = "tower")]
use std::iter;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use credentials_grant::AccessToken;

use crate::provide_token::is_same;

/// The token of the last upload that broke off, until a call with it is answered.
#[derive(Debug, Default)]
pub(super) struct BrokenUploads {
    /// Whether there is one: all that other calls have to read.
    any: AtomicBool,
    token: Mutex<Option<Arc<AccessToken>>>,
}

impl BrokenUploads {
    pub(super) fn note(&self, token: &Arc<AccessToken>) {
        *self.token() = Some(Arc::clone(token));
        self.any.store(true, Ordering::Relaxed);
    }

    /// Forgets the token, if this is it: a call with it was answered.
    pub(super) fn answered(&self, token: &AccessToken) {
        if self.any.load(Ordering::Relaxed) && self.token().as_ref().is_some_and(|noted| is_same(noted, token)) {
            self.take();
        }
    }

    /// Returns the token, and forgets it.
    pub(super) fn take(&self) -> Option<Arc<AccessToken>> {
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        self.any.store(false, Ordering::Relaxed);
        self.token().take()
    }

    fn token(&self) -> MutexGuard<'_, Option<Arc<AccessToken>>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns `true` if the other side closed the connection.
#[cfg(feature = "tower")]
pub(super) fn is_closed(error: &(dyn Error + 'static)) -> bool {
    iter::successors(Some(error), |&error| error.source()).any(|cause| {
        let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        matches!(
            kind,
            Some(
                ErrorKind::BrokenPipe
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::ConnectionReset
                    | ErrorKind::NotConnected
                    | ErrorKind::UnexpectedEof
            )
        )
    })
}
