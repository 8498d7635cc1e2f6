//! What stands in the place of `src/sync.rs`: whatever is done to one of these, all others may come first.

use std::sync::Arc;

use arc_swap::Guard;
pub(crate) use shuttle::sync::{Mutex, MutexGuard, PoisonError};
use shuttle::thread::yield_now;

/// The real one, each step of which is one of the scheduler's.
pub(crate) struct ArcSwapOption<T>(arc_swap::ArcSwapOption<T>);

impl<T> ArcSwapOption<T> {
    pub(crate) fn empty() -> Self {
        Self(arc_swap::ArcSwapOption::empty())
    }

    pub(crate) fn load(&self) -> Guard<Option<Arc<T>>> {
        yield_now();
        self.0.load()
    }

    pub(crate) fn store(&self, value: Option<Arc<T>>) {
        yield_now();
        self.0.store(value);
    }

    pub(crate) fn compare_and_swap(
        &self,
        current: &Guard<Option<Arc<T>>>,
        new: Option<Arc<T>>,
    ) -> Guard<Option<Arc<T>>> {
        yield_now();
        self.0.compare_and_swap(&**current, new)
    }
}
