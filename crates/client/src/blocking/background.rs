//! The background runtime that blocking sources, pools and authorizers share.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, Weak, mpsc};
use std::time::Duration;
use std::{fmt, mem, process};

use credentials_grant::{Error, ErrorKind};
use tokio::runtime::{Builder, EnterGuard, Handle, Runtime};
use tokio::task::block_in_place;

use crate::runtime::timed_out;

/// How many threads run the work. Credentials and transports that block their thread occupy one each, meanwhile.
const THREADS: usize = 8;

/// The runtime, while anybody uses it.
static SHARED: Mutex<Weak<Inner>> = Mutex::new(Weak::new());

/// A handle on the shared runtime, which ends with the last handle.
#[derive(Clone)]
pub(super) struct Background(Arc<Inner>);

struct Inner {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    /// The process that has the runtime's threads. A child that was forked from it has not.
    process: u32,
}

impl Background {
    /// Returns the shared runtime, and starts it if there is none.
    pub(super) fn shared() -> Result<Self, Error> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inner) = shared.upgrade().filter(|inner| inner.is_of_this_process()) {
            return Ok(Self(inner));
        }
        let runtime = Builder::new_multi_thread().worker_threads(THREADS).enable_all().build().map_err(|source| {
            Error::new(ErrorKind::Configuration, "no thread could be started to fetch tokens on").with_source(source)
        })?;
        let inner = Arc::new(Inner { runtime: Some(runtime), process: process::id() });
        *shared = Arc::downgrade(&inner);
        Ok(Self(inner))
    }

    /// Creates the runtime current, so that a renewal can be started on it.
    pub(super) fn enter(&self) -> Option<EnterGuard<'_>> {
        self.0.runtime.as_ref().map(Runtime::enter)
    }

    /// Runs the work on the runtime's own threads and waits for it, up to the limit if there is one.
    ///
    /// `block_on` would refuse to run within another runtime, and the runtime's own timers stand still while all of its
    /// threads are blocked.
    pub(super) fn run<T: Send + 'static>(
        &self,
        limit: Option<Duration>,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        if !self.0.is_of_this_process() {
            return Err(forked());
        }
        let (sender, result) = mpsc::channel();
        if let Some(runtime) = &self.0.runtime {
            runtime.spawn(async move { sender.send(work.await) });
        }
        let wait = || match limit {
            Some(limit) => result.recv_timeout(limit),
            None => result.recv().map_err(mpsc::RecvTimeoutError::from),
        };
        // One of the runtime's own threads, as in credentials that come from another blocking source, first hands its
        // other tasks to another thread: the result may depend on them.
        let is_own = |runtime: &Runtime| Handle::try_current().is_ok_and(|here| here.id() == runtime.handle().id());
        let outcome = if self.0.runtime.as_ref().is_some_and(is_own) { block_in_place(wait) } else { wait() };
        outcome.unwrap_or_else(|error| match (error, limit) {
            (mpsc::RecvTimeoutError::Timeout, Some(limit)) => Err(timed_out(limit)),
            _ => Err(Error::new(
                ErrorKind::Unavailable,
                "the code that fetches tokens panicked, or its thread has ended",
            )
            .with_remedy("look for a panic in the program's error output, or build a new token source")),
        })
    }
}

impl Inner {
    fn is_of_this_process(&self) -> bool {
        self.process == process::id()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        if self.is_of_this_process() {
            // Waiting for the threads would panic if the last owner is async code.
            runtime.shutdown_background();
        } else {
            // Whatever waits for its threads waits for ever.
            mem::forget(runtime);
        }
    }
}

fn forked() -> Error {
    Error::new(ErrorKind::Configuration, "the process was forked, and the threads that fetch tokens are in its parent")
        .with_remedy("build the token source, pool or authorizer in the child, after the fork")
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").finish_non_exhaustive()
    }
}
