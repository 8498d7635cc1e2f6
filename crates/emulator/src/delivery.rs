//! How a response is sent: whole, or broken in one of several ways.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::stream::{self, Stream};
use http::{Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;

use crate::http_response::HttpResponse;

/// What is sent for one request.
pub(crate) enum Delivery {
    /// The response as it is.
    Whole(HttpResponse),
    /// No response: the connection is closed.
    Dropped,
    /// A status and headers; then the connection is closed.
    DroppedAfterHeaders,
    /// No response, and the connection stays open.
    Never,
    /// A body that never ends.
    Endless,
    /// The response, byte by byte.
    Slow(HttpResponse),
}

/// The error by which hyper is told to close the connection.
#[derive(Debug, thiserror::Error)]
#[error("the emulator drops the connection on purpose")]
pub(crate) struct Dropped;

pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

impl Delivery {
    pub(crate) async fn response(self) -> Result<Response<Body>, Dropped> {
        match self {
            Self::Whole(response) => Ok(respond(response, whole)),
            Self::Slow(response) => Ok(respond(response, |body| streamed(slow(body)))),
            Self::Endless => Ok(respond(json(), |_| streamed(endless()))),
            Self::DroppedAfterHeaders => Ok(respond(json(), |_| streamed(broken()))),
            Self::Dropped => Err(Dropped),
            Self::Never => std::future::pending().await,
        }
    }
}

fn respond(response: HttpResponse, body: impl FnOnce(Bytes) -> Body) -> Response<Body> {
    let mut sent = Response::new(body(response.body.into()));
    *sent.status_mut() = response.status;
    sent.headers_mut().extend(response.headers);
    sent
}

/// Returns the head of a response that announces JSON.
fn json() -> HttpResponse {
    HttpResponse::empty(StatusCode::OK).with_content_type("application/json")
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

fn streamed(chunks: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Body {
    StreamBody::new(chunks.map_ok(Frame::data)).boxed_unsync()
}

fn endless() -> impl Stream<Item = io::Result<Bytes>> {
    stream::repeat_with(|| Ok(Bytes::from_static(&[b' '; 16 * 1024])))
}

fn slow(body: Bytes) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold(body, |mut rest| async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        (!rest.is_empty()).then(|| (Ok(rest.split_to(1)), rest))
    })
}

fn broken() -> impl Stream<Item = io::Result<Bytes>> {
    stream::once(async {
        // hyper flushes what it has while the body is pending: without this, the headers would not be sent.
        tokio::task::yield_now().await;
        Err(io::ErrorKind::ConnectionReset.into())
    })
}
