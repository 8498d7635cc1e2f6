//! Many callers at once, and the times to compare with.

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

/// How long to wait for the callers.
const PATIENCE: Duration = Duration::from_secs(10);

/// The result of many callers at once.
pub(crate) struct Rush {
    pub(crate) milliseconds: f64,
    pub(crate) requests: usize,
    /// The number of callers that got a token.
    pub(crate) with_token: usize,
    /// The number of callers that got an error.
    pub(crate) with_error: usize,
}

/// Returns the contenders that can have callers before they have a token.
pub(crate) fn with_cold_callers() -> Vec<Peer> {
    KEEPERS.iter().filter(|peer| peer.first_fetch == FirstFetch::Later).copied().collect()
}

/// Returns a note that names the other contenders.
pub(crate) fn without_cold_callers() -> String {
    let others = KEEPERS.iter().filter(|peer| peer.first_fetch == FirstFetch::InConstructor);
    let names: Vec<_> = others.map(|peer| peer.name).collect();
    format!("Not measured, because they fetch in their constructors: {}.", names.join(", "))
}

/// Starts many callers at once, for a contender that has no token yet.
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
    // Callers that have no result by then are counted in neither.
    timeout(PATIENCE, all).await.unwrap_or(Ok(()))?;
    Ok(Rush { milliseconds: milliseconds(start.elapsed()), requests: server.requests(), with_token, with_error })
}

async fn has_token(contender: Arc<dyn Contender>) -> bool {
    contender.authorization().await.is_ok()
}

/// Returns the milliseconds of one request by the bare client on a new connection, whether or not it succeeds.
pub(crate) async fn lone_request(bench: &Bench, behaviour: Behaviour) -> Result<f64> {
    let server = bench.loopback.serve(behaviour)?;
    let client = Client::new(&server.url)?;
    let start = Instant::now();
    let _ = client.token().await;
    Ok(milliseconds(start.elapsed()))
}

/// Returns the milliseconds that it takes to wake all tasks that wait for a channel.
pub(crate) async fn wake_ups(tasks: usize) -> f64 {
    let (word, _) = watch::channel(false);
    let hear = |mut word: watch::Receiver<bool>| async move { word.wait_for(|said| *said).await.is_ok() };
    let tasks: JoinSet<_> = (0..tasks).map(|_| hear(word.subscribe())).collect();
    // Give all tasks the time to start waiting.
    sleep(Duration::from_millis(50)).await;
    let start = Instant::now();
    word.send_replace(true);
    tasks.join_all().await;
    milliseconds(start.elapsed())
}
