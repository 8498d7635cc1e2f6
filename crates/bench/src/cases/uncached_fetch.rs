//! Fetches tokens from the server, one after the other and 64 at once, compared with the bare HTTP client.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;

use crate::Bench;
use crate::measure::{median, median_ratio, microseconds_each, one_by_one};
use crate::peers::{Sender, fetchers};
use crate::report::{Goals, table, times, title};
use crate::server::{Answer, Behaviour};

const AT_ONCE: u32 = 64;
/// The most time that a fetch may take, as a multiple of the bare client's.
const MOST: f64 = 1.05;

pub(crate) fn run(bench: &Bench, goals: &mut Goals) -> Result<()> {
    title("Uncached fetch");
    let server = bench.loopback.serve(Behaviour { answer: Answer::Token(3600), delay: Duration::ZERO })?;
    let fetchers = fetchers(&server.url)?;
    let rounds = bench.either(100, 10);
    let mut alone = vec![Vec::new(); fetchers.len()];
    let mut together = vec![Vec::new(); fetchers.len()];
    bench.runtime.block_on(async {
        // The first round opens the connections and is not counted.
        for round in 0..=rounds {
            for (place, (_, fetcher)) in fetchers.iter().enumerate() {
                let (one, many) = (one_by_one(&**fetcher, AT_ONCE).await?, at_once(fetcher).await?);
                if round > 0 {
                    alone[place].push(one);
                    together[place].push(many);
                }
            }
        }
        anyhow::Ok(())
    })?;

    let rows = fetchers.iter().enumerate().map(|(place, (name, _))| {
        vec![
            (*name).to_owned(),
            format!("{:.0} µs", median(alone[place].clone())),
            times(median_ratio(&alone[place], &alone[0])),
            format!("{:.0} µs", median(together[place].clone())),
            times(median_ratio(&together[place], &together[0])),
        ]
    });
    let at_once = format!("{AT_ONCE} at once, each");
    table(&["", "one by one", "to bare reqwest", &at_once, "to bare reqwest"], rows);
    for (times_taken, how) in [(&alone, "one by one"), (&together, "64 at once")] {
        let ratio = median_ratio(&times_taken[1], &times_taken[0]);
        goals.check(ratio <= MOST, format!("{how}: within 5 % of bare reqwest"), times(ratio));
    }
    Ok(())
}

/// Returns the microseconds per fetch if all are sent at once.
async fn at_once(fetcher: &Arc<dyn Sender>) -> Result<f64> {
    let start = Instant::now();
    let fetch = |fetcher: Arc<dyn Sender>| async move { fetcher.send().await };
    let tasks: JoinSet<_> = (0..AT_ONCE).map(|_| fetch(Arc::clone(fetcher))).collect();
    tasks.join_all().await.into_iter().collect::<Result<()>>()?;
    Ok(microseconds_each(start.elapsed(), AT_ONCE))
}
