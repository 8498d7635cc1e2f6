//! What is done with a token that has been issued: asking about it (RFC 7662), and having it taken back (RFC 7009).

use secrecy::SecretString;

use crate::ask::Ask;
use crate::attempt::{Attempt, Surroundings};
use crate::credentials::ClientCredentials;
use crate::error::{Error, ErrorKind};
use crate::grant::{CredentialsGrant, Trip};
use crate::introspection::Introspection;
use crate::reader::ResponseReader;
use crate::response::TokenResponse;
use crate::transport::Transport;

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

/// Asks the server what it knows of a token (RFC 7662).
///
/// # Errors
///
/// As [`grant`](crate::grant); [`Configuration`](crate::ErrorKind::Configuration) if the provider knows no way to ask.
pub async fn introspect(
    provider: &dyn CredentialsGrant,
    credentials: &ClientCredentials,
    token: &SecretString,
    transport: &dyn Transport,
    surroundings: Surroundings,
) -> Result<Introspection, Error> {
    let ask = Ask::new();
    let attempt = Attempt::at(TokenOperation::Introspection(token), credentials, &ask, surroundings);
    Trip::new(provider, attempt, transport).answered(Introspection::read).await
}

/// Tells the server that a token is no longer needed (RFC 7009): from now on, it is not accepted. One that the server does
/// not know is taken back as well (section 2.2).
///
/// # Errors
///
/// As [`grant`](crate::grant); [`Configuration`](crate::ErrorKind::Configuration) if the provider knows no way to do so.
pub async fn revoke(
    provider: &dyn CredentialsGrant,
    credentials: &ClientCredentials,
    token: &SecretString,
    transport: &dyn Transport,
    surroundings: Surroundings,
) -> Result<(), Error> {
    let ask = Ask::new();
    let attempt = Attempt::at(TokenOperation::Revocation(token), credentials, &ask, surroundings);
    let trip = Trip::new(provider, attempt, transport);
    trip.answered(|response| match response.status() {
        status if status.is_success() => Ok(()),
        _ => Err(failure(response, "check that the revocation URL is the vendor's")),
    })
    .await
}

/// Why an operation was not done. An answer that is none of the vendor's says nothing of the token URL.
pub(crate) fn failure(response: &TokenResponse, check: &'static str) -> Error {
    let error = ResponseReader::rfc6749().read_error(response);
    if error.kind() == ErrorKind::BadResponse { error.with_remedy(check) } else { error }
}
