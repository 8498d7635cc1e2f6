//! Tokens for programs without an async runtime.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, mpsc};

use credentials_grant::{AccessToken, Error, ErrorKind, Introspection, SecretString};
#[cfg(feature = "reqwest")]
use credentials_grant::{CredentialsGrant, CredentialsSource};
use tokio::runtime::{Builder, Runtime};

use crate::{Status, TokenOptions, TokenRef};

/// A [`TokenSource`](crate::TokenSource) that blocks its caller instead of suspending it.
///
/// It brings a runtime of two threads along: one may be blocked by credentials that block.
///
/// ```no_run
/// # fn example(acme: impl credentials_grant::CredentialsGrant) -> Result<(), credentials_grant::Error> {
/// use credentials_grant_client::{EnvironmentCredentials, blocking::TokenSource};
///
/// let source = TokenSource::new(acme, EnvironmentCredentials::with_prefix("ACME"))?;
/// let token = source.token()?;
/// # Ok(())
/// # }
/// ```
pub struct TokenSource {
    source: crate::TokenSource,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl TokenSource {
    /// A source for what the vendor grants by default, over HTTPS.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the settings do not make a request. Nothing is sent.
    #[cfg(feature = "reqwest")]
    pub fn new(provider: impl CredentialsGrant, credentials: impl CredentialsSource) -> Result<Self, Error> {
        crate::TokenSource::builder(provider, credentials).build_blocking()
    }

    /// A source that blocks, over one that does not: see
    /// [`build_blocking`](crate::TokenSourceBuilder::build_blocking).
    pub(crate) fn over(source: crate::TokenSource) -> Result<Self, Error> {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(|source| {
            Error::new(ErrorKind::Configuration, "no thread could be started to fetch tokens on").with_source(source)
        })?;
        Ok(Self { source, runtime: Some(runtime) })
    }

    /// The token that is in memory, if it is good.
    #[must_use]
    pub fn cached(&self) -> Option<TokenRef> {
        self.source.cached()
    }

    /// A token that has not expired: the one in memory, or a new one.
    ///
    /// In an async program, call it where blocking is allowed, as in `spawn_blocking`.
    ///
    /// # Errors
    ///
    /// As [`TokenSource::token`](crate::TokenSource::token).
    pub fn token(&self) -> Result<Arc<AccessToken>, Error> {
        self.token_with(TokenOptions::new())
    }

    /// A token that has not expired and meets a need.
    ///
    /// # Errors
    ///
    /// As [`TokenSource::token_with`](crate::TokenSource::token_with).
    pub fn token_with(&self, options: TokenOptions) -> Result<Arc<AccessToken>, Error> {
        // Within the runtime, so that a renewal has one to run on.
        let within = self.runtime.as_ref().map(Runtime::enter);
        if let Some(token) = self.source.serve(options) {
            return Ok(token);
        }
        drop(within);
        self.wait(|source| async move { source.token_with(options).await })
    }

    /// Asks the server what it knows of a token (RFC 7662), of this source's or any other.
    ///
    /// # Errors
    ///
    /// As [`TokenSource::introspect`](crate::TokenSource::introspect).
    pub fn introspect(&self, token: &SecretString) -> Result<Introspection, Error> {
        let token = token.clone();
        self.wait(|source| async move { source.introspect(&token).await })
    }

    /// Has the server take a token back (RFC 7009), of this source's or any other.
    ///
    /// # Errors
    ///
    /// As [`TokenSource::revoke`](crate::TokenSource::revoke).
    pub fn revoke(&self, token: &SecretString) -> Result<(), Error> {
        let token = token.clone();
        self.wait(|source| async move { source.revoke(&token).await })
    }

    /// Has the server take back the token in memory, if there is one: for a program that ends.
    ///
    /// # Errors
    ///
    /// As [`TokenSource::revoke`](crate::TokenSource::revoke).
    pub fn revoke_current(&self) -> Result<(), Error> {
        self.wait(|source| async move { source.revoke_current().await })
    }

    /// Waits for what is done on the runtime's own threads: `block_on` refuses to run within another runtime.
    fn wait<T, F>(&self, work: impl FnOnce(crate::TokenSource) -> F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let (answer, answered) = mpsc::channel();
        let work = work(self.source.clone());
        if let Some(runtime) = &self.runtime {
            runtime.spawn(async move { answer.send(work.await) });
        }
        answered.recv().unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Unavailable, "the thread that fetches tokens is gone")
                .with_remedy("build a new token source"))
        })
    }

    /// How the source is doing. Sends nothing.
    #[must_use]
    pub fn status(&self) -> Status {
        self.source.status()
    }

    /// Forgets this token, if it is still the current one.
    pub fn invalidate(&self, token: &AccessToken) {
        self.source.invalidate(token);
    }
}

impl Drop for TokenSource {
    fn drop(&mut self) {
        // Waiting for the thread would panic where the last owner is async code.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}
