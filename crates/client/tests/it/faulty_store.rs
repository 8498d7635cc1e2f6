//! A store that fails or hangs when the test says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use credentials_grant::async_trait;
use credentials_grant_client::{
    Claim, Claimant, Keyring, MemoryStore, Record, StoreError, StoreKey, TokenStore, Version,
};

/// A store that fails or hangs, and counts what it is asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faulty {
    store: MemoryStore,
    pub(crate) fails: Arc<AtomicBool>,
    pub(crate) hangs: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
}

impl Faulty {
    async fn suffer(&self) -> Result<(), StoreError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.hangs.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        if self.fails.load(Ordering::Relaxed) { Err("connection refused".into()) } else { Ok(()) }
    }

    /// Returns how often it was asked since the last time.
    pub(crate) fn calls(&self) -> usize {
        self.calls.swap(0, Ordering::Relaxed)
    }
}

#[async_trait]
impl TokenStore for Faulty {
    fn keyring(&self) -> Option<&Keyring> {
        self.store.keyring()
    }

    async fn read(&self, key: &StoreKey) -> Result<Option<Record>, StoreError> {
        self.suffer().await?;
        self.store.read(key).await
    }

    async fn claim(
        &self,
        key: &StoreKey,
        seen: Option<Version>,
        claimant: Claimant,
        window: Duration,
    ) -> Result<Claim, StoreError> {
        self.suffer().await?;
        self.store.claim(key, seen, claimant, window).await
    }

    async fn write(&self, key: &StoreKey, seen: Option<Version>, record: &Record) -> Result<bool, StoreError> {
        self.suffer().await?;
        self.store.write(key, seen, record).await
    }

    async fn release(&self, key: &StoreKey, claimant: Claimant) -> Result<(), StoreError> {
        self.suffer().await?;
        self.store.release(key, claimant).await
    }

    async fn remove(&self, key: &StoreKey, version: Version) -> Result<bool, StoreError> {
        self.suffer().await?;
        self.store.remove(key, version).await
    }
}
