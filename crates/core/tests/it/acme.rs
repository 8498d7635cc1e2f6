//! What comes of a response, and of what was sent for it.

use credentials_grant::{
    AccessToken, ClientCredentials, CredentialsGrant, Error, HttpResponse, RequestSeed, TokenParameters, fetch_token,
};
use credentials_grant_test_kit::{Acme, TestServer, response};
use futures_executor::block_on;

pub(crate) fn credentials() -> ClientCredentials {
    ClientCredentials::new("CLIENT_ID", "CLIENT_SECRET")
}

/// Fetches a token from a server that gives this response.
pub(crate) fn answered(
    provider: &dyn CredentialsGrant,
    parameters: &TokenParameters,
    response: HttpResponse,
) -> Result<AccessToken, Error> {
    let server = TestServer::in_turn([response]);
    block_on(fetch_token(provider, &credentials(), parameters, &server, RequestSeed::fixed()))
}

/// Fetches a token from a server that gives a response with this body and status 200.
pub(crate) fn read(body: impl AsRef<[u8]>) -> Result<AccessToken, Error> {
    answered(&Acme::new(), &TokenParameters::new(), response(200, &[], body))
}

/// Returns the requests since the last call: method, URL and body.
pub(crate) fn received(server: &TestServer) -> Vec<String> {
    server.take_requests().iter().map(|request| format!("{} {}", request.line(), request.body)).collect()
}
