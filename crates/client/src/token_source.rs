//! A source of tokens for one client and one ask: kept while good, renewed in time, fetched once for everybody.

use std::fmt;
use std::sync::Arc;

use credentials_grant::{AccessToken, CredentialsGrant, Error, ExposeSecret};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::inner::{Inner, TokenRef};
use crate::life::State;
use crate::metrics;
use crate::token_options::TokenOptions;

/// Hands out access tokens: from its memory while they are good, else from the vendor, with one request for any number
/// of callers.
///
/// Whoever asks for a token in the last fifth of its life gets it at once and has it renewed in the background, so that
/// nobody waits while there is a good one. A renewal that fails leaves the good token in place.
///
/// It is cheap to clone, and clones share their tokens. It does nothing until it is asked, so an idle program buys no
/// tokens.
///
/// ```no_run
/// # async fn example(acme: impl credentials_grant::CredentialsGrant) -> Result<(), credentials_grant::Error> {
/// use credentials_grant_client::{EnvironmentCredentials, TokenSource};
///
/// let source = TokenSource::new(acme, EnvironmentCredentials::with_prefix("ACME"))?;
/// let token = source.token().await?;
/// println!("good until {:?}", token.expires_at());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TokenSource(pub(crate) Arc<Inner>);

impl TokenSource {
    /// The token that is in memory, if it is good. Never waits, and starts nothing: no lock, no allocation, and no counter
    /// that readers share.
    #[must_use]
    pub fn cached(&self) -> Option<TokenRef> {
        self.0.kept(self.0.reading()).map(|(token, _)| token)
    }

    /// A token that has not expired: the one in memory, or a new one.
    ///
    /// A caller who goes away while the request is under way does not end it. What fails is not tried again: see
    /// [`TokenOptions::with_deadline`] for callers who have time.
    ///
    /// # Errors
    ///
    /// As [`grant`](credentials_grant::fetch_token), and the same error for everyone who waited. After a refusal, the same error for a pause of one
    /// second, doubling to five minutes, during which nothing is sent unless the credentials change; while the server
    /// wants to be left alone (`Retry-After`), the same error with the time that is left. Where the vendor's limit on
    /// token requests is used up, [`RateLimited`](ErrorKind::RateLimited) without a request. Outside of
    /// a tokio runtime, which must have its timers enabled, [`Configuration`](ErrorKind::Configuration).
    pub async fn token(&self) -> Result<Arc<AccessToken>, Error> {
        self.token_with(TokenOptions::new()).await
    }

    /// A token that has not expired and meets a need.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token). If the vendor's tokens do not live as long as they are needed,
    /// [`Configuration`](ErrorKind::Configuration).
    pub async fn token_with(&self, options: TokenOptions) -> Result<Arc<AccessToken>, Error> {
        if let Some(token) = self.serve(options) {
            return Ok(token);
        }
        let asked = Instant::now();
        let landing = self.0.wait(options, asked).await.map_err(|error| self.0.named(error));
        metrics::waited(self.0.provider.name(), &landing, asked);
        landing
    }

    /// The token that is in memory, if it is good; one that is stale has its renewal started.
    pub(crate) fn serve(&self, options: TokenOptions) -> Option<Arc<AccessToken>> {
        let now = self.0.reading();
        let (token, state) = self.0.kept(now)?;
        let left = token.kept().life.left(now);
        if left < options.minimum_lifetime {
            return None;
        }
        if state == State::Stale {
            self.0.renew();
        }
        metrics::served(self.0.provider.name(), state, left);
        Some(token.to_arc())
    }

    /// Forgets this token, if it is still the current one: the vendor's API has said that it is no longer good.
    ///
    /// A late complaint about an older token does not take the newer one away.
    pub fn invalidate(&self, token: &AccessToken) {
        self.0.current.take_out(|kept| kept.token.secret().expose_secret() == token.secret().expose_secret());
    }

    pub(crate) fn provider(&self) -> &dyn CredentialsGrant {
        &*self.0.provider
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.means.clock
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource")
            .field("provider", &self.0.provider)
            .field("ask", &self.0.parameters)
            .field("current", &self.cached())
            .finish_non_exhaustive()
    }
}
