//! The libraries that take part, one file each.

mod a2a;
mod aliri;
mod aws;
mod azure;
pub(crate) mod bare;
mod cf_gears;
pub(crate) mod floor;
mod google;
mod huskarl;
mod middle;
mod mutex;
mod oauth2;
pub(crate) mod ours;
mod rwlock;

use std::sync::Arc;

use anyhow::Result;
use url::Url;

use crate::contender::{Boxed, Peer};

/// The contenders that fetch and cache a token, ours first.
pub(crate) const KEEPERS: &[Peer] = &[
    ours::TOKEN,
    mutex::PEER,
    rwlock::PEER,
    a2a::PEER,
    aliri::PEER,
    aws::PEER,
    azure::PEER,
    cf_gears::PEER,
    google::PEER,
    huskarl::PEER,
    middle::PEER,
];

/// Returns every way to read a cached token, the floor and our own first.
pub(crate) fn readers() -> impl Iterator<Item = Peer> {
    [floor::PEER, ours::BORROWED, ours::OWNED].into_iter().chain(KEEPERS.iter().copied())
}

/// Sends a request and reads the response.
pub(crate) trait Sender: Send + Sync {
    fn send(&self) -> Boxed<'_, Result<()>>;
}

/// Returns the contenders that fetch without a cache, the bare client first and ours second.
pub(crate) fn fetchers(url: &Url) -> Result<Vec<(&'static str, Arc<dyn Sender>)>> {
    Ok(vec![
        ("reqwest, bare", Arc::new(bare::Client::new(url)?)),
        ("credentials-grant", Arc::new(ours::Uncached::new(url)?)),
        ("aliri_tokens", Arc::new(aliri::Uncached::new(url)?)),
        ("huskarl", Arc::new(huskarl::Uncached::new(url)?)),
        ("oauth2", Arc::new(oauth2::Uncached::new(url)?)),
    ])
}

/// Returns the contenders that call an API with a token, the bare client first and ours second.
///
/// The bare client takes part twice, to show by how much two equal contenders differ.
pub(crate) async fn callers(token_url: &Url, api: &Url) -> Result<Vec<(&'static str, Arc<dyn Sender>)>> {
    let bare = Arc::new(bare::Call::new(api)?);
    Ok(vec![
        ("reqwest, header by hand", Arc::clone(&bare) as Arc<dyn Sender>),
        ("credentials-grant", Arc::new(ours::Call::new(token_url, api)?)),
        ("reqwest, header by hand, again", bare),
        ("reqwest-middleware, header by hand", Arc::new(ours::Call::without_middleware(api)?)),
        ("middle", Arc::new(middle::Call::new(token_url, api).await?)),
    ])
}
