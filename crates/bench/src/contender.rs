//! The interface of a library that takes part.

use std::future::Future;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use anyhow::Result;
use http::HeaderValue;
use tokio::runtime::Handle;
use url::Url;

pub(crate) const CLIENT_ID: &str = "a-client";
pub(crate) const CLIENT_SECRET: &str = "a-client-secret";

/// A boxed future.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A future that starts a contender.
pub(crate) type Started = Boxed<'static, Result<Arc<dyn Contender>>>;

/// A library that caches a token.
pub(crate) trait Contender: Send + Sync {
    /// Returns the header value for an API call. Fetches a token first if there is no valid one.
    fn authorization(&self) -> Boxed<'_, Result<HeaderValue>>;

    /// Reads the cached token `times` times, in the fastest way that the public API offers.
    fn read(&self, times: u32);
}

/// Describes a contender and starts it.
#[derive(Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// Whether a read checks that the token has not expired.
    pub(crate) checks_expiry: bool,
    /// The type that a read returns.
    pub(crate) yields: &'static str,
    pub(crate) first_fetch: FirstFetch,
    pub(crate) start: fn(Settings) -> Started,
}

/// When a contender fetches its first token.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum FirstFetch {
    /// When a caller needs it, or in the background from the start. There can be callers without a token.
    Later,
    /// In its constructor, which fails if the fetch fails. There are no callers without a token.
    InConstructor,
}

/// The settings of a contender. Retries are disabled where that is possible.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) url: Url,
    /// How long before its expiry a token is renewed, if the contender lets us set that. `None` keeps its default.
    pub(crate) renewed_ahead: Option<Duration>,
}

impl Settings {
    pub(crate) fn new(url: &Url) -> Self {
        Self { url: url.clone(), renewed_ahead: None }
    }
}

/// Calls `read` repeatedly, and keeps the compiler from removing the calls.
pub(crate) fn repeat<T>(times: u32, mut read: impl FnMut() -> T) {
    for _ in 0..times {
        black_box(read());
    }
}

/// Returns the output of a future that is usually ready at its first poll. Blocks if it is not, such as for a lock.
pub(crate) fn at_once<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => Handle::current().block_on(future),
    }
}

/// Returns the header value for a token, for contenders that do not build it.
pub(crate) fn bearer(token: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))?;
    value.set_sensitive(true);
    Ok(value)
}
