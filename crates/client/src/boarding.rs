//! Waits for a flight, and drives it, on tokio.

use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use credentials_grant::{AccessToken, Error, ErrorKind};
use tokio::runtime::{Handle, Id};
use tokio::time::{Instant, timeout_at};

use crate::flight::Flight;

/// By how much a flight may overrun its time, which it keeps by itself, until it is taken for one that nobody drives.
const GRACE: Duration = Duration::from_millis(100);

/// What everyone who waits for one flight gets.
pub(crate) type Landing = Result<Arc<AccessToken>, Error>;

/// The flight of a source.
pub(crate) type SourcesFlight = Flight<Landing, Departure>;

/// Where and when a flight was started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Departure {
    runtime: Id,
    at: Instant,
}

/// Boards the flight that is under way, or starts one, and waits for it: until the deadline, if there is one.
///
/// A flight that takes longer than `longest` is one that nobody drives, and is left behind.
pub(crate) async fn board<F>(
    flight: &Arc<SourcesFlight>,
    deadline: Option<Instant>,
    longest: Duration,
    start: impl Fn() -> Result<F, Landing>,
) -> Landing
where
    F: Future<Output = Landing> + Send + 'static,
{
    let runtime = runtime()?;
    let here = Departure { runtime: runtime.id(), at: Instant::now() };
    loop {
        let (boarding, task) = match flight.board(here, &start) {
            Ok(boarded) => boarded,
            Err(done) => return done,
        };
        let is_ours = task.is_some();
        if let Some(task) = task {
            runtime.spawn(task);
        }
        let overdue = boarding.departure.at + longest + GRACE;
        let landed = match deadline {
            // Whoever is driven by the runtime that drives the flight needs no timer beside the flight's own.
            None if boarding.departure.runtime == here.runtime => Ok(boarding.landing.await),
            None => timeout_at(overdue, boarding.landing).await,
            Some(deadline) => timeout_at(deadline.min(overdue), boarding.landing).await,
        };
        match landed {
            Ok(Ok(landing)) => return landing,
            // The runtime that it ran on went away. That is no failure of ours, unless it was our own.
            Ok(Err(_)) if is_ours => return Err(lost()),
            Ok(Err(_)) => {}
            Err(_) => {
                let now = Instant::now();
                if now >= overdue {
                    // The next one is another.
                    flight.end(boarding.number);
                }
                if deadline.is_none_or(|deadline| now >= deadline) {
                    return Err(too_slow(here.at.elapsed()));
                }
            }
        }
    }
}

/// The runtime that this runs on.
pub(crate) fn runtime() -> Result<Handle, Error> {
    Handle::try_current().map_err(|source| {
        Error::new(ErrorKind::Configuration, "a token was asked for outside of a tokio runtime")
            .with_remedy("call it from async code that tokio runs, or use `blocking::TokenSource`")
            .with_source(source)
    })
}

/// Starts a flight that nobody waits for, unless one is under way or `start` says that there is no need.
///
/// Outside of a tokio runtime there is nothing to start it on: whoever asks next has another chance.
pub(crate) fn launch<F>(flight: &Arc<SourcesFlight>, start: impl Fn() -> Result<F, Landing>)
where
    F: Future<Output = Landing> + Send + 'static,
{
    if let Ok(runtime) = Handle::try_current()
        // Why there is no need is nobody's question.
        && let Ok((_, Some(task))) = flight.board(Departure { runtime: runtime.id(), at: Instant::now() }, start)
    {
        runtime.spawn(task);
    }
}

/// Does the work in a task of its own, so that neither a panic nor code that blocks its thread is the end of whoever
/// waits for it.
pub(crate) async fn watched<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
    give_up: Instant,
) -> Result<T, Error> {
    let began = Instant::now();
    let mut work = tokio::spawn(work);
    match timeout_at(give_up, &mut work).await {
        Ok(Ok(outcome)) => outcome,
        // The panic's own words are not repeated: nobody knows what stands in them.
        Ok(Err(ended)) if ended.is_panic() => {
            let what = "the provider, the credentials or the transport panicked while a token was fetched";
            Err(Error::new(ErrorKind::Configuration, what)
                .with_remedy("report the panic, which stands in the program's error output, to its authors"))
        }
        // The runtime is shutting down, and takes this task along too.
        Ok(Err(_)) => pending().await,
        Err(_) => {
            work.abort();
            Err(too_slow(began.elapsed()))
        }
    }
}

pub(crate) fn too_slow(waited: Duration) -> Error {
    let seconds = (waited.as_secs_f64() * 10.0).round() / 10.0;
    Error::new(ErrorKind::Unreachable, format!("no answer within {seconds} s"))
        .with_remedy("check the network and the vendor's status page, or allow more time")
}

fn lost() -> Error {
    Error::new(ErrorKind::Unavailable, "the runtime that was fetching the token was shut down")
        .with_remedy("ask for tokens on a runtime that lives as long as the program")
}
