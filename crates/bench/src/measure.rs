//! Measures times, and computes medians and ratios.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::runtime::Handle;

use crate::contender::Contender;
use crate::peers::Sender;
pub(crate) use crate::timing::{median, time_on_core};

/// The share of a batch's time for which every thread must be running, for the batch to count as undisturbed.
const PEACE: f64 = 0.9;
/// The fewest undisturbed batches from which to take a median.
const FEWEST: usize = 5;

/// Returns the median of the ratios of each round, because a busy machine slows down both values of a round.
pub(crate) fn median_ratio(values: &[f64], to: &[f64]) -> f64 {
    median(values.iter().zip(to).map(|(value, to)| value / to).collect())
}

/// Returns the microseconds per request if they are sent one after the other.
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

/// The times of several batches of reads.
#[derive(Default)]
pub(crate) struct Stretches(Vec<Stretch>);

struct Stretch {
    nanoseconds: f64,
    /// The share of the time for which a thread was running. This is the lowest share of all threads.
    on_core: f64,
}

impl Stretches {
    /// Measures a batch: `threads` threads read at once, each `times` times.
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
        // From the start of the first thread to the end of the last.
        let (start, end) = (spans.iter().map(|span| span.0).min(), spans.iter().map(|span| span.1).max());
        let took = start.zip(end).map_or(f64::NAN, |(start, end)| (end - start).as_secs_f64());
        let on_core = spans.iter().map(|span| span.2).fold(f64::INFINITY, f64::min) / took;
        self.0.push(Stretch { nanoseconds: took * 1e9 / f64::from(times), on_core });
    }

    /// Returns the median nanoseconds per read of the undisturbed batches, because threads that take turns on one core
    /// do not compete.
    ///
    /// Uses all batches if too few are undisturbed, such as for a lock on which threads sleep.
    pub(crate) fn nanoseconds(&self) -> f64 {
        let in_peace: Vec<_> = self.in_peace().map(|stretch| stretch.nanoseconds).collect();
        let any = || self.0.iter().map(|stretch| stretch.nanoseconds).collect();
        median(if in_peace.len() < FEWEST { any() } else { in_peace })
    }

    /// Returns the number of undisturbed batches and of all batches.
    pub(crate) fn peace(&self) -> String {
        format!("{}/{}", self.in_peace().count(), self.0.len())
    }

    fn in_peace(&self) -> impl Iterator<Item = &Stretch> {
        self.0.iter().filter(|stretch| stretch.on_core >= PEACE)
    }
}
