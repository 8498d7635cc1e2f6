//! A provider that discovers its endpoints, and what its server sends.

use std::time::Duration;

use credentials_grant::{
    AccessToken, ClientCredentials, CredentialsGrant, Error, HttpResponse, RequestContext, RequestSeed, ResponseReader,
    TokenParameters, TokenResponse, UnsignedRequest, fetch_token,
};
use credentials_grant_discovery::{Discovery, EndpointKind, Metadata};
use credentials_grant_test_kit::TestServer;

pub(crate) const ISSUER: &str = "https://login.example.com/t";
pub(crate) const OAUTH: &str = "GET https://login.example.com/.well-known/oauth-authorization-server/t";
pub(crate) const OIDC: &str = "GET https://login.example.com/t/.well-known/openid-configuration";
pub(crate) const POST: &str = "POST https://login.example.com/t/token";
pub(crate) const METADATA: &str =
    r#"{"issuer":"https://login.example.com/t","token_endpoint":"https://login.example.com/t/token"}"#;
pub(crate) const TOKEN: &str = r#"{"access_token":"abc","expires_in":3600}"#;

/// A provider of which nothing is known but its issuer. Clones share what they discover.
#[derive(Clone, Debug)]
pub(crate) struct Acme {
    discovery: Discovery,
}

impl Acme {
    pub(crate) fn at(issuer: &str) -> Self {
        Self { discovery: Discovery::new(issuer.parse().unwrap()) }
    }

    fn request(context: &RequestContext<'_>, metadata: &Metadata) -> Result<UnsignedRequest, Error> {
        let kind = EndpointKind::of(context);
        let request = context.post(&metadata.endpoint(kind, context.credentials())?);
        let method = metadata.client_authentication(kind, context.credentials())?;
        if context.operation().is_some() {
            return request.client_authentication(method).token().build();
        }
        request.client_credentials().client_authentication(method).scope().authorization_details().build()
    }
}

impl CredentialsGrant for Acme {
    fn name(&self) -> &'static str {
        "acme"
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        self.discovery.first_request(context, |metadata| Self::request(context, metadata))
    }

    fn operation_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        self.discovery.first_request(context, |metadata| Self::request(context, metadata))
    }

    fn next_request(&self, context: &RequestContext<'_>, response: &HttpResponse) -> Result<UnsignedRequest, Error> {
        self.discovery.next_request(context, response, |metadata| Self::request(context, metadata))
    }

    fn read_response(&self, response: &HttpResponse) -> Result<TokenResponse, Error> {
        ResponseReader::rfc6749().read(response).inspect_err(|error| self.discovery.forget_if_gone(error))
    }
}

pub(crate) fn provider() -> Acme {
    Acme::at(ISSUER)
}

/// Fetches a token, this many seconds after the start.
pub(crate) async fn token(provider: &Acme, server: &TestServer, seconds: u64) -> Result<AccessToken, Error> {
    let now = RequestSeed::fixed().now + Duration::from_secs(seconds);
    let credentials = ClientCredentials::new("id", "canary");
    fetch_token(provider, &credentials, &TokenParameters::new(), server, RequestSeed::new(now, [7; 16])).await
}
