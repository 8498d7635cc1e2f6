//! The current token: read without a lock, replaced by each fetch, and removed when the API rejects it.
//!
//! This file does not know what a token is, so that a model checker can run it in every order of events
//! (`tests/model`).

use std::sync::Arc;

use arc_swap::Guard;

use crate::sync::ArcSwapOption;

pub(crate) struct Current<T>(ArcSwapOption<T>);

impl<T> Current<T> {
    pub(crate) fn empty() -> Self {
        Self(ArcSwapOption::empty())
    }

    /// Borrows the value.
    pub(crate) fn load(&self) -> Guard<Option<Arc<T>>> {
        self.0.load()
    }

    pub(crate) fn store(&self, value: T) {
        self.0.store(Some(Arc::new(value)));
    }

    /// Removes the value if the predicate holds for it. A value that is stored at the same time stays.
    pub(crate) fn remove_if(&self, predicate: impl FnOnce(&T) -> bool) {
        let current = self.0.load();
        if current.as_deref().is_some_and(predicate) {
            self.0.compare_and_swap(&current, None);
        }
    }
}
