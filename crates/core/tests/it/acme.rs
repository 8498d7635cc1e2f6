//! A vendor that keeps to RFC 6749, and a transport that gives one answer to everything.

use std::sync::Mutex;

use credentials_grant::{
    AccessToken, ClientAuthentication, ClientCredentials, CredentialsGrant, Endpoint, Error, HeaderMap, HeaderName,
    HeaderValue, HttpRequest, HttpResponse, Policy, RequestContext, RequestSeed, ResponseReader, StatusCode,
    TokenParameters, TokenResponse, Transport, UnsignedRequest, async_trait, fetch_token,
};
use futures_executor::block_on;

/// A vendor with a reader and a policy of the test's choosing.
#[derive(Clone, Debug)]
pub(crate) struct Acme {
    pub(crate) reader: ResponseReader,
    pub(crate) policy: Policy,
}

impl Acme {
    pub(crate) fn new() -> Self {
        Self { reader: ResponseReader::rfc6749(), policy: Policy::new() }
    }

    pub(crate) fn reading(reader: ResponseReader) -> Self {
        Self { reader, ..Self::new() }
    }
}

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::from_static("https://auth.example.com/token")
}

impl CredentialsGrant for Acme {
    fn name(&self) -> &'static str {
        "acme"
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        context
            .post(&endpoint())
            .client_authentication(ClientAuthentication::ClientSecretBasic)
            .client_credentials()
            .scope()
            .build()
    }

    fn read_response(&self, response: &HttpResponse) -> Result<TokenResponse, Error> {
        self.reader.read(response)
    }

    fn policy(&self) -> Policy {
        self.policy.clone()
    }
}

/// Answers in turn, and keeps what it was asked.
#[derive(Debug)]
pub(crate) struct Canned {
    answers: Mutex<Vec<HttpResponse>>,
    pub(crate) asked: Mutex<Vec<String>>,
}

impl Canned {
    pub(crate) fn new(answers: impl IntoIterator<Item = HttpResponse>) -> Self {
        let mut answers: Vec<_> = answers.into_iter().collect();
        answers.reverse();
        Self { answers: Mutex::new(answers), asked: Mutex::default() }
    }
}

#[async_trait]
impl Transport for Canned {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Error> {
        let body = String::from_utf8_lossy(request.body()).into_owned();
        self.asked.lock().unwrap().push(format!("{} {} {body}", request.method(), request.url()));
        Ok(self.answers.lock().unwrap().pop().expect("an answer is left"))
    }
}

pub(crate) fn response(status: u16, headers: &[(&'static str, &'static str)], body: impl AsRef<[u8]>) -> HttpResponse {
    let headers: HeaderMap =
        headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect();
    HttpResponse::new(StatusCode::from_u16(status).unwrap(), headers, body.as_ref().to_vec())
}

pub(crate) fn credentials() -> ClientCredentials {
    ClientCredentials::new("CLIENT_ID", "CLIENT_SECRET")
}

/// What comes of it if the vendor answers so.
pub(crate) fn answered(
    provider: &dyn CredentialsGrant,
    parameters: &TokenParameters,
    response: HttpResponse,
) -> Result<AccessToken, Error> {
    let transport = Canned::new([response]);
    block_on(fetch_token(provider, &credentials(), parameters, &transport, RequestSeed::fixed()))
}

/// What comes of it if a vendor that keeps to RFC 6749 answers so, with status 200.
pub(crate) fn read(body: impl AsRef<[u8]>) -> Result<AccessToken, Error> {
    answered(&Acme::new(), &TokenParameters::new(), response(200, &[], body))
}
