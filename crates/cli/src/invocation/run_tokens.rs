//! The tokens of one run: those that earlier runs left, as far as they will do, and new ones.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use credentials_grant::{AccessToken, Error, Policy, async_trait};
use credentials_grant_client::{Clock, ProvideToken, TokenOptions, TokenSource};

/// A token that lives this much longer will do, however long it lived in all.
const ENOUGH: Duration = Duration::from_secs(60);

/// A source of tokens, and which of those that earlier runs left will do.
#[derive(Debug)]
pub(crate) struct RunTokens {
    source: TokenSource,
    began: SystemTime,
    /// Whether to request a new token in any case.
    is_fresh: bool,
    /// How long the token must still be valid, if the user says so.
    minimum_life: Option<Duration>,
}

impl RunTokens {
    pub(super) fn new(source: TokenSource, is_fresh: bool, minimum_life: Option<Duration>) -> Self {
        // By the clock of the source, which may lag behind that of the system by a few milliseconds.
        let began = ProvideToken::clock(&source).now();
        Self { source, began, is_fresh, minimum_life }
    }
}

#[async_trait]
impl ProvideToken for RunTokens {
    fn name(&self) -> &str {
        self.source.name()
    }

    fn policy(&self) -> Policy {
        ProvideToken::policy(&self.source)
    }

    fn cached(&self, options: TokenOptions) -> Option<Arc<AccessToken>> {
        ProvideToken::cached(&self.source, options)
    }

    async fn token(&self, options: TokenOptions) -> Result<Arc<AccessToken>, Error> {
        let options = self.minimum_life.map_or(options, |life| options.with_minimum_lifetime(life));
        let token = self.source.token_with(options).await?;
        let is_enough = self.minimum_life.is_some() || has_some_life_left(&token);
        if token.requested_at() >= self.began || (is_enough && !self.is_fresh) {
            return Ok(token);
        }
        // The source takes no other from the store than a newer one.
        self.source.invalidate(&token);
        self.source.token_with(options).await
    }

    fn invalidate(&self, token: &AccessToken) {
        ProvideToken::invalidate(&self.source, token);
    }

    fn is_current(&self, token: &AccessToken) -> bool {
        self.source.is_current(token)
    }

    fn clock(&self) -> Arc<dyn Clock> {
        ProvideToken::clock(&self.source)
    }

    fn timeout(&self) -> Duration {
        ProvideToken::timeout(&self.source)
    }
}

/// Returns `true` if a tenth of the token's life is left, or a minute: a script still has to use it.
fn has_some_life_left(token: &AccessToken) -> bool {
    let life = token.expires_at().duration_since(token.requested_at()).unwrap_or_default();
    let left = token.expires_at().duration_since(SystemTime::now()).unwrap_or_default();
    left >= (life / 10).min(ENOUGH)
}
