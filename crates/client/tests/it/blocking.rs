//! Tokens without an async runtime.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use credentials_grant::{ClientCredentials, ErrorKind};
use credentials_grant_client::{FunctionCredentials, TokenSource};
use credentials_grant_test_kit::{Answer, TestServer, clock, gated};

use tokio::runtime::Handle;

use crate::acme::{acme, builder};

#[test]
fn a_program_without_a_runtime_gets_a_token_and_keeps_it() {
    let server = TestServer::in_turn([Answer::Token(3600)]);
    let source = builder(&server, &clock()).build_blocking().unwrap();
    for _ in 0..2 {
        assert_eq!(source.token().unwrap().header_value(), "Bearer token-1");
    }
    assert_eq!(server.request_count(), 1);
}

#[test]
fn a_complaint_about_the_token_makes_the_next_call_fetch() {
    let server = TestServer::in_turn([Answer::Token(3600), Answer::Token(3600)]);
    let source = builder(&server, &clock()).build_blocking().unwrap();
    source.invalidate(&source.token().unwrap());
    assert_eq!(source.token().unwrap().header_value(), "Bearer token-2");
}

#[tokio::test]
async fn in_an_async_program_it_works_where_blocking_is_allowed_and_dropping_it_does_no_harm() {
    let server = TestServer::in_turn([Answer::Token(3600)]);
    let source = builder(&server, &clock()).build_blocking().unwrap();
    let blocking = move || source.token().map(|token| (token.header_value().clone(), source));
    let (authorization, source) = tokio::task::spawn_blocking(blocking).await.unwrap().unwrap();
    assert_eq!(authorization, "Bearer token-1");
    drop(source);
}

#[test]
fn a_stale_token_is_served_at_once_and_renewed_on_the_sources_own_thread() {
    let ((server, gate), clock) = (gated([Answer::Token(3600), Answer::Token(3600)]), clock());
    gate.add_permits(1);
    let source = builder(&server, &clock).build_blocking().unwrap();
    source.token().unwrap();
    clock.advance(Duration::from_secs(3600 * 9 / 10));
    assert_eq!(source.token().unwrap().header_value(), "Bearer token-1");
    gate.add_permits(1);
    let renewed = (0..10_000_000).any(|_| {
        std::thread::yield_now();
        source.token().unwrap().header_value() == "Bearer token-2"
    });
    assert!(renewed);
    assert_eq!(server.request_count(), 2);
}

#[test]
fn a_failure_is_told_as_it_is() {
    let server = TestServer::in_turn([Answer::http(401, "")]);
    let source = builder(&server, &clock()).build_blocking().unwrap();
    assert_eq!(source.token().unwrap_err().kind(), ErrorKind::CredentialsRefused);
}

#[test]
fn any_number_of_sources_share_one_runtime() {
    let runtimes = Arc::new(Mutex::new(Vec::new()));
    let source = |name: &'static str| {
        let seen = Arc::clone(&runtimes);
        let credentials = FunctionCredentials::new(name, move || {
            seen.lock().unwrap().push(Handle::current().id());
            async { Ok(ClientCredentials::new("id", "secret")) }
        });
        let server = TestServer::in_turn([Answer::Token(3600)]);
        TokenSource::builder(acme(), credentials).with_transport(server).build_blocking().unwrap()
    };
    let sources = [source("one"), source("other")];
    for source in &sources {
        source.token().unwrap();
    }
    let runtimes = runtimes.lock().unwrap();
    assert_eq!(runtimes.len(), 2);
    assert_eq!(runtimes[0], runtimes[1]);
}
