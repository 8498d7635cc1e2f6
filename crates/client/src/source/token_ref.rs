//! A borrowed view of the current token.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use arc_swap::Guard;
use credentials_grant::AccessToken;

use super::current_token::CurrentToken;

/// A reference to the token that a source has in memory. Getting it takes no lock and increments no
/// reference count.
///
/// Use it at once: too many references held at a time slow the readers down. To keep the token, call
/// [`to_arc`](Self::to_arc).
///
/// ```no_run
/// # fn example(source: &credentials_grant_client::TokenSource) {
/// if let Some(token) = source.cached() {
///     println!("expires at {:?}", token.expires_at());
/// }
/// # }
/// ```
pub struct TokenRef(Guard<Option<Arc<CurrentToken>>>);

impl TokenRef {
    /// Creates a reference from a guard that holds a token.
    pub(crate) fn new(current: Guard<Option<Arc<CurrentToken>>>) -> Self {
        Self(current)
    }

    /// Returns the token to keep.
    #[must_use]
    pub fn to_arc(&self) -> Arc<AccessToken> {
        Arc::clone(&self.current().token)
    }

    pub(crate) fn current(&self) -> &CurrentToken {
        match &*self.0 {
            Some(current) => current,
            None => unreachable!("`new` is called with a token only"),
        }
    }
}

impl Deref for TokenRef {
    type Target = AccessToken;

    fn deref(&self) -> &AccessToken {
        &self.current().token
    }
}

impl fmt::Debug for TokenRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
