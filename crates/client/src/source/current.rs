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

    pub(crate) fn store(&self, value: impl Into<Arc<T>>) {
        self.0.store(Some(value.into()));
    }

    /// Replaces the value that was loaded. Returns `false` if another one has been stored meanwhile.
    pub(crate) fn replace(&self, loaded: &Guard<Option<Arc<T>>>, value: Arc<T>) -> bool {
        let found = self.0.compare_and_swap(loaded, Some(value));
        let address = |value: &Option<Arc<T>>| value.as_ref().map(Arc::as_ptr);
        address(&found) == address(loaded)
    }

    /// Removes the value if the predicate holds for it. A value that is stored at the same time stays.
    pub(crate) fn remove_if(&self, predicate: impl FnOnce(&T) -> bool) {
        let current = self.0.load();
        if current.as_deref().is_some_and(predicate) {
            self.0.compare_and_swap(&current, None);
        }
    }
}
