//! Operations on an issued token: introspection (RFC 7662) and revocation (RFC 7009).

use secrecy::SecretString;

/// An operation on an issued token. `Debug` does not show the token.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum TokenOperation<'a> {
    /// Ask the server about this token (RFC 7662).
    Introspection(&'a SecretString),
    /// Tell the server to accept this token no longer (RFC 7009).
    Revocation(&'a SecretString),
}

impl<'a> TokenOperation<'a> {
    /// Returns the token that it is about.
    pub(crate) fn token(self) -> &'a SecretString {
        match self {
            Self::Introspection(token) | Self::Revocation(token) => token,
        }
    }
}
