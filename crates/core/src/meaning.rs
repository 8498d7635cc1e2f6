//! What codes and statuses mean at a vendor that means something else by them.

use std::borrow::Cow;

use http::StatusCode;

use crate::error::ErrorKind;

/// What an answer without a token means at one vendor, where neither RFC 6749 nor its status would tell.
///
/// ```
/// use credentials_grant::{ErrorKind, Meaning, ResponseReader, StatusCode};
///
/// // A gateway in front of the server answers by itself, and then names no code.
/// let gateway = Meaning::of_status(StatusCode::UNAUTHORIZED, ErrorKind::CredentialsRefused)
///     .with_message("the API gateway refused the call")
///     .with_remedy("check the gateway's key, `api-key`");
/// let reader = ResponseReader::rfc6749().with_meaning(gateway);
/// ```
#[derive(Clone, Debug)]
pub struct Meaning {
    sign: Sign,
    pub(crate) kind: ErrorKind,
    pub(crate) message: Option<Cow<'static, str>>,
    pub(crate) remedy: Option<Cow<'static, str>>,
}

#[derive(Clone, Debug)]
enum Sign {
    Code(Cow<'static, str>),
    Status(StatusCode),
}

impl Meaning {
    /// What this code means, whatever status carries it.
    #[must_use]
    pub fn of_code(code: impl Into<Cow<'static, str>>, kind: ErrorKind) -> Self {
        Self { sign: Sign::Code(code.into()), kind, message: None, remedy: None }
    }

    /// What this status means where the answer names no code.
    #[must_use]
    pub fn of_status(status: StatusCode, kind: ErrorKind) -> Self {
        Self { sign: Sign::Status(status), kind, message: None, remedy: None }
    }

    /// Says what happened, instead of what is said of the kind: lower-case, without a full stop and without the status,
    /// which follows it as the server's own words do.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Says what to do next, instead of what is said of the kind.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<Cow<'static, str>>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    pub(crate) fn fits(&self, status: StatusCode, code: Option<&str>) -> bool {
        match &self.sign {
            Sign::Code(known) => code == Some(known),
            Sign::Status(known) => code.is_none() && status == *known,
        }
    }
}
