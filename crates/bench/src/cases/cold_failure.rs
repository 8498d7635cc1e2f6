//! 64 callers without a token, against a server that fails after 50 ms: one request, whose error all callers get.

use std::time::Duration;

use anyhow::Result;

use crate::Bench;
use crate::measure::median;
use crate::peers::ours;
use crate::report::{Goals, note, table, times, title};
use crate::rush::{Rush, lone_request, rush, with_cold_callers, without_cold_callers};
use crate::server::{Answer, Behaviour};

const CALLERS: usize = 64;
/// The most time that all of them together may take, as a multiple of one failed request.
const MOST_SLOWDOWN: f64 = 1.2;

pub(crate) fn run(bench: &Bench, goals: &mut Goals) -> Result<()> {
    for (answer, status) in [(Answer::Unavailable, 503), (Answer::Refusal, 401)] {
        title(format!("{CALLERS} callers without a token, status {status} after 50 ms"));
        against(bench, goals, Behaviour { answer, delay: Duration::from_millis(50) })?;
    }
    note(without_cold_callers());
    Ok(())
}

fn against(bench: &Bench, goals: &mut Goals, behaviour: Behaviour) -> Result<()> {
    let mut lone = Vec::new();
    let mut seen: Vec<_> = with_cold_callers().into_iter().map(|peer| (peer, Vec::new())).collect();
    for _ in 0..bench.either(5, 1) {
        lone.push(bench.runtime.block_on(lone_request(bench, behaviour))?);
        for (peer, rushes) in &mut seen {
            rushes.push(bench.runtime.block_on(rush(bench, *peer, behaviour, CALLERS))?);
        }
    }

    let lone = median(lone);
    let rows = seen.iter().map(|(peer, rushes)| {
        let took = took(rushes);
        let unanswered = CALLERS - rushes.iter().map(|rush| rush.with_error).min().unwrap_or_default();
        vec![
            peer.name.to_owned(),
            most_requests(rushes).to_string(),
            format!("{took:.0} ms"),
            times(took / lone),
            unanswered.to_string(),
        ]
    });
    table(&["", "requests", "until all callers are done", "to a single request", "unanswered"], rows);
    note(format!("A single request of the bare client took {lone:.1} ms."));
    if let Some((_, rushes)) = seen.iter().find(|(peer, _)| peer.name == ours::TOKEN.name) {
        let requests = most_requests(rushes);
        goals.check(requests == 1, "one request", requests);
        let ratio = took(rushes) / lone;
        let goal = format!("all callers are done within {MOST_SLOWDOWN} times a single request");
        goals.check(ratio <= MOST_SLOWDOWN, goal, times(ratio));
    }
    Ok(())
}

fn took(rushes: &[Rush]) -> f64 {
    median(rushes.iter().map(|rush| rush.milliseconds).collect())
}

fn most_requests(rushes: &[Rush]) -> usize {
    rushes.iter().map(|rush| rush.requests).max().unwrap_or_default()
}
