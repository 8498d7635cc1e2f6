//! Options for one call that asks for a token.

use std::time::Duration;

/// Options for one call that asks for a token: how long the token must remain valid, and how long to wait for it.
///
/// ```no_run
/// # async fn example(source: &credentials_grant_client::TokenSource) -> Result<(), credentials_grant::Error> {
/// use std::time::Duration;
/// use credentials_grant_client::TokenOptions;
///
/// // For a long upload: valid for 20 minutes at least, and with up to a minute to fetch it.
/// let options = TokenOptions::new()
///     .with_minimum_lifetime(Duration::from_secs(20 * 60))
///     .with_deadline(Duration::from_secs(60));
/// let token = source.token_with(options).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TokenOptions {
    pub(crate) minimum_lifetime: Duration,
    pub(crate) deadline: Option<Duration>,
}

impl TokenOptions {
    /// Accepts any valid token, and makes one request at most.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Requires a token that is valid for at least this long. If the one in memory is not, a new one is fetched; other
    /// callers still get the old one until then.
    #[must_use]
    pub fn with_minimum_lifetime(mut self, minimum_lifetime: Duration) -> Self {
        self.minimum_lifetime = minimum_lifetime;
        self
    }

    /// Waits up to this long, and retries while there is time: after connection failures, timeouts, 408, 429 and 5xx.
    ///
    /// The pause before a retry is random, up to a bound that doubles from a quarter of a second to ten (full jitter).
    /// It is the same for all who wait, so that they share the next request too. `Retry-After` is obeyed.
    ///
    /// When the deadline passes, the last error is returned. A request in progress goes on for the other callers.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Returns how long the token must remain valid.
    #[must_use]
    pub fn minimum_lifetime(&self) -> Duration {
        self.minimum_lifetime
    }

    /// Returns how long to wait for the token and to retry, if a deadline is set.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline
    }
}
