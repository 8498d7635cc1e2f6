//! One request for any number of callers, whatever becomes of them and of their runtimes.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use credentials_grant::{ClientCredentials, ErrorKind};
use credentials_grant_client::{Clock, FunctionCredentials, ManualClock, TokenOptions, TokenSource};
use credentials_grant_test_kit::{Answer, TestServer, clock, gated, settle};
use futures_util::future::join_all;
use tokio::runtime::{Builder, Runtime};

use crate::acme::{SECOND, acme, builder, source, token};

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

#[tokio::test]
async fn all_who_wait_share_one_token() {
    let (server, gate) = gated([Answer::Token(3600)]);
    let source = source(&server, &clock());
    let waiting = join_all((0..1000).map(|_| token(&source)));
    let opening = async {
        settle().await;
        gate.add_permits(1);
    };
    let (tokens, ()) = tokio::join!(waiting, opening);
    assert!(tokens.into_iter().all(|token| token.unwrap() == "Bearer token-1"));
    assert_eq!(server.request_count(), 1);
}

#[tokio::test]
async fn all_who_wait_share_one_failure_and_nobody_queues_up_to_fail_again() {
    for (status, kind) in [(503, ErrorKind::Unavailable), (401, ErrorKind::CredentialsRefused)] {
        let (server, gate) = gated([Answer::http(status, "")]);
        let source = source(&server, &clock());
        let opening = async {
            settle().await;
            gate.add_permits(1);
        };
        let (outcomes, ()) = tokio::join!(join_all((0..64).map(|_| token(&source))), opening);
        assert!(outcomes.into_iter().all(|outcome| outcome.unwrap_err().kind() == kind));
        assert_eq!(server.request_count(), 1);
    }
}

#[tokio::test]
async fn a_caller_who_goes_away_does_not_take_the_request_along() {
    let (server, gate) = gated([Answer::Token(3600)]);
    let source = source(&server, &clock());
    let caller = tokio::spawn({
        let source = source.clone();
        async move { source.token().await }
    });
    settle().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    gate.add_permits(1);
    settle().await;
    assert_eq!(source.cached().expect("the token has landed").header_value(), "Bearer token-1");
    assert_eq!(server.request_count(), 1);
}

#[tokio::test]
async fn a_panic_fails_its_flight_and_nothing_else() {
    let (server, clock) = (TestServer::in_turn([Answer::Panic, Answer::Token(3600)]), clock());
    let source = source(&server, &clock);
    let error = token(&source).await.unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
    assert!(error.source().is_none(), "a panic's own words are not repeated");
    clock.advance(SECOND);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-2");
}

#[test]
fn a_runtime_that_is_dropped_in_flight_leaves_the_source_usable() {
    let (server, gate) = gated([Answer::Token(3600)]);
    let source = source(&server, &clock());
    let first = in_flight_on_its_own_runtime(&source);
    assert_eq!(server.request_count(), 1);
    drop(first);
    gate.add_permits(1);
    assert_eq!(runtime().block_on(token(&source)).unwrap(), "Bearer token-2");
}

/// A runtime that is shutting down drops a task as it is spawned, while its caller still runs.
#[test]
fn asking_on_a_runtime_that_is_shutting_down_neither_hangs_nor_locks_others_out() {
    let server = TestServer::in_turn([Answer::Token(3600)]);
    let source = source(&server, &clock());
    let dying = runtime();
    let handle = dying.handle().clone();
    dying.shutdown_background();
    let outcome = handle.block_on(async { token(&source).await });
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(runtime().block_on(token(&source)).unwrap(), "Bearer token-1");
}

#[test]
fn who_waits_for_a_flight_whose_runtime_goes_away_starts_one_of_his_own() {
    let (server, gate) = gated([Answer::Token(3600)]);
    let source = source(&server, &clock());
    let first = in_flight_on_its_own_runtime(&source);
    let second = runtime();
    let waiting = second.spawn({
        let source = source.clone();
        async move { token(&source).await }
    });
    second.block_on(settle());
    assert_eq!(server.request_count(), 1, "it waits for the first one's flight");
    drop(first);
    gate.add_permits(1);
    assert_eq!(second.block_on(waiting).unwrap().unwrap(), "Bearer token-2");
}

#[test]
fn a_flight_that_nobody_drives_holds_nobody_up_for_ever() {
    let (server, gate) = gated([Answer::Token(3600)]);
    let source = builder(&server, &clock()).with_timeout(SECOND).build().unwrap();
    let _idle = in_flight_on_its_own_runtime(&source);
    let busy = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let error = busy.block_on(token(&source)).unwrap_err();
    assert_eq!((error.kind(), error.provider()), (ErrorKind::Unreachable, Some("acme")));
    gate.add_permits(2);
    assert_eq!(busy.block_on(token(&source)).unwrap(), "Bearer token-2");
}

#[test]
fn a_flight_that_was_given_up_and_lands_after_all_makes_no_way_for_a_third() {
    let (server, gate) = gated([Answer::http(503, ""), Answer::Token(3600)]);
    let source = builder(&server, &clock()).with_timeout(SECOND).build().unwrap();
    let idle = in_flight_on_its_own_runtime(&source);
    let busy = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    busy.block_on(token(&source)).unwrap_err();

    let second = busy.spawn({
        let source = source.clone();
        async move { token(&source).await }
    });
    busy.block_on(settle());
    gate.add_permits(1);
    idle.block_on(settle());
    let third = busy.spawn({
        let source = source.clone();
        async move { token(&source).await }
    });
    busy.block_on(settle());
    assert_eq!(server.request_count(), 2, "the third caller boards the second flight");
    gate.add_permits(1);
    for caller in [second, third] {
        assert_eq!(busy.block_on(caller).unwrap().unwrap(), "Bearer token-2");
    }
}

#[test]
fn a_flight_that_finishes_after_a_newer_one_leaves_the_newer_token_in_place() {
    let ((server, gate), clock) = (gated([Answer::Token(3600), Answer::Token(3600)]), clock());
    let source = builder(&server, &clock).with_timeout(SECOND * 300).build().unwrap();
    let idle = in_flight_on_its_own_runtime(&source);
    let busy = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    busy.block_on(token(&source)).expect_err("nobody drives the first flight");

    clock.advance(SECOND);
    gate.add_permits(2);
    assert_eq!(busy.block_on(token(&source)).unwrap(), "Bearer token-2");
    idle.block_on(settle());
    assert_eq!(source.cached().unwrap().header_value(), "Bearer token-2", "token-1 was requested earlier");
    assert_eq!(server.request_count(), 2);
}

/// A clock that is an hour ahead once, when told to.
#[derive(Clone, Debug)]
struct AheadOnce(ManualClock, Arc<AtomicBool>);

impl Clock for AheadOnce {
    fn now(&self) -> SystemTime {
        let ahead = if self.1.swap(false, Ordering::SeqCst) { SECOND * 3600 } else { Duration::ZERO };
        self.0.now() + ahead
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }
}

#[tokio::test]
async fn who_comes_for_a_token_as_it_lands_gets_it_and_sends_nothing() {
    for age in [0, 3600 * 9 / 10] {
        comes_as_it_lands(SECOND * age).await;
    }
}

async fn comes_as_it_lands(age: Duration) {
    let server = TestServer::in_turn([Answer::Token(3600)]);
    let clock = AheadOnce(clock(), Arc::default());
    let builder = TokenSource::builder(acme(), ClientCredentials::new("id", "secret"));
    let source = builder.with_transport(server.clone()).with_clock(clock.clone()).build().unwrap();
    token(&source).await.unwrap();
    clock.0.advance(age);
    // It looks as if there were none, and then there is.
    clock.1.store(true, Ordering::SeqCst);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-1");
    assert_eq!(server.request_count(), 1);
}

#[test]
fn outside_of_a_runtime_the_error_says_so() {
    let source = source(&TestServer::unused(), &clock());
    let mut asking = Box::pin(source.token());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(error)) = asking.as_mut().poll(&mut context) else {
        panic!("it waits for a runtime that is not there");
    };
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("blocking"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_ends_in_an_error_within_the_timeout() {
    let server = TestServer::new_async(|_, _| std::future::pending::<Answer>());
    let source = builder(&server, &clock()).with_timeout(SECOND * 7).build().unwrap();
    let error = token(&source).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains("no answer within 7 s"), "{error}");
}

#[test]
fn credentials_that_block_their_thread_keep_nobody_waiting_for_ever() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let blocking = FunctionCredentials::new("a vault that hangs", move || {
        let _ = released.lock().unwrap().recv();
        async { Ok(ClientCredentials::new("id", "secret")) }
    });
    let source = TokenSource::builder(acme(), blocking).with_transport(TestServer::unused());
    let source = source.with_timeout(SECOND / 10).build().unwrap();
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let error = runtime.block_on(source.token()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    drop(release);
}

#[test]
fn a_flight_that_nobody_drives_does_not_stand_in_the_way_of_those_with_deadlines() {
    let (server, gate) = gated([Answer::Token(3600), Answer::Token(3600)]);
    let source = builder(&server, &clock()).with_timeout(SECOND).build().unwrap();
    let _idle = in_flight_on_its_own_runtime(&source);
    gate.add_permits(2);
    let busy = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let impatient = TokenOptions::new().with_deadline(SECOND / 2);
    let tries = (1..100).find(|_| busy.block_on(source.token_with(impatient)).is_ok());
    assert!(tries.is_some_and(|tries| tries <= 4), "{tries:?}");
}

/// Lets time pass on tokio's paused clock.
async fn passing(time: Duration) {
    tokio::time::timeout(time, std::future::pending::<()>()).await.unwrap_err();
}

/// Stops a flight, as a process is stopped: its runtime does not run while the clock goes on.
async fn frozen_in_flight(source: &TokenSource, clock: &ManualClock, time: Duration) {
    let caller = tokio::spawn({
        let source = source.clone();
        async move { source.token().await }
    });
    settle().await;
    clock.advance(time);
    caller.abort();
}

#[tokio::test(start_paused = true)]
async fn a_flight_that_is_overdue_when_a_caller_comes_is_left_behind() {
    let ((server, gate), clock) = (gated([Answer::http(503, ""), Answer::Token(3600)]), clock());
    let source = builder(&server, &clock).with_timeout(SECOND * 4).build().unwrap();
    frozen_in_flight(&source, &clock, SECOND * 60).await;
    let callers = tokio::spawn({
        let source = source.clone();
        async move { join_all((0..8).map(|_| token(&source))).await }
    });
    settle().await;
    assert_eq!(server.request_count(), 2, "they start a flight of their own, and one is enough for all");
    gate.add_permits(2);
    for outcome in callers.await.unwrap() {
        assert_eq!(outcome.unwrap(), "Bearer token-2");
    }
    assert_eq!(server.request_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_is_overdue_after_a_freeze_is_started_anew() {
    let ((server, gate), clock) = (gated([Answer::Token(3600), Answer::http(503, ""), Answer::Token(3600)]), clock());
    let source = builder(&server, &clock).with_timeout(SECOND * 4).build().unwrap();
    gate.add_permits(1);
    token(&source).await.unwrap();
    clock.advance(SECOND * 3300);
    token(&source).await.unwrap();
    settle().await;
    assert_eq!(server.request_count(), 2);
    clock.advance(SECOND * 60);
    assert_eq!(token(&source).await.unwrap(), "Bearer token-1");
    settle().await;
    assert_eq!(server.request_count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_joined_a_flight_late_joins_another_one_once_and_waits_no_longer_than_the_timeout() {
    let server = TestServer::new_async(|_, _| std::future::pending::<Answer>());
    let source = builder(&server, &clock()).with_timeout(SECOND * 10).build().unwrap();
    let began = tokio::time::Instant::now();
    let ask = |after| {
        let source = source.clone();
        async move {
            passing(after).await;
            let error = source.token().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unreachable);
            began.elapsed().as_secs()
        }
    };
    let (first, with_it, late) = tokio::join!(ask(Duration::ZERO), ask(SECOND / 20), ask(SECOND * 6));
    assert_eq!((first, with_it, late), (10, 10, 16));
    assert_eq!(server.request_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_joined_a_flight_late_gets_the_token_of_the_next_one() {
    let answers = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let server = TestServer::new_async(move |_, _| {
        let first = answers.fetch_add(1, Ordering::SeqCst) == 0;
        async move { if first { std::future::pending().await } else { Answer::Token(3600) } }
    });
    let source = builder(&server, &clock()).with_timeout(SECOND * 10).build().unwrap();
    let late = async {
        passing(SECOND * 6).await;
        token(&source).await
    };
    let (first, late) = tokio::join!(token(&source), late);
    first.unwrap_err();
    assert_eq!(late.unwrap(), "Bearer token-2");
}

#[tokio::test(start_paused = true)]
async fn a_flight_has_its_whole_timeout_whoever_waits_for_it_and_whenever_they_came() {
    let server = TestServer::new_async(|_, _| async {
        passing(Duration::from_millis(9980)).await;
        Answer::Token(3600)
    });
    let source = builder(&server, &clock()).with_timeout(SECOND * 10).build().unwrap();
    let patient = TokenOptions::new().with_deadline(SECOND * 30);
    let late = async {
        passing(Duration::from_millis(9950)).await;
        token(&source).await
    };
    let (first, with_deadline, late) = tokio::join!(token(&source), source.token_with(patient), late);
    assert_eq!((first.unwrap(), late.unwrap()), ("Bearer token-1".to_owned(), "Bearer token-1".to_owned()));
    assert_eq!(with_deadline.unwrap().header_value(), "Bearer token-1");
    assert_eq!(server.request_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_passes_ends_no_flight_of_others() {
    let (server, gate) = gated([Answer::Token(3600), Answer::Token(3600)]);
    let source = source(&server, &clock());
    // Longer than a client without a token waits for its turn to send a request.
    let impatient = TokenOptions::new().with_deadline(SECOND * 5);
    let patient = tokio::spawn({
        let source = source.clone();
        async move { token(&source).await }
    });
    settle().await;
    source.token_with(impatient).await.unwrap_err();
    source.token_with(impatient).await.unwrap_err();
    assert_eq!(server.request_count(), 1);
    gate.add_permits(1);
    assert_eq!(patient.await.unwrap().unwrap(), "Bearer token-1");
}

#[test]
fn a_flight_that_nobody_drives_costs_late_callers_no_error_and_those_that_came_with_it_no_second_request() {
    for (comes_after, requests) in [(Duration::ZERO, 1), (SECOND * 6, 2)] {
        let (server, gate) = gated([Answer::Token(3600), Answer::Token(3600)]);
        let source = builder(&server, &clock()).with_timeout(SECOND * 10).build().unwrap();
        let _idle = in_flight_on_its_own_runtime(&source);
        let busy = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let outcome = busy.block_on(async {
            passing(comes_after).await;
            // One is for the first request, which takes it when its runtime runs again.
            gate.add_permits(2);
            let outcome = token(&source).await;
            // A request of which the caller knows nothing would be sent by now.
            passing(SECOND * 5).await;
            outcome
        });
        assert_eq!((outcome.is_ok(), server.request_count()), (requests == 2, requests), "{comes_after:?}");
    }
}
