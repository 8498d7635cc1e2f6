//! Token sources: one client, one set of parameters, one current token.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use credentials_grant::{AccessToken, CredentialsGrant, Error, Policy, Retry};
use tokio::time::{Instant, sleep};

use super::failures::Purpose;
use super::join::{FetchResult, join};
use super::shared::Shared;
#[cfg(feature = "store")]
use super::store_memory::StoreMemory;
use super::token_options::TokenOptions;
use super::token_ref::TokenRef;
use super::validity::State;
use crate::clock::Clock;
use crate::metrics;
use crate::provide_token::{ProvideToken, is_same};

/// The longest time that a caller waits, whatever its deadline.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Returns access tokens: from memory while they are valid, otherwise from the vendor. Concurrent callers share one
/// token request.
///
/// A call after 80 to 90 % of a token's lifetime gets it at once and starts its renewal in the background, so nobody
/// waits while there is a valid token. If a renewal fails, the valid token stays.
///
/// A source is cheap to clone, and clones share their token. It sends nothing until it is asked for a token, so an idle
/// program requests none.
///
/// ```no_run
/// # async fn example(acme: impl credentials_grant::CredentialsGrant) -> Result<(), credentials_grant::Error> {
/// use credentials_grant_client::{EnvironmentCredentials, TokenSource};
///
/// let source = TokenSource::new(acme, EnvironmentCredentials::with_prefix("ACME"))?;
/// let token = source.token().await?;
/// let headers = token.headers(); // all that an API call needs
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TokenSource(pub(crate) Arc<Shared>);

impl TokenSource {
    /// Returns the token in memory, if it is valid. It takes no lock and allocates nothing. It sends nothing and starts
    /// no renewal; [`token`](Self::token) does.
    #[must_use]
    pub fn cached(&self) -> Option<TokenRef> {
        self.0.valid_token(self.0.reading()).map(|(token, _)| token)
    }

    /// Returns a valid token: the one in memory, or a new one.
    ///
    /// A caller that goes away does not cancel the request. Nothing is retried: callers that have time set a
    /// [deadline](TokenOptions::with_deadline).
    ///
    /// # Errors
    ///
    /// As [`fetch_token`](credentials_grant::fetch_token), and the same error for everyone who waited.
    ///
    /// After a refusal, the same error is returned without a request for a pause of one second, doubling to five
    /// minutes. After refused credentials, changed credentials end the pause. While the server asks for a pause
    /// (`Retry-After`), the same error with the time left. If the vendor's limit on token requests is used up,
    /// [`RateLimited`](credentials_grant::ErrorKind::RateLimited) without a request. If a request is needed outside of
    /// a tokio runtime with timers, [`Configuration`](credentials_grant::ErrorKind::Configuration).
    pub async fn token(&self) -> Result<Arc<AccessToken>, Error> {
        self.token_with(TokenOptions::new()).await
    }

    /// Returns a valid token that meets these options.
    ///
    /// ```no_run
    /// # async fn example(source: credentials_grant_client::TokenSource) -> Result<(), credentials_grant::Error> {
    /// use std::time::Duration;
    /// use credentials_grant_client::TokenOptions;
    ///
    /// let patient = TokenOptions::new().with_deadline(Duration::from_secs(60));
    /// let token = source.token_with(patient).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token). If the vendor's tokens do not live as long as the minimum lifetime,
    /// [`Configuration`](credentials_grant::ErrorKind::Configuration).
    pub async fn token_with(&self, options: TokenOptions) -> Result<Arc<AccessToken>, Error> {
        if let Some(token) = self.serve(options) {
            return Ok(token);
        }
        let asked = Instant::now();
        let result = self.wait(options, asked).await.map_err(|error| self.0.named(error));
        metrics::waited(self.0.provider.name(), &result, asked);
        result
    }

    /// Drops this token, if it is still the current one, because the vendor's API rejected it. The next call fetches a
    /// new one.
    ///
    /// A late rejection of an older token leaves the newer one alone.
    ///
    /// ```no_run
    /// # async fn example(source: credentials_grant_client::TokenSource) -> Result<(), credentials_grant::Error> {
    /// let token = source.token().await?;
    /// // The API answered this token with 401:
    /// source.invalidate(&token);
    /// # Ok(())
    /// # }
    /// ```
    pub fn invalidate(&self, token: &AccessToken) {
        self.0.current.remove_if(|current| {
            let is_given_up = is_same(&current.token, token);
            if is_given_up {
                self.0.predecessor.forget();
            }
            #[cfg(feature = "store")]
            if is_given_up {
                self.0.store_memory.give_up(current, 0);
            }
            is_given_up
        });
    }

    /// Returns the token in memory, if it is valid for long enough. If it is stale, its renewal starts.
    pub(crate) fn serve(&self, options: TokenOptions) -> Option<Arc<AccessToken>> {
        let now = self.0.reading();
        let (token, state) = self.0.valid_token(now)?;
        let left = token.current().validity.left(now);
        if left < options.minimum_lifetime {
            return None;
        }
        if state == State::Stale {
            self.0.renew();
        }
        metrics::served(self.0.provider.name(), state, left);
        Some(token.to_arc())
    }

    /// Waits for the flight in progress, or a new one. With a deadline, retries after errors that may pass.
    async fn wait(&self, options: TokenOptions, since: Instant) -> FetchResult {
        let shared = &self.0;
        let deadline = options.deadline.map(|deadline| since + deadline.min(LONGEST_WAIT));
        let mut earlier: Option<Error> = None;
        let mut joins_again = false;
        loop {
            let start = || shared.start(Purpose::Caller, options);
            let joined = join(&shared.flight, deadline, shared.config.timeout, &*shared.config.clock, start).await;
            let is_token = joined.is_ok();
            let error = match joined.and_then(|token| shared.checked(token, options)) {
                Ok(token) => return Ok(token),
                // The flight of a renewal may have brought nothing, or a token of another process.
                Err(_) if is_token && shared.has_store() && !std::mem::replace(&mut joins_again, true) => continue,
                Err(error) => error,
            };
            let Some(deadline) = deadline.filter(|_| error.retry() != Retry::Never) else {
                return Err(error);
            };
            let time_left = deadline.saturating_duration_since(Instant::now());
            let pause = shared.failures().until_retry(shared.reading());
            if time_left.is_zero() {
                // The earlier error says more than that time ran out.
                return Err(earlier.unwrap_or(error));
            } else if pause >= time_left {
                return Err(error);
            }
            earlier = Some(error);
            sleep(pause).await;
        }
    }
}

#[async_trait]
impl ProvideToken for TokenSource {
    fn name(&self) -> &str {
        self.0.provider.name()
    }

    fn policy(&self) -> Policy {
        self.0.provider.policy()
    }

    fn cached(&self, options: TokenOptions) -> Option<Arc<AccessToken>> {
        self.serve(options)
    }

    async fn token(&self, options: TokenOptions) -> Result<Arc<AccessToken>, Error> {
        self.token_with(options).await
    }

    /// As [`invalidate`](TokenSource::invalidate), except in two cases. A token that was renewed ahead of time, and is
    /// rejected in its first ten seconds, makes place for the one before it until they are over: the API's clock may
    /// lag behind. And a token from a store may be kept for a while, if the API rejects one after the other.
    fn invalidate(&self, token: &AccessToken) {
        let now = self.0.reading();
        if self.0.predecessor.reinstate(&self.0.current, token, now) {
            let provider = self.0.provider.name();
            tracing::debug!(provider, "the API refused a new token; using the one before it for some seconds");
            return;
        }
        self.0.current.remove_if(|current| {
            let is_rejected = is_same(&current.token, token);
            #[cfg(feature = "store")]
            let is_rejected = is_rejected && !StoreMemory::keeps(current, now);
            if is_rejected {
                self.0.predecessor.forget();
            }
            #[cfg(feature = "store")]
            if is_rejected {
                self.0.store_memory.give_up(current, current.rejections.saturating_add(1));
            }
            is_rejected
        });
    }

    fn is_current(&self, token: &AccessToken) -> bool {
        self.cached().is_some_and(|current| is_same(&current, token))
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.0.config.clock)
    }

    fn timeout(&self) -> Duration {
        self.0.config.timeout
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource")
            .field("provider", &self.0.provider)
            .field("parameters", &self.0.parameters)
            .field("current", &self.cached())
            .finish_non_exhaustive()
    }
}
