//! What went wrong, where, and what to do about it: one error type for every provider and transport.
//!
//! An [`Error`] that [`grant`](crate::grant) returns holds no secret: what a server said is put on one line, scrubbed of
//! everything secret that was sent to it, and capped.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::scrub::Scrubber;

/// Why no token could be had, or why a provider could not be built.
///
/// It prints as one lower-case line that names the provider, says what happened and what to do next.
/// Cheap to clone, so that every caller who waited for one request gets the same error.
///
/// ```
/// use credentials_grant::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::Unreachable, "could not connect to identity.apaleo.com").with_provider("apaleo");
/// assert_eq!(error.kind(), ErrorKind::Unreachable);
/// assert_eq!(error.provider(), Some("apaleo"));
/// ```
#[derive(Clone, Debug)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    kind: ErrorKind,
    provider: Option<Cow<'static, str>>,
    message: Cow<'static, str>,
    remedy: Option<Cow<'static, str>>,
    status: Option<StatusCode>,
    oauth: Option<OAuthError>,
    retry: Retry,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The kinds of failure, by what the caller should do.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The answer cannot be used: a redirect, HTML, no token in it, a token that no header can carry, too large.
    ///
    /// What to do: check that the token URL is the vendor's; if it is, show the vendor this message.
    BadResponse,
    /// Something on this side is not as it must be: a setting is missing, malformed or contradicts another, or the code
    /// that fetches tokens panicked.
    ///
    /// What to do: change what the message names.
    Configuration,
    /// The server does not accept these client credentials (`invalid_client`, `unauthorized_client`,
    /// `access_denied`, 401, 403).
    ///
    /// What to do: check the client id and secret. Do not repeat the request with the same ones: some vendors block
    /// the address of whoever keeps failing.
    CredentialsRefused,
    /// The token that was verified is none to be accepted: not a JWT, of another issuer or for another audience, expired,
    /// or not signed with a key of the issuer's.
    ///
    /// What to do: refuse the call that it came with, with 401 and `invalid_token` (RFC 6750 section 3.1).
    InvalidToken,
    /// The server asks for fewer requests (429).
    ///
    /// What to do: wait as long as [`Error::retry`] says.
    RateLimited,
    /// The server accepts the client, but not what was asked (`invalid_scope`, `invalid_request` …).
    ///
    /// What to do: change the scopes, parameters or settings. The same request will be refused again.
    RequestRefused,
    /// A key, or the service that holds it, could not sign the assertion or proof that the request needs.
    ///
    /// What to do: check the key and the way to its service.
    SigningFailed,
    /// The server is there but cannot answer now (408, 5xx, `temporarily_unavailable`).
    ///
    /// What to do: try again later.
    Unavailable,
    /// No answer: the name did not resolve, the connection or TLS failed, or time ran out.
    ///
    /// What to do: check the network, the URL and the vendor's status page; try again later.
    Unreachable,
}

/// Whether the same call may succeed later.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Retry {
    /// Not without a change of credentials, settings or ask.
    Never,
    /// Perhaps, after a pause of the caller's choosing.
    Soon,
    /// Perhaps, but not before this much time has passed: the server said so (`Retry-After`, at most an hour), or a limit
    /// that is kept on this side does.
    After(Duration),
}

/// What an OAuth server said of a refusal (RFC 6749 section 5.2), scrubbed of secrets and capped.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct OAuthError {
    /// `error`, or what stands for it at this vendor.
    pub code: Option<String>,
    /// `error_description`, or what stands for it at this vendor.
    pub description: Option<String>,
    /// `error_uri`.
    pub uri: Option<String>,
    /// The `WWW-Authenticate` header.
    pub challenge: Option<String>,
}

impl Error {
    /// An error of this kind; `message` is lower-case, without a full stop, and holds no secret.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            provider: None,
            message: message.into(),
            remedy: None,
            status: None,
            oauth: None,
            retry: kind.retry(),
            source: None,
        }))
    }

    pub(crate) fn configuration(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Configuration, message)
    }

    pub(crate) fn bad_response(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::BadResponse, message)
    }

    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The provider that failed, as [`CredentialsGrant::provider`](crate::CredentialsGrant::provider) names it.
    #[must_use]
    pub fn provider(&self) -> Option<&str> {
        self.0.provider.as_deref()
    }

    /// What happened, without the provider's name and without the remedy.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do next.
    #[must_use]
    pub fn remedy(&self) -> Option<&str> {
        self.0.remedy.as_deref()
    }

    /// The HTTP status of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// What the server said of its refusal, if it said anything.
    #[must_use]
    pub fn oauth(&self) -> Option<&OAuthError> {
        self.0.oauth.as_ref()
    }

    /// Whether to try again, and when.
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// Names the provider, if no name is set yet.
    #[must_use]
    pub fn with_provider(mut self, provider: impl Into<Cow<'static, str>>) -> Self {
        self.0.provider.get_or_insert_with(|| provider.into());
        self
    }

    /// Replaces what is said of what to do next.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<Cow<'static, str>>) -> Self {
        self.0.remedy = Some(remedy.into());
        self
    }

    /// Adds the HTTP status of the answer.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Adds what the server said.
    #[must_use]
    pub fn with_oauth(mut self, oauth: OAuthError) -> Self {
        self.0.oauth = Some(oauth);
        self
    }

    /// Replaces the advice on trying again, which the kind gives otherwise.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Adds the cause. It must print no secret: it is part of what people log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Takes every secret that was sent out of what the server echoed. What stands in the source code to the letter, and
    /// what is said of settings before anything is sent, stays as it is.
    pub(crate) fn scrubbed(mut self, scrubber: &Scrubber) -> Self {
        let inner = &mut *self.0;
        if inner.kind == ErrorKind::Configuration {
            return self;
        }
        for text in [Some(&mut inner.message), inner.remedy.as_mut()].into_iter().flatten() {
            if let Cow::Owned(words) = text {
                *words = scrubber.scrub(words);
            }
        }
        if let Some(oauth) = &mut inner.oauth {
            for text in [&mut oauth.code, &mut oauth.description, &mut oauth.uri, &mut oauth.challenge] {
                *text = text.as_deref().map(|text| scrubber.scrub(text));
            }
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(provider) = &self.0.provider {
            write!(f, "{provider}: ")?;
        }
        f.write_str(&self.0.message)?;
        match &self.0.remedy {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl ErrorKind {
    /// The kind's name, for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BadResponse => "bad_response",
            Self::Configuration => "configuration",
            Self::CredentialsRefused => "credentials_refused",
            Self::InvalidToken => "invalid_token",
            Self::RateLimited => "rate_limited",
            Self::RequestRefused => "request_refused",
            Self::SigningFailed => "signing_failed",
            Self::Unavailable => "unavailable",
            Self::Unreachable => "unreachable",
        }
    }

    fn retry(self) -> Retry {
        match self {
            Self::RateLimited | Self::Unavailable | Self::Unreachable => Retry::Soon,
            _ => Retry::Never,
        }
    }
}
