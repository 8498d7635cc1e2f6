//! What is done with a token that has been issued: asking about it (RFC 7662), and having it taken back (RFC 7009).

use secrecy::SecretString;

use crate::ask::Ask;
use crate::attempt::Attempt;
use crate::credentials::ClientCredentials;
use crate::error::Error;
use crate::grant::{CredentialsGrant, Trip};
use crate::introspection::{Introspection, failure};
use crate::surroundings::Surroundings;
use crate::token_operation::TokenOperation;
use crate::transport::Transport;

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
