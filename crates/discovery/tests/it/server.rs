//! A provider that discovers its endpoints, and a server whose responses the test sets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use credentials_grant::{
    AccessToken, ClientCredentials, CredentialsGrant, Error, ErrorKind, HeaderMap, HttpRequest, HttpResponse,
    RequestContext, RequestSeed, ResponseReader, StatusCode, TokenParameters, TokenResponse, Transport,
    UnsignedRequest, async_trait, fetch_token,
};
use credentials_grant_discovery::{Discovery, EndpointKind, Metadata};

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

/// A server that answers in turn, or not at all, and records its requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Server(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    /// The last first.
    answers: Vec<Option<HttpResponse>>,
    asked: Vec<String>,
}

impl Server {
    pub(crate) fn answering(answers: impl IntoIterator<Item = impl Into<Option<HttpResponse>>>) -> Self {
        let server = Self::default();
        server.then(answers);
        server
    }

    pub(crate) fn then(&self, answers: impl IntoIterator<Item = impl Into<Option<HttpResponse>>>) {
        let answers: Vec<_> = answers.into_iter().map(Into::into).collect();
        self.0.lock().unwrap().answers = answers.into_iter().rev().collect();
    }

    /// Returns the requests since the last call.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().asked)
    }
}

#[async_trait]
impl Transport for Server {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Error> {
        let mut server = self.0.lock().unwrap();
        server.asked.push(format!("{} {}", request.method(), request.url()));
        let answer = server.answers.pop().expect("an answer is left");
        answer.ok_or_else(|| Error::new(ErrorKind::Unreachable, "nobody answers"))
    }
}

pub(crate) fn answer(status: u16, body: impl Into<Vec<u8>>) -> HttpResponse {
    HttpResponse::new(StatusCode::from_u16(status).unwrap(), HeaderMap::new(), body.into())
}

pub(crate) fn with_header(status: u16, name: &'static str, value: &'static str, body: &str) -> HttpResponse {
    let headers = [(name.parse().unwrap(), value.parse().unwrap())].into_iter().collect();
    HttpResponse::new(StatusCode::from_u16(status).unwrap(), headers, body.as_bytes().to_vec())
}

pub(crate) fn provider() -> Acme {
    Acme::at(ISSUER)
}

/// Fetches a token, this many seconds after the start.
pub(crate) async fn token(provider: &Acme, server: &Server, seconds: u64) -> Result<AccessToken, Error> {
    let now = RequestSeed::fixed().now + Duration::from_secs(seconds);
    let credentials = ClientCredentials::new("id", "canary");
    fetch_token(provider, &credentials, &TokenParameters::new(), server, RequestSeed::new(now, [7; 16])).await
}
