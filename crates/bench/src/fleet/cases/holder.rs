//! The machine that requests the first token dies before it has it.

use std::time::Duration;

use anyhow::Result;
use tokio::join;
use tokio::runtime::Builder;
use tokio::time::sleep;

use super::{PATIENCE, Setting, ratio, row, seconds};
use crate::machines::{Fleet, Place, machine};
use crate::report::{Goals, table, title};
use crate::server::Server;
use crate::vendor::{Answers, FETCH, Vendor};

/// For how long one machine has the right to request a token.
const WINDOW: Duration = Duration::from_secs(3);

/// How long the first machine lives.
const ALIVE: Duration = Duration::from_millis(500);

pub(super) async fn run(setting: &Setting<'_>, goals: &mut Goals) -> Result<()> {
    title("holder: the machine that requests the first token dies");
    let server = Server::start(setting.program).await?;
    let place = Place::new(server.url())?;
    let vendor = Vendor::new(Answers::TokensAfterTheFirst(setting.life));
    let fleet = Fleet::new(setting.machines - 1, vendor.clone(), Some(&place))?;

    // A runtime of its own is all that is left undone when a process dies.
    let holder = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let first = machine(&vendor, Some(&place))?;
    holder.spawn(async move { first.token().await });
    vendor.more_than(0).await?;
    let death = async {
        sleep(ALIVE).await;
        holder.shutdown_background();
    };
    let (counts, ()) = join!(fleet.ask_at_once(), death);
    let counts = counts?;

    let (requests, machines) = (vendor.requests(), fleet.len() + 1);
    table(
        &["", "with the store", "without", "ratio"],
        [
            row("requests", [requests.to_string(), machines.to_string(), ratio(machines, requests)]),
            row("longest wait", [seconds(counts.longest_wait), seconds(FETCH), String::new()]),
        ],
    );
    goals.check(requests <= 2, "G6: at most one more request", requests - 1);
    let most = WINDOW + FETCH + PATIENCE;
    let goal = format!("G6: nobody waits longer than {}: the window, the fetch and half a second", seconds(most));
    goals.check(counts.longest_wait <= most, goal, seconds(counts.longest_wait));
    goals.check(counts.failed == 0, "G6: no call fails", counts.failures());
    Ok(())
}
