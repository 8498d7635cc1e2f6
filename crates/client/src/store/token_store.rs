//! The trait of stores.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::keyring::Keyring;
use super::record::{Claim, Claimant, Record, StoreKey, Version};

/// The error of a store. A source logs it, and goes on as if it had no store.
pub type StoreError = Box<dyn std::error::Error + Send + Sync>;

/// A store in which processes share tokens: one file system, one Redis, one database.
///
/// A store keeps small records under keys. It sees sealed bytes only, and needs to know nothing of tokens. To implement
/// one of your own, start from [`MemoryStore`](crate::MemoryStore), annotate the `impl` with `#[async_trait]`, which
/// `credentials-grant` exports, and check it with `store_tests!` of `credentials-grant-conformance`.
///
/// Each method is one atomic step in the store. If it returns an error, the source fetches its token itself. A source
/// stops waiting for a method that takes too long, and drops its future.
#[async_trait]
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// Returns the keys that seal the records, or `None` to seal the records of each client with its own secret.
    ///
    /// A client's secret protects as well as it is hard to guess. Return keys if others can read the store: a keyring
    /// is random.
    fn keyring(&self) -> Option<&Keyring>;

    /// Returns how long a caller without a token waits for an answer before it goes on without the store: half a second
    /// unless implemented.
    fn patience(&self) -> Duration {
        Duration::from_millis(500)
    }

    /// Returns the record under this key, unless its lifetime is over.
    async fn read(&self, key: &StoreKey) -> Result<Option<Record>, StoreError>;

    /// Returns the record under this key if it has another version than the one `seen`. Otherwise claims the right to
    /// replace it, which one claimant has at a time, for `window` at the longest.
    ///
    /// Whoever has the right and claims it again keeps it.
    async fn claim(
        &self,
        key: &StoreKey,
        seen: Option<Version>,
        claimant: Claimant,
        window: Duration,
    ) -> Result<Claim, StoreError>;

    /// Writes a record under this key if the one that is there has the version `seen`, or if none is there. It ends
    /// when its lifetime is over. Returns `false` if another version is there.
    ///
    /// Claims are ignored: they decide who requests a token, and this one has been requested already.
    async fn write(&self, key: &StoreKey, seen: Option<Version>, record: &Record) -> Result<bool, StoreError>;

    /// Gives a claim back, if this claimant still has it.
    async fn release(&self, key: &StoreKey, claimant: Claimant) -> Result<(), StoreError>;

    /// Removes the record under this key, if it still has this version. Returns `false` if it has another.
    async fn remove(&self, key: &StoreKey, version: Version) -> Result<bool, StoreError>;
}

/// For a program that chooses its store when it runs.
#[async_trait]
impl<T: TokenStore + ?Sized> TokenStore for Arc<T> {
    fn keyring(&self) -> Option<&Keyring> {
        (**self).keyring()
    }

    fn patience(&self) -> Duration {
        (**self).patience()
    }

    async fn read(&self, key: &StoreKey) -> Result<Option<Record>, StoreError> {
        (**self).read(key).await
    }

    async fn claim(
        &self,
        key: &StoreKey,
        seen: Option<Version>,
        claimant: Claimant,
        window: Duration,
    ) -> Result<Claim, StoreError> {
        (**self).claim(key, seen, claimant, window).await
    }

    async fn write(&self, key: &StoreKey, seen: Option<Version>, record: &Record) -> Result<bool, StoreError> {
        (**self).write(key, seen, record).await
    }

    async fn release(&self, key: &StoreKey, claimant: Claimant) -> Result<(), StoreError> {
        (**self).release(key, claimant).await
    }

    async fn remove(&self, key: &StoreKey, version: Version) -> Result<bool, StoreError> {
        (**self).remove(key, version).await
    }
}
