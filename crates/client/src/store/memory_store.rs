//! A store in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::keyring::Keyring;
use super::record::{Claim, Claimant, Record, StoreKey, Version};
use super::token_store::{StoreError, TokenStore};

/// A store in memory, for tests, and to see what a store has to do. Clones are the same store.
///
/// ```
/// use credentials_grant_client::{MemoryStore, TokenPool};
///
/// // Two programs that share a store, in one test.
/// let store = MemoryStore::new();
/// let (one, other) = (TokenPool::builder().with_store(store.clone()), TokenPool::builder().with_store(store));
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    keyring: Option<Keyring>,
    entries: Arc<Mutex<HashMap<StoreKey, Entry>>>,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    record: Option<(Record, Instant)>,
    claim: Option<(Claimant, Instant)>,
}

impl MemoryStore {
    /// Creates an empty store, in which each client's own secret seals its records.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Seals the records with these keys.
    #[must_use]
    pub fn with_keyring(mut self, keyring: Keyring) -> Self {
        self.keyring = Some(keyring);
        self
    }

    /// Returns the names of its records, in no particular order.
    #[must_use]
    pub fn keys(&self) -> Vec<StoreKey> {
        let now = Instant::now();
        let mut entries = self.entries();
        let present = entries.iter_mut().filter_map(|(key, entry)| entry.record(now).map(|_| key.clone()));
        present.collect()
    }

    /// Removes everything, as a store does that is restarted without its data.
    pub fn clear(&self) {
        self.entries().clear();
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<StoreKey, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// Returns the record with what is left of its lifetime, unless it has ended.
    fn record(&mut self, now: Instant) -> Option<Record> {
        let (record, written) = self.record.as_ref()?;
        let lifetime = record.lifetime.saturating_sub(now.saturating_duration_since(*written));
        let record = (!lifetime.is_zero()).then(|| Record { lifetime, ..record.clone() });
        if record.is_none() {
            self.record = None;
        }
        record
    }

    fn version(&mut self, now: Instant) -> Option<Version> {
        self.record(now).map(|record| record.version)
    }
}

#[async_trait]
impl TokenStore for MemoryStore {
    fn keyring(&self) -> Option<&Keyring> {
        self.keyring.as_ref()
    }

    async fn read(&self, key: &StoreKey) -> Result<Option<Record>, StoreError> {
        Ok(self.entries().get_mut(key).and_then(|entry| entry.record(Instant::now())))
    }

    async fn claim(
        &self,
        key: &StoreKey,
        seen: Option<Version>,
        claimant: Claimant,
        window: Duration,
    ) -> Result<Claim, StoreError> {
        let now = Instant::now();
        let mut entries = self.entries();
        let entry = entries.entry(key.clone()).or_default();
        if let Some(record) = entry.record(now).filter(|record| Some(record.version) != seen) {
            return Ok(Claim::Changed(record));
        }
        match entry.claim {
            Some((holder, end)) if holder != claimant && now < end => Ok(Claim::Held(end.duration_since(now))),
            _ => {
                entry.claim = Some((claimant, now + window));
                Ok(Claim::Granted)
            }
        }
    }

    async fn write(&self, key: &StoreKey, seen: Option<Version>, record: &Record) -> Result<bool, StoreError> {
        let now = Instant::now();
        let mut entries = self.entries();
        let entry = entries.entry(key.clone()).or_default();
        let is_expected = entry.version(now).is_none_or(|version| Some(version) == seen);
        if is_expected {
            entry.record = Some((record.clone(), now));
        }
        Ok(is_expected)
    }

    async fn release(&self, key: &StoreKey, claimant: Claimant) -> Result<(), StoreError> {
        if let Some(entry) = self.entries().get_mut(key)
            && entry.claim.is_some_and(|(holder, _)| holder == claimant)
        {
            entry.claim = None;
        }
        Ok(())
    }

    async fn remove(&self, key: &StoreKey, version: Version) -> Result<bool, StoreError> {
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(key) else { return Ok(false) };
        let is_there = entry.version(Instant::now()) == Some(version);
        if is_there {
            entry.record = None;
        }
        Ok(is_there)
    }
}

#[cfg(test)]
pub(crate) mod faults;
