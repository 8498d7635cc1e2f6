//! Joins, starts and drives flights on tokio.

use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use credentials_grant::{AccessToken, Error, ErrorKind};
use tokio::runtime::{Handle, Id};
use tokio::time::{Instant, timeout_at};

use super::flight::{Flight, Join, Start};
use super::validity::Reading;
use crate::clock::Clock;
use crate::runtime::{runtime, timed_out};

/// How long a flight, which has its own timeout, may overrun it before it counts as one that no runtime drives.
const GRACE: Duration = Duration::from_millis(100);

/// What everyone who waits for a flight gets.
pub(crate) type FetchResult = Result<Arc<AccessToken>, Error>;

/// The flight of a source.
pub(crate) type SourceFlight = Flight<FetchResult, Origin>;

/// Where and when a flight was started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    runtime: Id,
    at: Instant,
    reading: Reading,
}

impl Origin {
    fn here(runtime: &Handle, clock: &dyn Clock) -> Self {
        Self { runtime: runtime.id(), at: Instant::now(), reading: Reading::of(clock) }
    }

    /// Returns `true` if a flight from here has taken this long by now. Of the two clocks, one stands still while the
    /// machine sleeps.
    fn has_taken(self, time: Duration, now: Self) -> bool {
        now.at.saturating_duration_since(self.at) >= time || now.reading.since(self.reading) >= time
    }
}

/// Joins the flight in progress, or starts one, and waits for its result: until the deadline, if there is one.
///
/// A flight that takes longer than `longest` is abandoned: either no runtime drives it, or the process was stopped and
/// its connection is dead. A caller that joined it late joins another one once, rather than fail for the time that
/// passed before.
pub(crate) async fn join<F>(
    flight: &Arc<SourceFlight>,
    mut deadline: Option<Instant>,
    longest: Duration,
    clock: &dyn Clock,
    start: impl Fn() -> Start<F, FetchResult>,
) -> FetchResult
where
    F: Future<Output = FetchResult> + Send + 'static,
{
    let runtime = runtime()?;
    let here = Origin::here(&runtime, clock);
    let mut joins_again = true;
    loop {
        let (waiter, is_ours) = match join_unless_overdue(flight, longest, Origin::here(&runtime, clock), &start) {
            Join::InProgress(waiter) => (waiter, false),
            Join::Started(waiter, task) => {
                runtime.spawn(task);
                (waiter, true)
            }
            Join::Settled(result) => return result,
        };
        let overdue = waiter.origin.at + longest + GRACE;
        let outcome = match deadline {
            // On the runtime that drives the flight, the flight's own timer is enough.
            None if waiter.origin.runtime == here.runtime => Ok(waiter.result.await),
            None => timeout_at(overdue, waiter.result).await,
            Some(deadline) => timeout_at(deadline.min(overdue), waiter.result).await,
        };
        let now = Origin::here(&runtime, clock);
        // A caller that came with the flight, or soon after, has had its time.
        let came_late =
            !is_ours && waiter.origin.has_taken(longest, now) && !here.has_taken(longest.saturating_sub(GRACE), now);
        match outcome {
            Ok(Ok(Err(_))) if came_late && joins_again => {}
            Ok(Ok(result)) => return result,
            // The flight's runtime was shut down. If it is another one than ours, try again.
            Ok(Err(_)) if is_ours => return Err(shut_down()),
            Ok(Err(_)) => continue,
            Err(_) => {
                if now.at >= overdue {
                    flight.end(waiter.number);
                }
                let is_over = match deadline {
                    Some(deadline) => now.at >= deadline,
                    None => !(came_late && joins_again),
                };
                if is_over {
                    return Err(timed_out(here.at.elapsed()));
                }
            }
        }
        joins_again = false;
        // It waits no longer than it would have for a flight of its own.
        deadline = deadline.or(Some(here.at + longest));
    }
}

/// Starts a flight that nobody waits for, unless one is in progress or `start` has nothing to do.
///
/// Outside of a tokio runtime it does nothing, and the next caller has another chance.
pub(crate) fn start_in_background<F>(
    flight: &Arc<SourceFlight>,
    longest: Duration,
    clock: &dyn Clock,
    start: impl Fn() -> Start<F, FetchResult>,
) where
    F: Future<Output = FetchResult> + Send + 'static,
{
    if let Ok(runtime) = Handle::try_current()
        && let Join::Started(_, task) = join_unless_overdue(flight, longest, Origin::here(&runtime, clock), &start)
    {
        runtime.spawn(task);
    }
}

/// Joins the flight in progress, or starts one. Leaves behind a flight that is overdue.
fn join_unless_overdue<F>(
    flight: &Arc<SourceFlight>,
    longest: Duration,
    here: Origin,
    start: &impl Fn() -> Start<F, FetchResult>,
) -> Join<FetchResult, Origin, impl Future<Output = ()> + Send + 'static>
where
    F: Future<Output = FetchResult> + Send + 'static,
{
    loop {
        match flight.join(here, start) {
            Join::InProgress(waiter) if waiter.origin.has_taken(longest + GRACE, here) => flight.end(waiter.number),
            joined => return joined,
        }
    }
}

/// Runs the work as a task of its own, so that neither a panic nor code that blocks its thread affects those who wait
/// for it.
pub(crate) async fn isolated<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
    give_up: Instant,
) -> Result<T, Error> {
    let began = Instant::now();
    let mut work = tokio::spawn(work);
    match timeout_at(give_up, &mut work).await {
        Ok(Ok(outcome)) => outcome,
        // The panic's message is not repeated: it may hold anything.
        Ok(Err(ended)) if ended.is_panic() => {
            let what = "the provider, the credentials or the transport panicked while a token was fetched";
            Err(Error::new(ErrorKind::Configuration, what)
                .with_remedy("report the panic, which is in the program's error output, to its authors"))
        }
        // The runtime is shutting down, and this task with it.
        Ok(Err(_)) => pending().await,
        Err(_) => {
            work.abort();
            Err(timed_out(began.elapsed()))
        }
    }
}

fn shut_down() -> Error {
    Error::new(ErrorKind::Unavailable, "the runtime that was fetching the token was shut down")
        .with_remedy("request tokens on a runtime that lives as long as the program")
}

#[cfg(test)]
mod tests {
    use futures_util::poll;
    use tokio::runtime::{Builder, Runtime};

    use super::*;

    fn runtime() -> Runtime {
        Builder::new_current_thread().enable_time().build().unwrap()
    }

    #[test]
    fn work_that_ends_with_its_runtime_has_not_panicked() {
        let ending = runtime();
        let mut work = Box::pin(isolated(pending::<Result<(), Error>>(), Instant::now() + Duration::from_secs(60)));
        assert!(ending.block_on(async { poll!(&mut work) }).is_pending());
        drop(ending);
        assert!(runtime().block_on(async { poll!(&mut work) }).is_pending());
    }
}
