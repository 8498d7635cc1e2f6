//! The floor: the minimum that hand-written code does to read an `Authorization` value and to check its expiry.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use arc_swap::ArcSwap;
use http::HeaderValue;

use crate::contender::{Boxed, Contender, FirstFetch, Peer, bearer, repeat};
use crate::server::token;

pub(crate) const PEER: Peer = Peer {
    name: "floor: ArcSwap + Instant",
    checks_expiry: true,
    yields: "header",
    first_fetch: FirstFetch::Later,
    start: |_| Box::pin(async { Ok(Arc::new(Floor::new()?) as Arc<dyn Contender>) }),
};

struct Floor(ArcSwap<Kept>);

struct Kept {
    header: HeaderValue,
    expires_at: Instant,
}

impl Floor {
    /// Creates the floor with a token like that of the others, because it does not fetch one.
    fn new() -> Result<Self> {
        let expires_at = Instant::now() + Duration::from_hours(1);
        Ok(Self(ArcSwap::from_pointee(Kept { header: bearer(&token(0))?, expires_at })))
    }

    fn header(&self) -> Option<HeaderValue> {
        let kept = self.0.load();
        (Instant::now() < kept.expires_at).then(|| kept.header.clone())
    }
}

impl Contender for Floor {
    fn authorization(&self) -> Boxed<'_, Result<HeaderValue>> {
        Box::pin(async { self.header().context("the token has expired") })
    }

    fn read(&self, times: u32) {
        repeat(times, || self.header());
    }
}
