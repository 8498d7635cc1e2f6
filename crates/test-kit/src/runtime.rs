//! Clocks, and who waits for whom.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use credentials_grant::RequestSeed;
use credentials_grant_client::{Clock, ManualClock};
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::Instant;

use crate::answer::Answer;
use crate::server::TestServer;

/// Returns a clock that the test moves. It starts at 2026-01-01T00:00:00Z, as [`RequestSeed::fixed`] does.
pub fn clock() -> ManualClock {
    ManualClock::at(RequestSeed::fixed().now)
}

/// A clock that follows tokio's, for tests in which something sleeps: while tokio's time is paused, both jump to the
/// next timer. It starts at 2026-01-01T00:00:00Z.
///
/// ```
/// use credentials_grant_client::Clock as _;
/// use credentials_grant_test_kit::TokioClock;
///
/// let clock = TokioClock::new();
/// assert!(clock.monotonic() <= clock.monotonic());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TokioClock(Instant);

impl TokioClock {
    /// Starts a clock.
    #[expect(clippy::new_without_default, reason = "it starts now, which is no default")]
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for TokioClock {
    fn now(&self) -> SystemTime {
        RequestSeed::fixed().now + self.0.elapsed()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Makes a server that gives these answers in turn, each when the test adds a permit to the gate.
///
/// ```
/// use credentials_grant_test_kit::{Answer, gated};
///
/// let (server, gate) = gated([Answer::Token(3600), Answer::Token(3600)]);
/// // One request is answered, and the next one waits.
/// gate.add_permits(1);
/// # assert_eq!(server.request_count(), 0);
/// ```
pub fn gated(answers: impl IntoIterator<Item = Answer>) -> (TestServer, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let (entrance, answers) = (Arc::clone(&gate), Arc::new(Mutex::new(answers.into_iter().collect::<VecDeque<_>>())));
    let server = TestServer::new_async(move |_, _| {
        let (entrance, answers) = (Arc::clone(&entrance), Arc::clone(&answers));
        async move {
            entrance.acquire().await.unwrap().forget();
            answers.lock().unwrap().pop_front().expect("an answer is left")
        }
    });
    (server, gate)
}

/// Lets every other task run until it waits.
pub async fn settle() {
    for _ in 0..100 {
        yield_now().await;
    }
}

/// Waits for this long, which takes no time while tokio's time is paused and nothing else is to be done.
pub async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}
