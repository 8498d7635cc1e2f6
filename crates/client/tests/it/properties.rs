//! What holds for every source, whenever it is asked, and whatever happens to the clocks.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use credentials_grant::{AccessToken, ClientCredentials, Error, HttpRequest, HttpResponse, Transport};
use credentials_grant_client::{Clock, ManualClock, TokenSource};
use credentials_grant_test_kit::{clock, response, settle};
use futures_util::FutureExt;
use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use tokio::runtime::Builder;
use tokio::task::yield_now;

use crate::acme::acme;

/// What happens to the machine's clocks.
#[derive(Clone, Copy, Debug)]
enum Move {
    Pass(Duration),
    /// Time passes, and the monotonic clock stands still.
    Sleep(Duration),
    SetForth(Duration),
    SetBack(Duration),
}

/// A vendor, and the machine on which its tokens are used.
#[derive(Clone, Debug)]
struct World(Arc<Mutex<State>>, ManualClock);

#[derive(Debug, Default)]
struct State {
    /// The true time.
    time: Duration,
    /// Of each token to come: how long it lives, and how long the answer takes.
    to_come: Vec<(Duration, Duration)>,
    issued: Vec<Issued>,
    /// What was wrong with a request.
    wrong: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
struct Issued {
    life: Duration,
    requested: Duration,
    /// What the clocks showed then.
    shown: (SystemTime, Duration),
}

impl World {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn go(&self, step: Move) {
        let clock = &self.1;
        match step {
            Move::Pass(time) => clock.advance(time),
            Move::Sleep(time) | Move::SetForth(time) => clock.set(clock.now() + time),
            Move::SetBack(time) => clock.set(clock.now() - time),
        }
        if let Move::Pass(time) | Move::Sleep(time) = step {
            self.state().time += time;
        }
    }

    /// The newest token, and how old it is by the clock that has moved further.
    fn newest(&self) -> Option<(Issued, Duration)> {
        let token = self.state().issued.last().copied()?;
        let (wall, monotonic) = token.shown;
        let age = self.1.now().duration_since(wall).unwrap_or_default();
        Some((token, age.max(self.1.monotonic().saturating_sub(monotonic))))
    }
}

#[async_trait]
impl Transport for World {
    async fn send(&self, _: &HttpRequest) -> Result<HttpResponse, Error> {
        if let Some((token, age)) = self.newest().filter(|(token, age)| *age < token.life / 10 * 8) {
            self.state().wrong.push(format!("asked anew after {age:?} of {token:?}"));
        }
        let (life, pause) = self.state().to_come.pop().unwrap();
        let issued = Issued { life, requested: self.state().time, shown: (self.1.now(), self.1.monotonic()) };
        yield_now().await;
        self.go(Move::Pass(pause));
        self.state().issued.push(issued);
        let (number, seconds) = (self.state().issued.len() - 1, life.as_secs());
        let body = format!(r#"{{"access_token":"{number}","expires_in":{seconds}}}"#);
        Ok(response(200, &[], body))
    }
}

fn up_to(seconds: u64) -> impl Strategy<Value = Duration> {
    (0..=seconds * 1000).prop_map(Duration::from_millis)
}

/// How long tokens live and answers take.
fn tokens() -> impl Strategy<Value = Vec<(Duration, Duration)>> {
    let life = prop_oneof![1..10u64, 1..4000u64].prop_map(Duration::from_secs);
    prop::collection::vec((life, prop_oneof![Just(Duration::ZERO), up_to(10)]), 60)
}

/// What happens, and how many call then.
fn days() -> impl Strategy<Value = Vec<(Move, usize)>> {
    let day = |kinds: &'static [fn(Duration) -> Move]| {
        let time = prop_oneof![up_to(1), up_to(400), up_to(4000)];
        let step = (prop::sample::select(kinds), time).prop_map(|(kind, time)| kind(time));
        prop::collection::vec((step, 0..4usize), 1..60)
    };
    // Of the sleep of a machine whose clock is set back, no clock tells.
    prop_oneof![day(&[Move::Pass, Move::Sleep, Move::SetForth]), day(&[Move::Pass, Move::SetBack, Move::SetForth])]
}

async fn live(world: World, day: Vec<(Move, usize)>) -> Result<(), TestCaseError> {
    let builder = TokenSource::builder(acme(), ClientCredentials::new("id", "secret"));
    let source = builder.with_transport(world.clone()).with_clock(world.1.clone()).build().unwrap();
    for (step, callers) in day {
        world.go(step);
        if let Some((token, age)) = world.newest() {
            let margin = (token.life / 20).clamp(Duration::from_millis(10), Duration::from_secs(30));
            let good = token.life.saturating_sub(margin);
            prop_assert!(age >= good || source.token().now_or_never().is_some(), "a wait after {age:?} of {token:?}");
        }
        for token in join_all((0..callers).map(|_| source.token())).await {
            match token {
                Ok(token) => is_alive(&world, &token)?,
                Err(error) => {
                    let (newest, age) = world.newest().unwrap();
                    prop_assert!(age >= newest.life, "{error} after {age:?} of {newest:?}");
                }
            }
        }
        settle().await;
        prop_assert_eq!(&world.state().wrong, &Vec::<String>::new());
    }
    Ok(())
}

fn is_alive(world: &World, token: &AccessToken) -> Result<(), TestCaseError> {
    let state = world.state();
    let number: usize = token.header_value().to_str().unwrap().trim_start_matches("Bearer ").parse().unwrap();
    let (token, time) = (state.issued[number], state.time);
    prop_assert!(time < token.requested + token.life, "{token:?} was handed out at {time:?}");
    Ok(())
}

proptest! {
    // The same cases in each run.
    #![proptest_config(ProptestConfig {
        cases: 250, failure_persistence: None, rng_seed: RngSeed::Fixed(6749), ..ProptestConfig::default()
    })]

    #[test]
    fn no_token_is_asked_for_early_or_served_late_and_nobody_waits_beside_one(to_come in tokens(), day in days()) {
        let world = World(Arc::new(Mutex::new(State { to_come, ..State::default() })), clock());
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(live(world, day))?;
    }
}
