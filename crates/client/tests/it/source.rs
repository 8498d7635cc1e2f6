//! A token's way from one request to any number of callers.

use std::error::Error as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use credentials_grant::{
    Ask, Attempt, ClientCredentials, CredentialsGrant, CredentialsSource, Error, ErrorKind, Retry, TokenRequest,
};
use credentials_grant_client::{Clock, ManualClock, TokenSource};
use futures_util::future::join_all;
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

use crate::acme::{Acme, Act, Script, builder, clock, endpoint, source, token};

const SECOND: Duration = Duration::from_secs(1);

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A runtime on which a token was asked for, and which then nobody drives any more.
fn in_flight_on_its_own_runtime(source: &TokenSource) -> Runtime {
    let runtime = runtime();
    let source = source.clone();
    runtime.spawn(async move { source.token().await });
    runtime.block_on(settle());
    runtime
}

/// Lets every other task run until it waits.
async fn settle() {
    for _ in 0..100 {
        yield_now().await;
    }
}

#[tokio::test]
async fn a_source_that_nobody_asks_buys_no_token() {
    let script = Script::new([]);
    let source = source(&script, &clock());
    settle().await;
    assert!(source.cached().is_none());
    assert_eq!(script.requests(), 0);
}

#[tokio::test]
async fn a_token_is_served_from_memory_until_shortly_before_it_expires() {
    // The margin is 30 seconds, or a twentieth of a short life.
    for (life, margin) in [(3600, SECOND * 30), (600, SECOND * 30), (100, SECOND * 5), (2, SECOND / 10)] {
        let (script, clock) = (Script::new([Act::Issue(life), Act::Issue(life)]), clock());
        let source = source(&script, &clock);
        assert_eq!(token(&source).await.unwrap(), "Bearer token-1");
        let tick = Duration::from_nanos(1);
        clock.advance(Duration::from_secs(life).saturating_sub(margin + tick));
        assert_eq!(source.cached().unwrap().authorization(), "Bearer token-1", "{life}");
        clock.advance(tick);
        assert!(source.cached().is_none(), "{life}");
        assert_eq!(token(&source).await.unwrap(), "Bearer token-2", "{life}");
        assert_eq!(script.requests(), 2);
    }
}

#[tokio::test]
async fn clones_share_their_token() {
    let script = Script::new([Act::Issue(3600)]);
    let source = source(&script, &clock());
    let clone = source.clone();
    token(&source).await.unwrap();
    assert_eq!(token(&clone).await.unwrap(), "Bearer token-1");
    assert_eq!(script.requests(), 1);
}

#[tokio::test]
async fn all_who_wait_share_one_token() {
    let script = Script::gated([Act::Issue(3600)]);
    let source = source(&script, &clock());
    let waiting = join_all((0..1000).map(|_| token(&source)));
    let opening = async {
        settle().await;
        script.open(1);
    };
    let (tokens, ()) = tokio::join!(waiting, opening);
    assert!(tokens.into_iter().all(|token| token.unwrap() == "Bearer token-1"));
    assert_eq!(script.requests(), 1);
}

#[tokio::test]
async fn all_who_wait_share_one_failure_and_nobody_queues_up_to_fail_again() {
    for (status, kind) in [(503, ErrorKind::Unavailable), (401, ErrorKind::CredentialsRefused)] {
        let script = Script::gated([Act::Answer(status, "")]);
        let source = source(&script, &clock());
        let opening = async {
            settle().await;
            script.open(1);
        };
        let (outcomes, ()) = tokio::join!(join_all((0..64).map(|_| token(&source))), opening);
        assert!(outcomes.into_iter().all(|outcome| outcome.unwrap_err().kind() == kind));
        assert_eq!(script.requests(), 1);
    }
}

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
async fn a_caller_who_goes_away_does_not_take_the_request_along() {
    let script = Script::gated([Act::Issue(3600)]);
    let source = source(&script, &clock());
    let caller = tokio::spawn({
        let source = source.clone();
        async move { source.token().await }
    });
    settle().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    script.open(1);
    settle().await;
    assert_eq!(source.cached().expect("the token has landed").authorization(), "Bearer token-1");
    assert_eq!(script.requests(), 1);
}

#[tokio::test]
async fn a_panic_fails_its_flight_and_nothing_else() {
    let script = Script::new([Act::Panic, Act::Issue(3600)]);
    let source = source(&script, &clock());
    let error = token(&source).await.unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
    assert!(error.source().is_none(), "a panic's own words are not repeated");
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
}

#[test]
fn a_runtime_that_is_dropped_in_flight_leaves_the_source_usable() {
    let script = Script::gated([Act::Issue(3600)]);
    let source = source(&script, &clock());
    let first = in_flight_on_its_own_runtime(&source);
    assert_eq!(script.requests(), 1);
    drop(first);
    script.open(1);
    assert_eq!(runtime().block_on(token(&source)).unwrap(), "Bearer token-2");
}

/// A runtime that is shutting down drops a task as it is spawned, while its caller still runs.
#[test]
fn asking_on_a_runtime_that_is_shutting_down_neither_hangs_nor_locks_others_out() {
    let script = Script::new([Act::Issue(3600)]);
    let source = source(&script, &clock());
    let dying = runtime();
    let handle = dying.handle().clone();
    dying.shutdown_background();
    let outcome = handle.block_on(async { token(&source).await });
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(runtime().block_on(token(&source)).unwrap(), "Bearer token-1");
}

#[test]
fn who_waits_for_a_flight_whose_runtime_goes_away_starts_one_of_his_own() {
    let script = Script::gated([Act::Issue(3600)]);
    let source = source(&script, &clock());
    let first = in_flight_on_its_own_runtime(&source);
    let second = runtime();
    let waiting = second.spawn({
        let source = source.clone();
        async move { token(&source).await }
    });
    second.block_on(settle());
    assert_eq!(script.requests(), 1, "it waits for the first one's flight");
    drop(first);
    script.open(1);
    assert_eq!(second.block_on(waiting).unwrap().unwrap(), "Bearer token-2");
}

#[test]
fn a_flight_that_nobody_drives_holds_nobody_up_for_ever() {
    let script = Script::gated([Act::Issue(3600)]);
    let source = builder(&script, &clock()).with_timeout(SECOND).build().unwrap();
    let _idle = in_flight_on_its_own_runtime(&source);
    let busy = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let error = busy.block_on(token(&source)).unwrap_err();
    assert_eq!((error.kind(), error.provider()), (ErrorKind::Unreachable, Some("acme")));
    script.open(2);
    assert_eq!(busy.block_on(token(&source)).unwrap(), "Bearer token-2");
}

#[test]
fn a_flight_that_was_given_up_and_lands_after_all_makes_no_way_for_a_third() {
    let script = Script::gated([Act::Answer(503, ""), Act::Issue(3600)]);
    let source = builder(&script, &clock()).with_timeout(SECOND).build().unwrap();
    let idle = in_flight_on_its_own_runtime(&source);
    let busy = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    busy.block_on(token(&source)).unwrap_err();

    let second = busy.spawn({
        let source = source.clone();
        async move { token(&source).await }
    });
    busy.block_on(settle());
    script.open(1);
    idle.block_on(settle());
    let third = busy.spawn({
        let source = source.clone();
        async move { token(&source).await }
    });
    busy.block_on(settle());
    assert_eq!(script.requests(), 2, "the third caller boards the second flight");
    script.open(1);
    for caller in [second, third] {
        assert_eq!(busy.block_on(caller).unwrap().unwrap(), "Bearer token-2");
    }
}

#[tokio::test]
async fn a_wall_clock_that_is_set_back_keeps_no_token_for_ever() {
    let script = Script::new([Act::Issue(3600), Act::Issue(3600)]);
    let clock = clock();
    let source = source(&script, &clock);
    token(&source).await.unwrap();
    clock.set(clock.now() - SECOND * 3600 * 24 * 365);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-1", "it is as good as before");
    clock.advance(SECOND * 3600);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
}

#[tokio::test]
async fn a_machine_that_slept_serves_no_expired_token() {
    let script = Script::new([Act::Issue(3600), Act::Issue(3600)]);
    let clock = clock();
    let source = source(&script, &clock);
    token(&source).await.unwrap();
    clock.set(clock.now() + SECOND * 3600 * 8);
    assert!(source.cached().is_none());
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
}

#[tokio::test]
async fn a_stale_token_is_served_at_once_and_renewed_once_in_the_background() {
    let script = Script::gated([Act::Issue(3600), Act::Issue(3600)]);
    let clock = clock();
    let source = source(&script, &clock);
    script.open(1);
    token(&source).await.unwrap();
    clock.advance(SECOND * (3600 * 8 / 10 - 1));
    assert_eq!(token(&source).await.unwrap(), "Bearer token-1");
    settle().await;
    assert_eq!(script.requests(), 1, "a fresh token is not renewed");

    clock.advance(SECOND * 3600 / 10 + SECOND);
    for _ in 0..1000 {
        assert_eq!(token(&source).await.unwrap(), "Bearer token-1", "nobody waits while there is a good one");
    }
    settle().await;
    assert_eq!(script.requests(), 2, "a thousand callers start one renewal");
    script.open(1);
    settle().await;
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
}

#[tokio::test]
async fn reading_the_cache_starts_nothing() {
    let script = Script::new([Act::Issue(3600)]);
    let clock = clock();
    let source = source(&script, &clock);
    token(&source).await.unwrap();
    clock.advance(SECOND * 3600 * 9 / 10);
    assert!(source.cached().is_some());
    settle().await;
    assert_eq!(script.requests(), 1);
}

#[tokio::test]
async fn a_renewal_outlives_the_caller_that_triggered_it() {
    let script = Script::gated([Act::Issue(3600), Act::Issue(3600)]);
    let clock = clock();
    let source = source(&script, &clock);
    script.open(1);
    token(&source).await.unwrap();
    clock.advance(SECOND * 3600 * 9 / 10);
    let caller = tokio::spawn({
        let source = source.clone();
        async move { source.token().await }
    });
    caller.await.unwrap().unwrap();
    script.open(1);
    settle().await;
    assert_eq!(source.cached().unwrap().authorization(), "Bearer token-2");
}

#[tokio::test]
async fn a_renewal_that_fails_leaves_the_good_token_and_pauses() {
    let acts = [Act::Issue(3600), Act::Answer(503, ""), Act::Answer(401, ""), Act::Issue(3600)];
    let (script, clock) = (Script::new(acts), clock());
    let source = source(&script, &clock);
    token(&source).await.unwrap();
    clock.advance(SECOND * 3600 * 9 / 10);
    for (requests, pause) in [(2, 1), (3, 1)] {
        for _ in 0..100 {
            assert_eq!(token(&source).await.unwrap(), "Bearer token-1");
            settle().await;
        }
        assert_eq!(script.requests(), requests);
        clock.advance(SECOND * pause);
    }
    token(&source).await.unwrap();
    settle().await;
    assert_eq!(token(&source).await.unwrap(), "Bearer token-4");
}

#[tokio::test]
async fn a_token_that_expires_while_its_renewal_is_under_way_is_not_served_and_not_asked_for_twice() {
    let script = Script::gated([Act::Issue(3600), Act::Issue(3600)]);
    let clock = clock();
    let source = source(&script, &clock);
    script.open(1);
    token(&source).await.unwrap();
    clock.advance(SECOND * 3600 * 9 / 10);
    token(&source).await.unwrap();
    clock.advance(SECOND * 3600 / 10);
    let opening = async {
        settle().await;
        script.open(1);
    };
    let (served, ()) = tokio::join!(token(&source), opening);
    assert_eq!(served.unwrap(), "Bearer token-2");
    assert_eq!(script.requests(), 2);
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

/// Credentials that somebody rotates, and that count how often they were asked for.
#[derive(Clone, Debug, Default)]
struct Rotating {
    secret: Arc<Mutex<&'static str>>,
    asked: Arc<AtomicUsize>,
    rotated_after: Option<usize>,
}

#[async_trait]
impl CredentialsSource for Rotating {
    async fn credentials(&self) -> Result<ClientCredentials, Error> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let secret = match self.rotated_after {
            Some(asks) if asked > asks => "rotated",
            _ => *self.secret.lock().unwrap(),
        };
        Ok(ClientCredentials::new("id", secret))
    }
}

fn rotating(credentials: &Rotating, script: &Arc<Script>, clock: &ManualClock) -> TokenSource {
    let builder = TokenSource::builder(Acme::new(), credentials.clone());
    builder.with_transport(Arc::clone(script)).with_clock(clock.clone()).build().unwrap()
}

#[tokio::test]
async fn refused_credentials_are_asked_for_once_more_and_tried_if_they_changed() {
    let script = Script::new([Act::Answer(401, ""), Act::Issue(3600)]);
    let credentials = Rotating { secret: Arc::new(Mutex::new("old")), rotated_after: Some(1), ..Rotating::default() };
    let source = rotating(&credentials, &script, &clock());
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
    assert_eq!(credentials.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn refused_credentials_that_did_not_change_are_not_tried_again() {
    let script = Script::new([Act::Answer(401, "")]);
    let credentials = Rotating { secret: Arc::new(Mutex::new("wrong")), ..Rotating::default() };
    let source = rotating(&credentials, &script, &clock());
    assert_eq!(token(&source).await.unwrap_err().kind(), ErrorKind::CredentialsRefused);
    assert_eq!(script.requests(), 1);
}

#[tokio::test]
async fn a_refusal_stands_until_the_credentials_change() {
    let refusals = (0..6).map(|_| Act::Answer(401, ""));
    let script = Script::new(refusals.chain([Act::Issue(3600)]));
    let clock = clock();
    let credentials = Rotating { secret: Arc::new(Mutex::new("wrong")), ..Rotating::default() };
    let source = rotating(&credentials, &script, &clock);
    for pause in [1, 2, 4, 8, 16] {
        token(&source).await.unwrap_err();
        clock.advance(SECOND * pause);
    }
    token(&source).await.unwrap_err();
    assert_eq!(script.requests(), 6);

    let asked = credentials.asked.load(Ordering::SeqCst);
    for _ in 0..100 {
        token(&source).await.unwrap_err();
    }
    clock.advance(SECOND);
    for _ in 0..100 {
        token(&source).await.unwrap_err();
    }
    assert_eq!(credentials.asked.load(Ordering::SeqCst) - asked, 1, "they are looked at once a second");
    assert_eq!(script.requests(), 6, "and not sent");

    *credentials.secret.lock().unwrap() = "right";
    clock.advance(SECOND);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-7", "long before the pause of 32 seconds is over");
}

#[test]
fn a_provider_may_insist_on_a_secret_of_its_own() {
    #[derive(Debug)]
    struct Opera;
    impl CredentialsGrant for Opera {
        fn provider(&self) -> &'static str {
            "opera"
        }

        fn token_request(&self, attempt: &Attempt<'_>) -> Result<TokenRequest, Error> {
            let missing = || Error::new(ErrorKind::Configuration, "the secret `app-key` is missing");
            let key = attempt.credentials().secret("app-key").ok_or_else(missing)?;
            attempt.post(&endpoint()).secret_header("x-app-key", key).client_credentials().build()
        }
    }
    let credentials = ClientCredentials::new("id", "secret").with_secret("app-key", "key");
    assert!(TokenSource::builder(Opera, credentials).with_transport(Script::new([])).build().is_ok());
}

#[test]
fn outside_of_a_runtime_the_error_says_so() {
    let source = source(&Script::new([]), &clock());
    let mut asking = Box::pin(source.token());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(error)) = asking.as_mut().poll(&mut context) else {
        panic!("it waits for a runtime that is not there");
    };
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("blocking"), "{error}");
}

#[tokio::test]
async fn a_401_for_an_old_token_keeps_the_newer_one() {
    let script = Script::new([Act::Issue(3600), Act::Issue(3600)]);
    let source = source(&script, &clock());
    let old = source.token().await.unwrap();
    source.invalidate(&old);
    assert!(source.cached().is_none());
    let new = source.token().await.unwrap();
    source.invalidate(&old);
    assert!(Arc::ptr_eq(&source.cached().unwrap(), &new));
    assert_eq!(script.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_ends_in_an_error_within_the_timeout() {
    let script = Script::gated([]);
    let source = builder(&script, &clock()).with_timeout(SECOND * 7).build().unwrap();
    let error = token(&source).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains("no token within 7s"), "{error}");
}

#[tokio::test]
async fn what_makes_no_request_is_refused_when_the_source_is_built() {
    let build = |ask| builder(&Script::new([]), &clock()).with_ask(ask).build().unwrap_err();
    let error = build(Ask::new().with_audience("https://api.example.com"));
    assert_eq!((error.kind(), error.provider()), (ErrorKind::Configuration, Some("acme")));
    assert!(build(Ask::new().with_scope("two scopes")).to_string().contains("two scopes"));
    let error = builder(&Script::new([]), &clock()).with_timeout(Duration::ZERO).build().unwrap_err();
    assert!(error.to_string().contains("timeout"), "{error}");
}

#[test]
fn a_source_can_be_shared_among_threads() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<TokenSource>();
}
