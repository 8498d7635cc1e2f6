//! The task that keeps a source's token warm, as the source knows it.

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use tokio::task::AbortHandle;

/// The task that renews a source's token though nobody asks for it. It ends when this is dropped, with the source:
/// otherwise it would sleep on, and a pool that drops many sources would have many such tasks.
#[derive(Debug, Default)]
pub(crate) struct WarmTask {
    pub(crate) is_running: AtomicBool,
    handle: Mutex<Option<AbortHandle>>,
}

impl WarmTask {
    /// Remembers which task to end. If two are started at nearly the same time, the other ends at its next check.
    pub(crate) fn set_handle(&self, handle: AbortHandle) {
        *self.handle.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle);
    }
}

impl Drop for WarmTask {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.get_mut().unwrap_or_else(PoisonError::into_inner) {
            handle.abort();
        }
    }
}
