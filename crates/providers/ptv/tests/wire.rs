//! What is special about PTV, over a socket.

#![cfg(test)]

use std::time::{Duration, SystemTime};

use credentials_grant_ptv::settings::{Configure, Settings};
use credentials_grant_ptv::{ClientCredentials, ErrorKind, ManualClock, Ptv, Retry, TokenSource};
use credentials_grant_test_kit::{Acme, check_client_authentication_names};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

async fn answering(answer: ResponseTemplate, times: u64) -> MockServer {
    let server = stoppable_server().await;
    Mock::given(any()).respond_with(answer).expect(times).mount(&server).await;
    server
}

/// Starts a server that stops when it is dropped. Those of `MockServer::start` are pooled and go on.
async fn stoppable_server() -> MockServer {
    MockServer::builder().start().await
}

fn source(server: &MockServer, clock: &ManualClock) -> TokenSource {
    let ptv = Ptv::at(format!("{}/oauth2/token", server.uri()).parse().unwrap());
    let builder = TokenSource::builder(ptv, ClientCredentials::new("id", "wrong"));
    builder.with_clock(clock.clone()).build().unwrap()
}

fn refusal() -> ResponseTemplate {
    ResponseTemplate::new(401).set_body_string(r#"{"error":"invalid_client"}"#)
}

#[tokio::test]
async fn a_429_may_be_retried_soon() {
    let server = answering(ResponseTemplate::new(429), 1).await;
    let clock = ManualClock::at(SystemTime::UNIX_EPOCH);
    let error = source(&server, &clock).token().await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::RateLimited, Retry::Soon));
}

#[tokio::test]
async fn a_refused_login_is_not_repeated_in_a_loop() {
    let server = answering(refusal(), 3).await;
    let clock = ManualClock::at(SystemTime::UNIX_EPOCH);
    let source = source(&server, &clock);
    for pause in [1, 2, 4] {
        for _ in 0..100 {
            assert_eq!(source.token().await.unwrap_err().kind(), ErrorKind::CredentialsRefused);
        }
        clock.advance(Duration::from_secs(pause));
    }
}

#[tokio::test]
async fn a_connection_that_fails_after_refusals_may_be_a_blocked_address() {
    let server = answering(refusal(), 1).await;
    let clock = ManualClock::at(SystemTime::UNIX_EPOCH);
    let source = source(&server, &clock);
    source.token().await.unwrap_err();
    server.verify().await;
    drop(server);
    clock.advance(Duration::from_secs(1));
    let error = source.token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains("may have blocked this IP address"), "{error}");
}

#[tokio::test]
async fn a_connection_that_fails_without_refusals_is_not_called_blocked() {
    let server = stoppable_server().await;
    let source = source(&server, &ManualClock::at(SystemTime::UNIX_EPOCH));
    drop(server);
    let error = source.token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(!error.to_string().contains("blocked"), "{error}");
}

#[test]
fn the_token_url_must_be_set() {
    let error = Ptv::from_settings(&Settings::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("`token-url`"), "{error}");
}

#[test]
fn every_name_and_alias_of_a_client_authentication_method_is_accepted() {
    check_client_authentication_names(|method| Ptv::at(Acme::endpoint()).with_client_authentication(method));
}
