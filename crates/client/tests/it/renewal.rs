//! Tokens that grow stale and are renewed before they expire.

use std::time::Duration;

use credentials_grant::ErrorKind;
use credentials_grant_client::{Clock, ManualClock, TokenSource};
use credentials_grant_test_kit::{Answer, TestServer, clock, gated, settle};

use crate::acme::{SECOND, builder, source, token};

/// Returns a source whose token is at nine tenths of its lifetime of an hour.
async fn with_stale_token(server: &TestServer) -> (TokenSource, ManualClock) {
    let clock = clock();
    let source = source(server, &clock);
    token(&source).await.unwrap();
    clock.advance(SECOND * 3600 * 9 / 10);
    (source, clock)
}

#[tokio::test]
async fn a_wall_clock_that_is_set_back_keeps_no_token_for_ever() {
    let server = TestServer::in_turn([Answer::Token(3600), Answer::Token(3600)]);
    let clock = clock();
    let source = source(&server, &clock);
    token(&source).await.unwrap();
    clock.set(clock.now() - SECOND * 3600 * 24 * 365);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-1", "it is as good as before");
    clock.advance(SECOND * 3600);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
}

#[tokio::test]
async fn a_machine_that_slept_serves_no_expired_token() {
    let server = TestServer::in_turn([Answer::Token(3600), Answer::Token(3600)]);
    let clock = clock();
    let source = source(&server, &clock);
    token(&source).await.unwrap();
    clock.set(clock.now() + SECOND * 3600 * 8);
    assert!(source.cached().is_none());
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
}

#[tokio::test]
async fn a_stale_token_is_served_at_once_and_renewed_once_in_the_background() {
    let (server, gate) = gated([Answer::Token(3600), Answer::Token(3600)]);
    let clock = clock();
    let source = source(&server, &clock);
    gate.add_permits(1);
    token(&source).await.unwrap();
    clock.advance(SECOND * (3600 * 8 / 10 - 1));
    assert_eq!(token(&source).await.unwrap(), "Bearer token-1");
    settle().await;
    assert_eq!(server.request_count(), 1, "a fresh token is not renewed");

    clock.advance(SECOND * 3600 / 10 + SECOND);
    for _ in 0..1000 {
        assert_eq!(token(&source).await.unwrap(), "Bearer token-1", "nobody waits while there is a good one");
    }
    settle().await;
    assert_eq!(server.request_count(), 2, "a thousand callers start one renewal");
    gate.add_permits(1);
    settle().await;
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
}

#[tokio::test]
async fn reading_the_cache_starts_nothing() {
    let server = TestServer::in_turn([Answer::Token(3600)]);
    let (source, _) = with_stale_token(&server).await;
    assert!(source.cached().is_some());
    settle().await;
    assert_eq!(server.request_count(), 1);
}

#[tokio::test]
async fn a_renewal_outlives_the_caller_that_triggered_it() {
    let (server, gate) = gated([Answer::Token(3600), Answer::Token(3600)]);
    gate.add_permits(1);
    let (source, _) = with_stale_token(&server).await;
    let caller = tokio::spawn({
        let source = source.clone();
        async move { source.token().await }
    });
    caller.await.unwrap().unwrap();
    gate.add_permits(1);
    settle().await;
    assert_eq!(source.cached().unwrap().header_value(), "Bearer token-2");
}

#[tokio::test]
async fn a_renewal_that_fails_leaves_the_good_token_and_pauses() {
    let acts = [Answer::Token(3600), Answer::http(503, ""), Answer::http(401, ""), Answer::Token(3600)];
    let server = TestServer::in_turn(acts);
    let (source, clock) = with_stale_token(&server).await;
    for (requests, pause) in [(2, 1), (3, 1)] {
        for _ in 0..100 {
            assert_eq!(token(&source).await.unwrap(), "Bearer token-1");
            settle().await;
        }
        assert_eq!(server.request_count(), requests);
        clock.advance(SECOND * pause);
    }
    token(&source).await.unwrap();
    settle().await;
    assert_eq!(token(&source).await.unwrap(), "Bearer token-4");
}

#[tokio::test]
async fn a_token_that_expires_while_its_renewal_is_under_way_is_not_served_and_not_asked_for_twice() {
    let (server, gate) = gated([Answer::Token(3600), Answer::Token(3600)]);
    gate.add_permits(1);
    let (source, clock) = with_stale_token(&server).await;
    while source.status().lifetime_left.unwrap() > SECOND * 40 {
        clock.advance(SECOND);
    }
    token(&source).await.unwrap();
    // The renewal is not overdue by then.
    clock.advance(SECOND * 25);
    assert!(source.cached().is_none());
    let opening = async {
        settle().await;
        gate.add_permits(1);
    };
    let (fresh, ()) = tokio::join!(token(&source), opening);
    assert_eq!(fresh.unwrap(), "Bearer token-2");
    assert_eq!(server.request_count(), 2);
}

#[tokio::test]
async fn a_token_that_expires_on_its_way_is_handed_to_nobody_and_the_next_caller_asks_anew() {
    let (server, gate) = gated([Answer::Token(60), Answer::Token(60)]);
    let clock = clock();
    let source = source(&server, &clock);
    let answering = async {
        settle().await;
        clock.advance(SECOND * 60);
        gate.add_permits(1);
    };
    let (late, ()) = tokio::join!(token(&source), answering);
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Unavailable);
    gate.add_permits(1);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
}

#[test]
fn a_runtime_that_runs_only_within_block_on_renews_while_a_caller_waits_for_something() {
    let server = TestServer::in_turn((0..3).map(|_| Answer::Token(3600)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (source, clock) = runtime.block_on(with_stale_token(&server));
    for _ in 0..10 {
        assert_eq!(runtime.block_on(token(&source)).unwrap(), "Bearer token-1");
    }
    assert_eq!(server.request_count(), 1, "the renewal has started, and nothing drives it");

    let call = async {
        let used = token(&source).await;
        settle().await; // the call to the API
        used
    };
    assert_eq!(runtime.block_on(call).unwrap(), "Bearer token-1");
    assert_eq!(server.request_count(), 2, "the call gave it the time");
    assert_eq!(runtime.block_on(token(&source)).unwrap(), "Bearer token-2");

    while source.status().lifetime_left.unwrap() > SECOND * 40 {
        clock.advance(SECOND);
    }
    assert_eq!(runtime.block_on(token(&source)).unwrap(), "Bearer token-2");
    // The renewal is not overdue by then.
    clock.advance(SECOND * 20);
    assert_eq!(runtime.block_on(token(&source)).unwrap(), "Bearer token-3", "one caller waits");
    assert_eq!(server.request_count(), 3, "for the renewal that had started");
}

#[tokio::test]
async fn the_vendors_own_age_of_renewal_moves_it() {
    let entra = r#"{"access_token":"token-1","expires_in":86400,"refresh_in":43200}"#;
    let server = TestServer::in_turn([Answer::http(200, entra), Answer::Token(3600)]);
    let clock = clock();
    let source = source(&server, &clock);
    token(&source).await.unwrap();
    clock.advance(SECOND * 43_199);
    token(&source).await.unwrap();
    settle().await;
    assert_eq!(server.request_count(), 1, "it is fresh");
    clock.advance(SECOND);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-1", "nobody waits");
    settle().await;
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
}

#[tokio::test]
async fn the_window_and_the_margin_of_renewal_can_be_set() {
    let server = TestServer::in_turn([Answer::Token(1000), Answer::Token(1000), Answer::Token(1000)]);
    let clock = clock();
    let builder = builder(&server, &clock).with_renewal_window(0.5..0.5).with_expiry_margin(SECOND * 200);
    let source = builder.build().unwrap();
    token(&source).await.unwrap();
    clock.advance(SECOND * 499);
    token(&source).await.unwrap();
    settle().await;
    assert_eq!(server.request_count(), 1);
    clock.advance(SECOND);
    token(&source).await.unwrap();
    settle().await;
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
    clock.advance(SECOND * 800);
    assert!(source.cached().is_none());
    assert_eq!(token(&source).await.unwrap(), "Bearer token-3");
}

#[test]
fn a_window_or_a_margin_that_makes_no_sense_is_refused() {
    let server = TestServer::unused();
    for window in [0.0..0.5, 0.9..0.8, 0.5..1.0, -1.0..0.5, f64::NAN..0.5, 0.5..f64::INFINITY] {
        let error = builder(&server, &clock()).with_renewal_window(window.clone()).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{window:?}");
        assert!(error.message().contains("renewal window"), "{error}");
    }
    for margin in [Duration::ZERO, SECOND * 3601] {
        let error = builder(&server, &clock()).with_expiry_margin(margin).build().unwrap_err();
        assert!(error.message().contains("expiry margin"), "{error}");
    }
    assert!(
        builder(&server, &clock()).with_renewal_window(0.01..0.99).with_expiry_margin(SECOND * 3600).build().is_ok()
    );
}

#[tokio::test(start_paused = true)]
async fn an_empty_success_is_tried_again_within_the_deadline() {
    use credentials_grant_client::TokenOptions;
    let server = TestServer::in_turn([Answer::http(200, ""), Answer::http(200, "\n"), Answer::Token(3600)]);
    let source = source(&server, &clock());
    let options = TokenOptions::new().with_deadline(SECOND * 30);
    let token = source.token_with(options).await.unwrap();
    assert_eq!(token.header_value(), "Bearer token-3");
    assert_eq!(server.request_count(), 3);
}
