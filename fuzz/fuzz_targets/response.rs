//! Reads arbitrary answers: `200`, headers, an empty line, the body.

#![no_main]

use std::sync::Mutex;
use std::time::Duration;

use credentials_grant::{
    AccessToken, TokenParameters, RequestContext, ClientAuthentication, ClientCredentials, CredentialsGrant, Error, ErrorKind, ExpiryUnit,
    HeaderMap, HeaderName, HeaderValue, TokenResponse, ResponseReader, HttpRequest, StatusCode, RequestSeed,
    Endpoint, UnsignedRequest, HttpResponse, Transport, async_trait, fetch_token,
};
use futures_executor::block_on;
use libfuzzer_sys::fuzz_target;

const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

fuzz_target!(|input: &[u8]| {
    for reader in readers() {
        let Some(response) = response(input) else { return };
        let is_success = response.status().is_success();
        match token(Acme(reader), response) {
            Ok(token) => {
                assert!(is_success);
                let life = token.expires_at().duration_since(token.requested_at()).expect("it has not expired");
                assert!(!life.is_zero() && life <= TEN_YEARS, "{life:?}");
                assert!(token.header_value().as_bytes().iter().all(|byte| (b' '..=b'~').contains(byte)));
                assert!(token.header_value().is_sensitive());
            }
            Err(error) => {
                assert_ne!(error.kind(), ErrorKind::Configuration, "{error}");
                assert!(error.remedy().is_some(), "{error}");
                let shown = error.to_string();
                assert!(shown.len() < 2000 && !shown.contains(char::is_control), "{shown:?}");
                // The first is the secret, the second what Basic makes of it.
                assert!(!shown.contains("canary") && !shown.contains("aWQ6Y2FuYXJ5"), "{shown}");
            }
        }
    }
});

fn readers() -> [ResponseReader; 2] {
    let nested = ResponseReader::rfc6749()
        .token_in("/token/value")
        .token_type_in("type")
        .any_token_type()
        .expires_at("/token/end")
        .scopes_in("/token/scopes", ',')
        .errors_in("/errors/0/code", "/errors/0/message");
    [ResponseReader::rfc6749().expires_in("expires_in", ExpiryUnit::Minutes), nested]
}

fn response(input: &[u8]) -> Option<HttpResponse> {
    let end = input.windows(2).position(|bytes| bytes == b"\n\n")?;
    let (head, body) = (&input[..end], &input[end + 2..]);
    let mut lines = head.split(|&byte| byte == b'\n');
    let status = StatusCode::from_bytes(lines.next()?).ok()?;
    let header = |line: &[u8]| {
        let colon = line.iter().position(|&byte| byte == b':')?;
        Some((
            HeaderName::from_bytes(&line[..colon]).ok()?,
            HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?,
        ))
    };
    let headers: HeaderMap = lines.filter_map(header).collect();
    Some(HttpResponse::new(status, headers, body.to_vec()))
}

fn token(acme: Acme, response: HttpResponse) -> Result<AccessToken, Error> {
    let credentials = ClientCredentials::new("id", "canary");
    let transport = Canned(Mutex::new(Some(response)));
    block_on(fetch_token(&acme, &credentials, &TokenParameters::new(), &transport, RequestSeed::fixed()))
}

#[derive(Debug)]
struct Acme(ResponseReader);

impl CredentialsGrant for Acme {
    fn name(&self) -> &'static str {
        "acme"
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        let endpoint = Endpoint::from_static("https://auth.example.com/token");
        context.post(&endpoint).client_authentication(ClientAuthentication::ClientSecretBasic).client_credentials().build()
    }

    fn read_response(&self, response: &HttpResponse) -> Result<TokenResponse, Error> {
        self.0.read(response)
    }
}

#[derive(Debug)]
struct Canned(Mutex<Option<HttpResponse>>);

#[async_trait]
impl Transport for Canned {
    async fn send(&self, _: &HttpRequest) -> Result<HttpResponse, Error> {
        Ok(self.0.lock().unwrap().take().expect("one request is sent"))
    }
}
