//! Single flight: one request for any number of callers.
//!
//! This file knows neither a runtime nor time, so that a model checker can run it in every order of events
//! (`tests/model`).

use std::future::Future;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::Shared;
use tokio::sync::oneshot::{self, Receiver, Sender};

use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The flight in progress, if there is one.
///
/// It runs as a task of its own, so a caller that goes away does not cancel it. All who wait share its result, a
/// failure too: nobody queues up to fail again one by one.
#[derive(Debug)]
pub(crate) struct Flight<T: Clone, O>(Mutex<Slot<T, O>>);

#[derive(Debug)]
struct Slot<T: Clone, O> {
    /// The number of the last flight that was started.
    number: u64,
    in_progress: Option<Waiter<T, O>>,
}

/// What a caller waits on.
#[derive(Clone, Debug)]
pub(crate) struct Waiter<T: Clone, O> {
    /// The flight's number.
    pub(crate) number: u64,
    /// Where and when the flight was started.
    pub(crate) origin: O,
    /// The flight's result, or that its task was dropped.
    pub(crate) result: Shared<Receiver<T>>,
}

/// What a flight should do.
pub(crate) enum Start<F, T> {
    /// Run this.
    Run(F),
    /// Nothing: the result is known.
    Settled(T),
}

/// What a caller finds when it joins.
pub(crate) enum Join<T: Clone, O, R> {
    /// A flight in progress.
    InProgress(Waiter<T, O>),
    /// A new flight, and its task, for the caller to spawn.
    Started(Waiter<T, O>, R),
    /// No flight, because the result is known.
    Settled(T),
}

impl<T: Clone + Send + Sync + 'static, O: Copy + Send + 'static> Flight<T, O> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Slot { number: 0, in_progress: None }))
    }

    /// Joins the flight in progress, or starts one. `start` runs under the lock.
    pub(crate) fn join<F>(
        self: &Arc<Self>,
        origin: O,
        start: impl FnOnce() -> Start<F, T>,
    ) -> Join<T, O, impl Future<Output = ()> + Send + 'static>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut slot = self.slot();
        if let Some(waiter) = &slot.in_progress {
            return Join::InProgress(waiter.clone());
        }
        let work = match start() {
            Start::Run(work) => work,
            Start::Settled(result) => return Join::Settled(result),
        };
        let (sender, result) = oneshot::channel();
        let number = slot.number + 1;
        let waiter = Waiter { number, origin, result: result.shared() };
        *slot = Slot { number, in_progress: Some(waiter.clone()) };
        let task = run(Completion { flight: Arc::clone(self), number, sender: Some(sender) }, work);
        Join::Started(waiter, task)
    }

    /// Lets the next caller start a new flight, if this one is still in progress.
    pub(crate) fn end(&self, number: u64) {
        let mut slot = self.slot();
        if slot.number == number {
            slot.in_progress = None;
        }
    }

    fn slot(&self) -> MutexGuard<'_, Slot<T, O>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn run<T, O>(completion: Completion<T, O>, work: impl Future<Output = T>)
where
    T: Clone + Send + Sync + 'static,
    O: Copy + Send + 'static,
{
    let result = work.await;
    completion.send(result);
}

/// Ends the flight and then reports its result, also if the task is dropped with its runtime. In this order, so that a
/// caller who learns the result and joins again does not find the old flight.
struct Completion<T: Clone + Send + Sync + 'static, O: Copy + Send + 'static> {
    flight: Arc<Flight<T, O>>,
    number: u64,
    sender: Option<Sender<T>>,
}

impl<T: Clone + Send + Sync + 'static, O: Copy + Send + 'static> Completion<T, O> {
    fn send(mut self, result: T) {
        let sender = self.sender.take();
        drop(self);
        // Every caller may have gone away.
        let _ = sender.map(|sender| sender.send(result));
    }
}

impl<T: Clone + Send + Sync + 'static, O: Copy + Send + 'static> Drop for Completion<T, O> {
    fn drop(&mut self) {
        self.flight.end(self.number);
    }
}
