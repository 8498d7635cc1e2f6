//! One request for any number of callers.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use credentials_grant::{AccessToken, Error, ErrorKind};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::runtime::Handle;
use tokio::task::JoinError;

/// What everyone who waits for one flight gets.
pub(crate) type Landing = Result<Arc<AccessToken>, Error>;

/// The flight that is under way, if one is.
///
/// It runs in a task of its own, so no caller who goes away takes it along, and all who wait share its outcome,
/// failure included: nobody queues up to fail again one by one.
#[derive(Debug, Default)]
pub(crate) struct Flight(Mutex<Option<Shared<BoxFuture<'static, Landing>>>>);

impl Flight {
    /// Boards the flight that is under way, or starts one.
    ///
    /// `start` runs under the lock and says what is to be done, or what has landed meanwhile.
    pub(crate) async fn board<F>(self: &Arc<Self>, start: impl FnOnce() -> Result<F, Landing>) -> Landing
    where
        F: Future<Output = Landing> + Send + 'static,
    {
        let flight = {
            let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match &*under_way {
                Some(flight) => flight.clone(),
                None => match start() {
                    Ok(work) => under_way.insert(self.depart(work)?).clone(),
                    Err(landed) => return landed,
                },
            }
        };
        flight.await
    }

    fn depart(
        self: &Arc<Self>,
        work: impl Future<Output = Landing> + Send + 'static,
    ) -> Result<Shared<BoxFuture<'static, Landing>>, Error> {
        let runtime = Handle::try_current().map_err(|source| {
            Error::new(ErrorKind::Configuration, "a token was asked for outside of a tokio runtime")
                .with_remedy("call it from async code that tokio runs, or use `blocking::TokenSource`")
                .with_source(source)
        })?;
        let runway = Runway(Arc::clone(self));
        let task = runtime.spawn(async move {
            let _runway = runway;
            work.await
        });
        Ok(task.map(|joined| joined.unwrap_or_else(|error| Err(crashed(error)))).boxed().shared())
    }
}

/// Makes way for the next flight, however this one ends: landed, panicked, or dropped with its runtime.
struct Runway(Arc<Flight>);

impl Drop for Runway {
    fn drop(&mut self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn crashed(error: JoinError) -> Error {
    if error.is_panic() {
        // The panic's own words are not repeated: nobody knows what stands in them.
        return Error::new(
            ErrorKind::Configuration,
            "the provider or the transport panicked while a token was fetched",
        )
        .with_remedy("report the panic, which stands in the program's error output, to its authors");
    }
    Error::new(ErrorKind::Unavailable, "the runtime that was fetching the token was shut down")
        .with_remedy("ask for tokens on a runtime that lives as long as the program")
        .with_source(error)
}
