//! The blocking token pool.

use credentials_grant::{CredentialsGrant, CredentialsSource, Error, TokenParameters};

use super::background::Background;
use super::token_source::TokenSource;
use crate::pool;

/// A token pool for programs without an async runtime: [`crate::TokenPool`], whose sources block.
///
/// ```no_run
/// # fn example(acme: impl credentials_grant::CredentialsGrant + Clone) -> Result<(), credentials_grant::Error> {
/// use credentials_grant::{ClientCredentials, TokenParameters};
/// use credentials_grant_client::{TokenPool, blocking};
///
/// let pool = blocking::TokenPool::from_async(TokenPool::builder().with_capacity(500).build()?)?;
/// let hotel = ClientCredentials::new("hotel-1", "a secret");
/// let token = pool.source(&acme, &hotel, &TokenParameters::new())?.token()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TokenPool {
    pool: pool::TokenPool,
    background: Background,
}

impl TokenPool {
    /// Creates a pool whose sources send over HTTPS.
    ///
    /// # Errors
    ///
    /// [`Configuration`](credentials_grant::ErrorKind::Configuration) if the HTTP client cannot be built, or no thread
    /// can be started.
    #[cfg(feature = "reqwest")]
    pub fn new() -> Result<Self, Error> {
        Self::from_async(pool::TokenPool::new()?)
    }

    /// Creates a blocking pool over an async one. They share their sources.
    ///
    /// # Errors
    ///
    /// [`Configuration`](credentials_grant::ErrorKind::Configuration) if no thread can be started.
    pub fn from_async(pool: pool::TokenPool) -> Result<Self, Error> {
        Ok(Self { pool, background: Background::shared()? })
    }

    /// Returns the source for this provider, these credentials and these parameters. Sends nothing.
    ///
    /// # Errors
    ///
    /// As [`crate::TokenPool::source`].
    pub fn source<P, C>(
        &self,
        provider: &P,
        credentials: &C,
        parameters: &TokenParameters,
    ) -> Result<TokenSource, Error>
    where
        P: CredentialsGrant + Clone,
        C: CredentialsSource + Clone,
    {
        TokenSource::from_async(self.pool.source(provider, credentials, parameters)?)
    }

    /// Revokes the token of every source that has one, for a program that stops.
    ///
    /// # Errors
    ///
    /// As [`crate::TokenPool::revoke_current`].
    pub fn revoke_current(&self) -> Result<(), Error> {
        let pool = self.pool.clone();
        self.background.run(None, async move { pool.revoke_current().await })
    }

    /// Returns the number of sources.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pool.len()
    }

    /// Returns `true` if there are no sources.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pool.is_empty()
    }
}
