//! The background runtime that blocking sources, pools and authorizers share.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, Weak, mpsc};

use credentials_grant::{Error, ErrorKind};
use tokio::runtime::{Builder, EnterGuard, Runtime};

/// The runtime, while anybody uses it.
static SHARED: Mutex<Weak<Inner>> = Mutex::new(Weak::new());

/// A handle on the shared runtime, which ends with the last handle.
#[derive(Clone)]
pub(super) struct Background(Arc<Inner>);

/// `None` only while it is dropped.
struct Inner(Option<Runtime>);

impl Background {
    /// Returns the shared runtime, and starts it if there is none.
    pub(super) fn shared() -> Result<Self, Error> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inner) = shared.upgrade() {
            return Ok(Self(inner));
        }
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(|source| {
            Error::new(ErrorKind::Configuration, "no thread could be started to fetch tokens on").with_source(source)
        })?;
        let inner = Arc::new(Inner(Some(runtime)));
        *shared = Arc::downgrade(&inner);
        Ok(Self(inner))
    }

    /// Creates the runtime current, so that a renewal can be started on it.
    pub(super) fn enter(&self) -> Option<EnterGuard<'_>> {
        self.0.0.as_ref().map(Runtime::enter)
    }

    /// Runs the work on the runtime's own threads and waits for it: `block_on` would refuse to run within another
    /// runtime.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let (sender, result) = mpsc::channel();
        if let Some(runtime) = &self.0.0 {
            runtime.spawn(async move { sender.send(work.await) });
        }
        result.recv().unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Unavailable, "the code that fetches tokens panicked, or its thread has ended")
                .with_remedy("look for a panic in the program's error output, or build a new token source"))
        })
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Waiting for the threads would panic if the last owner is async code.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").finish_non_exhaustive()
    }
}
