//! What a source remembers of failures, and for how long.

use std::time::Duration;

use credentials_grant::{Error, ErrorKind, Retry};
use credentials_grant_test_kit::{Answer, TestServer, clock, settle};

use crate::acme::{SECOND, source, token};

#[tokio::test]
async fn an_outage_is_not_remembered_beyond_its_waiters() {
    let server = TestServer::in_turn([Answer::http(503, ""), Answer::Token(3600)]);
    let source = source(&server, &clock());
    assert_eq!(token(&source).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
}

#[tokio::test]
async fn a_refusal_is_remembered_for_a_pause_that_doubles() {
    let refusal = || Answer::http(400, r#"{"error":"invalid_scope"}"#);
    let (server, clock) = (TestServer::in_turn([refusal(), refusal(), Answer::Token(3600)]), clock());
    let source = source(&server, &clock);
    for (pause, requests) in [(1, 1), (2, 2)] {
        for _ in 0..10 {
            assert_eq!(token(&source).await.unwrap_err().kind(), ErrorKind::RequestRefused);
        }
        assert_eq!(server.request_count(), requests);
        clock.advance(SECOND * pause);
    }
    assert_eq!(token(&source).await.unwrap(), "Bearer token-3");
}

#[tokio::test]
async fn a_server_that_says_how_long_to_wait_is_left_alone_for_that_long() {
    let wait = Error::new(ErrorKind::RateLimited, "slow down").with_retry(Retry::After(SECOND * 120));
    let (server, clock) = (TestServer::in_turn([Answer::Error(wait), Answer::Token(3600)]), clock());
    let source = source(&server, &clock);
    token(&source).await.unwrap_err();
    clock.advance(SECOND * 20);
    let error = token(&source).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::RateLimited, Retry::After(SECOND * 100)));
    assert_eq!(server.request_count(), 1);
    clock.advance(SECOND * 100);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
}

#[tokio::test]
async fn a_connection_that_fails_after_refusals_of_the_credentials_may_be_the_vendors_block() {
    let gone = || Answer::Error(Error::new(ErrorKind::Unreachable, "gone").with_remedy("check the network"));
    let refusal = || Answer::http(401, "");
    let (server, clock) =
        (TestServer::in_turn([gone(), refusal(), gone(), refusal(), Answer::http(503, ""), gone()]), clock());
    let source = source(&server, &clock);
    let mut remedies = Vec::new();
    for _ in 0..6 {
        let error = token(&source).await.unwrap_err();
        remedies.push((error.kind(), error.remedy().unwrap().to_owned()));
        clock.advance(SECOND * 60);
    }
    let of = |at: usize| (remedies[at].0, remedies[at].1.as_str());
    assert_eq!(of(0), (ErrorKind::Unreachable, "check the network"), "nothing was refused before");
    assert!(
        remedies[2].1.contains("may have blocked this IP address") && remedies[2].1.contains("once"),
        "{remedies:?}"
    );
    assert_eq!(of(4), (ErrorKind::Unavailable, "try again later"), "who answers has not blocked");
    assert!(remedies[5].1.contains("2 times"), "{remedies:?}");
}

fn told_to_wait_for_nothing() -> Answer {
    Answer::Error(Error::new(ErrorKind::Unavailable, "later").with_retry(Retry::After(Duration::ZERO)))
}

#[tokio::test]
async fn a_server_that_asks_for_no_pause_does_not_end_ours() {
    for first in [Answer::Token(3600), Answer::http(401, "")] {
        let server = TestServer::in_turn([first, told_to_wait_for_nothing()]);
        let clock = clock();
        let source = source(&server, &clock);
        let renews = token(&source).await.is_ok();
        clock.advance(if renews { SECOND * 3300 } else { SECOND });
        for _ in 0..50 {
            assert_eq!(token(&source).await.is_ok(), renews);
            settle().await;
        }
        assert_eq!(server.request_count(), 2);
    }
}

#[tokio::test]
async fn who_asks_for_fewer_requests_without_saying_how_many_gets_fewer() {
    let (server, clock) = (TestServer::in_turn([Answer::http(429, ""), Answer::Token(3600)]), clock());
    let source = source(&server, &clock);
    for _ in 0..10 {
        assert_eq!(token(&source).await.unwrap_err().kind(), ErrorKind::RateLimited);
    }
    assert_eq!(server.request_count(), 1);
    clock.advance(SECOND);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
}

#[tokio::test]
async fn a_panic_after_something_was_sent_is_remembered_and_told() {
    let (server, clock) = (TestServer::in_turn([Answer::Token(3600), Answer::Panic, Answer::Token(3600)]), clock());
    let source = source(&server, &clock);
    token(&source).await.unwrap();
    clock.advance(SECOND * 3300);
    for _ in 0..50 {
        assert_eq!(token(&source).await.unwrap(), "Bearer token-1");
        settle().await;
    }
    assert_eq!(server.request_count(), 2);
    assert!(source.status().last_error.unwrap().to_string().contains("panicked"));
    source.invalidate(&source.cached().unwrap());
    token(&source).await.unwrap_err();
    clock.advance(SECOND);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-3");
}
