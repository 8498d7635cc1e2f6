//! Introspection and revocation of tokens.

use std::sync::atomic::Ordering;

use credentials_grant::{
    ClientCredentials, Error, ExposeSecret, Introspection, RequestSeed, SecretString, introspect, revoke,
};
use tokio::time::timeout;

use super::shared::Shared;
use super::token_source::TokenSource;
use crate::random::entropy;
use crate::runtime::{runtime, timed_out};

impl TokenSource {
    /// Introspects a token, of this source or any other: asks the server whether it is active (RFC 7662).
    ///
    /// ```no_run
    /// # async fn example(source: credentials_grant_client::TokenSource) -> Result<(), credentials_grant::Error> {
    /// let token = source.token().await?;
    /// let introspection = source.introspect(token.secret()).await?;
    /// println!("active: {}", introspection.is_active());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`credentials_grant::introspect`]. Nothing is retried, and failures are not remembered: if you call it in a
    /// loop, pause when the credentials are refused.
    pub async fn introspect(&self, token: &SecretString) -> Result<Introspection, Error> {
        let Shared { provider, config, .. } = &*self.0;
        let operation = async |credentials: &ClientCredentials, seed| {
            introspect(&**provider, credentials, token, &*config.transport, seed).await
        };
        self.0.run(operation).await
    }

    /// Revokes a token, of this source or any other (RFC 7009). If it is the one in memory, it is dropped from there at
    /// once, and no process takes it from a store that they share.
    ///
    /// ```no_run
    /// # async fn example(source: credentials_grant_client::TokenSource) -> Result<(), credentials_grant::Error> {
    /// let token = source.token().await?;
    /// source.revoke(token.secret()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`credentials_grant::revoke`]. Nothing is retried: after an error, the token may still be valid.
    pub async fn revoke(&self, token: &SecretString) -> Result<(), Error> {
        let Shared { provider, config, current, .. } = &*self.0;
        self.0.predecessor.forget();
        current.remove_if(|current| current.token.secret().expose_secret() == token.expose_secret());
        let operation = async |credentials: &ClientCredentials, seed| {
            #[cfg(feature = "store")]
            if let Some(store) = &config.store {
                self.0.mark_revoked(store, credentials, token).await?;
            }
            revoke(&**provider, credentials, token, &*config.transport, seed).await
        };
        self.0.run(operation).await
    }

    /// Revokes the token in memory, if there is one, for a program that stops and leaves no valid token behind.
    ///
    /// A token that is shared through a store is not revoked, since other processes use it.
    ///
    /// It does not wait for a fetch in progress. A source that is [kept warm](crate::TokenSourceBuilder::keep_warm)
    /// fetches no further token until somebody asks for one.
    ///
    /// ```no_run
    /// # async fn example(source: credentials_grant_client::TokenSource) {
    /// // On shutdown:
    /// if let Err(error) = source.revoke_current().await {
    ///     eprintln!("the token stays valid until it expires: {error}");
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`revoke`](Self::revoke).
    pub async fn revoke_current(&self) -> Result<(), Error> {
        self.0.is_paused.store(true, Ordering::Release);
        let Some(token) = self.cached() else { return Ok(()) };
        #[cfg(feature = "store")]
        if token.current().version.is_some() {
            return Ok(());
        }
        let token = token.to_arc();
        self.revoke(token.secret()).await
    }
}

impl Shared {
    /// Runs an operation with the current credentials, within the timeout of a fetch.
    async fn run<T>(
        &self,
        operation: impl AsyncFnOnce(&ClientCredentials, RequestSeed) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let work = async {
            let credentials = self.credentials.load().await?;
            operation(&credentials, RequestSeed::new(self.config.clock.now(), entropy()?)).await
        };
        let outcome = match runtime() {
            Ok(_) => timeout(self.config.timeout, work).await.unwrap_or_else(|_| Err(timed_out(self.config.timeout))),
            Err(error) => Err(error),
        };
        outcome.map_err(|error| self.named(error))
    }
}
