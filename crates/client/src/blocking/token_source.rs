//! The blocking token source.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use credentials_grant::{AccessToken, Error, Introspection, SecretString};
#[cfg(feature = "reqwest")]
use credentials_grant::{CredentialsGrant, CredentialsSource};

use super::background::Background;
use crate::provide_token::ProvideToken;
use crate::source::{self, Status, TokenOptions, TokenRef, TokenSourceBuilder};

/// How much longer than the source's own timeout a call waits before it gives up by itself.
const GRACE: Duration = Duration::from_secs(1);

/// A token source for programs without an async runtime: [`crate::TokenSource`] with methods that block.
///
/// ```no_run
/// # fn example(acme: impl credentials_grant::CredentialsGrant) -> Result<(), credentials_grant::Error> {
/// use credentials_grant_client::{EnvironmentCredentials, TokenSource};
///
/// let source = TokenSource::builder(acme, EnvironmentCredentials::with_prefix("ACME")).build_blocking()?;
/// let token = source.token()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TokenSource {
    source: source::TokenSource,
    background: Background,
}

impl TokenSource {
    /// Creates a source of tokens with the vendor's default scopes, over HTTPS.
    ///
    /// # Errors
    ///
    /// [`Configuration`](credentials_grant::ErrorKind::Configuration) if the settings do not make a valid request, or
    /// no thread can be started. Nothing is sent.
    #[cfg(feature = "reqwest")]
    pub fn new(provider: impl CredentialsGrant, credentials: impl CredentialsSource) -> Result<Self, Error> {
        Self::from_async(source::TokenSource::new(provider, credentials)?)
    }

    /// Creates a blocking source over an async one. They share their token.
    ///
    /// # Errors
    ///
    /// [`Configuration`](credentials_grant::ErrorKind::Configuration) if no thread can be started.
    pub fn from_async(source: source::TokenSource) -> Result<Self, Error> {
        Ok(Self { source, background: Background::shared()? })
    }

    /// Returns the token in memory, if it is valid. It never waits and sends nothing.
    #[must_use]
    pub fn cached(&self) -> Option<TokenRef> {
        self.source.cached()
    }

    /// Returns a valid token: the one in memory, or a new one.
    ///
    /// # Errors
    ///
    /// As [`crate::TokenSource::token`].
    pub fn token(&self) -> Result<Arc<AccessToken>, Error> {
        self.token_with(TokenOptions::new())
    }

    /// Returns a valid token that meets these options.
    ///
    /// # Errors
    ///
    /// As [`crate::TokenSource::token_with`].
    pub fn token_with(&self, options: TokenOptions) -> Result<Arc<AccessToken>, Error> {
        let current = self.background.enter();
        if let Some(token) = self.source.serve(options) {
            return Ok(token);
        }
        drop(current);
        let source = self.source.clone();
        self.background.run(self.limit(options), async move { source.token_with(options).await })
    }

    /// Introspects a token, of this source or any other (RFC 7662).
    ///
    /// # Errors
    ///
    /// As [`crate::TokenSource::introspect`].
    pub fn introspect(&self, token: &SecretString) -> Result<Introspection, Error> {
        let (source, token) = (self.source.clone(), token.clone());
        self.background.run(self.limit(TokenOptions::new()), async move { source.introspect(&token).await })
    }

    /// Revokes a token, of this source or any other (RFC 7009).
    ///
    /// # Errors
    ///
    /// As [`crate::TokenSource::revoke`].
    pub fn revoke(&self, token: &SecretString) -> Result<(), Error> {
        let (source, token) = (self.source.clone(), token.clone());
        self.background.run(self.limit(TokenOptions::new()), async move { source.revoke(&token).await })
    }

    /// Revokes the token in memory, if there is one, for a program that stops.
    ///
    /// # Errors
    ///
    /// As [`crate::TokenSource::revoke_current`].
    pub fn revoke_current(&self) -> Result<(), Error> {
        let source = self.source.clone();
        self.background.run(self.limit(TokenOptions::new()), async move { source.revoke_current().await })
    }

    /// Returns the status, for a health endpoint. Sends nothing.
    #[must_use]
    pub fn status(&self) -> Status {
        self.source.status()
    }

    /// Drops this token, if it is still the current one, because the vendor's API rejected it.
    pub fn invalidate(&self, token: &AccessToken) {
        self.source.invalidate(token);
    }

    /// Returns how long a call may take. The source's own timers end it a little earlier, unless all threads are
    /// blocked.
    fn limit(&self, options: TokenOptions) -> Option<Duration> {
        let longest = options.deadline().unwrap_or_else(|| self.source.timeout());
        longest.checked_add(GRACE)
    }
}

impl TokenSourceBuilder {
    /// Builds the source for a program without an async runtime.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build), and if no thread can be started.
    pub fn build_blocking(self) -> Result<TokenSource, Error> {
        TokenSource::from_async(self.build()?)
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}
