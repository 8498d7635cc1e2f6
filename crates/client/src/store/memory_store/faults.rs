//! What may happen to a store, for tests.

use std::collections::HashMap;

use super::{Entry, MemoryStore};
use crate::store::StoreKey;

/// What a store held at some time.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot(HashMap<StoreKey, Entry>);

impl MemoryStore {
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot(self.entries().clone())
    }

    /// Returns to an older state, as after a failover to a replica that lagged behind.
    pub(crate) fn restore(&self, snapshot: Snapshot) {
        *self.entries() = snapshot.0;
    }

    /// Forgets all records, and keeps the claims.
    pub(crate) fn evict_records(&self) {
        self.entries().values_mut().for_each(|entry| entry.record = None);
    }

    /// Forgets all claims, and keeps the records.
    pub(crate) fn evict_claims(&self) {
        self.entries().values_mut().for_each(|entry| entry.claim = None);
    }

    /// Puts the records of two keys in each other's place, as somebody does who can write to the store.
    pub(crate) fn swap(&self, one: &StoreKey, other: &StoreKey) {
        let mut entries = self.entries();
        let record = entries.get_mut(one).and_then(|entry| entry.record.take());
        let Some(other) = entries.get_mut(other) else { return };
        let record = std::mem::replace(&mut other.record, record);
        entries.entry(one.clone()).or_default().record = record;
    }
}
