//! Builds token pools.

use std::sync::Arc;
use std::time::Duration;

use credentials_grant::{Error, ErrorKind, IssuanceLimit, Transport};

use super::token_pool::TokenPool;
use crate::clock::Clock;
use crate::source::{ConfigBuilder, config_setters};

/// How many sources a pool keeps by default.
const CAPACITY: usize = 10_000;

/// How long a pool keeps an unused source by default.
const IDLE: Duration = Duration::from_secs(24 * 60 * 60);

/// Builds a [`TokenPool`].
///
/// ```no_run
/// use std::time::Duration;
/// use credentials_grant_client::TokenPool;
///
/// let pool = TokenPool::builder().with_capacity(50_000).with_timeout(Duration::from_secs(10)).build()?;
/// # Ok::<(), credentials_grant::Error>(())
/// ```
#[derive(Debug)]
pub struct TokenPoolBuilder {
    capacity: usize,
    idle: Duration,
    config: ConfigBuilder,
}

impl TokenPool {
    /// Creates a pool whose sources send over HTTPS.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the HTTP client cannot be built.
    #[cfg(feature = "reqwest")]
    pub fn new() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// Returns a builder, to set the capacity, timeouts, limits and more.
    #[must_use]
    pub fn builder() -> TokenPoolBuilder {
        TokenPoolBuilder { capacity: CAPACITY, idle: IDLE, config: ConfigBuilder::new() }
    }
}

impl TokenPoolBuilder {
    /// Sets how many sources the pool keeps: 10 000 by default. When it is full, the least recently used source is
    /// dropped; the next call for its tenant fetches a new token.
    #[must_use]
    pub fn with_capacity(mut self, sources: usize) -> Self {
        self.capacity = sources;
        self
    }

    /// Sets how long the pool keeps a source that nobody looks up or holds: a day by default. Idle sources are dropped
    /// during lookups, a few at a time.
    #[must_use]
    pub fn with_idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    config_setters!();

    /// Builds the pool. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration), naming a setting that is invalid.
    pub fn build(self) -> Result<TokenPool, Error> {
        let Self { capacity, idle, config } = self;
        let config = config.build()?;
        if capacity == 0 || idle.is_zero() {
            return Err(Error::new(ErrorKind::Configuration, "a pool with this capacity and idle time keeps nothing")
                .with_remedy("let it keep at least one source, and for a while"));
        }
        TokenPool::with_config(config, capacity, idle)
    }
}
