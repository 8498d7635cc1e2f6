//! What an authorizer needs of whatever provides its tokens.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use credentials_grant::{AccessToken, Error, ExposeSecret, Policy};

use crate::clock::Clock;
use crate::source::TokenOptions;
use crate::system_clock::SystemClock;

/// Provides tokens to an [`Authorizer`](crate::Authorizer).
///
/// A [`TokenSource`](crate::TokenSource) does. Implement it for another flow, for a fixed token, or for a test double:
///
/// ```
/// use std::sync::Arc;
/// use std::time::{Duration, SystemTime};
/// use credentials_grant::{
///     AccessToken, ClientCredentials, Error, Lifetime, Policy, TokenParameters, TokenResponse, async_trait,
/// };
/// use credentials_grant_client::{Authorizer, ProvideToken, TokenOptions};
///
/// /// A token that somebody typed in.
/// #[derive(Debug)]
/// struct FixedToken(Arc<AccessToken>);
///
/// #[async_trait]
/// impl ProvideToken for FixedToken {
///     fn name(&self) -> &str {
///         "fixed"
///     }
///
///     fn cached(&self, _: TokenOptions) -> Option<Arc<AccessToken>> {
///         Some(Arc::clone(&self.0))
///     }
///
///     async fn token(&self, _: TokenOptions) -> Result<Arc<AccessToken>, Error> {
///         Ok(Arc::clone(&self.0))
///     }
///
///     fn invalidate(&self, _: &AccessToken) {}
/// }
///
/// let token = AccessToken::new(
///     TokenResponse::new("token").with_lifetime(Lifetime::For(Duration::from_secs(3600))),
///     &TokenParameters::new(),
///     &Policy::new(),
///     &ClientCredentials::without_secret("me"),
///     SystemTime::now(),
/// )?;
/// let authorizer = Authorizer::builder(FixedToken(Arc::new(token))).with_host("api.example.com").build()?;
/// # Ok::<(), Error>(())
/// ```
#[async_trait]
pub trait ProvideToken: fmt::Debug + Send + Sync + 'static {
    /// Returns the provider's name, for errors and logs.
    fn name(&self) -> &str;

    /// Returns a valid token if there is one already, without waiting.
    fn cached(&self, options: TokenOptions) -> Option<Arc<AccessToken>>;

    /// Returns a valid token: one that is there already, or a new one.
    ///
    /// # Errors
    ///
    /// Returns an error if no token is available. The API call is then not made.
    async fn token(&self, options: TokenOptions) -> Result<Arc<AccessToken>, Error>;

    /// Drops this token, if it is still the current one, because the API rejected it.
    fn invalidate(&self, token: &AccessToken);

    /// Returns `true` if this is the token that the next call would get. By default, [`cached`](Self::cached) decides.
    fn is_current(&self, token: &AccessToken) -> bool {
        self.cached(TokenOptions::new()).is_some_and(|current| is_same(&current, token))
    }

    /// Returns how the token is presented and to which hosts it may go. It is called once, when the authorizer is
    /// built. By default, tokens are bearer tokens, and the builder names the hosts.
    fn policy(&self) -> Policy {
        Policy::new()
    }

    /// Returns the clock that DPoP proofs and the pauses after rejected tokens are timed by: the system's by default.
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(SystemClock::new())
    }

    /// Returns how long a DPoP proof may take to sign: 30 seconds by default.
    fn timeout(&self) -> Duration {
        Duration::from_secs(30)
    }
}

#[async_trait]
impl<T: ProvideToken + ?Sized> ProvideToken for Arc<T> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn cached(&self, options: TokenOptions) -> Option<Arc<AccessToken>> {
        (**self).cached(options)
    }

    async fn token(&self, options: TokenOptions) -> Result<Arc<AccessToken>, Error> {
        (**self).token(options).await
    }

    fn invalidate(&self, token: &AccessToken) {
        (**self).invalidate(token);
    }

    fn is_current(&self, token: &AccessToken) -> bool {
        (**self).is_current(token)
    }

    fn policy(&self) -> Policy {
        (**self).policy()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        (**self).clock()
    }

    fn timeout(&self) -> Duration {
        (**self).timeout()
    }
}

pub(crate) fn is_same(token: &AccessToken, other: &AccessToken) -> bool {
    token.secret().expose_secret() == other.secret().expose_secret()
}
