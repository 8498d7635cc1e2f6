//! The API rejects the token of all machines at once.

use anyhow::Result;

use super::{Setting, ratio, row, seconds};
use crate::machines::{ApiCalls, Fleet, Place};
use crate::report::{Goals, table, title};
use crate::server::Server;
use crate::vendor::{Answers, Vendor};

pub(super) async fn run(setting: &Setting<'_>, goals: &mut Goals) -> Result<()> {
    title("rejection: the API answers all machines with 401 at once");
    let server = Server::start(setting.program).await?;
    let (requests, calls) = measure(setting, Some(&Place::new(server.url())?)).await?;
    let (of_others, calls_of_others) = measure(setting, None).await?;
    let all = [calls, calls_of_others];
    let figures = |name: &str, figure: fn(&ApiCalls) -> String| {
        let [shared, alone] = all.each_ref().map(figure);
        row(name, [shared, alone, String::new()])
    };
    table(
        &["", "with the store", "without", "ratio"],
        [
            row("requests", [requests.to_string(), of_others.to_string(), ratio(of_others, requests)]),
            figures("calls that were answered 200", |calls| calls.accepted.to_string()),
            figures("after one retry", |calls| calls.repeated.to_string()),
            figures("longest call", |calls| seconds(calls.longest)),
        ],
    );
    let machines = usize::try_from(setting.machines)?;
    goals.check(requests == 1, "G8: one request", requests);
    let goal = "G8: every call is answered 200 after one retry";
    goals.check(calls.repeated == machines, goal, format!("{} of {machines}", calls.repeated));
    Ok(())
}

/// Returns the requests after the rejection, and how the calls went.
async fn measure(setting: &Setting<'_>, place: Option<&Place>) -> Result<(usize, ApiCalls)> {
    // The token must not be renewed meanwhile.
    let vendor = Vendor::new(Answers::Tokens(setting.life.max(setting.long_life)));
    let fleet = Fleet::new(setting.machines, vendor.clone(), place)?;
    fleet.ask_in_turn().await?;
    let before = vendor.requests();
    vendor.reject_all();
    let calls = fleet.call_api_at_once().await?;
    Ok((vendor.requests() - before, calls))
}
