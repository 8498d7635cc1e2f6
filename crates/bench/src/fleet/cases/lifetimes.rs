//! Ten lifetimes of a token, and what the server has to do for them.

use std::cmp::max;
use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use super::{Setting, float, ratio, row, seconds};
use crate::machines::{Fleet, Place};
use crate::report::{Goals, table, title};
use crate::server::Server;
use crate::vendor::{Answers, Vendor, in_each_lifetime};

/// The most memory of a record.
const MOST_MEMORY: u64 = 2048;

pub(super) async fn run(setting: &Setting<'_>, goals: &mut Goals) -> Result<()> {
    let &Setting { machines, life, lifetimes, .. } = setting;
    title(format!("lifetimes: {lifetimes} lifetimes of {} s", life.as_secs()));
    let server = Server::start(setting.program).await?;
    let mut shared = Fleet::new(machines, Vendor::new(Answers::Tokens(life)), Some(&Place::new(server.url())?))?;
    let mut alone = Fleet::new(machines, Vendor::new(Answers::Tokens(life)), None)?;
    let (mut counts, mut others) = (shared.ask_in_turn().await?, alone.ask_in_turn().await?);
    // What is written after the first fetches is not counted.
    sleep(Duration::from_secs(1)).await;
    let (calls, processor) = (server.store_calls().await?, server.processor_time().await?);
    shared.keep_asking();
    alone.keep_asking();
    // The last renewal has to be over on all machines, and the next one not begun.
    shared.vendor.more_than(lifetimes - 1).await?;
    loop {
        sleep(life / 2).await;
        let requests = in_each_lifetime(&shared.vendor.arrivals(), life);
        if requests.len() >= lifetimes {
            break;
        }
    }
    let calls = server.store_calls().await? - calls;
    let processor = server.processor_time().await?.saturating_sub(processor);
    let requests = in_each_lifetime(&shared.vendor.arrivals(), life);
    let (total, most) = (shared.vendor.requests(), requests.iter().max().copied().unwrap_or_default());
    let renewals = requests.len() - 1;
    let of_others = alone.vendor.requests();
    let (later, of_others_later) = (shared.noticed(), alone.noticed());
    counts.add(&later);
    others.add(&of_others_later);
    let each = float(usize::try_from(calls)?) / float(renewals * shared.len());
    let record = server.largest_record().await?;
    let none = String::new;
    table(
        &["", "with the store", "without", "ratio"],
        [
            row("requests", [total.to_string(), of_others.to_string(), ratio(of_others, total)]),
            row("lifetimes", [requests.len().to_string(), none(), none()]),
            row("the most requests in a lifetime", [most.to_string(), none(), none()]),
            row("calls that failed", [counts.failed.to_string(), others.failed.to_string(), none()]),
            row(
                "calls that waited after the first",
                [later.waited.to_string(), of_others_later.waited.to_string(), none()],
            ),
            row("store calls for each machine and renewal", [format!("{each:.2}"), none(), none()]),
            row(
                "processor time of the server for each renewal",
                [seconds(processor / u32::try_from(max(renewals, 1))?), none(), none()],
            ),
            row("memory of the largest record", [format!("{record} bytes"), none(), none()]),
        ],
    );
    let goal = format!("G1: one request in each of {lifetimes} lifetimes");
    goals.check(most == 1 && requests.len() >= lifetimes, goal, format!("{total} in {}", requests.len()));
    goals.check(counts.failed == 0, "G1: no call fails", counts.failures());
    goals.check(
        later.waited <= of_others_later.waited,
        "G1: no more callers wait than without the store",
        later.waited,
    );
    // In a short life, some look twice: one who comes while another requests the token.
    goals.check(each < 1.05, "G16: one store call for each machine and lifetime", format!("{each:.2}"));
    let figures = format!("{record} bytes for a token of 1 KiB");
    goals.check(record <= MOST_MEMORY, "G16: a record takes 2 KiB at most", figures);
    Ok(())
}
