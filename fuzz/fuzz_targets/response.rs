//! Reads arbitrary answers: `200`, headers, an empty line, the body.

#![no_main]

use std::time::Duration;

use credentials_grant::{
    AccessToken, ClientCredentials, Error, ErrorKind, ExpiryUnit, HttpResponse, RequestSeed, ResponseReader,
    TokenParameters, fetch_token,
};
use credentials_grant_fuzz::response;
use credentials_grant_test_kit::{Acme, TestServer};
use futures_executor::block_on;
use libfuzzer_sys::fuzz_target;

const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

fuzz_target!(|input: &[u8]| {
    for reader in readers() {
        let Some(response) = response(input) else { return };
        let is_success = response.status().is_success();
        match token(&Acme::new().with_reader(reader), response) {
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

fn token(acme: &Acme, response: HttpResponse) -> Result<AccessToken, Error> {
    let credentials = ClientCredentials::new("id", "canary");
    let server = TestServer::in_turn([response]);
    block_on(fetch_token(acme, &credentials, &TokenParameters::new(), &server, RequestSeed::fixed()))
}
