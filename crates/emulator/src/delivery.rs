//! How an answer leaves: whole, or in one of the ways that no vendor intends.

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

/// What becomes of one request.
pub(crate) enum Delivery {
    /// The answer as it is.
    Whole(HttpResponse),
    /// No answer: the connection ends.
    Dropped,
    /// A status and headers; then the connection ends.
    DroppedAfterHeaders,
    /// No answer, and the connection stays.
    Never,
    /// A body without an end.
    Endless,
    /// The answer, byte by byte.
    Slow(HttpResponse),
}

/// The connection ends here, on purpose.
#[derive(Debug, thiserror::Error)]
#[error("the emulator drops the connection on purpose")]
pub(crate) struct Dropped;

pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

impl Delivery {
    pub(crate) async fn response(self) -> Result<Response<Body>, Dropped> {
        match self {
            Self::Whole(answer) => Ok(respond(answer, whole)),
            Self::Slow(answer) => Ok(respond(answer, |body| streamed(slow(body)))),
            Self::Endless => Ok(respond(json(), |_| streamed(endless()))),
            Self::DroppedAfterHeaders => Ok(respond(json(), |_| streamed(broken()))),
            Self::Dropped => Err(Dropped),
            Self::Never => std::future::pending().await,
        }
    }
}

fn respond(answer: HttpResponse, body: impl FnOnce(Bytes) -> Body) -> Response<Body> {
    let mut response = Response::new(body(answer.body.into()));
    *response.status_mut() = answer.status;
    response.headers_mut().extend(answer.headers);
    response
}

/// The head of an answer that announces JSON.
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
        // Whatever waits to be written is written when the body has nothing yet: the headers get out first.
        tokio::task::yield_now().await;
        Err(io::ErrorKind::ConnectionReset.into())
    })
}
