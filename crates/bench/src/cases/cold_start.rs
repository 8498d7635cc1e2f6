//! 10 000 callers without a token: one request, and little more time than for the request and to wake the callers.

use std::time::Duration;

use anyhow::Result;

use crate::Bench;
use crate::measure::median;
use crate::peers::ours;
use crate::report::{Goals, note, table, times, title};
use crate::rush::{lone_request, rush, wake_ups, with_cold_callers, without_cold_callers};
use crate::server::{Answer, Behaviour};

const CALLERS: usize = 10_000;
const BEHAVIOUR: Behaviour = Behaviour { answer: Answer::Token(3600), delay: Duration::from_millis(50) };
/// The most time that it may take, as a multiple of a round trip, in addition to the wake-ups.
const MOST_TRIPS: f64 = 1.2;

pub(crate) fn run(bench: &Bench, goals: &mut Goals) -> Result<()> {
    title(format!("Cold start with {CALLERS} callers"));
    let (mut trips, mut wakes) = (Vec::new(), Vec::new());
    let mut seen: Vec<_> = with_cold_callers().into_iter().map(|peer| (peer, Vec::new())).collect();
    for _ in 0..bench.either(5, 1) {
        trips.push(bench.runtime.block_on(lone_request(bench, BEHAVIOUR))?);
        wakes.push(bench.runtime.block_on(wake_ups(CALLERS)));
        for (peer, rushes) in &mut seen {
            rushes.push(bench.runtime.block_on(rush(bench, *peer, BEHAVIOUR, CALLERS))?);
        }
    }

    let (trip, wake) = (median(trips), median(wakes));
    let mut rows = Vec::new();
    for (peer, rushes) in seen {
        let requests = rushes.iter().map(|rush| rush.requests).max().unwrap_or_default();
        let served = rushes.iter().map(|rush| rush.with_token).min().unwrap_or_default();
        let took = median(rushes.iter().map(|rush| rush.milliseconds).collect());
        rows.push((peer.name, requests, served, took));
    }
    let cells = rows.iter().map(|(name, requests, served, took)| {
        let ratio = times(took / (trip + wake));
        vec![(*name).to_owned(), requests.to_string(), served.to_string(), format!("{took:.0} ms"), ratio]
    });
    table(&["", "requests", "served", "until all are served", "to round trip + wake-ups"], cells);
    note(format!(
        "One round trip of the bare client took {trip:.1} ms. Waking {CALLERS} tasks with one channel took {wake:.1} ms."
    ));
    note(without_cold_callers());
    if let Some((_, requests, served, took)) = rows.iter().find(|(name, ..)| *name == ours::TOKEN.name) {
        goals.check(*requests == 1 && *served == CALLERS, "one request serves all callers", requests);
        let most = MOST_TRIPS * trip + wake;
        let goal = format!("all callers are served within {MOST_TRIPS} round trips and the wake-ups");
        goals.check(*took <= most, goal, format!("{took:.1} ms of {most:.1} ms"));
    }
    Ok(())
}
