//! How a token endpoint can go wrong, on command.

use std::sync::Mutex;

use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use url::Url;

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
}

/// The misbehaviour that the token endpoint is under, if any, and for how many more requests.
#[derive(Default)]
pub(crate) struct ActiveMisbehaviour(Mutex<Option<(Misbehaviour, Option<u32>)>>);

impl ActiveMisbehaviour {
    /// Casts a new misbehaviour, for so many requests or until it is broken.
    pub(crate) fn begin(&self, misbehaviour: Misbehaviour, times: Option<u32>) {
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
        let mut active = lock(&self.0);
        let (misbehaviour, times) = active.take()?;
        let left = times.map(|times| times - 1);
        *active = Some((misbehaviour.clone(), left)).filter(|_| left != Some(0));
        Some(misbehaviour)
    }
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
