//! What a caller needs of a token beside that it has not expired.

use std::time::Duration;

/// What one caller needs: a token that lives for some time yet, and within some time.
///
/// ```no_run
/// # async fn example(source: &credentials_grant_client::TokenSource) -> Result<(), credentials_grant::Error> {
/// use std::time::Duration;
/// use credentials_grant_client::TokenOptions;
///
/// // A long upload, which may wait for its token as long as it must within a minute.
/// let options = TokenOptions::new().with_minimum_lifetime(Duration::from_secs(20 * 60)).with_deadline(Duration::from_secs(60));
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
    /// Any token that has not expired, by one request at the most.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A token that lives at least this long from now. One in memory that does not is left to the others, and a new one
    /// is fetched.
    #[must_use]
    pub fn with_minimum_lifetime(mut self, minimum_lifetime: Duration) -> Self {
        self.minimum_lifetime = minimum_lifetime;
        self
    }

    /// Waits no longer than this, and uses the time: what fails for a passing reason (no connection, no answer in time,
    /// 408, 429, 5xx) is tried again after a pause, as long as there is time for it.
    ///
    /// The pause is drawn between nothing and a bound that begins at a quarter of a second and doubles to ten; it is the
    /// same for all who wait, so that they share the next request too. A server that says how long to wait is obeyed.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }
}
