//! What takes part, and what is asked of it.

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

/// A future behind a pointer.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A contender in the making.
pub(crate) type Started = Boxed<'static, Result<Arc<dyn Contender>>>;

/// Something that keeps a token and hands it out.
pub(crate) trait Contender: Send + Sync {
    /// The value for an API call, fetched first if there is none that is good.
    fn authorization(&self) -> Boxed<'_, Result<HeaderValue>>;

    /// Reads the token in memory so many times, by the fastest way that is public.
    fn read(&self, times: u32);
}

/// How a contender is made, and what is to be known of it.
#[derive(Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// Whether a read looks whether the token has expired.
    pub(crate) checks_expiry: bool,
    /// What a read yields.
    pub(crate) yields: &'static str,
    pub(crate) first_fetch: FirstFetch,
    pub(crate) start: fn(Settings) -> Started,
}

/// When a contender fetches its first token.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum FirstFetch {
    /// When a caller needs it, or in the background from the beginning: callers can come before it has.
    Later,
    /// In its constructor, which fails if the fetch does: there are no callers without a token.
    InConstructor,
}

/// What a contender is told. Where it can be told, it repeats no request by itself.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) url: Url,
    /// How long before a token's end it is renewed, where that can be set; else the contender's default.
    pub(crate) renewed_ahead: Option<Duration>,
}

impl Settings {
    pub(crate) fn new(url: &Url) -> Self {
        Self { url: url.clone(), renewed_ahead: None }
    }
}

/// Does the same so many times, and lets the compiler take nothing of it away.
pub(crate) fn repeat<T>(times: u32, mut read: impl FnMut() -> T) {
    for _ in 0..times {
        black_box(read());
    }
}

/// The output of a future that is there at once, unless another thread stands in the way: then this one sleeps.
pub(crate) fn at_once<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => Handle::current().block_on(future),
    }
}

/// The header value for a token, for contenders that leave that to their callers.
pub(crate) fn bearer(token: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))?;
    value.set_sensitive(true);
    Ok(value)
}
