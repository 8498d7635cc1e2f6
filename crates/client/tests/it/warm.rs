//! A source that keeps its token warm.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use credentials_grant::{ClientCredentials, Error, ErrorKind, TokenParameters};
use credentials_grant_client::{FunctionCredentials, TokenPool, TokenSource};
use credentials_grant_test_kit::{Answer, TestServer, TokioClock, credentials, settle};
use tokio::runtime::Handle;
use tokio::time::advance;

use crate::acme::{SECOND, acme, on_clock, token};

fn warm(server: &TestServer) -> TokenSource {
    on_clock(server, TokioClock::new()).keep_warm().build().unwrap()
}

/// Lets so many seconds pass, one by one.
async fn pass(seconds: u32) {
    for _ in 0..seconds {
        advance(SECOND).await;
        settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_warm_token_is_renewed_though_nobody_asks() {
    let server = TestServer::in_turn((0..4).map(|_| Answer::Token(100)));
    let source = warm(&server);
    pass(10).await;
    assert_eq!(server.request_count(), 0, "it begins with the first token that somebody asks for");
    token(&source).await.unwrap();
    pass(79).await;
    assert_eq!(server.request_count(), 1, "it is fresh");
    pass(12).await;
    assert_eq!(server.request_count(), 2, "it was due between 80 and 90 s, and is looked at each second");
}

#[tokio::test(start_paused = true)]
async fn a_warm_token_never_expires() {
    let server = TestServer::in_turn((0..100).map(|_| Answer::Token(100)));
    let source = warm(&server);
    token(&source).await.unwrap();
    for _ in 0..1000 {
        pass(1).await;
        assert!(source.cached().is_some());
    }
    assert!((11..=13).contains(&server.request_count()), "one a life of 80 to 91 s: {}", server.request_count());
}

#[tokio::test(start_paused = true)]
async fn without_it_nothing_is_renewed_unasked() {
    let server = TestServer::in_turn([Answer::Token(100)]);
    let source = on_clock(&server, TokioClock::new()).build().unwrap();
    token(&source).await.unwrap();
    pass(1000).await;
    assert_eq!(server.request_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn warmth_outlasts_an_outage_and_does_not_hammer() {
    let outage = (0..5).map(|_| Answer::http(503, ""));
    let server = TestServer::in_turn([Answer::Token(100)].into_iter().chain(outage).chain([Answer::Token(10_000)]));
    let source = warm(&server);
    token(&source).await.unwrap();
    pass(91).await;
    assert!(server.request_count() > 1, "the renewal fails");
    // Pauses of 1, 2, 4, 8 and 16 seconds, and a look each second.
    pass(40).await;
    assert_eq!(server.request_count(), 7);
    assert_eq!(source.cached().unwrap().header_value(), "Bearer token-7");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_ends_the_warmth_until_somebody_asks() {
    let acts = [Answer::Token(100), Answer::http(401, ""), Answer::Token(100), Answer::Token(100)];
    let server = TestServer::in_turn(acts);
    let source = warm(&server);
    token(&source).await.unwrap();
    pass(1000).await;
    assert_eq!(server.request_count(), 2);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-3");
    pass(92).await;
    assert_eq!(server.request_count(), 4, "it is kept warm again");
}

#[tokio::test(start_paused = true)]
async fn warmth_ends_with_the_source() {
    let server = Arc::new(TestServer::in_turn([Answer::Token(100)]));
    let builder = TokenSource::builder(acme(), credentials()).with_transport(Arc::clone(&server));
    let source = builder.with_clock(TokioClock::new()).keep_warm().build().unwrap();
    token(&source).await.unwrap();
    let tasks = || Handle::current().metrics().num_alive_tasks();
    assert_eq!(tasks(), 1);
    drop(source);
    settle().await;
    assert_eq!(tasks(), 0, "the task ends at once, and not when it would have looked again");
    assert_eq!(Arc::strong_count(&server), 1, "nothing of it is left");
    pass(200).await;
    assert_eq!(server.request_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_drops_warm_sources_leaves_no_tasks_behind() {
    let server = TestServer::in_turn((0..1000).map(|_| Answer::Token(100)));
    let pool = TokenPool::builder().with_transport(server.clone()).with_clock(TokioClock::new()).with_capacity(10);
    let pool = pool.keep_warm().build().unwrap();
    for number in 0..1000 {
        let tenant = ClientCredentials::new(format!("tenant-{number}"), "secret");
        token(&pool.source(&acme(), &tenant, &TokenParameters::new()).unwrap()).await.unwrap();
    }
    settle().await;
    assert_eq!((pool.len(), Handle::current().metrics().num_alive_tasks()), (10, 10));
}

#[test]
fn a_runtime_that_goes_away_takes_the_warmth_along_and_the_next_brings_it_back() {
    let server = TestServer::in_turn((0..3).map(|_| Answer::Token(100)));
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let first = runtime();
    let source = first.block_on(async {
        let source = warm(&server);
        token(&source).await.unwrap();
        source
    });
    drop(first);
    runtime().block_on(async {
        // The new runtime's clock begins later than the old one's, so that the first token has expired.
        source.invalidate(&source.cached().unwrap());
        token(&source).await.unwrap();
        pass(92).await;
    });
    assert_eq!(server.request_count(), 3);
}

#[tokio::test(start_paused = true)]
async fn warmth_outlasts_credentials_that_cannot_be_read_for_a_while() {
    let readable = Arc::new(AtomicBool::new(true));
    let credentials = FunctionCredentials::new("file", {
        let readable = Arc::clone(&readable);
        move || {
            let readable = readable.load(Ordering::SeqCst);
            let empty = || Error::new(ErrorKind::Configuration, "the secret file is empty");
            async move { readable.then(|| ClientCredentials::new("id", "secret")).ok_or_else(empty) }
        }
    });
    let server = TestServer::in_turn((0..10).map(|_| Answer::Token(100)));
    let builder = TokenSource::builder(acme(), credentials).with_transport(server.clone());
    let source = builder.with_clock(TokioClock::new()).keep_warm().build().unwrap();
    token(&source).await.unwrap();
    readable.store(false, Ordering::SeqCst);
    pass(91).await;
    readable.store(true, Ordering::SeqCst);
    pass(500).await;
    assert!(source.cached().is_some());
    assert!(server.request_count() >= 6, "{}", server.request_count());
}

#[tokio::test(start_paused = true)]
async fn a_warm_source_whose_token_was_given_back_rests_until_somebody_asks() {
    let server = TestServer::in_turn((0..5).map(|_| Answer::Token(100)));
    let source = warm(&server);
    token(&source).await.unwrap();
    // This vendor does not support revocation; the source has done its part.
    source.revoke_current().await.unwrap_err();
    pass(300).await;
    assert_eq!(server.request_count(), 1, "no token is bought that nobody wants");
    token(&source).await.unwrap();
    pass(91).await;
    assert_eq!(server.request_count(), 3, "it is warm again");
}
