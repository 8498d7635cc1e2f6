//! One request for any number of callers.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use credentials_grant::{AccessToken, Error, ErrorKind};
use futures_util::FutureExt;
use futures_util::future::Shared;
use tokio::runtime::Handle;
use tokio::sync::oneshot::{self, Receiver, Sender};
use tokio::time::timeout;

/// What everyone who waits for one flight gets.
pub(crate) type Landing = Result<Arc<AccessToken>, Error>;

/// The flight that is under way, if one is.
///
/// It runs in a task of its own, so no caller who goes away takes it along, and all who wait share its outcome,
/// failure included: nobody queues up to fail again one by one.
#[derive(Debug, Default)]
pub(crate) struct Flight(Mutex<Slot>);

#[derive(Debug, Default)]
struct Slot {
    /// The number of the last flight that was started.
    number: u64,
    under_way: Option<Shared<Receiver<Landing>>>,
}

/// A place on a flight.
struct Boarding {
    number: u64,
    flight: Shared<Receiver<Landing>>,
    /// Whether whoever boards has started it.
    is_ours: bool,
}

impl Flight {
    /// Boards the flight that is under way, or starts one, and waits for it so long at the most.
    ///
    /// `start` runs under the lock and says what is to be done, or what has landed meanwhile.
    pub(crate) async fn board<F>(
        self: &Arc<Self>,
        patience: Duration,
        start: impl Fn() -> Result<F, Landing>,
    ) -> Landing
    where
        F: Future<Output = Landing> + Send + 'static,
    {
        let runtime = Handle::try_current().map_err(|source| {
            Error::new(ErrorKind::Configuration, "a token was asked for outside of a tokio runtime")
                .with_remedy("call it from async code that tokio runs, or use `blocking::TokenSource`")
                .with_source(source)
        })?;
        loop {
            let Boarding { number, flight, is_ours } = match self.take_off(&runtime, &start) {
                Ok(boarding) => boarding,
                Err(landed) => return landed,
            };
            match timeout(patience, flight).await {
                Ok(Ok(landing)) => return landing,
                // The runtime that it ran on went away. That is no failure of ours, unless it was our own.
                Ok(Err(_)) if is_ours => return Err(lost()),
                Ok(Err(_)) => {}
                Err(_) => {
                    // Nobody drives it: the next caller starts afresh.
                    self.end(number);
                    return Err(too_slow(patience));
                }
            }
        }
    }

    /// Starts a flight that nobody waits for, unless one is under way or `start` says that there is no need.
    ///
    /// Outside of a tokio runtime there is nothing to start it on: whoever asks next has another chance.
    pub(crate) fn launch<F>(self: &Arc<Self>, start: impl Fn() -> Result<F, Landing>)
    where
        F: Future<Output = Landing> + Send + 'static,
    {
        if let Ok(runtime) = Handle::try_current() {
            // Why there is no need is nobody's question.
            let _ = self.take_off(&runtime, start);
        }
    }

    /// The flight that is under way, or a new one on this runtime.
    fn take_off<F>(
        self: &Arc<Self>,
        runtime: &Handle,
        start: impl Fn() -> Result<F, Landing>,
    ) -> Result<Boarding, Landing>
    where
        F: Future<Output = Landing> + Send + 'static,
    {
        let mut slot = self.slot();
        if let Some(flight) = &slot.under_way {
            return Ok(Boarding { number: slot.number, flight: flight.clone(), is_ours: false });
        }
        let work = start()?;
        let (landing, flight) = oneshot::channel();
        let flight = flight.shared();
        slot.number += 1;
        slot.under_way = Some(flight.clone());
        let number = slot.number;
        // Before the task is spawned: a runtime that is shutting down drops it here and now, and its runway with it.
        drop(slot);
        runtime.spawn(fly(Runway { flight: Arc::clone(self), number }, work, landing));
        Ok(Boarding { number, flight, is_ours: true })
    }

    /// Makes way for the next flight, if this one still stands in its way.
    fn end(&self, number: u64) {
        let mut slot = self.slot();
        if slot.number == number {
            slot.under_way = None;
        }
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does the work, makes way, and then says how it ended.
async fn fly(runway: Runway, work: impl Future<Output = Landing>, landing: Sender<Landing>) {
    let outcome = AssertUnwindSafe(work).catch_unwind().await;
    drop(runway);
    // Everybody may have gone away.
    let _ = landing.send(outcome.unwrap_or_else(|_| Err(panicked())));
}

/// Makes way for the next flight, also if this one is dropped with its runtime.
struct Runway {
    flight: Arc<Flight>,
    number: u64,
}

impl Drop for Runway {
    fn drop(&mut self) {
        self.flight.end(self.number);
    }
}

pub(crate) fn too_slow(patience: Duration) -> Error {
    Error::new(ErrorKind::Unreachable, format!("no token within {patience:?}"))
        .with_remedy("check the network and the vendor's status page, or allow more time")
}

/// The panic's own words are not repeated: nobody knows what stands in them.
fn panicked() -> Error {
    Error::new(ErrorKind::Configuration, "the provider or the transport panicked while a token was fetched")
        .with_remedy("report the panic, which stands in the program's error output, to its authors")
}

fn lost() -> Error {
    Error::new(ErrorKind::Unavailable, "the runtime that was fetching the token was shut down")
        .with_remedy("ask for tokens on a runtime that lives as long as the program")
}
