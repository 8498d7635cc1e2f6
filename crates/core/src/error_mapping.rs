//! Error codes and statuses that have another meaning at one vendor.

use std::borrow::Cow;

use http::StatusCode;

use crate::error::ErrorKind;

/// Maps an error code or a status of one vendor to a kind of error, a message and a remedy, where RFC 6749 and the
/// status would be read wrongly.
///
/// ```
/// use credentials_grant::{ErrorKind, ErrorMapping, ResponseReader, StatusCode};
///
/// // The API gateway in front of the server answers without an error code.
/// let gateway = ErrorMapping::for_status(StatusCode::UNAUTHORIZED, ErrorKind::CredentialsRefused)
///     .with_message("the API gateway refused the call")
///     .with_remedy("check the gateway's key, `api-key`");
/// let reader = ResponseReader::rfc6749().with_error_mapping(gateway);
/// ```
#[derive(Clone, Debug, Hash)]
pub struct ErrorMapping {
    pattern: Pattern,
    pub(crate) kind: ErrorKind,
    pub(crate) message: Option<Cow<'static, str>>,
    pub(crate) remedy: Option<Cow<'static, str>>,
}

#[derive(Clone, Debug, Hash)]
enum Pattern {
    Code(Cow<'static, str>),
    Status(StatusCode),
}

impl ErrorMapping {
    /// Maps this error code, with any status.
    #[must_use]
    pub fn for_code(code: impl Into<Cow<'static, str>>, kind: ErrorKind) -> Self {
        Self { pattern: Pattern::Code(code.into()), kind, message: None, remedy: None }
    }

    /// Maps this status, if the response has no error code.
    #[must_use]
    pub fn for_status(status: StatusCode, kind: ErrorKind) -> Self {
        Self { pattern: Pattern::Status(status), kind, message: None, remedy: None }
    }

    /// Sets what happened, in place of the words for the kind: lower-case, without a full stop and without the status,
    /// which is added, as are the server's own words.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Sets what to do next, in place of the advice for the kind.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<Cow<'static, str>>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    pub(crate) fn matches(&self, status: StatusCode, code: Option<&str>) -> bool {
        match &self.pattern {
            Pattern::Code(known) => code == Some(known),
            Pattern::Status(known) => code.is_none() && status == *known,
        }
    }
}
