//! Many callers at once, and what their time is compared with.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::Bench;
use crate::contender::{Contender, FirstFetch, Peer, Settings};
use crate::measure::milliseconds;
use crate::peers::KEEPERS;
use crate::peers::bare::Client;
use crate::server::Behaviour;

/// How long callers are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a rush ended.
pub(crate) struct Rush {
    pub(crate) milliseconds: f64,
    pub(crate) requests: usize,
    /// How many got a token.
    pub(crate) with_token: usize,
    /// How many got an error.
    pub(crate) with_error: usize,
}

/// Those who have callers before they have a token.
pub(crate) fn with_cold_callers() -> Vec<Peer> {
    KEEPERS.iter().filter(|peer| peer.first_fetch == FirstFetch::Later).copied().collect()
}

/// Names the others.
pub(crate) fn without_cold_callers() -> String {
    let others = KEEPERS.iter().filter(|peer| peer.first_fetch == FirstFetch::InConstructor);
    let names: Vec<_> = others.map(|peer| peer.name).collect();
    format!("Not asked, as they fetch in their constructors and have no callers without a token: {}.", names.join(", "))
}

/// Lets so many callers go at once, at a contender that has no token yet.
pub(crate) async fn rush(bench: &Bench, peer: Peer, behaviour: Behaviour, callers: usize) -> Result<Rush> {
    let server = bench.loopback.serve(behaviour)?;
    let contender = (peer.start)(Settings::new(&server.url)).await?;
    let start = Instant::now();
    let mut calls: JoinSet<_> = (0..callers).map(|_| has_token(Arc::clone(&contender))).collect();
    let (mut with_token, mut with_error) = (0, 0);
    let all = async {
        while let Some(has_token) = calls.join_next().await {
            if has_token? { with_token += 1 } else { with_error += 1 }
        }
        anyhow::Ok(())
    };
    // Who has no answer by then is counted in neither.
    timeout(PATIENCE, all).await.unwrap_or(Ok(()))?;
    Ok(Rush { milliseconds: milliseconds(start.elapsed()), requests: server.requests(), with_token, with_error })
}

async fn has_token(contender: Arc<dyn Contender>) -> bool {
    contender.authorization().await.is_ok()
}

/// The milliseconds of one request by the bare client, however it ends, with a connection of its own.
pub(crate) async fn lone_request(bench: &Bench, behaviour: Behaviour) -> Result<f64> {
    let server = bench.loopback.serve(behaviour)?;
    let client = Client::new(&server.url)?;
    let start = Instant::now();
    let _ = client.token().await;
    Ok(milliseconds(start.elapsed()))
}

/// The milliseconds from a word to the last of so many tasks that wait for it.
pub(crate) async fn wake_ups(tasks: usize) -> f64 {
    let (word, _) = watch::channel(false);
    let hear = |mut word: watch::Receiver<bool>| async move { word.wait_for(|said| *said).await.is_ok() };
    let tasks: JoinSet<_> = (0..tasks).map(|_| hear(word.subscribe())).collect();
    // Until all of them wait.
    sleep(Duration::from_millis(50)).await;
    let start = Instant::now();
    word.send_replace(true);
    tasks.join_all().await;
    milliseconds(start.elapsed())
}
