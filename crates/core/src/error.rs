//! One error type for every provider and transport: what happened, where, and what to do next.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::redact::{Redactor, one_line};
use crate::words::Words;

/// Why there is no token, or why a provider could not be built.
///
/// `Display` is one lower-case line: the provider, what happened, and what to do next. `Debug` starts with the same
/// line, so that `fn main() -> Result<(), Box<dyn std::error::Error>>` prints something that people can read.
///
/// An error that [`fetch_token`](crate::fetch_token) returns holds no secret: the server's words are put on one line,
/// secrets are redacted, and long texts are cut off.
///
/// ```
/// use credentials_grant::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::Unreachable, "could not connect to identity.apaleo.com").with_provider("apaleo");
/// assert_eq!(error.kind(), ErrorKind::Unreachable);
/// assert_eq!(error.provider(), Some("apaleo"));
/// ```
#[derive(Clone, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Inner>);

#[derive(Clone, thiserror::Error)]
#[error("{}{message}{}", Before(provider.as_deref(), ": "), After("; ", remedy.as_ref().map(Words::as_str)))]
struct Inner {
    kind: ErrorKind,
    provider: Option<Cow<'static, str>>,
    message: Words,
    remedy: Option<Words>,
    status: Option<StatusCode>,
    oauth: Option<OAuthError>,
    problem: Option<ResponseProblem>,
    retry: Retry,
    #[source]
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The kinds of errors, by what the caller should do.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The response cannot be used: a redirect, HTML, no token in it, a token that no header can carry, too large.
    ///
    /// What to do: check that the token URL is the vendor's. If it is, show the vendor this message.
    BadResponse,
    /// Something on this side is wrong: a setting is missing, malformed or contradicts another, or the code that
    /// fetches tokens panicked.
    ///
    /// What to do: change what the message names.
    Configuration,
    /// The server refused the client credentials (`invalid_client`, `unauthorized_client`, `access_denied`, 401, 403).
    ///
    /// What to do: check the client id and secret. Do not repeat the request with the same ones: some vendors block IP
    /// addresses after repeated failures.
    CredentialsRefused,
    /// A token that an API received failed verification: not a JWT, from another issuer, for another audience, expired,
    /// or not signed by a key of the issuer.
    ///
    /// What to do: refuse the call that it came with, by 401 and `invalid_token` (RFC 6750 section 3.1).
    InvalidToken,
    /// The server asks for fewer requests (429).
    ///
    /// What to do: wait as long as [`Error::retry`] says, or at least a second if it names no time.
    RateLimited,
    /// The server accepts the client, but not the request (`invalid_scope`, `invalid_request` …).
    ///
    /// What to do: change the scopes, parameters or settings. The same request will be refused again.
    RequestRefused,
    /// A key, or the service that holds it, could not sign what the request needs: an assertion or a proof.
    ///
    /// What to do: check the key and the connection to its service.
    SigningFailed,
    /// The server is reachable but cannot answer now (408, 5xx, `temporarily_unavailable`), or something that passes
    /// prevents the request on this side, such as too many open files.
    ///
    /// What to do: try again later.
    Unavailable,
    /// No response: the name did not resolve, the connection or TLS failed, or the request timed out.
    ///
    /// What to do: check the network, the URL and the vendor's status page; try again later.
    Unreachable,
}

/// What is wrong with a response that cannot be used: an error of the kind [`BadResponse`](ErrorKind::BadResponse).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ResponseProblem {
    /// The body is empty. Proxies and load balancers send that when they restart, so a success without a body is worth
    /// another try.
    EmptyBody,
    /// The token has expired already, by what the server says.
    ExpiredToken,
    /// A page: HTML or XML.
    Html,
    /// JSON that is cut off, malformed, or has a member twice.
    MalformedJson,
    /// JSON or a form, without a token and without an error.
    NoToken,
    /// Text that is neither JSON nor a form.
    NotJson,
    /// A redirect, which is not followed.
    Redirect,
    /// More than is read.
    TooLarge,
    /// A token that cannot be used: of another type, not bound to the key, or such as no header can carry.
    UnusableToken,
}

impl ResponseProblem {
    /// Returns the problem's name, for programs: `empty_body`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EmptyBody => "empty_body",
            Self::ExpiredToken => "expired_token",
            Self::Html => "html",
            Self::MalformedJson => "malformed_json",
            Self::NoToken => "no_token",
            Self::NotJson => "not_json",
            Self::Redirect => "redirect",
            Self::TooLarge => "too_large",
            Self::UnusableToken => "unusable_token",
        }
    }
}

/// Whether the same call may succeed later.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Retry {
    /// No, unless credentials, settings or token parameters change.
    Never,
    /// Yes, after a pause of the caller's choice.
    Soon,
    /// Yes, but not before this much time has passed: the server said so (`Retry-After`, at most an hour), or a limit
    /// on token requests requires it.
    After(Duration),
}

/// The error response of an OAuth server (RFC 6749 section 5.2), with secrets redacted and long texts cut off.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct OAuthError {
    /// The member `error`, or what this vendor sends in its place.
    pub code: Option<String>,
    /// The member `error_description`, or what this vendor sends in its place.
    pub description: Option<String>,
    /// The member `error_uri`.
    pub uri: Option<String>,
    /// The `WWW-Authenticate` header.
    pub challenge: Option<String>,
    /// Further members of the response, such as Entra's `error_codes` and `trace_id`: sixteen at most, with values
    /// that are no texts as JSON.
    pub extras: BTreeMap<String, String>,
}

impl Error {
    /// Creates an error of this kind. The message is lower-case, has no full stop, and holds no secret.
    ///
    /// Once a request was sent, [`fetch_token`](crate::fetch_token) redacts secrets from a message that is not a
    /// constant, as it may hold a server's words. To keep yours as they are, add the server's by
    /// [`with_server_words`](Self::with_server_words).
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            provider: None,
            message: Words::new(message),
            remedy: None,
            status: None,
            oauth: None,
            problem: None,
            retry: kind.retry(),
            source: None,
        }))
    }

    /// Creates an error about settings, in our own words alone.
    pub(crate) fn configuration(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Configuration, message).with_own_words("")
    }

    /// Creates an error about a response, in our own words alone.
    pub(crate) fn bad_response(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::BadResponse, message).with_own_words("")
    }

    /// Returns the kind of error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the name of the provider that failed ([`CredentialsGrant::name`](crate::CredentialsGrant::name)).
    #[must_use]
    pub fn provider(&self) -> Option<&str> {
        self.0.provider.as_deref()
    }

    /// Returns what happened, without the provider's name and the remedy.
    #[must_use]
    pub fn message(&self) -> &str {
        self.0.message.as_str()
    }

    /// Returns what to do next.
    #[must_use]
    pub fn remedy(&self) -> Option<&str> {
        self.0.remedy.as_ref().map(Words::as_str)
    }

    /// Returns the HTTP status of the response, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// Returns the server's error response, if it sent one.
    #[must_use]
    pub fn oauth(&self) -> Option<&OAuthError> {
        self.0.oauth.as_ref()
    }

    /// Returns what is wrong with a response that cannot be used, if that is known.
    #[must_use]
    pub fn response_problem(&self) -> Option<ResponseProblem> {
        self.0.problem
    }

    /// Returns whether the same call may succeed later, and when.
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// Sets the name of the provider, unless it is set already.
    #[must_use]
    pub fn with_provider(mut self, provider: impl Into<Cow<'static, str>>) -> Self {
        self.0.provider.get_or_insert_with(|| provider.into());
        self
    }

    /// Appends words of a server to the message. They are put on one line. Secrets are redacted from them, and from
    /// them only: the rest of the message counts as your own words, and stays as it is.
    ///
    /// ```
    /// use credentials_grant::{Error, ErrorKind};
    ///
    /// # let answer = "unknown\ntenant";
    /// let error = Error::new(ErrorKind::RequestRefused, "the server refused the tenant: ").with_server_words(answer);
    /// assert_eq!(error.message(), "the server refused the tenant: unknown tenant");
    /// ```
    #[must_use]
    pub fn with_server_words(mut self, words: impl AsRef<str>) -> Self {
        self.0.message = std::mem::replace(&mut self.0.message, Words::new("")).with_quoted(words.as_ref());
        self
    }

    /// Appends words of your own to the message, which holds no words of a server but those that were added by
    /// [`with_server_words`](Self::with_server_words). They are not redacted.
    #[must_use]
    pub fn with_own_words(mut self, words: impl AsRef<str>) -> Self {
        self.0.message = std::mem::replace(&mut self.0.message, Words::new("")).with_own(words.as_ref());
        self
    }

    /// Sets what to do next.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<Cow<'static, str>>) -> Self {
        self.0.remedy = Some(Words::new(remedy));
        self
    }

    /// Sets what to do next, in our own words alone.
    pub(crate) fn with_own_remedy(mut self, remedy: impl Into<Cow<'static, str>>) -> Self {
        self.0.remedy = Some(Words::new(remedy).own());
        self
    }

    /// Sets the HTTP status of the response.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Sets the server's error response.
    #[must_use]
    pub fn with_oauth(mut self, oauth: OAuthError) -> Self {
        self.0.oauth = Some(oauth);
        self
    }

    /// Sets what is wrong with a response that cannot be used.
    #[must_use]
    pub fn with_response_problem(mut self, problem: ResponseProblem) -> Self {
        self.0.problem = Some(problem);
        self
    }

    /// Sets whether the same call may succeed later. By default, the kind decides.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Sets the cause. It must show no secret: people log it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Redacts every secret that was sent from what the server echoed. Our own words stay as they are.
    pub(crate) fn redacted(mut self, redactor: &Redactor) -> Self {
        let inner = &mut *self.0;
        inner.message = std::mem::replace(&mut inner.message, Words::new("")).redacted(redactor);
        inner.remedy = inner.remedy.take().map(|remedy| remedy.redacted(redactor));
        if let Some(oauth) = &mut inner.oauth {
            for text in [&mut oauth.code, &mut oauth.description, &mut oauth.uri, &mut oauth.challenge] {
                *text = text.as_deref().map(|text| redactor.redact(text));
            }
            let extras = std::mem::take(&mut oauth.extras).into_iter();
            oauth.extras = extras.map(|(name, value)| (redactor.redact(&name), redactor.redact(&value))).collect();
        }
        self
    }
}

/// A part of the message with what separates it from the next one, if there is such a part.
struct Before<'a>(Option<&'a str>, &'static str);

/// A part of the message with what separates it from the one before, if there is such a part.
struct After<'a>(&'static str, Option<&'a str>);

impl fmt::Display for Before<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |part| write!(f, "{part}{}", self.1))
    }
}

impl fmt::Display for After<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.1.map_or(Ok(()), |part| write!(f, "{}{part}", self.0))
    }
}

/// The sentence first: this is what a `main` that returns the error prints.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, provider: _, message: _, remedy: _, status, oauth: _, problem: _, retry, source } = self;
        write!(f, "{self} (kind: {}", kind.name())?;
        if let Some(status) = status {
            write!(f, ", status: {}", status.as_u16())?;
        }
        if let Retry::After(pause) = retry {
            write!(f, ", retry after: {} s", pause.as_secs())?;
        }
        let cause = source.as_deref().map(|source| one_line(&innermost(source).to_string()));
        if let Some(cause) = cause.filter(|cause| !self.message.as_str().contains(cause.as_str())) {
            write!(f, ", caused by: {cause}")?;
        }
        f.write_str(")")
    }
}

/// Returns the cause that names what went wrong: those in between often only say that something did.
fn innermost<'a>(mut error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    while let Some(source) = error.source() {
        error = source;
    }
    error
}

impl ErrorKind {
    /// Returns the kind's name, for programs: `credentials_refused`.
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
