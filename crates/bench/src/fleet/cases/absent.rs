//! The server is never there: it refuses connections, or accepts them and says nothing.

use std::time::Duration;

use anyhow::Result;
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::{PATIENCE, Setting, ratio, row, seconds};
use crate::machines::{Fleet, Place};
use crate::report::{Goals, table, title};
use crate::server::{free_port, url};
use crate::tally::Counts;
use crate::vendor::{Answers, Vendor};

/// How many lifetimes pass.
const LIFETIMES: u32 = 3;

/// The precision of a wait on a busy machine.
const PRECISION: Duration = Duration::from_millis(100);

/// A fleet, and what the callers noticed at the start and later.
struct Course {
    fleet: Fleet,
    start: Counts,
    later: Counts,
}

pub(super) async fn run(setting: &Setting<'_>, goals: &mut Goals) -> Result<()> {
    title(format!("absent: the server is never there, for {LIFETIMES} lifetimes of {} s", setting.life.as_secs()));
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    let silent_url = url(silent.local_addr()?.port());
    let silence = tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok((connection, _)) = silent.accept().await {
            connections.push(connection);
        }
    });
    // One after the other, since they compare how long callers wait. The one without a store has less time then.
    let mut refusing = Course::start(setting, Some(&Place::new(url(free_port()?))?)).await?;
    let mut silent = Course::start(setting, Some(&Place::new(silent_url)?)).await?;
    let mut alone = Course::start(setting, None).await?;
    sleep(setting.life * LIFETIMES).await;
    for course in [&mut refusing, &mut silent, &mut alone] {
        course.later = course.fleet.noticed();
    }
    silence.abort();
    let all = [&refusing, &silent, &alone];
    let none = alone.fleet.vendor.requests();
    table(
        &["", "refuses", "is silent", "without a store"],
        [
            row("requests", all.map(|course| course.fleet.vendor.requests().to_string())),
            row("ratio to those without a store", all.map(|course| ratio(course.fleet.vendor.requests(), none))),
            row("calls that failed", all.map(|course| course.failed().to_string())),
            row("longest wait at the start", all.map(|course| seconds(course.start.longest_wait))),
            row("calls that waited later", all.map(|course| course.later.waited.to_string())),
        ],
    );
    for (name, course) in [("refuses", &refusing), ("is silent", &silent)] {
        let requests = course.fleet.vendor.requests();
        let goal = format!("G4: no more requests than without a store if the server {name}");
        goals.check(requests <= none, goal, format!("{requests} of {none}"));
        let goal = format!("G4: no more callers wait if it {name}");
        goals.check(course.later.waited <= alone.later.waited, goal, course.later.waited);
        let more = course.start.longest_wait.saturating_sub(alone.start.longest_wait);
        let goal = format!("G4: at the start, callers wait {} longer at most if it {name}", seconds(PATIENCE));
        goals.check(more <= PATIENCE + PRECISION, goal, seconds(more));
        let mut all = course.start.clone();
        all.add(&course.later);
        goals.check(all.failed == 0, format!("G4: no call fails if it {name}"), all.failures());
    }
    Ok(())
}

impl Course {
    async fn start(setting: &Setting<'_>, place: Option<&Place>) -> Result<Self> {
        let mut fleet = Fleet::new(setting.machines, Vendor::new(Answers::Tokens(setting.life)), place)?;
        let start = fleet.ask_at_once().await?;
        fleet.keep_asking();
        Ok(Self { fleet, start, later: Counts::default() })
    }

    fn failed(&self) -> u64 {
        self.start.failed + self.later.failed
    }
}
