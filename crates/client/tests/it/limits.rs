//! The vendor's limits on token requests, kept on this side.

use std::sync::Arc;

use credentials_grant::{
    ClientCredentials, CredentialsGrant, Error, ErrorKind, IssuanceLimit, Policy, RequestContext, Retry,
    TokenParameters, UnsignedRequest,
};
use credentials_grant_client::{TokenOptions, TokenPool, TokenSource};
use tokio::time::{Instant, advance};

use crate::acme::{Acme, Act, SECOND, Script, TokioClock, token};

const DAY: u32 = 24 * 60 * 60;

/// Acme, with a limit.
#[derive(Clone, Debug)]
struct Limited(IssuanceLimit);

impl CredentialsGrant for Limited {
    fn name(&self) -> &'static str {
        "limited"
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        Acme::new().token_request(context)
    }

    fn policy(&self) -> Policy {
        Policy::new().with_limit(self.0)
    }
}

fn source(limit: IssuanceLimit, script: &Arc<Script>) -> TokenSource {
    TokenSource::builder(Limited(limit), ClientCredentials::new("id", "secret"))
        .with_transport(Arc::clone(script))
        .with_clock(TokioClock::new())
        .build()
        .unwrap()
}

fn pool(script: &Arc<Script>) -> TokenPool {
    TokenPool::builder().with_transport(Arc::clone(script)).with_clock(TokioClock::new()).build().unwrap()
}

fn issues(tokens: usize) -> Arc<Script> {
    Script::new((0..tokens).map(|_| Act::Issue(3600)))
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
    let script = issues(10);
    let source = source(IssuanceLimit::new(5, SECOND * DAY), &script);
    for _ in 0..5 {
        another(&source).await.unwrap();
        advance(SECOND * 60).await;
    }
    let error = another(&source).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    let Retry::After(wait) = error.retry() else { panic!("{error}") };
    assert_eq!(wait.as_secs(), u64::from(DAY) - 5 * 60, "until the first is a day old");
    assert!(error.to_string().contains("5 token requests"), "{error}");
    assert_eq!(script.requests(), 5);

    advance(wait).await;
    another(&source).await.unwrap();
    another(&source).await.unwrap_err();
    assert_eq!(script.requests(), 6, "only the first of the five is a day old");
}

#[tokio::test(start_paused = true)]
async fn a_limit_a_second_is_waited_for_and_never_exceeded() {
    let script = issues(200);
    let pool = pool(&script);
    let provider = Limited(IssuanceLimit::new(50, SECOND));
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
    assert_eq!(script.requests(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_each_client_counts_each_by_itself() {
    let script = issues(4);
    let pool = pool(&script);
    let provider = Limited(IssuanceLimit::new(2, SECOND * 3600).per_client());
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
    let script = Script::new([Act::Answer(503, ""), Act::Answer(503, ""), Act::Issue(3600)]);
    let source = source(IssuanceLimit::new(2, SECOND * 20), &script);
    let began = Instant::now();
    source.token_with(TokenOptions::new().with_deadline(SECOND * 60)).await.unwrap();
    assert!(began.elapsed() >= SECOND * 20, "the third waits for the first to be 20 s old");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_finds_the_limit_used_up_leaves_the_good_token() {
    let script = issues(2);
    let source = source(IssuanceLimit::new(1, SECOND * DAY), &script);
    token(&source).await.unwrap();
    advance(SECOND * 3300).await;
    for _ in 0..10 {
        assert_eq!(token(&source).await.unwrap(), "Bearer token-1");
        crate::acme::settle().await;
    }
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_the_users_own_counts_beside_the_vendors() {
    let script = issues(3);
    let pool = TokenPool::builder().with_transport(Arc::clone(&script)).with_clock(TokioClock::new());
    let pool = pool.with_limit(IssuanceLimit::new(2, SECOND * DAY)).build().unwrap();
    let provider = Limited(IssuanceLimit::new(50, SECOND));
    let source = pool.source(&provider, &ClientCredentials::new("id", "secret"), &TokenParameters::new()).unwrap();
    another(&source).await.unwrap();
    another(&source).await.unwrap();
    let error = another(&source).await.unwrap_err();
    assert!(error.to_string().contains("the limit of 2 token requests in 24h is used up"), "{error}");
}

#[test]
fn a_limit_of_nothing_is_refused_when_the_source_is_built() {
    let builder = TokenSource::builder(Limited(IssuanceLimit::new(0, SECOND)), ClientCredentials::new("id", "secret"));
    let error = builder.with_transport(Script::new([])).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let error = TokenPool::builder().with_limit(IssuanceLimit::new(0, SECOND)).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}
