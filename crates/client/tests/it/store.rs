//! Tokens that processes share through a store. Each source here is a process of its own.

use std::sync::atomic::Ordering;
use std::time::Duration;

use credentials_grant::{
    ClientCredentials, CredentialsGrant, Error, ErrorKind, ExposeSecret, IssuanceLimit, Policy, RequestContext,
    TokenParameters, UnsignedRequest,
};
use credentials_grant_client::{
    Claimant, Clock, MemoryStore, StoreKey, TokenOptions, TokenSource, TokenSourceBuilder, TokenStore,
};
use credentials_grant_test_kit::{Acme, Answer, TestServer, TokioClock, pass, settle};
use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio::time::{Instant, advance};

use crate::acme::{SECOND, acme, on_clock, token};
use crate::faulty_store::Faulty;
use crate::operations::Managed;

pub(crate) fn process(server: &TestServer, store: &(impl TokenStore + Clone)) -> TokenSource {
    builder(server, store).build().unwrap()
}

pub(crate) fn builder(server: &TestServer, store: &(impl TokenStore + Clone)) -> TokenSourceBuilder {
    on_clock(server, TokioClock::new()).with_store(store.clone())
}

/// A server that takes a while and gives a new token to each request.
pub(crate) fn server(takes: Duration, lifetime: u64) -> TestServer {
    TestServer::new_async(move |_, _| async move {
        pass(takes).await;
        Answer::Token(lifetime)
    })
}

fn token_keys(store: &MemoryStore) -> Vec<StoreKey> {
    store.keys().into_iter().filter(|key| key.as_str().starts_with("token-")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_process_finds_the_token_that_an_earlier_one_left() {
    let (server, store) = (server(SECOND, 3600), MemoryStore::new());
    for run in 0..60 {
        let source = process(&server, &store);
        assert_eq!(token(&source).await.unwrap(), "Bearer token-1", "run {run}");
        drop(source);
        advance(SECOND * 30).await;
    }
    assert_eq!(server.request_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn of_a_thousand_processes_that_start_at_once_one_requests_the_token() {
    let (server, store) = (server(SECOND / 3, 3600), MemoryStore::new());
    let sources: Vec<_> = (0..1000).map(|_| process(&server, &store)).collect();
    let began = Instant::now();
    let tokens = join_all(sources.iter().map(token)).await;
    assert!(tokens.into_iter().all(|token| token.unwrap() == "Bearer token-1"));
    assert_eq!(server.request_count(), 1);
    assert!(began.elapsed() < SECOND / 3 + SECOND / 2, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn many_processes_renew_their_token_once_in_each_life_and_no_call_waits_for_it() {
    let (server, store) = (server(SECOND / 3, 600), MemoryStore::new());
    let sources: Vec<_> = (0..50).map(|_| process(&server, &store)).collect();
    join_all(sources.iter().map(token)).await;
    for _ in 0..600 {
        advance(SECOND * 9).await;
        for source in &sources {
            let called = Instant::now();
            token(source).await.unwrap();
            assert_eq!(called.elapsed(), Duration::ZERO, "a call waited");
        }
        pass(SECOND).await;
    }
    // Each is renewed after 80 to 90 % of its life, so there are 11 to 13 in ten lives.
    assert!((11..=13).contains(&server.request_count()), "{}", server.request_count());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_shared_between_clients_secrets_or_parameters() {
    let (server, store) = (server(SECOND, 3600), MemoryStore::new());
    let read = TokenParameters::new().with_scope("read");
    let with = |id: &str, secret: &str, parameters: &TokenParameters| {
        TokenSource::builder(acme(), ClientCredentials::new(id, secret))
            .with_transport(server.clone())
            .with_clock(TokioClock::new())
            .with_parameters(parameters.clone())
            .with_store(store.clone())
            .build()
            .unwrap()
    };
    let none = TokenParameters::new();
    for _ in 0..2 {
        let asked = [("a", "s", &none), ("b", "s", &none), ("a", "t", &none), ("a", "s", &read), ("as", "", &none)];
        for (number, (id, secret, parameters)) in asked.into_iter().enumerate() {
            let token = token(&with(id, secret, parameters)).await;
            match secret {
                "" => assert_eq!(token.unwrap_err().kind(), ErrorKind::Configuration),
                _ => assert_eq!(token.unwrap(), format!("Bearer token-{}", number + 1)),
            }
        }
    }
    assert_eq!(server.request_count(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_restored_token_expires_when_the_original_does_and_is_as_it_was() {
    let answer = r#"{"access_token":"t","token_type":"bearer","expires_in":600,"scope":"a b","property":{"id":7}}"#;
    let server = TestServer::new(move |_, _| Answer::http(200, answer));
    let store = MemoryStore::new();
    let original = process(&server, &store).token().await.unwrap();
    advance(SECOND * 100).await;
    let clock = TokioClock::new();
    let later = on_clock(&server, clock).with_store(store.clone()).build().unwrap();
    let restored = later.token().await.unwrap();
    assert_eq!(server.request_count(), 1);
    assert_eq!(restored.secret().expose_secret(), original.secret().expose_secret());
    assert_eq!((restored.token_type(), restored.scopes()), (original.token_type(), original.scopes()));
    assert_eq!(restored.extras(), original.extras());
    assert_eq!(restored.lifetime_source(), original.lifetime_source());
    assert_eq!(restored.expires_at().duration_since(clock.now()).unwrap(), SECOND * 500);
    assert_eq!(later.status().lifetime_left, Some(SECOND * 500));
    // From 30 seconds before its end, it is handed out no more.
    advance(SECOND * 469).await;
    assert!(later.cached().is_some());
    advance(SECOND).await;
    assert!(later.cached().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_token_that_the_api_rejected_is_taken_from_the_store_no_more() {
    let (server, store) = (server(SECOND / 10, 3600), MemoryStore::new());
    let sources: Vec<_> = (0..20).map(|_| process(&server, &store)).collect();
    let before = join_all(sources.iter().map(TokenSource::token)).await;
    for (source, token) in sources.iter().zip(&before) {
        source.invalidate(token.as_ref().unwrap());
    }
    let after = join_all(sources.iter().map(token)).await;
    assert!(after.into_iter().all(|token| token.unwrap() == "Bearer token-2"));
    assert_eq!(server.request_count(), 2, "one for all of them");
    // A late complaint about the first does not touch the second.
    sources[0].invalidate(before[1].as_ref().unwrap());
    assert_eq!(token(&process(&server, &store)).await.unwrap(), "Bearer token-2");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_costs_no_call_and_is_left_alone_for_a_while() {
    let (server, store) = (server(SECOND / 10, 3600), Faulty::default());
    store.fails.store(true, Ordering::Relaxed);
    let began = Instant::now();
    let source = process(&server, &store);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-1");
    assert_eq!(began.elapsed(), SECOND / 10, "nobody waits for it");
    assert_eq!(store.calls(), 1, "not again within a second");
    advance(SECOND * 2).await;
    source.invalidate(&source.token().await.unwrap());
    store.fails.store(false, Ordering::Relaxed);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
    assert!(store.calls() > 0, "it is asked again");
    assert_eq!(token(&process(&server, &store)).await.unwrap(), "Bearer token-2", "and the token shared");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_costs_one_caller_half_a_second_and_the_next_nothing() {
    let (server, store) = (server(SECOND / 10, 3600), Faulty::default());
    store.hangs.store(true, Ordering::Relaxed);
    let source = process(&server, &store);
    for waits in [SECOND / 2 + SECOND / 10, SECOND / 10] {
        let began = Instant::now();
        let token = source.token().await.unwrap();
        assert_eq!(began.elapsed(), waits);
        source.invalidate(&token);
    }
    assert_eq!(server.request_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_down_a_renewal_looks_again_later_and_then_goes_alone() {
    let (server, store) = (server(SECOND / 10, 1000), Faulty::default());
    let source = process(&server, &store);
    token(&source).await.unwrap();
    store.fails.store(true, Ordering::Relaxed);
    advance(SECOND * 900).await;
    let mut renewed_at = None;
    for second in 900..970 {
        let called = Instant::now();
        let token = token(&source).await.unwrap();
        assert_eq!(called.elapsed(), Duration::ZERO, "no call waits");
        if token == "Bearer token-2" {
            renewed_at.get_or_insert(second);
        }
        advance(SECOND).await;
        settle().await;
    }
    assert_eq!(server.request_count(), 2);
    // From 70 seconds before it expires, a quarter to 58 % of these later.
    let renewed_at = renewed_at.unwrap();
    assert!((917..=943).contains(&renewed_at), "{renewed_at}");
    assert!(store.calls() < 12, "it is left alone meanwhile");
}

/// Returns a process whose token is due for renewal while the store is down.
async fn with_postponed_renewal(server: &TestServer, store: &Faulty) -> TokenSource {
    let source = process(server, store);
    token(&source).await.unwrap();
    store.fails.store(true, Ordering::Relaxed);
    advance(SECOND * 900).await;
    token(&source).await.unwrap();
    source
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_was_postponed_needs_no_further_call() {
    let (server, store) = (server(SECOND / 10, 1000), Faulty::default());
    let source = with_postponed_renewal(&server, &store).await;
    pass(SECOND * 60).await;
    assert_eq!(server.request_count(), 2);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_with_the_right_to_request_holds_the_others_up_for_three_seconds() {
    let store = MemoryStore::new();
    let silent = TestServer::new_async(|_, _| std::future::pending::<Answer>());
    let dying = process(&silent, &store);
    let call = tokio::spawn(async move { dying.token().await });
    settle().await;
    assert_eq!(silent.request_count(), 1);
    call.abort();
    let server = server(SECOND / 10, 3600);
    let began = Instant::now();
    let sources: Vec<_> = (0..10).map(|_| process(&server, &store)).collect();
    join_all(sources.iter().map(token)).await;
    assert_eq!(server.request_count(), 1);
    assert!((SECOND * 3..SECOND * 4).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_gives_the_right_back_at_once() {
    let store = MemoryStore::new();
    let refusing = TestServer::new(|_, _| Answer::http(503, ""));
    assert_eq!(process(&refusing, &store).token().await.unwrap_err().kind(), ErrorKind::Unavailable);
    let (server, began) = (server(SECOND / 10, 3600), Instant::now());
    token(&process(&server, &store)).await.unwrap();
    assert_eq!(began.elapsed(), SECOND / 10);
}

#[tokio::test(start_paused = true)]
async fn a_right_that_somebody_holds_for_ever_holds_nobody_up_for_ever() {
    let (server, store) = (server(SECOND / 10, 3600), MemoryStore::new());
    token(&process(&server, &store)).await.unwrap();
    let key = token_keys(&store).remove(0);
    store.clear();
    let claimant = Claimant::from_bytes([7; 16]);
    store.claim(&key, None, claimant, SECOND * 3600).await.unwrap();
    let began = Instant::now();
    assert_eq!(token(&process(&server, &store)).await.unwrap(), "Bearer token-2");
    assert!((SECOND * 6..SECOND * 7).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!(token(&process(&server, &store)).await.unwrap(), "Bearer token-2", "it is in the store all the same");
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_damaged_is_replaced_and_one_of_others_is_left_alone() {
    let (server, store) = (server(SECOND / 10, 3600), MemoryStore::new());
    token(&process(&server, &store)).await.unwrap();
    let key = token_keys(&store).remove(0);
    let original = store.read(&key).await.unwrap().unwrap();

    let mut damaged = original.clone();
    *damaged.value.last_mut().unwrap() ^= 1;
    assert!(store.write(&key, Some(original.version), &damaged).await.unwrap());
    assert_eq!(token(&process(&server, &store)).await.unwrap(), "Bearer token-2");
    assert_eq!(token(&process(&server, &store)).await.unwrap(), "Bearer token-2", "it was replaced");

    let replaced = store.read(&key).await.unwrap().unwrap();
    let mut foreign = replaced.clone();
    foreign.value[4] ^= 1;
    assert!(store.write(&key, Some(replaced.version), &foreign).await.unwrap());
    for request in [3, 4] {
        assert_eq!(token(&process(&server, &store)).await.unwrap(), format!("Bearer token-{request}"));
    }
    assert_eq!(store.read(&key).await.unwrap().unwrap().value, foreign.value);
}

#[tokio::test(start_paused = true)]
async fn a_record_from_the_past_that_somebody_put_back_is_not_used() {
    let (server, store) = (server(SECOND / 10, 600), MemoryStore::new());
    token(&process(&server, &store)).await.unwrap();
    let key = token_keys(&store).remove(0);
    let old = store.read(&key).await.unwrap().unwrap();
    let clock = TokioClock::new();
    advance(SECOND * (600 + 6 * 60)).await;
    store.write(&key, None, &old).await.unwrap();
    let source = on_clock(&server, clock).with_store(store.clone()).build().unwrap();
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_needs_a_longer_life_does_not_take_a_short_one_from_the_store() {
    let (server, store) = (server(SECOND / 10, 3600), MemoryStore::new());
    token(&process(&server, &store)).await.unwrap();
    advance(SECOND * 1800).await;
    let long = TokenOptions::new().with_minimum_lifetime(SECOND * 3000);
    let source = process(&server, &store);
    assert_eq!(source.token_with(long).await.unwrap().header_value(), "Bearer token-2");
    assert_eq!(token(&process(&server, &store)).await.unwrap(), "Bearer token-2", "and it is shared");
    let longer = TokenOptions::new().with_minimum_lifetime(SECOND * 4000);
    let error = process(&server, &store).token_with(longer).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
}

#[tokio::test(start_paused = true)]
async fn neither_the_secret_nor_the_token_is_in_the_store_or_in_a_name() {
    let (server, store) = (server(SECOND / 10, 3600), MemoryStore::new());
    token(&process(&server, &store)).await.unwrap();
    for key in store.keys() {
        let record = store.read(&key).await.unwrap().unwrap();
        let shown = format!("{store:?} {record:?} {}", key.as_str());
        for secret in ["a-client-secret", "token-1", "auth.example.com"] {
            assert!(!shown.contains(secret), "{secret}");
            assert!(!record.value.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
        }
    }
}

#[derive(Debug)]
struct Nameless;

impl CredentialsGrant for Nameless {
    fn name(&self) -> &'static str {
        "nameless"
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        acme().token_request(context)
    }
}

#[tokio::test]
async fn a_provider_that_cannot_be_told_from_others_gets_no_store() {
    let builder = TokenSource::builder(Nameless, ClientCredentials::new("id", "secret"));
    let builder = builder.with_transport(server(SECOND, 3600));
    let error = builder.with_store(MemoryStore::new()).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("implement `CredentialsGrant::identify`"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_waits_for_its_time_ends_with_its_source() {
    let (server, store) = (server(SECOND / 10, 1000), Faulty::default());
    let source = with_postponed_renewal(&server, &store).await;
    settle().await;
    let tasks = || Handle::current().metrics().num_alive_tasks();
    assert_eq!(tasks(), 1, "it looks again later");
    drop(source);
    settle().await;
    assert_eq!(tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_cached_read_asks_no_store() {
    let (server, store) = (server(SECOND / 10, 3600), Faulty::default());
    let source = process(&server, &store);
    token(&source).await.unwrap();
    store.calls();
    for _ in 0..100 {
        token(&source).await.unwrap();
        assert!(source.cached().is_some());
    }
    assert_eq!(store.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_token_is_taken_out_of_the_store_and_a_shared_one_is_not_revoked_at_the_end() {
    let store = MemoryStore::new();
    let server = TestServer::new(|request, _| {
        if request.body().starts_with(b"token=") { Answer::http(200, "") } else { Answer::Token(3600) }
    });
    let source = || {
        TokenSource::builder(Managed, ClientCredentials::new("id", "secret"))
            .with_transport(server.clone())
            .with_clock(TokioClock::new())
            .with_store(store.clone())
            .build()
            .unwrap()
    };
    let first = source();
    let token = first.token().await.unwrap();
    first.revoke_current().await.unwrap();
    assert_eq!(server.take_request_lines().len(), 1, "other processes use it");
    first.revoke(token.secret()).await.unwrap();
    assert_eq!(server.request_count(), 2);
    assert_ne!(source().token().await.unwrap().secret().expose_secret(), token.secret().expose_secret());
}

#[tokio::test(start_paused = true)]
async fn where_a_second_request_is_costly_the_right_lasts_for_the_whole_timeout() {
    let policies = [
        Policy::new(),
        Policy::new().with_single_token(),
        Policy::new().with_billed_tokens(),
        Policy::new().with_limit(IssuanceLimit::new(5, SECOND * 3600)),
    ];
    for (requests, policy) in [2, 1, 1, 1].into_iter().zip(policies) {
        let (server, store) = (server(SECOND * 10, 3600), MemoryStore::new());
        let acme = Acme::new().with_policy(policy);
        let source = || {
            TokenSource::builder(acme.clone(), ClientCredentials::new("id", "secret"))
                .with_transport(server.clone())
                .with_clock(TokioClock::new())
                .with_store(store.clone())
                .build()
                .unwrap()
        };
        let (one, other) = (source(), source());
        let (one, other) = tokio::join!(one.token(), other.token());
        assert!(one.is_ok() && other.is_ok());
        assert_eq!(server.request_count(), requests);
    }
}
