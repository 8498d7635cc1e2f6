//! Servers that repeat a token until it is over.

use credentials_grant::{ErrorKind, LifetimeSource, Policy};
use credentials_grant_client::{ManualClock, TokenSource};
use credentials_grant_test_kit::{Acme, Answer, TestServer, clock, settle};

use crate::acme::{SECOND, builder_for, token};

fn repeated(expires_in: i64) -> Answer {
    Answer::http(200, format!(r#"{{"access_token":"tok-1","expires_in":{expires_in}}}"#))
}

fn another() -> Answer {
    Answer::http(200, r#"{"access_token":"tok-2","expires_in":3600}"#)
}

fn source(policy: Policy, server: &TestServer, clock: &ManualClock) -> TokenSource {
    builder_for(Acme::new().with_policy(policy), server, clock).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_server_that_counts_down_to_zero_is_asked_once_more_and_no_caller_fails() {
    for zero in [0, -1, -3600] {
        let server = TestServer::in_turn([repeated(100), repeated(zero), another()]);
        let clock = clock();
        let source = source(Policy::new(), &server, &clock);
        assert_eq!(token(&source).await.unwrap(), "Bearer tok-1");
        clock.advance(SECOND * 100);
        assert_eq!(token(&source).await.unwrap(), "Bearer tok-2", "{zero}");
        assert_eq!(server.request_count(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_over_is_never_handed_out() {
    let server = TestServer::new(|_, _| repeated(0));
    let clock = clock();
    let source = source(Policy::new(), &server, &clock);
    for _ in 0..3 {
        let error = token(&source).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadResponse);
        assert!(error.to_string().contains("expired"), "{error}");
    }
    assert_eq!(server.request_count(), 6, "one more try each");
}

#[tokio::test(start_paused = true)]
async fn each_token_of_a_vendor_that_bills_them_is_requested_once() {
    let server = TestServer::new(|_, _| repeated(0));
    let source = source(Policy::new().with_billed_tokens(), &server, &clock());
    token(&source).await.unwrap_err();
    assert_eq!(server.request_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_brings_the_same_token_does_not_lengthen_its_life() {
    let server = TestServer::in_turn([repeated(100), repeated(3600), repeated(3600), another()]);
    let clock = clock();
    let source = source(Policy::new(), &server, &clock);
    token(&source).await.unwrap();
    clock.advance(SECOND * 91);
    assert_eq!(token(&source).await.unwrap(), "Bearer tok-1");
    settle().await;
    assert_eq!(server.request_count(), 2);
    assert_eq!(token(&source).await.unwrap(), "Bearer tok-1");
    clock.advance(SECOND * 10);
    assert!(source.cached().is_none(), "its end is what the server said first");
    assert_eq!(token(&source).await.unwrap(), "Bearer tok-2", "the same token once more is over");
    assert_eq!(server.request_count(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_same_token_may_live_for_a_shorter_time_than_it_was_said_to() {
    let server = TestServer::in_turn([repeated(100), repeated(4), another()]);
    let clock = clock();
    let source = source(Policy::new(), &server, &clock);
    token(&source).await.unwrap();
    clock.advance(SECOND * 91);
    token(&source).await.unwrap();
    settle().await;
    clock.advance(SECOND * 4);
    assert_eq!(token(&source).await.unwrap(), "Bearer tok-2");
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_extends_tokens_may_say_so() {
    let server = TestServer::in_turn([repeated(100), repeated(3600)]);
    let clock = clock();
    let source = source(Policy::new().with_extended_tokens(), &server, &clock);
    token(&source).await.unwrap();
    clock.advance(SECOND * 101);
    token(&source).await.unwrap();
    clock.advance(SECOND * 1000);
    assert_eq!(token(&source).await.unwrap(), "Bearer tok-1");
    assert_eq!(server.request_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_lifetime_that_nobody_states_is_assumed_anew_for_the_same_token() {
    let unstated = || Answer::http(200, r#"{"access_token":"tok-1"}"#);
    let server = TestServer::in_turn([unstated(), unstated()]);
    let clock = clock();
    let source = source(Policy::new(), &server, &clock);
    token(&source).await.unwrap();
    clock.advance(SECOND * 301);
    assert_eq!(token(&source).await.unwrap(), "Bearer tok-1");
    assert_eq!(source.cached().unwrap().lifetime_source(), LifetimeSource::Assumed);
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_jumps_ahead_ends_no_token_that_the_server_repeats() {
    let server = TestServer::in_turn([repeated(100), repeated(90)]);
    let clock = clock();
    let source = source(Policy::new(), &server, &clock);
    token(&source).await.unwrap();
    clock.advance(SECOND * 10);
    clock.set(credentials_grant_client::Clock::now(&clock) + SECOND * 3600);
    assert_eq!(token(&source).await.unwrap(), "Bearer tok-1");
    assert_eq!(server.request_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_maximum_lifetime_does_not_end_a_token_that_the_server_repeats() {
    let server = TestServer::in_turn([repeated(1000), repeated(890)]);
    let clock = clock();
    let builder = builder_for(Acme::new(), &server, &clock).with_maximum_lifetime(SECOND * 100);
    let source = builder.build().unwrap();
    token(&source).await.unwrap();
    clock.advance(SECOND * 110);
    assert_eq!(token(&source).await.unwrap(), "Bearer tok-1");
    clock.advance(SECOND * 70);
    assert_eq!(token(&source).await.unwrap(), "Bearer tok-1");
    assert_eq!(server.request_count(), 2);
}
