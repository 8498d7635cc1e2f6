//! All machines have a wrong secret.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use super::{Setting, ratio, row, seconds};
use crate::machines::{Fleet, Place};
use crate::report::{Goals, table, title};
use crate::server::Server;
use crate::vendor::{Answers, Vendor};

/// How long the machines try. The pauses after a refusal are a second, doubling, so that four begin by then.
const TIME: Duration = Duration::from_secs(14);
const PAUSES: usize = 4;

pub(super) async fn run(setting: &Setting<'_>, goals: &mut Goals) -> Result<()> {
    title(format!("refusal: all machines have a wrong secret, for {} s", TIME.as_secs()));
    let server = Server::start(setting.program).await?;
    let mut shared = Fleet::new(setting.machines, Vendor::new(Answers::Refusals), Some(&Place::new(server.url())?))?;
    let mut alone = Fleet::new(setting.machines, Vendor::new(Answers::Refusals), None)?;
    shared.keep_asking();
    alone.keep_asking();
    sleep(TIME).await;
    let (requests, of_others) = (shared.vendor.requests(), alone.vendor.requests());
    let (counts, counts_of_others) = (shared.noticed(), alone.noticed());
    table(
        &["", "with the store", "without", "ratio"],
        [
            row("requests", [requests.to_string(), of_others.to_string(), ratio(of_others, requests)]),
            row("calls, all refused", [counts.failed.to_string(), counts_of_others.failed.to_string(), String::new()]),
            row("longest wait", [seconds(counts.longest_wait), seconds(counts_of_others.longest_wait), String::new()]),
        ],
    );
    goals.check(requests <= PAUSES, "G9: one request in each pause", format!("{requests} in {PAUSES} pauses"));
    goals.check(counts.failed == counts.calls, "G9: every call says so", counts.failures());
    Ok(())
}
