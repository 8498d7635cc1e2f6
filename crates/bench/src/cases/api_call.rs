//! API calls to which the middleware adds the token, compared with the bare HTTP client and a header added by hand.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use http::Extensions;
use reqwest::{Request, Response, ResponseBuilderExt};
use reqwest_middleware::{ClientBuilder, Middleware, Next};
use url::Url;

use crate::Bench;
use crate::measure::{median, median_ratio, one_by_one};
use crate::peers::bare::http;
use crate::peers::ours::{Call, authorizer};
use crate::peers::{Sender, callers};
use crate::report::{Goals, note, table, times, title};
use crate::server::{Answer, Behaviour};

/// The calls of one batch.
const CALLS: u32 = 64;
/// The most time that the middleware may add, as a share of the bare client's time.
const MOST: f64 = 0.02;
/// If that share is smaller, the middleware may add this many microseconds.
const MOST_MICROSECONDS: f64 = 1.0;

pub(crate) fn run(bench: &Bench, goals: &mut Goals) -> Result<()> {
    title("API call");
    let behaviour = Behaviour { answer: Answer::Token(3600), delay: Duration::ZERO };
    let (tokens, api) = (bench.loopback.serve(behaviour)?, bench.loopback.serve(behaviour)?);
    let callers = bench.runtime.block_on(callers(&tokens.url, &api.url))?;
    let rounds = bench.either(500, 50);
    let took = bench.runtime.block_on(rounds_of(rounds, &callers))?;
    let bare = median(took[0].clone());
    let more = |place: usize| median(took[place].iter().zip(&took[0]).map(|(own, bare)| own - bare).collect());
    let rows = callers.iter().enumerate().map(|(place, (name, _))| {
        let ratio = times(median_ratio(&took[place], &took[0]));
        vec![
            (*name).to_owned(),
            format!("{:.1} µs", median(took[place].clone())),
            ratio,
            format!("{:+.2} µs", more(place)),
        ]
    });
    table(&["", "one call", "to bare reqwest", "difference"], rows);

    let without_network = bench.runtime.block_on(without_network(rounds, &tokens.url, &api.url))?;
    note(format!("Without the network, the middleware adds {without_network:.2} µs to a call."));
    let most = (bare * MOST).max(MOST_MICROSECONDS);
    goals.check(more(1) <= most, "within 2 % of bare reqwest or 1 µs", format!("{:+.2} µs of {most:.2} µs", more(1)));
    Ok(())
}

/// Returns the times of each sender, one per round.
async fn rounds_of(rounds: u32, senders: &[(&str, Arc<dyn Sender>)]) -> Result<Vec<Vec<f64>>> {
    let mut took = vec![Vec::new(); senders.len()];
    // The first round opens the connections and fetches the tokens, and is not counted.
    for round in 0..=rounds {
        for (took, (_, sender)) in took.iter_mut().zip(senders) {
            let time = one_by_one(&**sender, CALLS).await?;
            if round > 0 {
                took.push(time);
            }
        }
    }
    Ok(took)
}

/// Returns the microseconds that the middleware adds to a call without a network.
async fn without_network(rounds: u32, token_url: &Url, api: &Url) -> Result<f64> {
    let bare = ClientBuilder::new(http()?).with(AtOnce).build();
    let ours = ClientBuilder::new(http()?).with(authorizer(token_url, api)?).with(AtOnce).build();
    let sender = |http| Arc::new(Call { http, api: api.clone(), header: None }) as Arc<dyn Sender>;
    let took = rounds_of(rounds, &[("", sender(bare)), ("", sender(ours))]).await?;
    Ok(median(took[1].iter().zip(&took[0]).map(|(ours, bare)| ours - bare).collect()))
}

/// A middleware that responds instead of the network.
struct AtOnce;

#[async_trait]
impl Middleware for AtOnce {
    async fn handle(&self, request: Request, _: &mut Extensions, _: Next<'_>) -> reqwest_middleware::Result<Response> {
        let response = http::Response::builder().url(request.url().clone()).body("");
        Ok(response.map_err(reqwest_middleware::Error::middleware)?.into())
    }
}
