//! Times, and what is made of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Handle;

use crate::contender::Contender;
use crate::peers::Sender;

/// A stretch during which every thread had a core for this share of the time was left in peace.
const PEACE: f64 = 0.9;
/// The fewest stretches in peace that say something.
const FEWEST: usize = 5;

/// The middle of what was measured; zero if nothing was.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The middle of the ratios, round by round: what slows a round down slows both.
pub(crate) fn median_ratio(values: &[f64], to: &[f64]) -> f64 {
    median(values.iter().zip(to).map(|(value, to)| value / to).collect())
}

/// The microseconds of a request, so many one after the other.
pub(crate) async fn one_by_one(sender: &dyn Sender, requests: u32) -> Result<f64> {
    let start = Instant::now();
    for _ in 0..requests {
        sender.send().await?;
    }
    Ok(microseconds_each(start.elapsed(), requests))
}

pub(crate) fn microseconds_each(time: Duration, requests: u32) -> f64 {
    time.as_secs_f64() * 1e6 / f64::from(requests)
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Reads, stretch by stretch.
#[derive(Default)]
pub(crate) struct Stretches(Vec<Stretch>);

struct Stretch {
    nanoseconds: f64,
    /// The share of the time for which the thread that had a core for the shortest time had one.
    on_core: f64,
}

impl Stretches {
    /// Lets so many threads read at once, each so many times.
    pub(crate) fn read(&mut self, contender: &dyn Contender, threads: usize, times: u32) {
        let (runtime, ready) = (Handle::current(), AtomicUsize::new(0));
        let spans: Vec<_> = thread::scope(|scope| {
            let reader = || {
                let _inside = runtime.enter();
                ready.fetch_add(1, Ordering::SeqCst);
                while ready.load(Ordering::SeqCst) < threads {
                    std::hint::spin_loop();
                }
                let (start, on_core) = (Instant::now(), time_on_core());
                contender.read(times);
                (start, Instant::now(), time_on_core() - on_core)
            };
            let readers: Vec<_> = (0..threads).map(|_| scope.spawn(reader)).collect();
            readers.into_iter().filter_map(|reader| reader.join().ok()).collect()
        });
        // From the first one's start to the last one's end.
        let (start, end) = (spans.iter().map(|span| span.0).min(), spans.iter().map(|span| span.1).max());
        let took = start.zip(end).map_or(f64::NAN, |(start, end)| (end - start).as_secs_f64());
        let on_core = spans.iter().map(|span| span.2).fold(f64::INFINITY, f64::min) / took;
        self.0.push(Stretch { nanoseconds: took * 1e9 / f64::from(times), on_core });
    }

    /// The nanoseconds of a read in peace: two threads that have to take turns on one core do not meet.
    /// Where there were too few such stretches, of any read; whoever sleeps in a queue is never in peace.
    pub(crate) fn nanoseconds(&self) -> f64 {
        let in_peace: Vec<_> = self.in_peace().map(|stretch| stretch.nanoseconds).collect();
        let any = || self.0.iter().map(|stretch| stretch.nanoseconds).collect();
        median(if in_peace.len() < FEWEST { any() } else { in_peace })
    }

    /// How many of how many stretches were in peace.
    pub(crate) fn peace(&self) -> String {
        format!("{}/{}", self.in_peace().count(), self.0.len())
    }

    fn in_peace(&self) -> impl Iterator<Item = &Stretch> {
        self.0.iter().filter(|stretch| stretch.on_core >= PEACE)
    }
}

/// The seconds that this thread has had a core.
pub(crate) fn time_on_core() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default().as_secs_f64()
}
