//! A store, as the sources that share it use it: within a budget of time, and not while it fails.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::circuit::Circuit;
use super::token_store::{StoreError, TokenStore};
use crate::metrics;
use crate::random::random_number;

/// A store and what is known of its health.
#[derive(Debug)]
pub(crate) struct SharedStore {
    store: Box<dyn TokenStore>,
    circuit: Mutex<Circuit>,
}

impl SharedStore {
    pub(crate) fn new(store: impl TokenStore) -> Self {
        Self { store: Box::new(store), circuit: Mutex::default() }
    }

    /// Waits for a call of the [store](Self::store). Returns `None` if it fails, takes longer than `budget`, or is not
    /// made because the store failed a moment ago.
    pub(crate) async fn call<T>(
        &self,
        budget: Duration,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Option<T> {
        if self.circuit().is_open(Instant::now()) { None } else { self.probe(budget, call).await }
    }

    /// As [`call`](Self::call), but makes the call even if the store failed a moment ago.
    pub(crate) async fn probe<T>(
        &self,
        budget: Duration,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Option<T> {
        let error = match timeout(budget, call).await {
            Ok(Ok(answer)) => {
                if self.circuit().succeed() {
                    tracing::info!("the token store answers again");
                }
                return Some(answer);
            }
            Ok(Err(error)) => error,
            Err(_) => format!("no answer within {} ms", budget.as_millis()).into(),
        };
        metrics::store_failed();
        // Once for each pause: it would be said for each token otherwise.
        if self.circuit().fail(Instant::now(), random_number()) {
            tracing::warn!(%error, "the token store failed; going on without it");
        }
        None
    }

    /// Returns how long a fetch waits until what it found is in the store. A program that ends at once would share
    /// nothing otherwise. A fetch that has to end soon waits for a part of the time that it has.
    pub(crate) fn moment(&self, give_up: Instant) -> Duration {
        (self.store.patience() / 5).min(give_up.saturating_duration_since(Instant::now()) / 4)
    }

    pub(crate) fn store(&self) -> &dyn TokenStore {
        &*self.store
    }

    fn circuit(&self) -> MutexGuard<'_, Circuit> {
        self.circuit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
