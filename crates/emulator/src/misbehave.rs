//! What a token endpoint delivers while it misbehaves.

use std::io::Write;
use std::sync::atomic::Ordering;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderValue, StatusCode, header};

use crate::authorization_server::{AuthorizationServer, merge};
use crate::delivery::Delivery;
use crate::http_response::HttpResponse;
use crate::misbehaviour::Misbehaviour;
use crate::request::Request;

impl AuthorizationServer {
    /// Answers any request but the admin's.
    pub(crate) fn answer(&self, request: &Request) -> Delivery {
        if !self.definition.token_paths.contains(&request.path()) {
            return Delivery::Whole(merge((self.definition.api)(self, request)));
        }
        self.token_requests.fetch_add(1, Ordering::Relaxed);
        match self.misbehaviour.next() {
            Some(misbehaviour) => misbehaviour.deliver(self, || self.token(request)),
            None => Delivery::Whole(self.token(request)),
        }
    }
}

impl Misbehaviour {
    /// Does it; `answer` asks the vendor, for what spoils the vendor's own answer.
    fn deliver(self, server: &AuthorizationServer, answer: impl FnOnce() -> HttpResponse) -> Delivery {
        Delivery::Whole(match self {
            Self::Drop => return Delivery::Dropped,
            Self::DropAfterHeaders => return Delivery::DroppedAfterHeaders,
            Self::EndlessBody => return Delivery::Endless,
            Self::Hang => return Delivery::Never,
            Self::SlowBody => return Delivery::Slow(answer()),

            Self::EmptyBody => HttpResponse::empty(StatusCode::OK),
            Self::Html { status } => HttpResponse::empty(status).with_body("text/html", GATEWAY_PAGE),
            Self::Redirect { to } => {
                HttpResponse::empty(StatusCode::TEMPORARY_REDIRECT).with_header_text(header::LOCATION, to.as_str())
            }
            Self::Status { status } => HttpResponse::empty(status),
            Self::Throttle { retry_after } => with_retry_after(StatusCode::TOO_MANY_REQUESTS, retry_after),
            Self::Unavailable { retry_after } => with_retry_after(StatusCode::SERVICE_UNAVAILABLE, retry_after),

            Self::EchoSecret => server.invalid_client(&format!(
                "{} is not the secret of {}",
                server.settings.client_secret, server.settings.client_id
            )),
            Self::ErrorAsSuccess => {
                server.invalid_client("the client credentials are invalid").with_status(StatusCode::OK)
            }

            Self::GzipBomb => gzip_bomb(answer()),
            Self::HugeBody => answer().with_changed_body(|body| body.resize(MIB + 1, b' ')),
            Self::HugeToken => answer().with_token_replaced(&vec![b'x'; MIB / 2]),
            Self::InvalidUtf8 => answer().with_token_replaced(b"\xff\xfe"),
            Self::RevokedAtBirth => {
                let answer = answer();
                server.access_tokens.revoke(answer.token());
                answer
            }
            Self::Token { value } => answer().with_token_replaced(json_escaped(&value).as_bytes()),
            Self::TruncatedBody => answer().with_changed_body(|body| body.truncate(body.len() / 2)),
        })
    }
}

const MIB: usize = 1024 * 1024;

const GATEWAY_PAGE: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n\
    <body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n";

fn with_retry_after(status: StatusCode, retry_after: Option<String>) -> HttpResponse {
    let answer = HttpResponse::empty(status);
    match retry_after {
        Some(value) => answer.with_header_text(header::RETRY_AFTER, &value),
        None => answer,
    }
}

/// The answer with 64 MiB of white space behind it, which a JSON parser skips, compressed.
fn gzip_bomb(answer: HttpResponse) -> HttpResponse {
    match compressed(&answer.body) {
        Ok(bytes) => answer
            .with_changed_body(|body| *body = bytes)
            .with_header(header::CONTENT_ENCODING, HeaderValue::from_static("gzip")),
        Err(error) => HttpResponse::internal_error(&error),
    }
}

fn compressed(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body)?;
    let spaces = vec![b' '; MIB];
    for _ in 0..64 {
        encoder.write_all(&spaces)?;
    }
    encoder.finish()
}

/// The text as it stands between the quotes of a JSON string.
fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}
