//! What carries a request to its server.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Error;
use crate::response::TokenResponse;
use crate::sealed_request::SealedRequest;

/// Carries one request to its server and brings the answer back, whatever its status.
///
/// An implementation follows no redirect, repeats nothing, gives up after a time of its own, and takes no more of a
/// body than it must (1 MiB is plenty). It shows the request's
/// [certificate](SealedRequest::client_certificate) to the server, if there is one, and never that of another request.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends the request.
    ///
    /// # Errors
    ///
    /// [`Unreachable`](crate::ErrorKind::Unreachable) if there is no answer, and
    /// [`BadResponse`](crate::ErrorKind::BadResponse) if it is too large; neither repeats what the request held.
    async fn send(&self, request: &SealedRequest) -> Result<TokenResponse, Error>;
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Arc<T> {
    async fn send(&self, request: &SealedRequest) -> Result<TokenResponse, Error> {
        (**self).send(request).await
    }
}
