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

use super::Authorizer;

type BoxError = Box<dyn Error + Send + Sync>;

impl Authorizer {
    /// The authorizer as a layer for tower.
    ///
    /// A request whose token the API rejects is sent once more with a new token, and one whose proof lacks the API's nonce
    /// with a new proof, if its body can be sent again: one that is empty can; for others, see [`with_body_copy`](AuthorizerLayer::with_body_copy).
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
    /// Sends a body again that this function can copy. Empty ones are sent again without it.
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

/// Authorizes each request before the service within gets it.
///
/// An error of ours comes boxed, as one of the service's does, and can be downcast to [`credentials_grant::Error`].
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
    R: Send + 'static,
{
    type Response = Response<R>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The one that is ready, and not a copy of it, which need not be.
        let next = self.inner.clone();
        let ready = mem::replace(&mut self.inner, next);
        Box::pin(call(self.authorizer.clone(), ready, request, self.copy_body.clone()))
    }
}

/// Sends a request, and again as long as that is worth it and the body can be sent again.
async fn call<S, C, B, R>(
    authorizer: Authorizer,
    mut service: S,
    mut request: Request<B>,
    copy_body: C,
) -> Result<Response<R>, BoxError>
where
    S: Service<Request<B>, Response = Response<R>, Error: Into<BoxError>>,
    C: CopyBody<B>,
    B: Body + Default,
{
    let mut spare = copied(&request, &copy_body);
    let mut presented = authorizer.authorize(&mut request).await?;
    loop {
        let response = service.call(request).await.map_err(Into::into)?;
        let again = authorizer.again(&presented, response.status(), response.headers());
        let (Some(again), Some(copy)) = (again, spare) else { return Ok(response) };
        // Not read to its end: nobody knows how long it is, and a short one is there already, so its connection lives.
        drop(response);
        (spare, request) = (copied(&copy, &copy_body), copy);
        presented = authorizer.authorize_again(&mut request, &presented, again).await?;
        poll_fn(|context| service.poll_ready(context)).await.map_err(Into::into)?;
    }
}

/// The request, if its body can be sent again.
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

/// Sends no body again but an empty one.
#[derive(Clone, Copy, Debug)]
pub struct EmptyBodies;

/// What copies a body so that it can be sent again.
pub trait CopyBody<B> {
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
