//! Plays the script, while the callers call.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Result;
use credentials_grant_client::TokenPool;
use fastrand::Rng;
use tokio::runtime::Handle;
use tokio::sync::watch::Sender;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep};

use crate::book::Book;
use crate::callers::Callers;
use crate::process::Memory;
use crate::report;
use crate::script::{Fault, Phase, Script};

/// How often the progress is printed.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// How many tenants are called at once in the end.
const CALLED_AT_ONCE: u32 = 256;

/// What plays the script.
pub(crate) struct Conductor<'a, P> {
    pub(crate) script: &'a Script,
    pub(crate) longest_recovery: Duration,
    pub(crate) phase: Sender<Phase>,
    pub(crate) visitors_pool: Sender<Option<TokenPool>>,
    /// Creates the pool of the visitors.
    pub(crate) small_pool: P,
    pub(crate) callers: Arc<Callers>,
    pub(crate) book: Arc<Book>,
    pub(crate) runtime: Handle,
}

/// What was measured on the way.
#[derive(Debug, Default)]
pub(crate) struct Course {
    /// After each round, when the client has recovered.
    pub(crate) samples: Vec<Sample>,
    /// The requests and the tokens that the server counted while nothing was wrong.
    pub(crate) undisturbed: (u64, u64),
}

/// What the process used at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// The time since the start.
    pub(crate) at: Duration,
    pub(crate) memory: Memory,
    /// The tasks of the client and its callers.
    pub(crate) tasks: usize,
}

impl<P: Fn() -> Result<TokenPool>> Conductor<'_, P> {
    /// Plays the script to its end, with this many callers.
    pub(crate) async fn run(self, callers: u32, rng: &mut Rng) -> Result<Course> {
        let start = Instant::now();
        let tasks: JoinSet<_> = (0..callers).map(|_| Arc::clone(&self.callers).call_on(rng.fork())).collect();
        let course = tokio::select! {
            course = self.play(start) => course?,
            () = self.print_progress(start) => Course::default(),
        };
        self.callers.is_over.store(true, Ordering::Relaxed);
        tasks.join_all().await;
        self.call_all().await;
        Ok(course)
    }

    async fn play(&self, start: Instant) -> Result<Course> {
        let mut course = Course::default();
        self.enter(None, None);
        sleep(self.script.start).await;
        for round in 1..=self.script.rounds {
            for (number, fault) in self.script.faults.iter().enumerate() {
                self.enter(Some(number), Some(*fault));
                if *fault == Fault::Eviction {
                    self.visitors_pool.send_replace(Some((self.small_pool)()?));
                }
                sleep(self.script.fault_length).await;
                self.visitors_pool.send_replace(None);
                self.enter(Some(number), None);
                let before = self.book.totals();
                sleep(self.script.recovery_length).await;
                let now = self.book.totals();
                course.undisturbed.0 += now.0 - before.0;
                course.undisturbed.1 += now.1 - before.1;
            }
            if round == self.script.rounds {
                // Enough time to recover, however short the run.
                sleep(self.longest_recovery.saturating_sub(self.script.recovery_length)).await;
            }
            course.samples.push(self.sample(start));
        }
        Ok(course)
    }

    fn enter(&self, number: Option<usize>, fault: Option<Fault>) {
        self.phase.send_replace(Phase { number, fault, since: Instant::now() });
    }

    fn sample(&self, start: Instant) -> Sample {
        Sample { at: start.elapsed(), memory: Memory::now(), tasks: self.runtime.metrics().num_alive_tasks() }
    }

    async fn print_progress(&self, start: Instant) {
        let mut ticks = interval(PROGRESS_EVERY);
        ticks.tick().await;
        let mut before = self.callers.tally.totals();
        loop {
            ticks.tick().await;
            let totals = self.callers.tally.totals();
            let fault = self.phase.borrow().fault;
            report::progress(fault, self.sample(start), totals, before, PROGRESS_EVERY);
            before = totals;
        }
    }

    /// Calls for every tenant once, now that nothing is wrong.
    async fn call_all(&self) {
        let callers = (0..CALLED_AT_ONCE).map(|first| {
            let callers = Arc::clone(&self.callers);
            async move {
                for tenant in (first..callers.regulars).step_by(CALLED_AT_ONCE as usize) {
                    callers.call_regular(tenant).await;
                }
            }
        });
        callers.collect::<JoinSet<_>>().join_all().await;
    }
}
