//! The task that keeps a source's token warm, as the source knows it.

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use crate::runtime::AbortOnDrop;

/// The task that renews a source's token though nobody asks for it. It ends when this is dropped, with the source:
/// otherwise it would sleep on, and a pool that drops many sources would have many such tasks.
#[derive(Debug, Default)]
pub(crate) struct WarmTask {
    pub(crate) is_running: AtomicBool,
    task: Mutex<Option<AbortOnDrop>>,
}

impl WarmTask {
    /// Remembers which task to end. If two are started at nearly the same time, one of them ends.
    pub(crate) fn set(&self, task: AbortOnDrop) {
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }
}
