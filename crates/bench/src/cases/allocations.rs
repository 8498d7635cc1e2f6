//! Counts the allocations of a cached read.

use std::time::Duration;

use anyhow::Result;

use crate::Bench;
use crate::contender::Settings;
use crate::peers::{ours, readers};
use crate::report::{Goals, table, title};
use crate::server::{Answer, Behaviour};

const READS: u32 = 1000;

pub(crate) fn run(bench: &Bench, goals: &mut Goals) -> Result<()> {
    title("Allocations of a cached read");
    let server = bench.loopback.serve(Behaviour { answer: Answer::Token(3600), delay: Duration::ZERO })?;
    let _inside = bench.runtime.enter();
    let mut counts = Vec::new();
    for peer in readers() {
        let contender = bench.runtime.block_on((peer.start)(Settings::new(&server.url)))?;
        bench.runtime.block_on(contender.authorization())?;
        // Exclude what a thread sets up at its first read.
        contender.read(1);
        counts.push((peer.name, allocation_counter::measure(|| contender.read(READS))));
    }
    let per_read = |count: u64| (count / u64::from(READS)).to_string();
    let rows = counts.iter().map(|(name, counted)| {
        vec![(*name).to_owned(), per_read(counted.count_total), format!("{} B", per_read(counted.bytes_total))]
    });
    table(&["", "allocations", "bytes"], rows);
    for ours in [ours::BORROWED, ours::OWNED, ours::TOKEN] {
        for (_, counted) in counts.iter().filter(|(name, _)| *name == ours.name) {
            let count = counted.count_total;
            goals.check(count == 0, format!("{}: no allocation", ours.name), format!("{count} in {READS} reads"));
        }
    }
    Ok(())
}
