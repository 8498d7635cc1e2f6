//! The body of a response whose trailers say how the API answered, as those of gRPC do.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderMap, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::authorize::{Authorization, Authorizer};

pin_project! {
    /// The body of a response that came through an [`AuthorizerService`](super::AuthorizerService). It is the body of
    /// the inner service's response; only the trailers of a gRPC call are looked at on their way.
    pub struct CheckedBody<B> {
        #[pin]
        body: B,
        // Whose trailers are awaited.
        call: Option<Box<Call>>,
    }
}

/// A call whose answer is in the trailers.
struct Call {
    authorizer: Authorizer,
    authorization: Authorization,
}

/// Returns `true` for a response of gRPC that does not say yet how the call ended.
pub(super) fn ends_with_trailers<B: Body>(response: &Response<B>) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
        && !response.headers().contains_key("grpc-status")
        && !response.body().is_end_stream()
}

impl<B> CheckedBody<B> {
    /// Passes the body on.
    pub(super) fn new(body: B) -> Self {
        Self { body, call: None }
    }

    /// Passes the body on, and records how the call ended.
    pub(super) fn of_call(body: B, authorizer: Authorizer, authorization: Authorization) -> Self {
        Self { body, call: Some(Box::new(Call { authorizer, authorization })) }
    }

    /// Returns the body of the inner service's response. What its trailers say is not recorded then.
    pub fn into_inner(self) -> B {
        self.body
    }
}

impl Call {
    fn ended(&self, trailers: &HeaderMap) {
        // The call is over: only the next one has a new token.
        let _ = self.authorizer.check_response(&self.authorization, StatusCode::OK, trailers);
    }
}

impl<B: Body> Body for CheckedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let polled = this.body.poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(trailers) = frame.trailers_ref()
            && let Some(call) = this.call.take()
        {
            call.ended(trailers);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B: Default> Default for CheckedBody<B> {
    fn default() -> Self {
        Self::new(B::default())
    }
}

impl<B: fmt::Debug> fmt::Debug for CheckedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.body.fmt(f)
    }
}
