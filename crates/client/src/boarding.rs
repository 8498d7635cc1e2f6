//! Waits for a flight, and drives it, on tokio.

use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use credentials_grant::{AccessToken, Error, ErrorKind};
use tokio::runtime::{Handle, Id};
use tokio::time::{Instant, timeout, timeout_at};

use crate::flight::Flight;

/// For how long the work may overrun its time, which it keeps by itself unless it blocks its thread.
const GRACE: Duration = Duration::from_millis(100);

/// What everyone who waits for one flight gets.
pub(crate) type Landing = Result<Arc<AccessToken>, Error>;

/// The flight of a source.
pub(crate) type SourcesFlight = Flight<Landing, Id>;

/// For how long somebody waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) since: Instant,
    /// When the caller wants to hear in any case.
    pub(crate) deadline: Option<Instant>,
    /// How long a flight takes at the most. One that takes longer is one that nobody drives.
    pub(crate) longest_flight: Duration,
}

/// Boards the flight that is under way, or starts one, and waits for it.
pub(crate) async fn board<F>(
    flight: &Arc<SourcesFlight>,
    patience: Patience,
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
        let (boarding, task) =
            match flight.board(runtime.id(), || start().map(|work| watched(work, patience.longest_flight))) {
                Ok(boarded) => boarded,
                Err(done) => return done,
            };
        let is_ours = task.is_some();
        if let Some(task) = task {
            runtime.spawn(task);
        }
        let landed = match patience.deadline {
            // Whoever is driven by the runtime that drives the flight needs no timer beside the flight's own.
            None if boarding.runtime == runtime.id() => Ok(boarding.landing.await),
            None => timeout_at(patience.since + patience.longest_flight, boarding.landing).await,
            Some(deadline) => timeout_at(deadline, boarding.landing).await,
        };
        match landed {
            Ok(Ok(landing)) => return landing,
            // The runtime that it ran on went away. That is no failure of ours, unless it was our own.
            Ok(Err(_)) if is_ours => return Err(lost()),
            Ok(Err(_)) => {}
            Err(_) => {
                let waited = patience.since.elapsed();
                if waited >= patience.longest_flight {
                    // The next caller starts afresh.
                    flight.end(boarding.number);
                }
                return Err(too_slow(waited));
            }
        }
    }
}

/// Starts a flight that nobody waits for, unless one is under way or `start` says that there is no need.
///
/// Outside of a tokio runtime there is nothing to start it on: whoever asks next has another chance.
pub(crate) fn launch<F>(flight: &Arc<SourcesFlight>, longest: Duration, start: impl Fn() -> Result<F, Landing>)
where
    F: Future<Output = Landing> + Send + 'static,
{
    if let Ok(runtime) = Handle::try_current()
        // Why there is no need is nobody's question.
        && let Ok((_, Some(task))) = flight.board(runtime.id(), || start().map(|work| watched(work, longest)))
    {
        runtime.spawn(task);
    }
}

/// The work, in a task of its own, so that neither a panic nor code that blocks its thread is the end of those who wait.
async fn watched(work: impl Future<Output = Landing> + Send + 'static, longest: Duration) -> Landing {
    let mut work = tokio::spawn(work);
    match timeout(longest + GRACE, &mut work).await {
        Ok(Ok(landing)) => landing,
        // The panic's own words are not repeated: nobody knows what stands in them.
        Ok(Err(ended)) if ended.is_panic() => {
            let what = "the provider or the transport panicked while a token was fetched";
            Err(Error::new(ErrorKind::Configuration, what)
                .with_remedy("report the panic, which stands in the program's error output, to its authors"))
        }
        // The runtime is shutting down, and takes this task along too.
        Ok(Err(_)) => pending().await,
        Err(_) => {
            work.abort();
            Err(too_slow(longest))
        }
    }
}

pub(crate) fn too_slow(waited: Duration) -> Error {
    let seconds = (waited.as_secs_f64() * 10.0).round() / 10.0;
    Error::new(ErrorKind::Unreachable, format!("no token within {seconds} s"))
        .with_remedy("check the network and the vendor's status page, or allow more time")
}

fn lost() -> Error {
    Error::new(ErrorKind::Unavailable, "the runtime that was fetching the token was shut down")
        .with_remedy("ask for tokens on a runtime that lives as long as the program")
}
