//! Tokens that live for two seconds, under load: no caller waits after the first fetch, or gets an expired token.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::Bench;
use crate::contender::{Contender, Peer, Settings};
use crate::peers::{KEEPERS, ours};
use crate::report::{Goals, table, title};
use crate::server::{Answer, Behaviour, TokenServer};

const LIFE: Duration = Duration::from_secs(2);
const BEHAVIOUR: Behaviour = Behaviour { answer: Answer::Token(LIFE.as_secs()), delay: Duration::from_millis(50) };
/// The callers of each tick: 2 000 per second.
const CALLERS: usize = 2;
const TICK: Duration = Duration::from_millis(1);
/// How long to wait for the remaining callers when the load ends.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long before the expiry the other libraries renew, if that can be set: the earliest moment at which we do.
const AHEAD: Duration = Duration::from_millis(400);

/// The results of all callers.
#[derive(Default)]
struct Seen {
    callers: usize,
    waited: usize,
    longest: Duration,
    expired: usize,
    failed: usize,
    unanswered: usize,
}

/// The result of one caller.
struct Call {
    /// Whether the first poll was pending.
    waited: bool,
    took: Duration,
    outcome: Outcome,
}

enum Outcome {
    Good,
    Expired,
    Failed,
}

pub(crate) fn run(bench: &Bench, goals: &mut Goals) -> Result<()> {
    let lives = bench.either(3, 1);
    title(format!("Renewal: {lives} lifetimes of {LIFE:?}, 2 000 callers per second"));
    let mut rows = Vec::new();
    let mut ours_seen = None;
    for peer in KEEPERS {
        let (seen, requests) = bench.runtime.block_on(under_load(bench, *peer, LIFE * lives))?;
        rows.push(vec![
            peer.name.to_owned(),
            seen.callers.to_string(),
            seen.waited.to_string(),
            format!("{:.0} ms", seen.longest.as_secs_f64() * 1e3),
            seen.expired.to_string(),
            seen.failed.to_string(),
            seen.unanswered.to_string(),
            requests.to_string(),
        ]);
        if peer.name == ours::TOKEN.name {
            ours_seen = Some((seen, requests));
        }
    }
    let header = ["", "callers", "waited", "longest wait", "got it expired", "failed", "unanswered", "requests"];
    table(&header, rows);
    if let Some((seen, requests)) = ours_seen {
        judge(goals, &seen, requests, lives);
    }
    Ok(())
}

fn judge(goals: &mut Goals, seen: &Seen, requests: usize, lives: u32) {
    let callers = seen.callers;
    goals.check(seen.waited == 0, "no caller waits after the first fetch", format!("{} of {callers}", seen.waited));
    goals.check(seen.expired == 0, "no caller gets an expired token", format!("{} of {callers}", seen.expired));
    let (fewest, most) = due(lives);
    let figures = format!("{requests}, expected {fewest} to {most}");
    goals.check((fewest..=most).contains(&requests), "one request per lifetime", figures);
}

/// Returns the fewest and the most requests to expect: the first, and one for each renewal. A renewal is between 80 %
/// and 90 % of the token's lifetime after the request for it.
fn due(lives: u32) -> (usize, usize) {
    let tenths = lives as usize * 10;
    (1 + tenths.saturating_sub(1) / 9, 1 + tenths / 8)
}

async fn under_load(bench: &Bench, peer: Peer, load: Duration) -> Result<(Seen, usize)> {
    let server = Arc::new(bench.loopback.serve(BEHAVIOUR)?);
    let settings = Settings { renewed_ahead: Some(AHEAD), ..Settings::new(&server.url) };
    let contender = (peer.start)(settings).await?;
    contender.authorization().await?;

    let mut calls = JoinSet::new();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let end = Instant::now() + load;
    while Instant::now() < end {
        ticks.tick().await;
        for _ in 0..CALLERS {
            calls.spawn(call(Arc::clone(&contender), Arc::clone(&server)));
        }
    }
    let requests = server.requests();

    let mut seen = Seen { callers: calls.len(), ..Seen::default() };
    let all = async {
        while let Some(call) = calls.join_next().await {
            seen.note(&call?);
        }
        anyhow::Ok(())
    };
    // Callers that are not done by then are counted as unanswered.
    let _ = timeout(PATIENCE, all).await;
    seen.unanswered = calls.len();
    seen.waited += calls.len();
    calls.shutdown().await;
    Ok((seen, requests))
}

async fn call(contender: Arc<dyn Contender>, server: Arc<TokenServer>) -> Call {
    let start = Instant::now();
    let mut answer = pin!(contender.authorization());
    let mut waited = false;
    let answer = std::future::poll_fn(|context| {
        let polled = answer.as_mut().poll(context);
        waited |= polled.is_pending();
        polled
    })
    .await;
    let got = Instant::now();
    let outcome = match answer.and_then(|header| server.issued_at(&header)) {
        Ok(issued_at) if got < issued_at + LIFE => Outcome::Good,
        Ok(_) => Outcome::Expired,
        Err(_) => Outcome::Failed,
    };
    Call { waited, took: got - start, outcome }
}

impl Seen {
    fn note(&mut self, call: &Call) {
        self.waited += usize::from(call.waited);
        if call.waited {
            self.longest = self.longest.max(call.took);
        }
        match call.outcome {
            Outcome::Good => {}
            Outcome::Expired => self.expired += 1,
            Outcome::Failed => self.failed += 1,
        }
    }
}
