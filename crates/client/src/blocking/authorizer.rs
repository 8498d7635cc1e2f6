//! The blocking authorizer.

use credentials_grant::{Error, HeaderMap, StatusCode};

use super::background::Background;
use crate::authorizer::{self, Authorization, AuthorizationRetry};

/// An authorizer for HTTP clients that block: [`crate::Authorizer`] over any [`http::Request`], such as ureq's.
///
/// ```no_run
/// # fn send(_: http::Request<()>) -> http::Response<()> { http::Response::new(()) }
/// # use std::error::Error;
/// # use credentials_grant_client::TokenSource;
/// # fn example(source: TokenSource) -> Result<http::Response<()>, Box<dyn Error>> {
/// use credentials_grant_client::{Authorizer, blocking};
///
/// let authorizer = blocking::Authorizer::from_async(Authorizer::new(source)?)?;
///
/// let request = http::Request::get("https://api.example.com/v1/properties").body(())?;
/// let mut attempt = request.clone();
/// let mut authorization = authorizer.authorize(&mut attempt)?;
/// loop {
///     let response = send(attempt);
///     match authorizer.check_response(&authorization, response.status(), response.headers()) {
///         None => return Ok(response),
///         Some(retry) => {
///             attempt = request.clone();
///             authorization = authorizer.authorize_again(&mut attempt, retry)?;
///         }
///     }
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Authorizer {
    authorizer: authorizer::Authorizer,
    background: Background,
}

impl Authorizer {
    /// Creates a blocking authorizer over an async one. They share what they know about rejected tokens.
    ///
    /// # Errors
    ///
    /// [`Configuration`](credentials_grant::ErrorKind::Configuration) if no thread can be started.
    pub fn from_async(authorizer: authorizer::Authorizer) -> Result<Self, Error> {
        Ok(Self { authorizer, background: Background::shared()? })
    }

    /// Adds the token to a request.
    ///
    /// # Errors
    ///
    /// As [`crate::Authorizer::authorize`].
    pub fn authorize<B>(&self, request: &mut http::Request<B>) -> Result<Authorization, Error> {
        self.run(request, |authorizer, mut parts| async move {
            let authorization = authorizer.authorize(&mut parts).await?;
            Ok((parts, authorization))
        })
    }

    /// Records how the API answered, and returns `Some` if the request should be sent once more, authorized by
    /// [`authorize_again`](Self::authorize_again): see [`crate::Authorizer::check_response`].
    #[expect(clippy::must_use_candidate, reason = "the rejection is recorded even if the request cannot be repeated")]
    pub fn check_response(
        &self,
        authorization: &Authorization,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Option<AuthorizationRetry> {
        // Within the runtime, as a provider of tokens may start a renewal.
        let _entered = self.background.enter();
        self.authorizer.check_response(authorization, status, headers)
    }

    /// Returns `true` if the body may say that the token has expired: see [`crate::Authorizer::needs_body`].
    #[must_use]
    pub fn needs_body(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        self.authorizer.needs_body(status, headers)
    }

    /// Records how the API answered, with its body: see [`crate::Authorizer::check_response_with_body`].
    #[expect(clippy::must_use_candidate, reason = "the rejection is recorded even if the request cannot be repeated")]
    pub fn check_response_with_body(
        &self,
        authorization: &Authorization,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Option<AuthorizationRetry> {
        let _entered = self.background.enter();
        self.authorizer.check_response_with_body(authorization, status, headers, body)
    }

    /// Authorizes a request that is sent once more.
    ///
    /// # Errors
    ///
    /// As [`crate::Authorizer::authorize`].
    pub fn authorize_again<B>(
        &self,
        request: &mut http::Request<B>,
        retry: AuthorizationRetry,
    ) -> Result<Authorization, Error> {
        self.run(request, |authorizer, mut parts| async move {
            let authorization = authorizer.authorize_again(&mut parts, retry).await?;
            Ok((parts, authorization))
        })
    }

    /// Runs the work on the background runtime, with what it needs of the request: the body stays here.
    fn run<B, F>(
        &self,
        request: &mut http::Request<B>,
        work: impl FnOnce(authorizer::Authorizer, http::request::Parts) -> F,
    ) -> Result<Authorization, Error>
    where
        F: Future<Output = Result<(http::request::Parts, Authorization), Error>> + Send + 'static,
    {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts.method.clone_from(request.method());
        parts.uri.clone_from(request.uri());
        parts.headers.clone_from(request.headers());
        let (parts, authorization) = self.background.run(None, work(self.authorizer.clone(), parts))?;
        *request.headers_mut() = parts.headers;
        Ok(authorization)
    }
}
