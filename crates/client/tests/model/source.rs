//! A source with nothing but its flight and its current token, and the vendor.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use shuttle::future::{AbortHandle, spawn, yield_now};

use crate::current::Current;
use crate::flight::{Flight, Join, Start};

/// The number of the token, or why there is none.
pub(crate) type Outcome = Result<u64, Failed>;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Failed {
    /// The vendor issued none for the request of this number.
    Of(u64),
    /// The task that was to get it was dropped.
    Lost,
}

/// Requests and tokens are numbered as they begin, from 1.
pub(crate) struct Source {
    flight: Arc<Flight<Outcome, ()>>,
    pub(crate) current: Current<u64>,
    /// The last request that brings no token.
    failing: u64,
    requests: AtomicU64,
    running: Mutex<Vec<u64>>,
    /// The request that somebody gave up, and that may go on beside the next.
    given_up: AtomicU64,
    /// The tasks that were started.
    tasks: Mutex<Vec<AbortHandle>>,
}

impl Source {
    /// A source whose first requests, so many, bring no token.
    pub(crate) fn failing(failing: u64) -> Arc<Self> {
        Arc::new(Self {
            flight: Arc::new(Flight::new()),
            current: Current::empty(),
            failing,
            requests: AtomicU64::new(0),
            running: Mutex::default(),
            given_up: AtomicU64::new(0),
            tasks: Mutex::default(),
        })
    }

    /// A source whose token, number 1, is stale.
    pub(crate) fn stale() -> Arc<Self> {
        let source = Self::failing(0);
        source.requests.store(1, Ordering::SeqCst);
        source.current.store(1);
        source
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }

    /// What a caller does that has no token; as `join::join`.
    pub(crate) async fn wait(self: &Arc<Self>) -> Outcome {
        loop {
            let (waiter, is_ours) = match self.flight.join((), || self.begin(|_| true)) {
                Join::InProgress(waiter) => (waiter, false),
                Join::Started(waiter, task) => {
                    self.spawn(task);
                    (waiter, true)
                }
                Join::Settled(result) => return result,
            };
            match waiter.result.await {
                Ok(result) => return result,
                Err(_) if is_ours => return Err(Failed::Lost),
                Err(_) => {}
            }
        }
    }

    /// Starts the first flight, whose number is that of its request.
    pub(crate) fn start(self: &Arc<Self>) -> u64 {
        let Join::Started(waiter, task) = self.flight.join((), || self.begin(|_| true)) else {
            unreachable!("nothing else has begun")
        };
        self.spawn(task);
        waiter.number
    }

    /// Gives a flight up; as `join::join` once time has run out.
    pub(crate) fn give_up(&self, number: u64) {
        self.given_up.store(number, Ordering::SeqCst);
        self.flight.end(number);
    }

    /// What a caller starts who has token 1, which is stale; as `join::start_in_background`.
    pub(crate) fn renew(self: &Arc<Self>) {
        if let Join::Started(_, task) = self.flight.join((), || self.begin(|token| token > 1)) {
            self.spawn(task);
        }
    }

    /// What a caller does whose token was answered with 401.
    pub(crate) fn invalidate(&self, token: u64) {
        self.current.remove_if(|current| *current == token);
    }

    /// Drops the first task that was started, as a runtime does that is shut down.
    pub(crate) fn drop_first_task(&self) {
        let task = self.tasks.lock().unwrap().first().cloned();
        if let Some(task) = task {
            task.abort();
        }
    }

    /// As `Shared::start`.
    fn begin(
        self: &Arc<Self>,
        is_enough: impl Fn(u64) -> bool,
    ) -> Start<impl Future<Output = Outcome> + Send + 'static, Outcome> {
        if let Some(token) = self.current.load().as_deref().copied().filter(|token| is_enough(*token)) {
            return Start::Settled(Ok(token));
        }
        let number = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        let source = Arc::clone(self);
        Start::Run(async move {
            let _visit = Visit::begin(&source, number);
            if number <= source.failing {
                yield_now().await;
                return Err(Failed::Of(number));
            }
            source.current.store(number);
            Ok(number)
        })
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let task = spawn(task).abort_handle();
        self.tasks.lock().unwrap().push(task);
    }
}

/// A request at the vendor, which wants one at a time.
struct Visit<'a>(&'a Source, u64);

impl<'a> Visit<'a> {
    fn begin(source: &'a Source, number: u64) -> Self {
        let mut running = source.running.lock().unwrap();
        running.push(number);
        let given_up = source.given_up.load(Ordering::SeqCst);
        assert!(running.iter().filter(|other| **other != given_up).count() <= 1, "at once: {running:?}");
        Self(source, number)
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.0.running.lock().unwrap().retain(|other| *other != self.1);
    }
}
