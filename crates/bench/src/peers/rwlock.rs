//! The other pattern that people write by hand: a token behind an async read-write lock, checked twice.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use http::HeaderValue;
use tokio::sync::RwLock;

use super::bare::Client;
use super::mutex::{Kept, margin};
use crate::contender::{Boxed, Contender, FirstFetch, Peer, Settings, at_once, repeat};

pub(crate) const PEER: Peer = Peer {
    name: "by hand: tokio RwLock",
    checks_expiry: true,
    yields: "header",
    first_fetch: FirstFetch::Later,
    start: |settings| Box::pin(async move { Ok(Arc::new(ByHand::new(&settings)?) as Arc<dyn Contender>) }),
};

struct ByHand {
    client: Client,
    margin: Duration,
    kept: RwLock<Option<Kept>>,
}

impl ByHand {
    fn new(settings: &Settings) -> Result<Self> {
        Ok(Self { client: Client::new(&settings.url)?, margin: margin(settings), kept: RwLock::new(None) })
    }

    async fn header(&self) -> Result<HeaderValue> {
        if let Some(kept) = self.kept.read().await.as_ref().filter(|kept| kept.is_good()) {
            return Ok(kept.header.clone());
        }
        let mut kept = self.kept.write().await;
        // The previous holder of the lock may have fetched a token.
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
