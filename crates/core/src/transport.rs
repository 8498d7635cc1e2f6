//! Sending requests.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Error;
use crate::http_request::HttpRequest;
use crate::http_response::HttpResponse;

/// Sends one HTTP request and returns the response, whatever its status.
///
/// An implementation follows no redirects, does not retry, has a timeout, and limits the size of the body it reads (1
/// MiB is enough). It presents the request's [certificate](HttpRequest::client_certificate) to the server, if there is
/// one, and never that of another request.
///
/// The client crate has one over reqwest. One of your own, here for a test, returns the same response to every request:
///
/// ```
/// use credentials_grant::{Error, HeaderMap, HttpRequest, HttpResponse, StatusCode, Transport, async_trait};
///
/// #[derive(Debug)]
/// struct AlwaysBusy;
///
/// #[async_trait]
/// impl Transport for AlwaysBusy {
///     async fn send(&self, _: &HttpRequest) -> Result<HttpResponse, Error> {
///         Ok(HttpResponse::new(StatusCode::SERVICE_UNAVAILABLE, HeaderMap::new(), Vec::new()))
///     }
/// }
/// ```
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends the request.
    ///
    /// # Errors
    ///
    /// [`Unreachable`](crate::ErrorKind::Unreachable) if there is no response, and
    /// [`BadResponse`](crate::ErrorKind::BadResponse) if it is too large. Neither shows what the request held.
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Error>;
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Arc<T> {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Error> {
        (**self).send(request).await
    }
}
