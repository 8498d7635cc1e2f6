//! Introspection (RFC 7662) and revocation (RFC 7009) of a token that has been issued.

use secrecy::SecretString;

use crate::client_credentials::ClientCredentials;
use crate::credentials_grant::CredentialsGrant;
use crate::error::Error;
use crate::fetch::Exchange;
use crate::introspection::{Introspection, failure};
use crate::request_context::RequestContext;
use crate::request_seed::RequestSeed;
use crate::token_operation::TokenOperation;
use crate::token_parameters::TokenParameters;
use crate::transport::Transport;

/// Introspects a token: asks the server whether it is active, and what it knows about it (RFC 7662).
///
/// # Errors
///
/// As [`fetch_token`](crate::fetch_token); [`Configuration`](crate::ErrorKind::Configuration) if the provider has no
/// introspection.
pub async fn introspect(
    provider: &dyn CredentialsGrant,
    credentials: &ClientCredentials,
    token: &SecretString,
    transport: &dyn Transport,
    seed: RequestSeed,
) -> Result<Introspection, Error> {
    let parameters = TokenParameters::new();
    let operation = TokenOperation::Introspection(token);
    let context = RequestContext::for_operation(operation, credentials, &parameters, seed);
    Exchange::new(provider, context, transport).run(Introspection::read).await
}

/// Revokes a token: tells the server to accept it no longer (RFC 7009). A token that the server does not know counts as
/// revoked (section 2.2).
///
/// # Errors
///
/// As [`fetch_token`](crate::fetch_token); [`Configuration`](crate::ErrorKind::Configuration) if the provider has no
/// revocation.
pub async fn revoke(
    provider: &dyn CredentialsGrant,
    credentials: &ClientCredentials,
    token: &SecretString,
    transport: &dyn Transport,
    seed: RequestSeed,
) -> Result<(), Error> {
    let parameters = TokenParameters::new();
    let operation = TokenOperation::Revocation(token);
    let context = RequestContext::for_operation(operation, credentials, &parameters, seed);
    let exchange = Exchange::new(provider, context, transport);
    exchange
        .run(|response| match response.status() {
            status if status.is_success() => Ok(()),
            _ => Err(failure(response, "check that the revocation URL is the vendor's")),
        })
        .await
}
