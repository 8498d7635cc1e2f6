//! Refusals, pauses and limits that processes share through a store. Each source here is a process of its own.

use credentials_grant::{ClientCredentials, ErrorKind, IssuanceLimit, Retry, TokenParameters};
use credentials_grant_client::{MemoryStore, TokenSource};
use credentials_grant_test_kit::{Answer, TestServer, TokioClock, response};
use futures_util::future::join_all;
use tokio::time::{Instant, advance};

use crate::acme::{SECOND, acme, token};
use crate::store::{builder, process, server};

/// A server that refuses this secret.
fn refusing() -> TestServer {
    TestServer::new(|_, _| Answer::http(401, r#"{"error":"invalid_client"}"#))
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_is_sent_once_in_each_pause_whatever_runs_and_asks() {
    let (server, store) = (refusing(), MemoryStore::new());
    let scopes = |run: usize| TokenParameters::new().with_scope(format!("scope-{run}"));
    let began = Instant::now();
    let mut sent = Vec::new();
    // Each second at first, and then each minute.
    for run in 0..600 + 50 {
        let source = builder(&server, &store).with_parameters(scopes(run)).build().unwrap();
        let before = server.request_count();
        let error = source.token().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsRefused, "{error}");
        assert!(error.to_string().contains("invalid_client"), "{error}");
        if server.request_count() > before {
            sent.push(began.elapsed().as_secs());
        }
        advance(SECOND * if run < 600 { 1 } else { 60 }).await;
    }
    assert_eq!(sent[..9], [0, 1, 3, 7, 15, 31, 63, 127, 255], "a pause of one second, doubling");
    assert_eq!(sent[9], 511, "256 seconds");
    let later: Vec<_> = sent[10..].windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(later.len() > 5 && later.iter().all(|pause| (300..360).contains(pause)), "five minutes: {sent:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_another_process_heard_says_what_the_server_said_and_when() {
    let (server, store) = (refusing(), MemoryStore::new());
    for _ in 0..9 {
        process(&server, &store).token().await.unwrap_err();
        advance(SECOND * 300).await;
    }
    process(&server, &store).token().await.unwrap_err();
    advance(SECOND * 75).await;
    let error = process(&server, &store).token().await.unwrap_err();
    let expected = "acme: the server refused the client credentials (invalid_client) 1m 15s ago, as another process \
        found; correct the client id and secret, or wait: they are sent again in 3m 45s at the earliest";
    assert_eq!(error.to_string(), expected);
    assert_eq!(server.request_count(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_new_secret_is_tried_at_once_and_a_token_ends_the_pause_of_the_host() {
    let store = MemoryStore::new();
    process(&refusing(), &store).token().await.unwrap_err();
    let server = server(SECOND / 10, 3600);
    let other = |secret: &str| {
        TokenSource::builder(acme(), ClientCredentials::new("id", secret))
            .with_transport(server.clone())
            .with_clock(TokioClock::new())
            .with_store(store.clone())
            .build()
            .unwrap()
    };
    // The vendor blocks addresses, so clients without a token wait for each other's refusals.
    let error = other("corrected").token().await.unwrap_err();
    assert_eq!((error.kind(), server.request_count()), (ErrorKind::RateLimited, 0), "{error}");
    advance(SECOND).await;
    assert_eq!(token(&other("corrected")).await.unwrap(), "Bearer token-1");
    assert_eq!(token(&other("another")).await.unwrap(), "Bearer token-2");
}

#[tokio::test(start_paused = true)]
async fn retry_after_holds_for_every_process() {
    let store = MemoryStore::new();
    let busy = TestServer::new(|_, _| response(503, &[("retry-after", "120")], ""));
    process(&busy, &store).token().await.unwrap_err();
    advance(SECOND * 20).await;
    let server = server(SECOND / 10, 3600);
    let error = process(&server, &store).token().await.unwrap_err();
    assert_eq!(error.retry(), Retry::After(SECOND * 100), "{error}");
    assert_eq!(server.request_count(), 0);
    advance(SECOND * 100).await;
    assert_eq!(token(&process(&server, &store)).await.unwrap(), "Bearer token-1");
}

#[tokio::test(start_paused = true)]
async fn five_tokens_a_day_are_five_however_many_processes_request_them() {
    let day = SECOND * 24 * 60 * 60;
    let (server, store) = (server(SECOND / 10, 60), MemoryStore::new());
    let limit = IssuanceLimit::new(5, day).per_client();
    let run = || builder(&server, &store).with_limit(limit).build().unwrap();
    let mut failed = None;
    for minute in 0..60 * 24 {
        if let Err(error) = token(&run()).await {
            failed.get_or_insert((minute, error));
        }
        advance(SECOND * 60).await;
    }
    assert_eq!(server.request_count(), 5);
    let (minute, error) = failed.unwrap();
    assert_eq!((minute, error.kind()), (5, ErrorKind::RateLimited));
    assert!(error.to_string().contains("the limit of 5 token requests in 24h is used up"), "{error}");
    // The first one counts no more.
    assert!(token(&run()).await.is_ok());
    assert!(token(&run()).await.is_ok(), "from the store");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_processes_count_each_of_their_requests() {
    let (server, store) = (server(SECOND / 10, 3600), MemoryStore::new());
    let limit = IssuanceLimit::new(4, SECOND * 3600).per_client();
    let run = |scope: usize| {
        let parameters = TokenParameters::new().with_scope(scope.to_string());
        builder(&server, &store).with_limit(limit).with_parameters(parameters).build().unwrap()
    };
    let sources: Vec<_> = (0..20).map(run).collect();
    let outcomes = join_all(sources.iter().map(token)).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 4);
    assert_eq!(server.request_count(), 4);
}
