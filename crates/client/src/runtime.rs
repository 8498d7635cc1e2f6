//! The tokio runtime that the caller runs on, and what happens when time runs out on it.

use std::time::Duration;

use credentials_grant::{Error, ErrorKind};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// Returns the runtime that this runs on.
pub(crate) fn runtime() -> Result<Handle, Error> {
    Handle::try_current().map_err(|source| {
        Error::new(ErrorKind::Configuration, "a token was requested outside of a tokio runtime")
            .with_remedy("call it from async code on tokio, or use `blocking::TokenSource`")
            .with_source(source)
    })
}

/// A task that ends when this is dropped.
#[derive(Debug)]
pub(crate) struct AbortOnDrop(pub(crate) AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Returns the error for a fetch that took too long.
pub(crate) fn timed_out(waited: Duration) -> Error {
    let seconds = (waited.as_secs_f64() * 10.0).round() / 10.0;
    Error::new(ErrorKind::Unreachable, format!("no answer within {seconds} s"))
        .with_remedy("check the network and the vendor's status page, or allow more time")
}
