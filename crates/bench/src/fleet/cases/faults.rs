//! The server fails in the middle of a renewal: one machine has the right to request a token, and waits for it.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;
use tokio::try_join;

use super::{Setting, row};
use crate::machines::{Fleet, Place};
use crate::report::{Goals, table, title};
use crate::server::Server;
use crate::tally::Counts;
use crate::vendor::{Answers, Vendor};

/// What happens to the server.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    Killed,
    Frozen,
    Emptied,
}

impl Fault {
    pub(super) async fn begin(self, server: &mut Server) -> Result<()> {
        match self {
            Self::Killed => server.kill(),
            Self::Frozen => server.freeze(),
            Self::Emptied => server.empty().await,
        }
    }

    pub(super) async fn end(self, server: &mut Server) -> Result<()> {
        match self {
            Self::Killed => server.start_again().await,
            Self::Frozen => server.thaw(),
            Self::Emptied => Ok(()),
        }
    }
}

/// What happened to a fleet.
struct Course {
    counts: Counts,
    /// The requests until the server was back, and in the lifetime after.
    requests: usize,
    requests_later: usize,
}

pub(super) async fn run(setting: &Setting<'_>, goals: &mut Goals) -> Result<()> {
    let away = setting.life / 2;
    title(format!("faults: the server fails in the middle of a renewal, for {} s", away.as_secs()));
    let (killed, frozen, emptied, alone) = try_join!(
        course(setting, Some(Fault::Killed), away),
        course(setting, Some(Fault::Frozen), away),
        course(setting, Some(Fault::Emptied), away),
        course(setting, None, away),
    )?;
    let all = [&killed, &frozen, &emptied, &alone];
    let figures = |name: &str, figure: fn(&Course) -> String| row(name, all.map(figure));
    table(
        &["", "killed", "frozen", "emptied", "without a store"],
        [
            figures("calls", |course| course.counts.calls.to_string()),
            figures("calls that failed", |course| course.counts.failed.to_string()),
            figures("calls that waited with a valid token", |course| course.counts.waited_with_token.to_string()),
            figures("calls that waited without one", |course| {
                (course.counts.waited - course.counts.waited_with_token).to_string()
            }),
            figures("requests until it is back", |course| course.requests.to_string()),
            figures("requests in the lifetime after", |course| course.requests_later.to_string()),
        ],
    );
    for (name, Course { counts, .. }) in [("killed", &killed), ("frozen", &frozen), ("emptied", &emptied)] {
        goals.check(counts.failed == 0, format!("G3: no call fails if the server is {name}"), counts.failures());
        let goal = format!("G3: nobody with a valid token waits if it is {name}");
        goals.check(counts.waited_with_token == 0, goal, counts.waited_with_token);
        let goal = format!("G3: no more callers wait than without a store if it is {name}");
        goals.check(counts.waited <= alone.counts.waited, goal, counts.waited);
    }
    Ok(())
}

async fn course(setting: &Setting<'_>, fault: Option<Fault>, away: Duration) -> Result<Course> {
    let mut server = Server::start(setting.program).await?;
    let place = Place::new(server.url())?;
    let vendor = Vendor::new(Answers::Tokens(setting.life));
    let mut fleet = Fleet::new(setting.machines, vendor.clone(), fault.is_some().then_some(&place))?;
    fleet.ask_in_turn().await?;
    fleet.keep_asking();
    let before = vendor.requests();
    vendor.more_than(before).await?;
    if let Some(fault) = fault {
        fault.begin(&mut server).await?;
    }
    sleep(away).await;
    if let Some(fault) = fault {
        fault.end(&mut server).await?;
    }
    let requests = vendor.requests() - before;
    sleep(setting.life).await;
    let requests_later = vendor.requests() - before - requests;
    Ok(Course { counts: fleet.noticed(), requests, requests_later })
}
