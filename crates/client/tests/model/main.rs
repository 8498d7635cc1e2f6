//! The flight and the current token in every order of events, or in many thousands where there are too many.
//!
//! They are the crate's own sources, compiled once more with shuttle's locks in the place of std's. Shuttle and not
//! loom: the flight hands its outcome on by a channel of tokio's and a future of futures', whose insides loom does not
//! see. It would leave out orders that it takes for alike, and block where shuttle goes on.

#![cfg(test)]

#[allow(dead_code, reason = "not every step is in the model")]
#[path = "../../src/source/current.rs"]
mod current;
#[expect(dead_code, reason = "nobody asks where and when it was started")]
#[path = "../../src/source/flight.rs"]
mod flight;
mod source;
mod sync;

use std::sync::Arc;

use shuttle::future::block_on;
use shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler};
use shuttle::thread::{self, JoinHandle};
use shuttle::{Config, MaxSteps, Runner};

use crate::source::{Failed, Outcome, Source};

#[test]
fn all_who_come_share_one_request_and_its_token() {
    let share = |callers| {
        let source = Source::failing(0);
        let outcomes = all(callers, &source, |source| block_on(source.wait()));
        assert_eq!(outcomes, vec![Ok(1); callers]);
        assert_eq!(source.requests(), 1);
    };
    exhaust(move || share(2));
    sample(move || share(4));
}

#[test]
fn who_comes_after_a_failure_has_landed_gets_another_outcome() {
    let fail = |callers| {
        let source = Source::failing(1);
        let outcomes = all(callers, &source, |source| block_on(async { [source.wait().await, source.wait().await] }));
        let expected = |outcomes: &[Outcome; 2]| matches!(outcomes, [Err(Failed::Of(1)) | Ok(2), Ok(2)]);
        assert!(outcomes.iter().all(expected), "{outcomes:?}");
        assert_eq!(source.requests(), 2);
    };
    sample(move || fail(2));
    sample(move || fail(3));
}

#[test]
fn a_task_that_is_dropped_fails_who_started_it_and_nobody_else() {
    let drop_one = |callers| {
        let source = Source::failing(0);
        let runtime = beside(&source, |source| source.drop_first_task());
        let outcomes = all(callers, &source, |source| block_on(source.wait()));
        runtime.join().unwrap();
        let failed: Vec<_> = outcomes.iter().filter(|outcome| outcome.is_err()).collect();
        assert!(failed.is_empty() || failed == [&Err(Failed::Lost)], "{outcomes:?}");
        assert!(source.requests() <= 2);
    };
    exhaust(move || drop_one(1));
    sample(move || drop_one(3));
}

#[test]
fn who_waits_for_a_task_that_is_dropped_gets_a_token_all_the_same() {
    let drop_one = |callers| {
        let source = Source::failing(0);
        source.start();
        let runtime = beside(&source, |source| source.drop_first_task());
        let outcomes = all(callers, &source, |source| block_on(source.wait()));
        runtime.join().unwrap();
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        assert!(source.requests() <= 2);
    };
    exhaust(move || drop_one(1));
    sample(move || drop_one(3));
}

#[test]
fn who_gives_up_ends_no_flight_but_that_one() {
    let give_up = |callers| {
        let source = Source::failing(1);
        let first = source.start();
        let impatient = beside(&source, move |source| source.give_up(first));
        let outcomes = all(callers, &source, |source| block_on(source.wait()));
        impatient.join().unwrap();
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(2) | Err(Failed::Of(1)))), "{outcomes:?}");
        assert!(source.requests() <= 2);
    };
    exhaust(move || give_up(1));
    sample(move || give_up(3));
}

#[test]
fn a_renewal_and_complaints_about_its_token_make_one_request() {
    let complain = |callers| {
        let source = Source::stale();
        let renewal = beside(&source, Source::renew);
        let outcomes = all(callers, &source, |source| {
            source.invalidate(1);
            block_on(source.wait())
        });
        renewal.join().unwrap();
        assert_eq!(outcomes, vec![Ok(2); callers]);
        assert_eq!(source.requests(), 2);
    };
    exhaust(move || complain(1));
    sample(move || complain(3));
}

#[test]
fn a_late_complaint_takes_out_nothing_newer_and_what_was_complained_about_is_not_read_again() {
    exhaust(|| {
        let source = Source::stale();
        let complain = |source: &Arc<Source>| {
            source.invalidate(1);
            assert_ne!(source.current.load().as_deref(), Some(&1));
        };
        let complaints = [beside(&source, complain), beside(&source, complain)];
        source.current.store(2);
        for complaint in complaints {
            complaint.join().unwrap();
        }
        assert_eq!(source.current.load().as_deref(), Some(&2));
    });
}

/// So many who do this at the same time, the thread that it is called on among them.
fn all<T: Send + 'static>(
    callers: usize,
    source: &Arc<Source>,
    call: impl Fn(&Arc<Source>) -> T + Copy + Send + 'static,
) -> Vec<T> {
    let others: Vec<_> = (1..callers).map(|_| beside(source, call)).collect();
    let own = call(source);
    let others = others.into_iter().map(|other| other.join().unwrap());
    others.chain([own]).collect()
}

fn beside<T: Send + 'static>(source: &Arc<Source>, call: impl Fn(&Arc<Source>) -> T + Send + 'static) -> JoinHandle<T> {
    let source = Arc::clone(source);
    thread::spawn(move || call(&source))
}

/// Takes the events through every order.
fn exhaust(events: impl Fn() + Send + Sync + 'static) {
    Runner::new(DfsScheduler::new(None, false), config()).run(events);
}

/// Takes them through many orders, the same in each run: some at random, and some in which it seldom changes who goes
/// on, by which errors are found that need a few changes at the right moments (Burckhardt et al., "A randomized
/// scheduler with probabilistic guarantees of finding bugs").
fn sample(events: impl Fn() + Clone + Send + Sync + 'static) {
    Runner::new(RandomScheduler::new_from_seed(6749, 2000), config()).run(events.clone());
    Runner::new(PctScheduler::new_from_seed(6749, 3, 2000), config()).run(events);
}

/// What the order was in which something failed is printed, for `shuttle::replay`. Nothing here takes a thousand steps.
fn config() -> Config {
    let mut config = Config::new();
    config.max_steps = MaxSteps::FailAfter(10_000);
    config
}
