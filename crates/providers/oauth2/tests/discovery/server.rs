//! A server that says what it is told to, and the questions that all tests ask.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use credentials_grant_oauth2::{
    AccessToken, ClientCredentials, Error, ErrorKind, HeaderMap, HttpRequest, HttpResponse, OAuth2, RequestSeed,
    StatusCode, TokenParameters, Transport, async_trait, fetch_token,
};

pub(crate) const ISSUER: &str = "https://login.example.com/t";
pub(crate) const OAUTH: &str = "GET https://login.example.com/.well-known/oauth-authorization-server/t";
pub(crate) const OIDC: &str = "GET https://login.example.com/t/.well-known/openid-configuration";
pub(crate) const POST: &str = "POST https://login.example.com/t/token";
pub(crate) const METADATA: &str =
    r#"{"issuer":"https://login.example.com/t","token_endpoint":"https://login.example.com/t/token"}"#;
pub(crate) const TOKEN: &str = r#"{"access_token":"abc","expires_in":3600}"#;

/// A server that answers in turn, or not at all, and keeps what it was asked.
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

    /// What it was asked since this was asked last.
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

pub(crate) fn provider() -> OAuth2 {
    OAuth2::discover(ISSUER.parse().unwrap())
}

/// A token, so many seconds after the beginning.
pub(crate) async fn token(provider: &OAuth2, server: &Server, seconds: u64) -> Result<AccessToken, Error> {
    let now = RequestSeed::fixed().now + Duration::from_secs(seconds);
    let credentials = ClientCredentials::new("id", "canary");
    fetch_token(provider, &credentials, &TokenParameters::new(), server, RequestSeed::new(now, [7; 16])).await
}
