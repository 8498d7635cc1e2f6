//! All machines start at once, and none has a token.

use std::time::Duration;

use anyhow::Result;

use super::{PATIENCE, Setting, ratio, row, seconds};
use crate::machines::{Fleet, Place};
use crate::report::{Goals, table, title};
use crate::server::Server;
use crate::vendor::{Answers, FETCH, Vendor};

/// The worst of all rounds.
#[derive(Default)]
struct Worst {
    requests: usize,
    failed: u64,
    wait: Duration,
}

pub(super) async fn run(setting: &Setting<'_>, goals: &mut Goals) -> Result<()> {
    title("cold-start: all machines start at once");
    let (mut shared, mut alone) = (Worst::default(), Worst::default());
    for _ in 0..setting.rounds {
        let server = Server::start(setting.program).await?;
        shared.measure(setting, Some(&Place::new(server.url())?)).await?;
        alone.measure(setting, None).await?;
    }
    let header = ["", "with the store", "without", "ratio"];
    let above = |worst: &Worst| seconds(worst.wait.saturating_sub(FETCH));
    table(
        &header,
        [
            row(
                "requests",
                [shared.requests.to_string(), alone.requests.to_string(), ratio(alone.requests, shared.requests)],
            ),
            row("longest wait", [seconds(shared.wait), seconds(alone.wait), String::new()]),
            row("longer than the fetch by", [above(&shared), above(&alone), String::new()]),
        ],
    );
    goals.check(shared.requests == 1, "G2: one request", shared.requests);
    let goal = format!("G2: nobody waits {} longer than the fetch", seconds(PATIENCE));
    goals.check(shared.wait <= FETCH + PATIENCE, goal, above(&shared));
    goals.check(shared.failed == 0, "G2: no call fails", shared.failed);
    Ok(())
}

impl Worst {
    async fn measure(&mut self, setting: &Setting<'_>, place: Option<&Place>) -> Result<()> {
        let fleet = Fleet::new(setting.machines, Vendor::new(Answers::Tokens(setting.life)), place)?;
        let counts = fleet.ask_at_once().await?;
        self.requests = self.requests.max(fleet.vendor.requests());
        self.failed += counts.failed;
        self.wait = self.wait.max(counts.longest_wait);
        Ok(())
    }
}
