//! One request for any number of callers.
//!
//! Nothing here knows of a runtime or of time, so that a model checker can take it through every order of events
//! (`tests/model`).

use std::future::Future;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::Shared;
use tokio::sync::oneshot::{self, Receiver, Sender};

use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The flight that is under way, if one is.
///
/// It is a task of its own, so no caller who goes away takes it along, and all who wait share its outcome, failure
/// included: nobody queues up to fail again one by one.
#[derive(Debug)]
pub(crate) struct Flight<T: Clone, D>(Mutex<Slot<T, D>>);

#[derive(Debug)]
struct Slot<T: Clone, D> {
    /// The number of the last flight that was started.
    number: u64,
    under_way: Option<Boarding<T, D>>,
}

/// A place on a flight.
#[derive(Clone, Debug)]
pub(crate) struct Boarding<T: Clone, D> {
    pub(crate) number: u64,
    /// Where and when it was started, as whoever started it puts it.
    pub(crate) departure: D,
    /// How it ends, or that its task was dropped.
    pub(crate) landing: Shared<Receiver<T>>,
}

impl<T: Clone + Send + Sync + 'static, D: Copy + Send + 'static> Flight<T, D> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Slot { number: 0, under_way: None }))
    }

    /// A place on the flight that is under way, or on a new one and the task that it is, for the caller to
    /// spawn.
    ///
    /// `start` runs under the lock and says what is to be done, or that there is no need.
    pub(crate) fn board<F>(
        self: &Arc<Self>,
        departure: D,
        start: impl FnOnce() -> Result<F, T>,
    ) -> Result<(Boarding<T, D>, Option<impl Future<Output = ()> + Send + 'static>), T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut slot = self.slot();
        if let Some(boarding) = &slot.under_way {
            return Ok((boarding.clone(), None));
        }
        let work = start()?;
        let (sender, landing) = oneshot::channel();
        let number = slot.number + 1;
        let boarding = Boarding { number, departure, landing: landing.shared() };
        *slot = Slot { number, under_way: Some(boarding.clone()) };
        let task = fly(Runway { flight: Arc::clone(self), number, landing: Some(sender) }, work);
        Ok((boarding, Some(task)))
    }

    /// Makes way for the next flight, if this one still stands in its way.
    pub(crate) fn end(&self, number: u64) {
        let mut slot = self.slot();
        if slot.number == number {
            slot.under_way = None;
        }
    }

    fn slot(&self) -> MutexGuard<'_, Slot<T, D>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn fly<T, D>(runway: Runway<T, D>, work: impl Future<Output = T>)
where
    T: Clone + Send + Sync + 'static,
    D: Copy + Send + 'static,
{
    let outcome = work.await;
    runway.land(outcome);
}

/// Makes way for the next flight and then says how this one ended, also if it is dropped with its runtime: whoever hears
/// of it and boards again does not find it in his way.
struct Runway<T: Clone + Send + Sync + 'static, D: Copy + Send + 'static> {
    flight: Arc<Flight<T, D>>,
    number: u64,
    landing: Option<Sender<T>>,
}

impl<T: Clone + Send + Sync + 'static, D: Copy + Send + 'static> Runway<T, D> {
    fn land(mut self, outcome: T) {
        let landing = self.landing.take();
        drop(self);
        // Everybody may have gone away.
        let _ = landing.map(|landing| landing.send(outcome));
    }
}

impl<T: Clone + Send + Sync + 'static, D: Copy + Send + 'static> Drop for Runway<T, D> {
    fn drop(&mut self) {
        self.flight.end(self.number);
    }
}
