//! What callers may need beside a token that has not expired: one that lives for some time, or within some time.

use std::time::Duration;

use credentials_grant::{Error, ErrorKind, Retry};
use credentials_grant_client::{TokenOptions, TokenSource};
use credentials_grant_test_kit::{Answer, TestServer, TokioClock, clock, gated, settle};
use tokio::time::{Instant, advance};

use crate::acme::{SECOND, builder, on_clock, source, token};

async fn token_with(source: &TokenSource, options: TokenOptions) -> Result<String, Error> {
    source.token_with(options).await.map(|token| token.header_value().to_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_token_that_does_not_live_long_enough_is_left_to_the_others() {
    let server = TestServer::in_turn([Answer::Token(3600), Answer::Token(3600)]);
    let clock = clock();
    let source = source(&server, &clock);
    token(&source).await.unwrap();
    clock.advance(SECOND * 1000);
    let options = TokenOptions::new().with_minimum_lifetime(SECOND * 2600);
    assert_eq!(token_with(&source, options).await.unwrap(), "Bearer token-1", "it lives for 2600 s yet");
    clock.advance(SECOND);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-1");
    assert_eq!(token_with(&source, options).await.unwrap(), "Bearer token-2");
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
}

#[tokio::test]
async fn a_vendor_whose_tokens_never_live_long_enough_is_asked_once_a_life() {
    let server = TestServer::in_turn([Answer::Token(300), Answer::Token(300)]);
    let clock = clock();
    let source = source(&server, &clock);
    let options = TokenOptions::new().with_minimum_lifetime(SECOND * 600);
    for requests in [1, 2] {
        for _ in 0..10 {
            let error = source.token_with(options).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(error.to_string().contains("live for 300 s") && error.to_string().contains("600 s"), "{error}");
        }
        assert_eq!(server.request_count(), requests);
        token(&source).await.unwrap();
        clock.advance(SECOND * 300);
    }
}

#[tokio::test]
async fn a_life_longer_than_the_ceiling_is_not_believed() {
    let server = TestServer::in_turn([Answer::Token(7200), Answer::Token(7200)]);
    let clock = clock();
    let source = builder(&server, &clock).with_maximum_lifetime(SECOND * 120).build().unwrap();
    token(&source).await.unwrap();
    clock.advance(SECOND * 90);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-1");
    clock.advance(SECOND * 25);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2", "after 115 of 120 s");
}

#[tokio::test]
async fn a_ceiling_above_the_life_changes_nothing() {
    let server = TestServer::in_turn([Answer::Token(7200)]);
    let clock = clock();
    let source = builder(&server, &clock).with_maximum_lifetime(SECOND * 24 * 3600).build().unwrap();
    token(&source).await.unwrap();
    clock.advance(SECOND * 5700);
    token(&source).await.unwrap();
    settle().await;
    assert_eq!(server.request_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again_within_the_deadline() {
    let gone = Error::new(ErrorKind::Unreachable, "gone");
    let server =
        TestServer::in_turn([Answer::http(503, ""), Answer::Error(gone), Answer::http(408, ""), Answer::Token(3600)]);
    let source = on_clock(&server, TokioClock::new()).build().unwrap();
    let began = Instant::now();
    let options = TokenOptions::new().with_deadline(SECOND * 60);
    assert_eq!(token_with(&source, options).await.unwrap(), "Bearer token-4");
    // A quarter, a half and one second are the bounds that pauses are drawn below; timers count in milliseconds.
    assert!(began.elapsed().as_millis() <= 1753, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_nothing_is_tried_again() {
    let server = TestServer::in_turn([Answer::http(503, "")]);
    let source = on_clock(&server, TokioClock::new()).build().unwrap();
    assert_eq!(token(&source).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(server.request_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_waits_with_others_tries_again_with_them() {
    let server =
        TestServer::in_turn([Answer::http(503, ""), Answer::http(503, ""), Answer::http(503, ""), Answer::Token(3600)]);
    let source = on_clock(&server, TokioClock::new()).build().unwrap();
    let waiting: Vec<_> = (0..64)
        .map(|_| {
            let source = source.clone();
            tokio::spawn(async move { token_with(&source, TokenOptions::new().with_deadline(SECOND * 60)).await })
        })
        .collect();
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap().unwrap(), "Bearer token-4");
    }
    assert_eq!(server.request_count(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_not_tried_again_however_much_time_there_is() {
    let server = TestServer::in_turn([Answer::http(401, r#"{"error":"invalid_client"}"#)]);
    let source = on_clock(&server, TokioClock::new()).build().unwrap();
    let error = source.token_with(TokenOptions::new().with_deadline(SECOND * 3600)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialsRefused);
    assert_eq!(server.request_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_lasts_is_told_at_the_deadline_and_not_later() {
    let server = TestServer::in_turn((0..1000).map(|_| Answer::http(503, "")));
    let source = on_clock(&server, TokioClock::new()).build().unwrap();
    let began = Instant::now();
    let error = source.token_with(TokenOptions::new().with_deadline(SECOND * 60)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(began.elapsed() <= SECOND * 60, "{:?}", began.elapsed());
    assert!((6..1000).contains(&server.request_count()), "{} requests", server.request_count());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_how_long_to_wait_is_obeyed_within_the_deadline_and_reported_beyond_it() {
    let wait = || Answer::Error(Error::new(ErrorKind::RateLimited, "slow down").with_retry(Retry::After(SECOND * 20)));
    let server = TestServer::in_turn([wait(), Answer::Token(3600)]);
    let source = on_clock(&server, TokioClock::new()).build().unwrap();
    let began = Instant::now();
    let error = source.token_with(TokenOptions::new().with_deadline(SECOND * 19)).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::RateLimited, Retry::After(SECOND * 20)));
    assert!(began.elapsed().is_zero(), "there is no point in waiting");
    assert_eq!(token_with(&source, TokenOptions::new().with_deadline(SECOND * 30)).await.unwrap(), "Bearer token-2");
    assert!(began.elapsed() >= SECOND * 20);
}

#[tokio::test(start_paused = true)]
async fn each_waiter_has_a_deadline_of_its_own_and_takes_nobody_along() {
    let (server, gate) = gated([Answer::Token(3600)]);
    let source = on_clock(&server, TokioClock::new()).build().unwrap();
    let patient = tokio::spawn({
        let source = source.clone();
        async move { token(&source).await }
    });
    settle().await;
    let began = Instant::now();
    let error = source.token_with(TokenOptions::new().with_deadline(SECOND * 2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains("no answer within 2 s"), "{error}");
    assert_eq!(began.elapsed().as_secs(), 2);
    gate.add_permits(1);
    assert_eq!(patient.await.unwrap().unwrap(), "Bearer token-1");
    assert_eq!(server.request_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_without_end_overflows_nothing() {
    let server = TestServer::in_turn([Answer::http(503, ""), Answer::Token(3600)]);
    let source = on_clock(&server, TokioClock::new()).build().unwrap();
    let options = TokenOptions::new().with_deadline(Duration::MAX);
    assert_eq!(token_with(&source, options).await.unwrap(), "Bearer token-2");
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_when_the_source_is_built() {
    let refused = [
        builder(&TestServer::unused(), &clock()).with_timeout(Duration::ZERO),
        builder(&TestServer::unused(), &clock()).with_timeout(SECOND * 601),
        builder(&TestServer::unused(), &clock()).with_maximum_lifetime(Duration::ZERO),
    ];
    for builder in refused {
        let error = builder.build().unwrap_err();
        assert_eq!((error.kind(), error.provider()), (ErrorKind::Configuration, Some("acme")));
        assert!(error.remedy().is_some(), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_minimum_of_the_whole_life_is_paid_for_once() {
    let (server, gate) = gated((0..20).map(|_| Answer::Token(3600)));
    let source = on_clock(&server, TokioClock::new()).build().unwrap();
    let options = TokenOptions::new().with_minimum_lifetime(SECOND * 3600);
    for _ in 0..20 {
        let asking = tokio::spawn({
            let source = source.clone();
            async move { source.token_with(options).await }
        });
        settle().await;
        // Some of its life is gone when it arrives.
        advance(SECOND / 20).await;
        gate.add_permits(1);
        assert_eq!(asking.await.unwrap().unwrap_err().kind(), ErrorKind::Configuration);
    }
    assert_eq!(server.request_count(), 1);
}

#[tokio::test]
async fn a_maximum_lifetime_that_is_shorter_than_the_minimum_lifetime_is_an_error() {
    let server = TestServer::in_turn([Answer::Token(3600)]);
    let source = builder(&server, &clock()).with_maximum_lifetime(SECOND * 60).build().unwrap();
    let error = token_with(&source, TokenOptions::new().with_minimum_lifetime(SECOND * 120)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("live for 60 s, and the minimum lifetime is 120 s"), "{error}");
}
