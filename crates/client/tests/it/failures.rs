//! What a source remembers of failures, and for how long.

use std::time::Duration;

use credentials_grant::{Error, ErrorKind, Retry};

use crate::acme::{Act, SECOND, Script, clock, settle, source, token};

#[tokio::test]
async fn an_outage_is_not_remembered_beyond_its_waiters() {
    let script = Script::new([Act::Answer(503, ""), Act::Issue(3600)]);
    let source = source(&script, &clock());
    assert_eq!(token(&source).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
}

#[tokio::test]
async fn a_refusal_is_remembered_for_a_pause_that_doubles() {
    let refusal = || Act::Answer(400, r#"{"error":"invalid_scope"}"#);
    let (script, clock) = (Script::new([refusal(), refusal(), Act::Issue(3600)]), clock());
    let source = source(&script, &clock);
    for (pause, requests) in [(1, 1), (2, 2)] {
        for _ in 0..10 {
            assert_eq!(token(&source).await.unwrap_err().kind(), ErrorKind::RequestRefused);
        }
        assert_eq!(script.requests(), requests);
        clock.advance(SECOND * pause);
    }
    assert_eq!(token(&source).await.unwrap(), "Bearer token-3");
}

#[tokio::test]
async fn a_server_that_says_how_long_to_wait_is_left_alone_for_that_long() {
    let wait = Error::new(ErrorKind::RateLimited, "slow down").with_retry(Retry::After(SECOND * 120));
    let (script, clock) = (Script::new([Act::Fail(wait), Act::Issue(3600)]), clock());
    let source = source(&script, &clock);
    token(&source).await.unwrap_err();
    clock.advance(SECOND * 20);
    let error = token(&source).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::RateLimited, Retry::After(SECOND * 100)));
    assert_eq!(script.requests(), 1);
    clock.advance(SECOND * 100);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
}

#[tokio::test]
async fn a_connection_that_fails_after_refusals_of_the_credentials_may_be_the_vendors_block() {
    let gone = || Act::Fail(Error::new(ErrorKind::Unreachable, "gone").with_remedy("check the network"));
    let refusal = || Act::Answer(401, "");
    let (script, clock) = (Script::new([gone(), refusal(), gone(), refusal(), Act::Answer(503, ""), gone()]), clock());
    let source = source(&script, &clock);
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

fn told_to_wait_for_nothing() -> Act {
    Act::Fail(Error::new(ErrorKind::Unavailable, "later").with_retry(Retry::After(Duration::ZERO)))
}

#[tokio::test]
async fn a_server_that_asks_for_no_pause_does_not_end_ours() {
    for first in [Act::Issue(3600), Act::Answer(401, "")] {
        let script = Script::new([first, told_to_wait_for_nothing()]);
        let clock = clock();
        let source = source(&script, &clock);
        let renews = token(&source).await.is_ok();
        clock.advance(if renews { SECOND * 3300 } else { SECOND });
        for _ in 0..50 {
            assert_eq!(token(&source).await.is_ok(), renews);
            settle().await;
        }
        assert_eq!(script.requests(), 2);
    }
}

#[tokio::test]
async fn who_asks_for_fewer_requests_without_saying_how_many_gets_fewer() {
    let (script, clock) = (Script::new([Act::Answer(429, ""), Act::Issue(3600)]), clock());
    let source = source(&script, &clock);
    for _ in 0..10 {
        assert_eq!(token(&source).await.unwrap_err().kind(), ErrorKind::RateLimited);
    }
    assert_eq!(script.requests(), 1);
    clock.advance(SECOND);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
}

#[tokio::test]
async fn a_panic_after_something_was_sent_is_remembered_and_told() {
    let (script, clock) = (Script::new([Act::Issue(3600), Act::Panic, Act::Issue(3600)]), clock());
    let source = source(&script, &clock);
    token(&source).await.unwrap();
    clock.advance(SECOND * 3300);
    for _ in 0..50 {
        assert_eq!(token(&source).await.unwrap(), "Bearer token-1");
        settle().await;
    }
    assert_eq!(script.requests(), 2);
    assert!(source.status().last_error.unwrap().to_string().contains("panicked"));
    source.invalidate(&source.cached().unwrap());
    token(&source).await.unwrap_err();
    clock.advance(SECOND);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-3");
}
