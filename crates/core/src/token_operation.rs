//! What may be done with a token that has been issued: asking about it (RFC 7662), and having it taken back (RFC 7009).

use secrecy::SecretString;

/// An operation on a token. It prints no token.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum TokenOperation<'a> {
    /// Asking the server what it knows of this token (RFC 7662).
    Introspection(&'a SecretString),
    /// Telling the server that this token is no longer needed (RFC 7009).
    Revocation(&'a SecretString),
}

impl<'a> TokenOperation<'a> {
    /// The token that it is about.
    pub(crate) fn token(self) -> &'a SecretString {
        match self {
            Self::Introspection(token) | Self::Revocation(token) => token,
        }
    }
}
