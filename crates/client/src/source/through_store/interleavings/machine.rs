//! A machine: one process with one source, on a runtime of its own, so that it can be stopped while others go on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use credentials_grant::{AccessToken, ClientCredentials};
use credentials_grant_test_kit::Acme;
use futures_util::poll;
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use tokio::time::advance;

use super::network::Wire;
use crate::clock::Clock;
use crate::source::{FetchResult, TokenSource};

/// How often a task may wake another one in a later turn of its runtime, at the most, before all of them wait.
const LONGEST_CHAIN: usize = 2;

/// How a machine reaches the store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Link {
    Up,
    /// Connections are refused.
    Refused,
    /// Nothing arrives, and nothing says so.
    Silent,
}

/// The time that all machines agree on, in milliseconds. What their calendars show is another matter.
#[derive(Clone, Debug, Default)]
pub(super) struct Time(Arc<AtomicU64>);

impl Time {
    pub(super) fn now(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }

    pub(super) fn pass(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

/// A machine's clock, whose calendar is this much ahead.
#[derive(Debug)]
struct Skewed(Time, Duration);

impl Clock for Skewed {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) + self.1 + self.0.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.now()
    }
}

/// A runtime whose time moves only when it is told to.
#[derive(Debug)]
pub(super) struct OwnTime {
    runtime: Runtime,
    time: Time,
    /// How far its time is.
    at: Duration,
}

impl OwnTime {
    pub(super) fn new(time: &Time) -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        Self { runtime, time: time.clone(), at: time.now() }
    }

    /// Catches up with the time, and runs this.
    pub(super) fn run<T>(&mut self, work: impl Future<Output = T>) -> T {
        let behind = self.time.now().saturating_sub(self.at);
        self.at += behind;
        self.runtime.block_on(async {
            if !behind.is_zero() {
                advance(behind).await;
            }
            work.await
        })
    }
}

pub(super) struct Machine {
    source: TokenSource,
    runtime: OwnTime,
    outcomes: Arc<Mutex<Vec<FetchResult>>>,
    /// How many callers wait.
    pub(super) waiting: usize,
    /// Whether nothing has happened that concerns it since everything in it waited.
    pub(super) is_idle: bool,
    pub(super) is_stopped: bool,
    pub(super) link: Link,
    /// What its callers were handed, the oldest first.
    pub(super) handed_out: Vec<Arc<AccessToken>>,
}

impl Machine {
    /// Starts a process of this client.
    pub(super) fn start(client: &str, skew: Duration, wire: Wire, time: &Time) -> Self {
        let source = TokenSource::builder(Acme::new(), ClientCredentials::new(client, "secret"))
            .with_transport(wire.clone())
            .with_clock(Skewed(time.clone(), skew))
            .with_store(wire)
            .build()
            .unwrap();
        Self {
            source,
            runtime: OwnTime::new(time),
            outcomes: Arc::default(),
            waiting: 0,
            is_idle: false,
            is_stopped: false,
            link: Link::Up,
            handed_out: Vec::new(),
        }
    }

    /// Runs until everything waits. Returns what callers got that had to wait.
    pub(super) fn run(&mut self) -> Vec<FetchResult> {
        self.runtime.run(async {
            for _ in 0..LONGEST_CHAIN {
                yield_now().await;
            }
        });
        self.is_idle = true;
        let outcomes = std::mem::take(&mut *self.outcomes.lock().unwrap());
        self.waiting -= outcomes.len();
        outcomes
    }

    /// Lets somebody ask for a token. Returns what he gets, unless he has to wait.
    pub(super) fn call(&mut self) -> Option<FetchResult> {
        let (source, outcomes) = (self.source.clone(), Arc::clone(&self.outcomes));
        let outcome = self.runtime.run(async {
            let mut call = Box::pin(async move { source.token().await });
            match poll!(&mut call) {
                std::task::Poll::Ready(outcome) => Some(outcome),
                std::task::Poll::Pending => {
                    tokio::spawn(async move {
                        let outcome = call.await;
                        outcomes.lock().unwrap().push(outcome);
                    });
                    None
                }
            }
        });
        self.waiting += usize::from(outcome.is_none());
        self.is_idle = false;
        outcome
    }

    /// Returns the token that a caller would get at once.
    pub(super) fn cached(&self) -> Option<Arc<AccessToken>> {
        self.source.cached().map(|token| token.to_arc())
    }

    /// Reports that the API rejected this token.
    pub(super) fn complain(&self, token: &AccessToken) {
        self.source.invalidate(token);
    }
}
