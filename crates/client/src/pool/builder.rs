//! Builds token pools.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use credentials_grant::{Error, ErrorKind, IssuanceLimit, Transport};

use super::token_pool::TokenPool;
use crate::clock::Clock;
use crate::source::ConfigBuilder;
#[cfg(feature = "store")]
use crate::store::{SharedStore, TokenStore};

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
    ///
    /// A source in use is not dropped: one that somebody holds, such as an [`Authorizer`](crate::Authorizer), or that
    /// is fetching a token. While more sources are in use than this, the pool has more, and shrinks when they are not.
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

    /// Sets the transport that sends the requests. An `Arc` of one transport can serve any number of sources.
    #[must_use]
    pub fn with_transport(mut self, transport: impl Transport) -> Self {
        self.config.transport = Some(Arc::new(transport));
        self
    }

    /// Sets the clock, for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.config.clock = Arc::new(clock);
        self
    }

    /// Sets how long one fetch may take, with all its requests: 30 seconds by default, ten minutes at most.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.config.timeout = timeout;
        self
    }

    /// Sets the longest lifetime to assume, whatever the server states. Tokens are renewed accordingly.
    #[must_use]
    pub fn with_maximum_lifetime(mut self, maximum_lifetime: Duration) -> Self {
        self.config.maximum_lifetime = Some(maximum_lifetime);
        self
    }

    /// Sets in which part of its lifetime a token is renewed in the background: 0.8 to 0.9 by default. The moment is
    /// drawn at random between the two for each token, so that not all processes renew at once.
    ///
    /// If the vendor states an age for that (`refresh_in`, as Entra does), the token is renewed at that age instead.
    #[must_use]
    pub fn with_renewal_window(mut self, window: Range<f64>) -> Self {
        self.config.renewal_plan.window = Some((window.start, window.end));
        self
    }

    /// Sets how long before its end a token is no longer returned: an hour at most, and half the lifetime of a
    /// short-lived token. By default 30 seconds, or a twentieth of its lifetime if that is shorter.
    #[must_use]
    pub fn with_expiry_margin(mut self, margin: Duration) -> Self {
        self.config.renewal_plan.margin = Some(margin);
        self
    }

    /// Adds a limit on token requests to those of the provider's policy, such as one from your contract. In a pool,
    /// it applies to each provider, or to each client of one.
    #[must_use]
    pub fn with_limit(mut self, limit: IssuanceLimit) -> Self {
        self.config.limits.push(limit);
        self
    }

    /// Shares tokens with other processes, through a store that they share. A process that starts finds the token that
    /// an earlier one left, and of several that need a new one, one requests it.
    ///
    /// The store is asked when there would be a token request otherwise, and never by a caller that finds its token in
    /// memory. If it fails or is slow, each process requests its own tokens, as without it.
    #[cfg(feature = "store")]
    #[must_use]
    pub fn with_store(mut self, store: impl TokenStore) -> Self {
        self.config.store = Some(Arc::new(SharedStore::new(store)));
        self
    }

    /// Renews tokens before they expire even if nobody asks for them, once the first was asked for. By default, an
    /// idle program requests no tokens.
    ///
    /// Renewal stops when the source or the runtime is dropped, and when the vendor refuses to issue a token. It
    /// starts again with the next token that somebody gets.
    #[must_use]
    pub fn keep_warm(mut self) -> Self {
        self.config.keep_warm = true;
        self
    }

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
