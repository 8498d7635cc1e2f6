//! A store never costs a call what it would have had without one.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use credentials_grant::{ClientCredentials, IssuanceLimit, Policy};
use credentials_grant_client::{
    Claim, Claimant, Clock, Keyring, MemoryStore, Record, StoreError, StoreKey, TokenOptions, TokenSource, TokenStore,
    Version,
};
use credentials_grant_test_kit::{Acme, Answer, TestServer, TokioClock, pass, settle};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::time::{Instant, advance};

use crate::acme::{SECOND, on_clock, token};
use crate::faulty_store::Faulty;
use crate::operations::Managed;
use crate::store::{builder, process, server};

/// A vendor whose tokens are billed, so that one process requests a token at a time.
fn billed(server: &TestServer, store: &MemoryStore) -> TokenSource {
    TokenSource::builder(Acme::new().with_policy(Policy::new().with_billed_tokens()), ClientCredentials::new("id", "s"))
        .with_transport(server.clone())
        .with_clock(TokioClock::new())
        .with_store(store.clone())
        .build()
        .unwrap()
}

/// Returns the key of the only token in a store.
fn token_key(store: &MemoryStore) -> StoreKey {
    let mut keys = store.keys();
    keys.retain(|key| key.as_str().starts_with("token-"));
    assert_eq!(keys.len(), 1);
    keys.remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_is_stopped_leaves_the_others_time_for_a_request_of_their_own() {
    let (server, store) = (server(SECOND / 10, 3600), MemoryStore::new());
    token(&billed(&server, &store)).await.unwrap();
    let key = token_key(&store);
    store.clear();
    store.claim(&key, None, Claimant::from_bytes([7; 16]), SECOND * 3600).await.unwrap();
    assert_eq!(token(&billed(&server, &store)).await.unwrap(), "Bearer token-2");
    store.clear();
    // And where the timeout is shorter than two windows.
    let (server, store) = (crate::store::server(SECOND / 10, 3600), MemoryStore::new());
    token(&process(&server, &store)).await.unwrap();
    let key = token_key(&store);
    store.clear();
    store.claim(&key, None, Claimant::from_bytes([7; 16]), SECOND * 3600).await.unwrap();
    let hasty = builder(&server, &store).with_timeout(SECOND * 5).build().unwrap();
    assert_eq!(token(&hasty).await.unwrap(), "Bearer token-2");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_leaves_time_for_the_request_whatever_the_timeout() {
    for timeout in [SECOND / 2, SECOND * 5, SECOND * 10] {
        let (server, store) = (server(SECOND / 10, 1000), Faulty::default());
        let source = builder(&server, &store).with_timeout(timeout).build().unwrap();
        store.hangs.store(true, Ordering::Relaxed);
        assert_eq!(token(&source).await.unwrap(), "Bearer token-1", "{timeout:?}");
        advance(SECOND * 900).await;
        for second in 900..970 {
            let called = Instant::now();
            token(&source).await.unwrap();
            assert_eq!(called.elapsed(), Duration::ZERO, "{timeout:?}: a call waited at {second} s");
            pass(SECOND).await;
        }
        assert_eq!(server.request_count(), 2, "{timeout:?}: renewed in time");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_lives_for_seconds_is_renewed_in_time_whatever_the_store_does() {
    for (life, fails, hangs) in [(10, true, false), (10, false, true), (60, true, false), (60, false, true)] {
        let (server, store) = (server(SECOND * 3 / 10, life), Faulty::default());
        let sources: Vec<_> = (0..50).map(|_| process(&server, &store)).collect();
        join_all(sources.iter().map(token)).await;
        store.fails.store(fails, Ordering::Relaxed);
        store.hangs.store(hangs, Ordering::Relaxed);
        for tick in 0..life * 20 * 2 {
            for source in &sources {
                let answer = token(source).now_or_never();
                assert!(
                    answer.is_some(),
                    "a life of {life} s, and a store that fails: {fails}: a call waited at {tick}"
                );
            }
            pass(SECOND / 20).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_many_whose_renewal_was_postponed_one_requests_the_token_once_the_store_is_back() {
    let (server, store) = (server(SECOND / 2, 60), Faulty::default());
    let sources: Vec<_> = (0..50).map(|_| process(&server, &store)).collect();
    join_all(sources.iter().map(token)).await;
    advance(SECOND * 54).await;
    store.fails.store(true, Ordering::Relaxed);
    join_all(sources.iter().map(token)).await;
    settle().await;
    store.fails.store(false, Ordering::Relaxed);
    pass(SECOND * 2).await;
    assert_eq!(server.request_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_joins_a_postponed_renewal_gets_the_life_that_it_needs() {
    let (server, store) = (server(SECOND / 10, 1000), Faulty::default());
    let source = process(&server, &store);
    token(&source).await.unwrap();
    advance(SECOND * 900).await;
    store.hangs.store(true, Ordering::Relaxed);
    // Starts the renewal, which waits for the store.
    token(&source).await.unwrap();
    settle().await;
    let long = TokenOptions::new().with_minimum_lifetime(SECOND * 500);
    let token = source.token_with(long).await.unwrap();
    assert_eq!(token.header_value(), "Bearer token-2");
}

#[tokio::test(start_paused = true)]
async fn a_program_that_stops_does_not_renew_what_was_postponed() {
    let (server, store) = (server(SECOND / 10, 1000), Faulty::default());
    let source = process(&server, &store);
    token(&source).await.unwrap();
    advance(SECOND * 900).await;
    store.fails.store(true, Ordering::Relaxed);
    token(&source).await.unwrap();
    settle().await;
    source.revoke_current().await.unwrap();
    pass(SECOND * 60).await;
    assert_eq!(server.request_count(), 1);
}

/// A clock that lags behind, as coarse clocks do.
#[derive(Debug)]
struct Coarse(TokioClock);

impl Clock for Coarse {
    fn now(&self) -> SystemTime {
        let exact = self.0.now();
        let since = exact.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        SystemTime::UNIX_EPOCH + SECOND * u32::try_from(since / 4 * 4).unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.monotonic().as_secs() / 4 * 4)
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_was_postponed_comes_although_the_clock_lags_behind_the_timer() {
    let (server, store) = (server(SECOND / 10, 1000), Faulty::default());
    let source = on_clock(&server, Coarse(TokioClock::new())).with_store(store.clone()).build().unwrap();
    token(&source).await.unwrap();
    advance(SECOND * 900).await;
    store.fails.store(true, Ordering::Relaxed);
    token(&source).await.unwrap();
    pass(SECOND * 60).await;
    assert_eq!(server.request_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_claim_is_given_back_although_the_record_could_not_be_written() {
    let (server, full) = (server(SECOND / 10, 3600), Full::default());
    token(&process(&server, &full)).await.unwrap();
    let began = Instant::now();
    assert_eq!(token(&process(&server, &full)).await.unwrap(), "Bearer token-2");
    assert!(began.elapsed() < SECOND / 2, "{:?}", began.elapsed());
}

/// A store that is full: it grants claims, and stores no record.
#[derive(Clone, Debug, Default)]
struct Full(MemoryStore);

#[async_trait]
impl TokenStore for Full {
    fn keyring(&self) -> Option<&Keyring> {
        None
    }

    async fn read(&self, key: &StoreKey) -> Result<Option<Record>, StoreError> {
        self.0.read(key).await
    }

    async fn claim(
        &self,
        key: &StoreKey,
        seen: Option<Version>,
        claimant: Claimant,
        window: Duration,
    ) -> Result<Claim, StoreError> {
        self.0.claim(key, seen, claimant, window).await
    }

    async fn write(&self, _: &StoreKey, _: Option<Version>, _: &Record) -> Result<bool, StoreError> {
        Err("no space left on device".into())
    }

    async fn release(&self, key: &StoreKey, claimant: Claimant) -> Result<(), StoreError> {
        self.0.release(key, claimant).await
    }

    async fn remove(&self, key: &StoreKey, version: Version) -> Result<bool, StoreError> {
        self.0.remove(key, version).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_frees_soon_is_waited_for_as_without_a_store() {
    let (server, store) = (server(SECOND / 10, 60), MemoryStore::new());
    let limit = IssuanceLimit::new(1, SECOND * 3600);
    let run = || builder(&server, &store).with_limit(limit).build().unwrap();
    token(&run()).await.unwrap();
    advance(SECOND * 3590).await;
    assert_eq!(token(&run()).await.unwrap(), "Bearer token-2");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_one_limit_prevents_counts_under_no_other() {
    let (server, store) = (server(SECOND / 10, 60), MemoryStore::new());
    let hourly = IssuanceLimit::new(3, SECOND * 3600);
    let daily = IssuanceLimit::new(1, SECOND * 7200);
    let run = || builder(&server, &store).with_limit(hourly).with_limit(daily).build().unwrap();
    token(&run()).await.unwrap();
    advance(SECOND * 7000).await;
    for _ in 0..5 {
        token(&run()).await.unwrap_err();
    }
    advance(SECOND * 200).await;
    assert_eq!(token(&run()).await.unwrap(), "Bearer token-2");
}

#[tokio::test(start_paused = true)]
async fn a_damaged_record_of_a_limit_or_a_refusal_is_replaced() {
    let (server, store) = (server(SECOND / 10, 60), MemoryStore::new());
    let limit = IssuanceLimit::new(2, SECOND * 3600);
    let run = || builder(&server, &store).with_limit(limit).build().unwrap();
    token(&run()).await.unwrap();
    for key in store.keys().into_iter().filter(|key| key.as_str().starts_with("limit-")) {
        let record = store.read(&key).await.unwrap().unwrap();
        let mut damaged = record.clone();
        *damaged.value.last_mut().unwrap() ^= 1;
        assert!(store.write(&key, Some(record.version), &damaged).await.unwrap());
    }
    let mut issued = 0;
    for _ in 0..5 {
        advance(SECOND * 60).await;
        issued += usize::from(token(&run()).await.is_ok());
    }
    assert_eq!(issued, 2, "counted anew");
}

#[tokio::test(start_paused = true)]
async fn a_record_that_claims_to_live_longer_than_its_token_makes_that_live_no_longer() {
    let (server, store, clock) = (server(SECOND / 10, 3600), MemoryStore::new(), TokioClock::new());
    let source = || on_clock(&server, clock).with_store(store.clone()).build().unwrap();
    token(&source()).await.unwrap();
    let key = token_key(&store);
    let mut record = store.read(&key).await.unwrap().unwrap();
    advance(SECOND * 3500).await;
    record.lifetime = SECOND * 1_000_000;
    store.write(&key, Some(record.version), &record).await.unwrap();
    let source = source();
    source.token().await.unwrap();
    let left = source.status().lifetime_left.unwrap();
    assert!(left <= SECOND * (100 + 5 * 60), "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn a_life_that_the_vendor_does_not_give_is_not_requested_again_by_each_run() {
    let (server, store) = (server(SECOND / 10, 3600), MemoryStore::new());
    for _ in 0..5 {
        let long = TokenOptions::new().with_minimum_lifetime(SECOND * 4000);
        let error = process(&server, &store).token_with(long).await.unwrap_err();
        assert!(error.to_string().contains("the minimum lifetime is 4000 s"), "{error}");
    }
    assert_eq!(server.request_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_not_shared_is_revoked_at_the_end() {
    let server = TestServer::new(|request, _| {
        if request.body().starts_with(b"token=") { Answer::http(200, "") } else { Answer::Token(3600) }
    });
    let line = |kind: &str, byte: u8| format!("{kind} {}\n", BASE64_STANDARD.encode([byte; 32]));
    let store = MemoryStore::new();
    let source = |sealing: u8| {
        let keyring = Keyring::parse(&(line("name", 0) + &line("seal", sealing)).into()).unwrap();
        TokenSource::builder(Managed, ClientCredentials::new("id", "secret"))
            .with_transport(server.clone())
            .with_clock(TokioClock::new())
            .with_store(store.clone().with_keyring(keyring))
            .build()
            .unwrap()
    };
    let shared = source(1);
    shared.token().await.unwrap();
    // The record of the other key is left alone, so its token is not shared.
    let other = source(2);
    other.token().await.unwrap();
    assert_eq!(server.request_count(), 2);
    shared.revoke_current().await.unwrap();
    assert_eq!(server.request_count(), 2);
    other.revoke_current().await.unwrap();
    assert_eq!(server.request_count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_not_lost_because_the_store_hangs_at_the_end_of_the_timeout() {
    let (server, store) = (server(SECOND * 99 / 20, 3600), Faulty::default());
    let hangs = Arc::clone(&store.hangs);
    let source = builder(&server, &store).with_timeout(SECOND * 5).build().unwrap();
    let call = tokio::spawn(async move { token(&source).await });
    settle().await;
    hangs.store(true, Ordering::Relaxed);
    assert_eq!(call.await.unwrap().unwrap(), "Bearer token-1");
}

#[tokio::test(start_paused = true)]
async fn a_rejected_token_is_not_taken_again_after_its_successor_was_not_written() {
    let (server, store) = (server(SECOND / 10, 3600), Faulty::default());
    let source = process(&server, &store);
    let first = source.token().await.unwrap();
    source.invalidate(&first);
    store.fails.store(true, Ordering::Relaxed);
    let second = source.token().await.unwrap();
    assert_eq!(second.header_value(), "Bearer token-2");
    store.fails.store(false, Ordering::Relaxed);
    advance(SECOND * 5).await;
    source.invalidate(&second);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-3");
}
