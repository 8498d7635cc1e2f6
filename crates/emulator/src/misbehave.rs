//! What the token endpoint sends while it misbehaves.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderValue, StatusCode, header};

use crate::authorization_server::AuthorizationServer;
use crate::delivery::Delivery;
use crate::http_response::HttpResponse;
use crate::misbehaviour::Misbehaviour;
use crate::vendor_definition::VendorDefinition;

/// Returns what to send in place of the vendor's response.
///
/// `respond` makes the vendor's own response; it is called only for a misbehaviour that changes that response.
pub(crate) fn misbehave(
    misbehaviour: Misbehaviour,
    definition: &VendorDefinition,
    server: &AuthorizationServer,
    respond: impl FnOnce() -> HttpResponse,
) -> Delivery {
    Delivery::Whole(match misbehaviour {
        Misbehaviour::Drop => return Delivery::Dropped,
        Misbehaviour::DropAfterHeaders => return Delivery::DroppedAfterHeaders,
        Misbehaviour::EndlessBody => return Delivery::Endless,
        Misbehaviour::Hang => return Delivery::Never,
        Misbehaviour::SlowBody => return Delivery::Slow(respond()),

        Misbehaviour::EmptyBody => HttpResponse::empty(StatusCode::OK),
        Misbehaviour::Html { status } => HttpResponse::empty(status).with_body("text/html", GATEWAY_PAGE),
        Misbehaviour::Redirect { to } => {
            HttpResponse::empty(StatusCode::TEMPORARY_REDIRECT).with_header_text(header::LOCATION, to.as_str())
        }
        Misbehaviour::Status { status } => HttpResponse::empty(status),
        Misbehaviour::Throttle { retry_after } => with_retry_after(StatusCode::TOO_MANY_REQUESTS, retry_after),
        Misbehaviour::Unavailable { retry_after } => with_retry_after(StatusCode::SERVICE_UNAVAILABLE, retry_after),

        Misbehaviour::EchoSecret => {
            let (id, secret) = (&server.settings.client_id, &server.settings.client_secret);
            (definition.invalid_client)(&format!("{secret} is not the secret of {id}"))
        }
        Misbehaviour::ErrorAsSuccess => {
            (definition.invalid_client)("the client credentials are invalid").with_status(StatusCode::OK)
        }

        Misbehaviour::GzipBomb => gzip_bomb(respond()),
        Misbehaviour::HugeBody => respond().with_changed_body(|body| body.resize(MIB + 1, b' ')),
        Misbehaviour::HugeToken => respond().with_token_replaced(&vec![b'x'; MIB / 2]),
        Misbehaviour::InvalidUtf8 => respond().with_token_replaced(b"\xff\xfe"),
        Misbehaviour::RevokedToken => {
            let response = respond();
            server.access_tokens.revoke(response.token());
            response
        }
        Misbehaviour::Token { value } => respond().with_token_replaced(json_escaped(&value).as_bytes()),
        Misbehaviour::TruncatedBody => respond().with_changed_body(|body| body.truncate(body.len() / 2)),
    })
}

const MIB: usize = 1024 * 1024;

const GATEWAY_PAGE: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n\
    <body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n";

fn with_retry_after(status: StatusCode, retry_after: Option<String>) -> HttpResponse {
    let response = HttpResponse::empty(status);
    match retry_after {
        Some(value) => response.with_header_text(header::RETRY_AFTER, &value),
        None => response,
    }
}

/// Compresses the response, followed by 64 MiB of white space, which a JSON parser skips.
fn gzip_bomb(response: HttpResponse) -> HttpResponse {
    match compressed(&response.body) {
        Ok(bytes) => response
            .with_changed_body(|body| *body = bytes)
            .with_header(header::CONTENT_ENCODING, HeaderValue::from_static("gzip")),
        Err(error) => HttpResponse::internal_error(&error),
    }
}

fn compressed(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body)?;
    let spaces = vec![b' '; MIB];
    for _ in 0..64 {
        encoder.write_all(&spaces)?;
    }
    encoder.finish()
}

/// Returns the text as it stands between the quotes of a JSON string.
fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}
