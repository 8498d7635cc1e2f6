//! The vendor's limits on token requests, kept on this side.

use std::sync::{Arc, Mutex};

use credentials_grant::{ClientCredentials, Endpoint, Error, ErrorKind, IssuanceLimit, Policy, Retry, TokenParameters};
use credentials_grant_client::{TokenOptions, TokenPool, TokenSource};
use credentials_grant_test_kit::{Acme, Answer, TestServer, TokioClock, settle};
use futures_util::future::join_all;
use tokio::time::{Instant, advance};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Respond, ResponseTemplate};

use crate::acme::{SECOND, token};

/// A server that notes when each request arrives.
#[derive(Clone, Default)]
struct Arrivals(Arc<Mutex<Vec<std::time::Instant>>>);

impl Respond for Arrivals {
    fn respond(&self, _: &wiremock::Request) -> ResponseTemplate {
        self.0.lock().unwrap().push(std::time::Instant::now());
        ResponseTemplate::new(200).set_body_string(r#"{"access_token":"t","expires_in":3600}"#)
    }
}

const DAY: u32 = 24 * 60 * 60;

/// A provider with a limit.
fn limited(limit: IssuanceLimit) -> Acme {
    Acme::new().with_name("limited").with_policy(Policy::new().with_limit(limit))
}

fn source(limit: IssuanceLimit, server: &TestServer) -> TokenSource {
    TokenSource::builder(limited(limit), ClientCredentials::new("id", "secret"))
        .with_transport(server.clone())
        .with_clock(TokioClock::new())
        .build()
        .unwrap()
}

fn pool(server: &TestServer) -> TokenPool {
    TokenPool::builder().with_transport(server.clone()).with_clock(TokioClock::new()).build().unwrap()
}

fn issues(tokens: usize) -> TestServer {
    TestServer::in_turn((0..tokens).map(|_| Answer::Token(3600)))
}

/// A new token, whatever there is.
async fn another(source: &TokenSource) -> Result<String, Error> {
    if let Some(token) = source.cached() {
        source.invalidate(&token);
    }
    token(source).await
}

#[tokio::test(start_paused = true)]
async fn a_limit_a_day_is_used_up_and_then_told_with_the_time_that_is_left() {
    let server = issues(10);
    let source = source(IssuanceLimit::new(5, SECOND * DAY), &server);
    for _ in 0..5 {
        another(&source).await.unwrap();
        advance(SECOND * 60).await;
    }
    let error = another(&source).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    let Retry::After(wait) = error.retry() else { panic!("{error}") };
    assert_eq!(wait.as_secs(), u64::from(DAY) - 5 * 60, "until the first is a day old");
    assert!(error.to_string().contains("5 token requests"), "{error}");
    assert_eq!(server.request_count(), 5);

    advance(wait).await;
    another(&source).await.unwrap();
    another(&source).await.unwrap_err();
    assert_eq!(server.request_count(), 6, "only the first of the five is a day old");
}

#[tokio::test(start_paused = true)]
async fn a_limit_a_second_is_waited_for_and_never_exceeded() {
    let server = issues(200);
    let pool = pool(&server);
    let provider = limited(IssuanceLimit::new(50, SECOND));
    let began = Instant::now();
    let waiting: Vec<_> = (0..200)
        .map(|tenant| {
            let credentials = ClientCredentials::new(format!("tenant-{tenant}"), "secret");
            let source = pool.source(&provider, &credentials, &TokenParameters::new()).unwrap();
            tokio::spawn(async move { source.token().await.map(|_| began.elapsed().as_millis()) })
        })
        .collect();
    let mut sent = Vec::new();
    for waiting in waiting {
        sent.push(waiting.await.unwrap().unwrap());
    }
    sent.sort_unstable();
    for (at, moment) in sent.iter().enumerate().skip(50) {
        assert!(moment - sent[at - 50] >= 1000, "51 within a second");
    }
    assert_eq!(server.request_count(), 200);
}

/// In real time, over connections that take a while to be made: what counts is when the vendor receives a request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_never_receives_more_than_the_limit_in_any_second_and_every_caller_gets_a_token() {
    for (limit, tenants) in [(50, 170), (150, 400)] {
        let (server, arrivals) = (MockServer::start().await, Arrivals::default());
        Mock::given(any()).respond_with(arrivals.clone()).mount(&server).await;
        let acme = limited(IssuanceLimit::new(limit, SECOND)).with_endpoint(Endpoint::parse(&server.uri()).unwrap());
        let pool = TokenPool::builder().with_timeout(SECOND * 120).build().unwrap();
        let calls = (0..tenants).map(|tenant| {
            let credentials = ClientCredentials::new(format!("tenant-{tenant}"), "secret");
            let source = pool.source(&acme, &credentials, &TokenParameters::new()).unwrap();
            tokio::spawn(async move { token(&source).await })
        });
        for outcome in join_all(calls.collect::<Vec<_>>()).await {
            assert_eq!(outcome.unwrap().unwrap(), "Bearer t");
        }
        let arrivals = arrivals.0.lock().unwrap();
        assert_eq!(arrivals.len(), tenants);
        let limit = limit as usize;
        for burst in arrivals.windows(limit + 1) {
            assert!(burst[limit] - burst[0] >= SECOND, "{} requests in {:?}", limit + 1, burst[limit] - burst[0]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_not_answered_counts_until_it_is_given_up() {
    let server = TestServer::new_async(|_, number| async move {
        if number == 1 {
            std::future::pending::<()>().await;
        }
        Answer::Token(3600)
    });
    let pool = TokenPool::builder().with_transport(server.clone()).with_clock(TokioClock::new());
    let pool = pool.with_timeout(SECOND * 30).build().unwrap();
    let provider = limited(IssuanceLimit::new(1, SECOND * 10));
    let source = |tenant: &str| {
        pool.source(&provider, &ClientCredentials::new(tenant, "secret"), &TokenParameters::new()).unwrap()
    };
    let (began, silent) = (Instant::now(), source("silent"));
    let silent = tokio::spawn(async move { token(&silent).await });
    settle().await;
    advance(SECOND * 15).await;
    let other = source("other");
    let other = tokio::spawn(async move { token(&other).await });
    silent.await.unwrap().unwrap_err();
    other.await.unwrap().unwrap();
    assert!(began.elapsed() >= SECOND * 40, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_each_client_counts_each_by_itself() {
    let server = issues(4);
    let pool = pool(&server);
    let provider = limited(IssuanceLimit::new(2, SECOND * 3600).per_client());
    for tenant in ["one", "two"] {
        let credentials = ClientCredentials::new(tenant, "secret");
        let of = |scope: &str| pool.source(&provider, &credentials, &TokenParameters::new().with_scope(scope)).unwrap();
        another(&of("a")).await.unwrap();
        another(&of("b")).await.unwrap();
        assert_eq!(another(&of("c")).await.unwrap_err().kind(), ErrorKind::RateLimited);
    }
}

#[tokio::test(start_paused = true)]
async fn requests_that_fail_count_too_and_a_deadline_leaves_room_to_wait() {
    let server = TestServer::in_turn([Answer::http(503, ""), Answer::http(503, ""), Answer::Token(3600)]);
    let source = source(IssuanceLimit::new(2, SECOND * 20), &server);
    let began = Instant::now();
    source.token_with(TokenOptions::new().with_deadline(SECOND * 60)).await.unwrap();
    assert!(began.elapsed() >= SECOND * 20, "the third waits for the first to be 20 s old");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_finds_the_limit_used_up_leaves_the_good_token() {
    let server = issues(2);
    let source = source(IssuanceLimit::new(1, SECOND * DAY), &server);
    token(&source).await.unwrap();
    advance(SECOND * 3300).await;
    for _ in 0..10 {
        assert_eq!(token(&source).await.unwrap(), "Bearer token-1");
        settle().await;
    }
    assert_eq!(server.request_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_the_users_own_counts_beside_the_vendors() {
    let server = issues(3);
    let pool = TokenPool::builder().with_transport(server.clone()).with_clock(TokioClock::new());
    let pool = pool.with_limit(IssuanceLimit::new(2, SECOND * DAY)).build().unwrap();
    let provider = limited(IssuanceLimit::new(50, SECOND));
    let source = pool.source(&provider, &ClientCredentials::new("id", "secret"), &TokenParameters::new()).unwrap();
    another(&source).await.unwrap();
    another(&source).await.unwrap();
    let error = another(&source).await.unwrap_err();
    assert!(error.to_string().contains("the limit of 2 token requests in 24h is used up"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_the_users_own_that_is_the_vendors_counts_once() {
    let server = issues(2);
    let (limit, clock) = (IssuanceLimit::new(2, SECOND * DAY), TokioClock::new());
    let source = TokenSource::builder(limited(limit), ClientCredentials::new("id", "secret"));
    let source = source.with_transport(server.clone()).with_clock(clock).with_limit(limit).build().unwrap();
    another(&source).await.unwrap();
    another(&source).await.unwrap();
    another(&source).await.unwrap_err();
    assert_eq!(server.request_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_the_pool_has_dropped_still_counts() {
    let server = issues(5);
    let pool = TokenPool::builder().with_transport(server.clone()).with_clock(TokioClock::new()).with_capacity(1);
    let pool = pool.build().unwrap();
    let provider = limited(IssuanceLimit::new(1, SECOND * DAY).per_client());
    let source = |client: &str| {
        pool.source(&provider, &ClientCredentials::new(client, "secret"), &TokenParameters::new()).unwrap()
    };
    token(&source("one")).await.unwrap();
    for client in ["two", "three", "four"] {
        token(&source(client)).await.unwrap();
    }
    assert_eq!(token(&source("one")).await.unwrap_err().kind(), ErrorKind::RateLimited);
    assert_eq!(server.request_count(), 4);
}

#[test]
fn a_limit_of_nothing_is_refused_when_the_source_is_built() {
    let builder = TokenSource::builder(limited(IssuanceLimit::new(0, SECOND)), ClientCredentials::new("id", "secret"));
    let error = builder.with_transport(TestServer::unused()).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let error = TokenPool::builder().with_limit(IssuanceLimit::new(0, SECOND)).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}
