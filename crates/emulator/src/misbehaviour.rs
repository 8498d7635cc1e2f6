//! The ways in which a token endpoint can misbehave on command.

use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use url::Url;

/// What the token endpoint does instead of responding as the vendor does.
///
/// Pass it to [`RunningEmulator::misbehave`](crate::RunningEmulator::misbehave).
/// In JSON it is an object whose `kind` is the name of the variant in kebab case:
///
/// ```
/// use credentials_grant_emulator::Misbehaviour;
///
/// let misbehaviour: Misbehaviour = serde_json::from_str(r#"{"kind": "throttle", "retry_after": "120"}"#)?;
/// assert_eq!(misbehaviour, Misbehaviour::Throttle { retry_after: Some("120".into()) });
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// Closes the connection without a response.
    Drop,
    /// Closes the connection after status 200 and the headers.
    DropAfterHeaders,
    /// Responds with the vendor's `invalid_client` error, whose description contains the client secret.
    EchoSecret,
    /// Responds with status 200 and an empty body.
    EmptyBody,
    /// Responds with status 200 and a body that never ends.
    EndlessBody,
    /// Responds with status 200 and the vendor's `invalid_client` error.
    ErrorAsSuccess,
    /// Responds with a token in less than half a MiB of gzip, which decompresses to more than 64 MiB.
    GzipBomb,
    /// Never responds: the request ends when the client gives up or the emulator stops.
    Hang,
    /// Responds with the HTML page of a gateway.
    Html {
        /// The status of the page: gateways send 502, and some send 200.
        #[serde(with = "status_code")]
        status: StatusCode,
    },
    /// Responds with a token in a body of one byte more than 1 MiB.
    HugeBody,
    /// Responds with a token of half a MiB, in a body of less than 1 MiB.
    HugeToken,
    /// Responds with a token that is not valid UTF-8.
    InvalidUtf8,
    /// Redirects to another URL with status 307, which asks the client to send its credentials there.
    Redirect {
        /// The URL to redirect to.
        to: Url,
    },
    /// Responds with a token that is already revoked, so the API responds to it with status 401.
    RevokedToken,
    /// Sends the vendor's response at ten bytes a second.
    SlowBody,
    /// Responds with this status and an empty body.
    Status {
        /// The status.
        #[serde(with = "status_code")]
        status: StatusCode,
    },
    /// Responds with status 429 and an empty body.
    Throttle {
        /// The value of the `Retry-After` header, sent as it is: seconds, a date, or an invalid value.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<String>,
    },
    /// Replaces the token in the vendor's response.
    Token {
        /// The text to send as the token, for example with line breaks or spaces, or empty.
        value: String,
    },
    /// Sends the first half of the body of the vendor's response.
    TruncatedBody,
    /// Responds with status 503 and an empty body.
    Unavailable {
        /// The value of the `Retry-After` header, sent as it is: seconds, a date, or an invalid value.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<String>,
    },
}

impl Misbehaviour {
    /// Returns whether `retry_after`, if there is one, can be sent as a header.
    pub(crate) fn has_valid_headers(&self) -> bool {
        match self {
            Self::Throttle { retry_after: Some(text) } | Self::Unavailable { retry_after: Some(text) } => {
                HeaderValue::from_str(text).is_ok()
            }
            _ => true,
        }
    }
}

/// A status code as a number in JSON.
mod status_code {
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
            // A 1xx announces another response, which never comes.
            .filter(|status| !status.is_informational())
            .ok_or_else(|| D::Error::custom(format!("{number} is not a status code: use 200 to 999")))
    }
}
