//! Reads a cached `Authorization` value and checks its expiry, with one thread and with one thread per core.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::Bench;
use crate::contender::{Contender, Peer, Settings};
use crate::measure::Stretches;
use crate::peers::{floor, ours, readers};
use crate::report::{Goals, note, table, times, title};
use crate::server::{Answer, Behaviour};

/// The reads of one batch. Most batches take less than a millisecond, so that many of them are undisturbed.
const STRETCH: u32 = 5000;
/// The most time that a read may take while all threads read, as a multiple of a read by one thread.
const MOST_SLOWDOWN: f64 = 1.25;

/// A contender and its measurements.
struct Reader {
    peer: Peer,
    contender: Arc<dyn Contender>,
    alone: Stretches,
    together: Stretches,
}

pub(crate) fn run(bench: &Bench, goals: &mut Goals) -> Result<()> {
    title("Cached read");
    let server = bench.loopback.serve(Behaviour { answer: Answer::Token(3600), delay: Duration::ZERO })?;
    let mut contenders = Vec::new();
    for peer in readers() {
        let contender = bench.runtime.block_on((peer.start)(Settings::new(&server.url)))?;
        bench.runtime.block_on(contender.authorization())?;
        contenders.push(Reader { peer, contender, alone: Stretches::default(), together: Stretches::default() });
    }
    let fetched = server.requests();

    let _inside = bench.runtime.enter();
    let end = Instant::now() + bench.either(Duration::from_secs(15), Duration::from_secs(1));
    while Instant::now() < end {
        for Reader { contender, alone, together, .. } in &mut contenders {
            alone.read(&**contender, 1, STRETCH);
            together.read(&**contender, bench.threads, STRETCH);
        }
    }
    show(bench, &contenders);
    note(format!("Requests during the reads: {}.", server.requests() - fetched));
    judge(goals, &contenders);
    Ok(())
}

impl Reader {
    fn alone(&self) -> f64 {
        self.alone.nanoseconds()
    }

    fn together(&self) -> f64 {
        self.together.nanoseconds()
    }

    fn slowdown(&self) -> f64 {
        self.together() / self.alone()
    }
}

fn show(bench: &Bench, readers: &[Reader]) {
    let together = format!("{} threads", bench.threads);
    let header = [
        "",
        "checks expiry",
        "yields",
        "1 thread",
        "to floor",
        &together,
        "to floor",
        "to its 1 thread",
        "undisturbed",
    ];
    let Some(floor) = named(readers, &floor::PEER) else { return };
    let rows = readers.iter().map(|reader| {
        vec![
            reader.peer.name.to_owned(),
            if reader.peer.checks_expiry { "yes" } else { "no" }.to_owned(),
            reader.peer.yields.to_owned(),
            format!("{:.1} ns", reader.alone()),
            times(reader.alone() / floor.alone()),
            format!("{:.1} ns", reader.together()),
            times(reader.together() / floor.together()),
            times(reader.slowdown()),
            format!("{}, {}", reader.alone.peace(), reader.together.peace()),
        ]
    });
    table(&header, rows);
}

fn judge(goals: &mut Goals, readers: &[Reader]) {
    let (Some(floor), Some(borrowed), Some(owned)) =
        (named(readers, &floor::PEER), named(readers, &ours::BORROWED), named(readers, &ours::OWNED))
    else {
        return;
    };
    for (ours, how) in [(borrowed, "borrowed"), (owned, "owned")] {
        let ratio = ours.alone() / floor.alone();
        goals.check(ratio <= 1.0, format!("one thread, {how}: at or below the floor"), times(ratio));
    }
    let slowdown = borrowed.slowdown();
    let goal = format!("all threads, borrowed: at most {MOST_SLOWDOWN} times as slow as one thread");
    goals.check(slowdown <= MOST_SLOWDOWN, goal, times(slowdown));

    let no_peers = [floor::PEER, ours::BORROWED, ours::OWNED, ours::TOKEN].map(|peer| peer.name);
    let is_peer = |reader: &&Reader| reader.peer.checks_expiry && !no_peers.contains(&reader.peer.name);
    let figures: [fn(&Reader) -> f64; 2] = [Reader::alone, Reader::together];
    for (figure, how) in figures.into_iter().zip(["one thread", "all threads"]) {
        let fastest = readers.iter().filter(is_peer).min_by(|one, other| figure(one).total_cmp(&figure(other)));
        let Some(fastest) = fastest else { continue };
        let ratio = figure(borrowed) / figure(fastest);
        let goal = format!("{how}, borrowed: faster than every other library that checks expiry");
        goals.check(ratio < 1.0, goal, format!("{} {}", times(ratio), fastest.peer.name));
    }
}

fn named<'a>(readers: &'a [Reader], peer: &Peer) -> Option<&'a Reader> {
    readers.iter().find(|reader| reader.peer.name == peer.name)
}
