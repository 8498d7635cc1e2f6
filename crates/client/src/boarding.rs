//! Waits for a flight, and drives it, on tokio.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use credentials_grant::{AccessToken, Error, ErrorKind};
use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use crate::flight::Flight;

/// What everyone who waits for one flight gets.
pub(crate) type Landing = Result<Arc<AccessToken>, Error>;

/// Boards the flight that is under way, or starts one, and waits for it until it must give up.
///
/// A flight that has not landed after `longest` is one that nobody drives.
pub(crate) async fn board<F>(
    flight: &Arc<Flight<Landing>>,
    give_up: Instant,
    longest: Duration,
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
    let came = Instant::now();
    loop {
        let (boarding, task) = match flight.board(|| start().map(contained)) {
            Ok(boarded) => boarded,
            Err(done) => return done,
        };
        let is_ours = task.is_some();
        if let Some(task) = task {
            runtime.spawn(task);
        }
        match timeout_at(give_up, boarding.landing).await {
            Ok(Ok(landing)) => return landing,
            // The runtime that it ran on went away. That is no failure of ours, unless it was our own.
            Ok(Err(_)) if is_ours => return Err(lost()),
            Ok(Err(_)) => {}
            Err(_) => {
                let waited = came.elapsed();
                if waited >= longest {
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
pub(crate) fn launch<F>(flight: &Arc<Flight<Landing>>, start: impl Fn() -> Result<F, Landing>)
where
    F: Future<Output = Landing> + Send + 'static,
{
    if let Ok(runtime) = Handle::try_current()
        // Why there is no need is nobody's question.
        && let Ok((_, Some(task))) = flight.board(|| start().map(contained))
    {
        runtime.spawn(task);
    }
}

/// The work, whose panic ends nothing but itself. The panic's own words are not repeated: nobody knows what stands in them.
async fn contained(work: impl Future<Output = Landing>) -> Landing {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
        Err(Error::new(ErrorKind::Configuration, "the provider or the transport panicked while a token was fetched")
            .with_remedy("report the panic, which stands in the program's error output, to its authors"))
    })
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
