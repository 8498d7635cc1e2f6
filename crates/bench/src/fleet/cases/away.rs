//! The server is away for four minutes of an hour's life, from the moment at which the first machine renews its token.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;
use tokio::try_join;

use super::faults::Fault;
use super::{Setting, percent, row};
use crate::machines::{Fleet, Place};
use crate::report::{Goals, table, title};
use crate::server::Server;
use crate::tally::Counts;
use crate::vendor::{Answers, Vendor};

/// A token is renewed after 80 % of its life at the earliest, and expires this long before its end, or a twentieth of
/// its life if that is shorter.
const MARGIN: Duration = Duration::from_secs(30);

/// Four minutes, of the 690 seconds between the two in an hour's life.
const SHARE: f64 = 240.0 / 690.0;

pub(super) async fn run(setting: &Setting<'_>, goals: &mut Goals) -> Result<()> {
    let life = setting.long_life;
    let away = time_away(life);
    title(format!("away: the server is away for {:.1} s of a life of {} s", away.as_secs_f64(), life.as_secs()));
    let (killed, frozen) =
        try_join!(course(setting, Fault::Killed, life, away), course(setting, Fault::Frozen, life, away))?;
    let all = [&killed, &frozen];
    let machines = usize::try_from(setting.machines)?;
    let share = |(_, requests): &(Counts, usize)| percent(*requests, machines);
    table(
        &["", "killed", "frozen"],
        [
            row("requests", all.map(|(_, requests)| requests.to_string())),
            row("of the fleet", all.map(share)),
            row("calls that failed", all.map(|(counts, _)| counts.failed.to_string())),
            row("calls that waited", all.map(|(counts, _)| counts.waited.to_string())),
        ],
    );
    for (name, course) in [("killed", &killed), ("frozen", &frozen)] {
        let goal = format!("G5: at most 10 % of the fleet request a token if the server was {name}");
        goals.check(course.1 * 10 <= machines, goal, share(course));
        goals.check(course.0.failed == 0, format!("G5: no call fails if it was {name}"), course.0.failures());
    }
    Ok(())
}

/// Returns how long the server is away, in proportion to the time from the first renewal until tokens expire.
fn time_away(life: Duration) -> Duration {
    (life / 5).saturating_sub(MARGIN.min(life / 20)).mul_f64(SHARE)
}

/// Returns what the callers noticed, and how many tokens were requested instead of one.
async fn course(setting: &Setting<'_>, fault: Fault, life: Duration, away: Duration) -> Result<(Counts, usize)> {
    let mut server = Server::start(setting.program).await?;
    let vendor = Vendor::new(Answers::Tokens(life));
    let mut fleet = Fleet::new(setting.machines, vendor.clone(), Some(&Place::new(server.url())?))?;
    fleet.ask_in_turn().await?;
    fleet.keep_asking();
    let before = vendor.requests();
    vendor.more_than(before).await?;
    fault.begin(&mut server).await?;
    sleep(away).await;
    fault.end(&mut server).await?;
    // All tokens expire before that, and no new one is renewed.
    sleep((life / 2).saturating_sub(away)).await;
    Ok((fleet.noticed(), vendor.requests() - before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_hour_the_server_is_away_for_four_minutes() {
        assert_eq!(time_away(Duration::from_hours(1)).as_secs(), 240);
        assert_eq!(time_away(Duration::from_mins(1)).as_millis(), 3130);
    }
}
