//! The token in memory: anybody reads it without a lock, whoever lands puts in another, and who was told that it is no
//! longer good takes it out.
//!
//! Nothing here knows what a token is, so that a model checker can take it through every order of events (`tests/model`).

use std::sync::Arc;

use arc_swap::Guard;

use crate::sync::ArcSwapOption;

pub(crate) struct Current<T>(ArcSwapOption<T>);

impl<T> Current<T> {
    pub(crate) fn empty() -> Self {
        Self(ArcSwapOption::empty())
    }

    /// What is in it, on loan.
    pub(crate) fn load(&self) -> Guard<Option<Arc<T>>> {
        self.0.load()
    }

    pub(crate) fn store(&self, value: T) {
        self.0.store(Some(Arc::new(value)));
    }

    /// Takes out what is in it, if that is what is meant. What comes in at the same time stays.
    pub(crate) fn take_out(&self, is_meant: impl FnOnce(&T) -> bool) {
        let current = self.0.load();
        if current.as_deref().is_some_and(is_meant) {
            self.0.compare_and_swap(&current, None);
        }
    }
}
