//! Reads a token in memory, with a store and without one: reading knows no store.

use std::hint::black_box;
use std::time::Duration;

use anyhow::Result;
use credentials_grant_client::TokenSource;

use super::{Setting, row};
use crate::machines::{Place, machine};
use crate::report::{Goals, table, times, title};
use crate::server::Server;
use crate::timing::{median, time_on_core};
use crate::vendor::{Answers, Vendor};

/// The reads of one batch, which takes less than a millisecond, so that most batches are undisturbed.
const READS: u32 = 5000;

const BATCHES: usize = 1001;

/// How many times as long as without a store a read may take.
const MOST: f64 = 1.01;

/// A source, and the processor time of each batch of reads.
struct Reader {
    source: TokenSource,
    batches: Vec<f64>,
}

pub(super) async fn run(setting: &Setting<'_>, goals: &mut Goals) -> Result<()> {
    title("cached-read: reads of a token in memory, on one thread");
    let server = Server::start(setting.program).await?;
    let place = Place::new(server.url())?;
    let vendor = Vendor::new(Answers::Tokens(Duration::from_secs(3600)));
    let mut readers = Vec::new();
    for place in [None, Some(&place)] {
        let source = machine(&vendor, place)?;
        source.token().await?;
        readers.push(Reader { source, batches: Vec::new() });
    }
    for _ in 0..BATCHES {
        readers.iter_mut().for_each(Reader::read);
    }
    let allocations = readers.iter().map(|reader| allocation_counter::measure(|| reads(&reader.source)).count_total);
    let allocations: Vec<_> = allocations.collect();
    let [without, with] = [&readers[0], &readers[1]].map(Reader::nanoseconds);
    table(
        &["", "without a store", "with a store"],
        [
            row("one read", [without, with].map(|time| format!("{time:.1} ns"))),
            row("ratio", [times(1.0), times(with / without)]),
            row("allocations in 5000 reads", [allocations[0], allocations[1]].map(|count| count.to_string())),
        ],
    );
    goals.check(with / without <= MOST, "G7: a cached read with a store as fast as without", times(with / without));
    goals.check(allocations[1] == 0, "G7: no allocation", allocations[1]);
    Ok(())
}

impl Reader {
    fn read(&mut self) {
        let began = time_on_core();
        reads(&self.source);
        self.batches.push((time_on_core() - began) * 1e9 / f64::from(READS));
    }

    /// Returns the median time of a read.
    fn nanoseconds(&self) -> f64 {
        median(self.batches.clone())
    }
}

fn reads(source: &TokenSource) {
    for _ in 0..READS {
        black_box(source.cached());
    }
}
