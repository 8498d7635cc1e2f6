//! The pattern that most people write by hand: a token behind an async mutex, which stays locked during a fetch.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use http::HeaderValue;
use tokio::sync::Mutex;

use super::bare::Client;
use crate::contender::{Boxed, Contender, FirstFetch, Peer, Settings, at_once, bearer, repeat};

pub(crate) const PEER: Peer = Peer {
    name: "by hand: tokio Mutex",
    checks_expiry: true,
    yields: "header",
    first_fetch: FirstFetch::Later,
    start: |settings| Box::pin(async move { Ok(Arc::new(ByHand::new(&settings)?) as Arc<dyn Contender>) }),
};

struct ByHand {
    client: Client,
    margin: Duration,
    kept: Mutex<Option<Kept>>,
}

/// A token, and the time until which it is used.
pub(super) struct Kept {
    pub(super) header: HeaderValue,
    until: Instant,
}

impl Kept {
    pub(super) async fn fetch(client: &Client, margin: Duration) -> Result<Self> {
        let answer = client.token().await?;
        let life = Duration::from_secs(answer.expires_in);
        Ok(Self { header: bearer(&answer.access_token)?, until: Instant::now() + life.saturating_sub(margin) })
    }

    pub(super) fn is_good(&self) -> bool {
        Instant::now() < self.until
    }
}

/// Returns the margin before the expiry: 30 seconds by default, which is common in hand-written code.
pub(super) fn margin(settings: &Settings) -> Duration {
    settings.renewed_ahead.unwrap_or(Duration::from_secs(30))
}

impl ByHand {
    fn new(settings: &Settings) -> Result<Self> {
        Ok(Self { client: Client::new(&settings.url)?, margin: margin(settings), kept: Mutex::new(None) })
    }

    async fn header(&self) -> Result<HeaderValue> {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.is_good()) {
            return Ok(kept.header.clone());
        }
        let fetched = Kept::fetch(&self.client, self.margin).await?;
        let header = fetched.header.clone();
        *kept = Some(fetched);
        Ok(header)
    }
}

impl Contender for ByHand {
    fn authorization(&self) -> Boxed<'_, Result<HeaderValue>> {
        Box::pin(self.header())
    }

    fn read(&self, times: u32) {
        repeat(times, || at_once(self.header()));
    }
}
