//! The authorizer as a layer for tower: hyper, axum's clients, tonic.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::authorize::Authorizer;
use super::broken_uploads::is_closed;
use super::checked_body::{CheckedBody, ends_with_trailers};

type BoxError = Box<dyn Error + Send + Sync>;

impl Authorizer {
    /// Returns the authorizer as a layer for tower.
    ///
    /// If the API rejects the token, the request is sent once more with a new token, and if the API wants a nonce, with
    /// a new proof, provided that its body can be sent again. An empty body can; for others, see
    /// [`with_body_copy`](AuthorizerLayer::with_body_copy).
    ///
    /// If the API closes the connection while a body is on its way, as some do to reject a token, the next request with
    /// a body gets a new token.
    ///
    /// If a gRPC call ends with `UNAUTHENTICATED` in its trailers, the next call has a new token.
    ///
    /// It does not read the bodies of responses, which are the caller's. For a vendor that says in them that a token
    /// has expired ([`Policy::with_expired_body`](credentials_grant::Policy::with_expired_body)), use
    /// [`check_response_with_body`](Authorizer::check_response_with_body).
    ///
    /// ```
    /// # use credentials_grant_client::Authorizer;
    /// # fn example<S>(authorizer: Authorizer, client: S) -> impl Sized {
    /// tower::ServiceBuilder::new().layer(authorizer.layer()).service(client)
    /// # }
    /// ```
    #[must_use]
    pub fn layer(&self) -> AuthorizerLayer {
        AuthorizerLayer { authorizer: self.clone(), copy_body: EmptyBodies }
    }
}

/// Wraps a service in an [`AuthorizerService`]; made by [`Authorizer::layer`].
#[derive(Clone)]
pub struct AuthorizerLayer<C = EmptyBodies> {
    authorizer: Authorizer,
    copy_body: C,
}

impl AuthorizerLayer {
    /// Sets a function that copies bodies, so that they can be sent again. Empty bodies need none.
    ///
    /// ```
    /// # use credentials_grant_client::{Authorizer, AuthorizerLayer};
    /// # fn example(authorizer: Authorizer) {
    /// let layer = authorizer.layer().with_body_copy(|body: &String| Some(body.clone()));
    /// # }
    /// ```
    #[must_use]
    pub fn with_body_copy<B, F: Fn(&B) -> Option<B>>(self, copy: F) -> AuthorizerLayer<F> {
        AuthorizerLayer { authorizer: self.authorizer, copy_body: copy }
    }
}

impl<S, C: Clone> Layer<S> for AuthorizerLayer<C> {
    type Service = AuthorizerService<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        AuthorizerService { inner, authorizer: self.authorizer.clone(), copy_body: self.copy_body.clone() }
    }
}

/// Authorizes each request before the inner service gets it. Made by [`AuthorizerLayer`].
///
/// Errors of this library are boxed, as those of the service are, and can be downcast to [`credentials_grant::Error`].
#[derive(Clone)]
pub struct AuthorizerService<S, C = EmptyBodies> {
    inner: S,
    authorizer: Authorizer,
    copy_body: C,
}

impl<S, C, B, R> Service<Request<B>> for AuthorizerService<S, C>
where
    S: Service<Request<B>, Response = Response<R>, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static,
    C: CopyBody<B> + Clone + Send + 'static,
    B: Body + Default + Send + 'static,
    R: Body + Send + 'static,
{
    type Response = Response<CheckedBody<R>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<CheckedBody<R>>, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // Call the service that is ready, not its clone, which may not be.
        let next = self.inner.clone();
        let ready = mem::replace(&mut self.inner, next);
        Box::pin(call(self.authorizer.clone(), ready, request, self.copy_body.clone()))
    }
}

/// Sends a request, and repeats it as long as that is worth it and the body can be sent again.
async fn call<S, C, B, R>(
    authorizer: Authorizer,
    mut service: S,
    mut request: Request<B>,
    copy_body: C,
) -> Result<Response<CheckedBody<R>>, BoxError>
where
    S: Service<Request<B>, Response = Response<R>, Error: Into<BoxError>>,
    C: CopyBody<B>,
    B: Body + Default,
    R: Body,
{
    let is_upload = !request.body().is_end_stream();
    if is_upload {
        authorizer.prepare_upload();
    }
    let mut spare = copied(&request, &copy_body);
    let mut authorization = authorizer.authorize(&mut request).await?;
    loop {
        let outcome = service.call(request).await.map_err(Into::into);
        if is_upload && outcome.as_ref().is_err_and(|error| is_closed(&**error)) {
            authorizer.note_broken_upload(&authorization);
        }
        let response = outcome?;
        if ends_with_trailers(&response) {
            return Ok(response.map(|body| CheckedBody::of_call(body, authorizer, authorization)));
        }
        let retry = authorizer.check_response(&authorization, response.status(), response.headers());
        let (Some(retry), Some(copy)) = (retry, spare) else { return Ok(response.map(CheckedBody::new)) };
        // The body is not read: it may be long, and if it is short it has arrived already, so the connection is reused.
        drop(response);
        (spare, request) = (copied(&copy, &copy_body), copy);
        authorization = authorizer.authorize_again(&mut request, retry).await?;
        poll_fn(|context| service.poll_ready(context)).await.map_err(Into::into)?;
    }
}

/// Returns a copy of the request, if its body can be sent again.
fn copied<B: Body + Default>(request: &Request<B>, copy_body: &impl CopyBody<B>) -> Option<Request<B>> {
    let body = if request.body().is_end_stream() { Some(B::default()) } else { copy_body.copy(request.body()) };
    let mut copy = Request::new(body?);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    *copy.extensions_mut() = request.extensions().clone();
    Some(copy)
}

/// Copies empty bodies only: the default of an [`AuthorizerLayer`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct EmptyBodies;

/// Copies a body so that it can be sent again.
pub trait CopyBody<B> {
    /// Returns a copy, if there can be one.
    fn copy(&self, body: &B) -> Option<B>;
}

impl<B> CopyBody<B> for EmptyBodies {
    fn copy(&self, _: &B) -> Option<B> {
        None
    }
}

impl<B, F: Fn(&B) -> Option<B>> CopyBody<B> for F {
    fn copy(&self, body: &B) -> Option<B> {
        self(body)
    }
}

impl<C> fmt::Debug for AuthorizerLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizerLayer").field("authorizer", &self.authorizer).finish_non_exhaustive()
    }
}

impl<S: fmt::Debug, C> fmt::Debug for AuthorizerService<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizerService")
            .field("inner", &self.inner)
            .field("authorizer", &self.authorizer)
            .finish_non_exhaustive()
    }
}
