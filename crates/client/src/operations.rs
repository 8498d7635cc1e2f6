//! What is done with tokens that there are already: asking about them, and having them taken back.

use std::sync::atomic::Ordering;

use credentials_grant::{
    ClientCredentials, Error, ExposeSecret, Introspection, RequestSeed, SecretString, introspect, revoke,
};
use tokio::time::timeout;

use crate::boarding::{runtime, too_slow};
use crate::fetch::entropy;
use crate::inner::Inner;
use crate::token_source::TokenSource;

impl TokenSource {
    /// Asks the server what it knows of a token (RFC 7662), of this source's or any other.
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
    /// As [`credentials_grant::introspect`]. Nothing is tried again, and nothing is remembered: whoever asks in a loop has to
    /// pause where the credentials are refused.
    pub async fn introspect(&self, token: &SecretString) -> Result<Introspection, Error> {
        let Inner { provider, means, .. } = &*self.0;
        let parameters = async |credentials: &ClientCredentials, seed| {
            introspect(&**provider, credentials, token, &*means.transport, seed).await
        };
        self.0.operate(parameters).await
    }

    /// Has the server take a token back (RFC 7009), of this source's or any other. If it is the one in memory, it is gone
    /// from there at once.
    ///
    /// # Errors
    ///
    /// As [`credentials_grant::revoke`]. Nothing is tried again: the token may still be good.
    pub async fn revoke(&self, token: &SecretString) -> Result<(), Error> {
        let Inner { provider, means, current, .. } = &*self.0;
        current.take_out(|kept| kept.token.secret().expose_secret() == token.expose_secret());
        let take_back = async |credentials: &ClientCredentials, seed| {
            revoke(&**provider, credentials, token, &*means.transport, seed).await
        };
        self.0.operate(take_back).await
    }

    /// Has the server take back the token in memory, if there is one: for a program that ends and wants to leave none behind.
    /// A token that is on its way is not waited for. A source that is [kept warm](crate::Builder::keeping_warm) rests until
    /// somebody asks for a token.
    ///
    /// ```no_run
    /// # async fn example(source: credentials_grant_client::TokenSource) {
    /// // The program was told to stop.
    /// if let Err(error) = source.revoke_current().await {
    ///     eprintln!("a token is left to expire: {error}");
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`revoke`](Self::revoke).
    pub async fn revoke_current(&self) -> Result<(), Error> {
        self.0.is_at_rest.store(true, Ordering::Release);
        let Some(token) = self.cached().map(|token| token.to_arc()) else { return Ok(()) };
        self.revoke(token.secret()).await
    }
}

impl Inner {
    /// Does it with the credentials as they are now, in the time that a fetch may take.
    async fn operate<T>(
        &self,
        operation: impl AsyncFnOnce(&ClientCredentials, RequestSeed) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let work = async {
            let credentials = self.credentials.load().await?;
            operation(&credentials, RequestSeed::new(self.means.clock.now(), entropy()?)).await
        };
        let outcome = match runtime() {
            Ok(_) => timeout(self.means.timeout, work).await.unwrap_or_else(|_| Err(too_slow(self.means.timeout))),
            Err(error) => Err(error),
        };
        outcome.map_err(|error| self.named(error))
    }
}
