//! How a token endpoint can go wrong, on command.

use std::io::Write;
use std::sync::Mutex;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::answer::Answer;
use crate::authorization_server::AuthorizationServer;
use crate::delivery::Delivery;
use crate::lock;

/// What the token endpoint does instead of what the vendor would do.
///
/// In JSON it is an object whose `kind` is the variant's name in kebab case:
/// `{"kind": "throttle", "retry_after": "120"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// Drops the connection without an answer.
    Drop,
    /// Drops the connection after the answer's headers.
    DropAfterHeaders,
    /// Puts the client's secret into the error description of a refusal.
    EchoSecret,
    /// Answers 200 and an empty body.
    EmptyBody,
    /// Answers 200 and a body that never ends.
    EndlessBody,
    /// Answers 200 and the vendor's own refusal.
    ErrorAsSuccess,
    /// Answers a token in less than half a MiB of gzip that unpack to more than 64 MiB.
    GzipBomb,
    /// Never answers, until the client gives up or the emulator stops.
    Hang,
    /// Answers a gateway's HTML page.
    Html {
        /// The page's status: 502 is the honest one, 200 happens.
        #[serde(with = "status_number")]
        status: StatusCode,
    },
    /// Answers a token in a body of more than 1 MiB.
    HugeBody,
    /// Answers a token of half a MiB, in a body that is not too large.
    HugeToken,
    /// Answers a token whose bytes are no UTF-8.
    InvalidUtf8,
    /// Redirects to another URL with a 307, which asks the client to send its credentials there.
    Redirect {
        /// Where to.
        to: Url,
    },
    /// Issues tokens that its API answers with 401.
    RevokedAtBirth,
    /// Sends the vendor's answer at ten bytes a second.
    SlowBody,
    /// Answers this status and an empty body.
    Status {
        /// The status.
        #[serde(with = "status_number")]
        status: StatusCode,
    },
    /// Answers 429.
    Throttle {
        /// The `Retry-After` header as sent: seconds, a date, or nonsense.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<String>,
    },
    /// Answers with this in the token's place: line breaks, spaces, nothing.
    Token {
        /// What stands where the token should.
        value: String,
    },
    /// Answers the first half of the vendor's answer.
    TruncatedBody,
    /// Answers 503.
    Unavailable {
        /// The `Retry-After` header as sent: seconds, a date, or nonsense.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<String>,
    },
}

impl Misbehaviour {
    /// Whether what it puts into headers can stand there.
    pub(crate) fn fits_into_headers(&self) -> bool {
        match self {
            Self::Throttle { retry_after: Some(text) } | Self::Unavailable { retry_after: Some(text) } => {
                HeaderValue::from_str(text).is_ok()
            }
            _ => true,
        }
    }

    /// Does it; `answer` asks the vendor, for what spoils the vendor's own answer.
    pub(crate) fn deliver(self, server: &AuthorizationServer, answer: impl FnOnce() -> Answer) -> Delivery {
        Delivery::Whole(match self {
            Self::Drop => return Delivery::Dropped,
            Self::DropAfterHeaders => return Delivery::DroppedAfterHeaders,
            Self::EndlessBody => return Delivery::Endless,
            Self::Hang => return Delivery::Never,
            Self::SlowBody => return Delivery::Slow(answer()),

            Self::EmptyBody => Answer::empty(StatusCode::OK),
            Self::Html { status } => Answer::empty(status).with_body("text/html", GATEWAY_PAGE),
            Self::Redirect { to } => {
                Answer::empty(StatusCode::TEMPORARY_REDIRECT).with_header_text(header::LOCATION, to.as_str())
            }
            Self::Status { status } => Answer::empty(status),
            Self::Throttle { retry_after } => later(StatusCode::TOO_MANY_REQUESTS, retry_after),
            Self::Unavailable { retry_after } => later(StatusCode::SERVICE_UNAVAILABLE, retry_after),

            Self::EchoSecret => server.refuse(&format!(
                "{} is not the secret of {}",
                server.settings.client_secret, server.settings.client_id
            )),
            Self::ErrorAsSuccess => server.refuse("the client credentials are invalid").with_status(StatusCode::OK),

            Self::GzipBomb => bomb(answer()),
            Self::HugeBody => answer().with_changed_body(|body| body.resize(MIB + 1, b' ')),
            Self::HugeToken => answer().with_token_replaced(&vec![b'x'; MIB / 2]),
            Self::InvalidUtf8 => answer().with_token_replaced(b"\xff\xfe"),
            Self::RevokedAtBirth => {
                let answer = answer();
                server.ledger.revoke(answer.token());
                answer
            }
            Self::Token { value } => answer().with_token_replaced(in_json(&value).as_bytes()),
            Self::TruncatedBody => answer().with_changed_body(|body| body.truncate(body.len() / 2)),
        })
    }
}

/// The misbehaviour that the token endpoint is under, if any, and for how many more requests.
#[derive(Default)]
pub(crate) struct Spell(Mutex<Option<(Misbehaviour, Option<u32>)>>);

impl Spell {
    /// Casts a new spell, for so many requests or until it is broken.
    pub(crate) fn cast(&self, misbehaviour: Misbehaviour, times: Option<u32>) {
        *lock(&self.0) = Some((misbehaviour, times)).filter(|_| times != Some(0));
    }

    /// Behaves from now on.
    pub(crate) fn end(&self) {
        *lock(&self.0) = None;
    }

    /// What stands, and for how many more requests.
    pub(crate) fn current(&self) -> Option<(Misbehaviour, Option<u32>)> {
        lock(&self.0).clone()
    }

    /// What to do to the next request, which then has been done.
    pub(crate) fn next(&self) -> Option<Misbehaviour> {
        let mut spell = lock(&self.0);
        let (misbehaviour, times) = spell.take()?;
        let left = times.map(|times| times - 1);
        *spell = Some((misbehaviour.clone(), left)).filter(|_| left != Some(0));
        Some(misbehaviour)
    }
}

const MIB: usize = 1024 * 1024;

const GATEWAY_PAGE: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n\
    <body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n";

fn later(status: StatusCode, retry_after: Option<String>) -> Answer {
    let answer = Answer::empty(status);
    match retry_after {
        Some(value) => answer.with_header_text(header::RETRY_AFTER, &value),
        None => answer,
    }
}

/// The answer with 64 MiB of white space behind it, which a JSON parser skips, compressed.
fn bomb(answer: Answer) -> Answer {
    match compressed(&answer.body) {
        Ok(bytes) => answer
            .with_changed_body(|body| *body = bytes)
            .with_header(header::CONTENT_ENCODING, HeaderValue::from_static("gzip")),
        Err(error) => Answer::fault(&error),
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
fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

mod status_number {
    use http::StatusCode;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u16(status.as_u16())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<StatusCode, D::Error> {
        let number = u16::deserialize(from)?;
        StatusCode::from_u16(number)
            .ok()
            .filter(|status| !status.is_informational())
            .ok_or_else(|| D::Error::custom(format!("{number} is no status: use 200 to 999")))
    }
}
