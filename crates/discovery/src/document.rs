//! The documents that an issuer publishes, and why one could not be fetched.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use credentials_grant::{Error, ErrorKind, HttpResponse, ResponseReader, StatusCode};

use crate::issuer::Issuer;

/// How long a document is fresh if its response does not say.
const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// How long a document is fresh at most.
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// A JSON object that an issuer publishes, such as its JSON Web Key Set.
///
/// ```no_run
/// use std::time::SystemTime;
///
/// use credentials_grant::Transport;
/// use credentials_grant_discovery::{Discovery, Document, FetchError};
///
/// # async fn example(discovery: Discovery, transport: &dyn Transport) -> Result<(), FetchError> {
/// let jwks: Document = discovery.jwks(transport, SystemTime::now()).await?;
/// println!("{} bytes, fresh for {:?}", jwks.body().len(), jwks.lifetime());
/// # Ok(())
/// # }
/// ```
pub struct Document {
    body: Vec<u8>,
    lifetime: Duration,
}

impl Document {
    /// Returns the document of a response that [has one](is_document).
    pub(crate) fn of(response: &HttpResponse) -> Self {
        Self { body: response.text().into_owned().into_bytes(), lifetime: lifetime(response) }
    }

    /// Returns the JSON.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Returns how long the document is fresh: what its `Cache-Control` says (RFC 9111 section 5.2.2), an hour if it
    /// does not say, and a day at most.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("body", &format_args!("[{} bytes]", self.body.len()))
            .field("lifetime", &self.lifetime)
            .finish()
    }
}

/// Why a document could not be fetched.
///
/// A caller that cached what it made of an earlier document decides by the variant whether to go on with that.
/// Otherwise it is an [`Error`] like any other: `?` converts it.
///
/// ```
/// use credentials_grant::{Error, ErrorKind};
/// use credentials_grant_discovery::FetchError;
///
/// fn is_old_document_good(error: &FetchError) -> bool {
///     matches!(error, FetchError::Unavailable(_))
/// }
///
/// let error = FetchError::Unavailable(Error::new(ErrorKind::Unreachable, "could not connect to login.example.com"));
/// assert!(is_old_document_good(&error));
/// assert_eq!(Error::from(error).kind(), ErrorKind::Unreachable);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FetchError {
    /// A document arrived, and it is invalid: what was known before is no longer true.
    Invalid(Error),
    /// No document arrived: what was known before may still be true.
    Unavailable(Error),
}

impl FetchError {
    fn error(&self) -> &Error {
        match self {
            Self::Invalid(error) | Self::Unavailable(error) => error,
        }
    }
}

impl From<FetchError> for Error {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Invalid(error) | FetchError::Unavailable(error) => error,
        }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.error(), f)
    }
}

impl StdError for FetchError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error().source()
    }
}

/// Returns `true` if a response holds a JSON object, valid or not.
pub(crate) fn is_document(response: &HttpResponse) -> bool {
    response.status() == StatusCode::OK && response.text().trim_ascii_start().starts_with('{')
}

/// Returns `true` for a status that says that there is nothing at this URL, or nothing for us.
pub(crate) fn is_absent(status: StatusCode) -> bool {
    status.is_client_error() && !matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

/// Returns why a response holds no such document of this issuer.
pub(crate) fn unreadable(what: &str, issuer: &Issuer, response: &HttpResponse) -> Error {
    let status = response.status();
    if is_absent(status) {
        return Error::new(ErrorKind::BadResponse, format!("{issuer} has no {what} (status {status})"))
            .with_own_words("")
            .with_status(status)
            .with_remedy("check the issuer");
    }
    let error = ResponseReader::rfc6749().read_error(response);
    let message = format!("the {what} of {issuer} cannot be read: ");
    let remedy = if error.kind() == ErrorKind::BadResponse { "check the issuer" } else { "try again later" };
    Error::new(error.kind(), message)
        .with_server_words(shown(error.message()))
        .with_status(status)
        .with_retry(error.retry())
        .with_remedy(remedy)
}

/// Returns how long a response's document is fresh.
pub(crate) fn lifetime(response: &HttpResponse) -> Duration {
    let values = response.headers().get_all("cache-control").into_iter().filter_map(|value| value.to_str().ok());
    let directives = values.flat_map(|value| value.split(',')).map(|directive| directive.trim().to_ascii_lowercase());
    let mut lifetime = LIFETIME;
    for directive in directives {
        match directive.split_once('=').map_or((&*directive, ""), |(name, value)| (name, value.trim_matches('"'))) {
            ("no-cache" | "no-store", _) => return Duration::ZERO,
            ("max-age", seconds) => lifetime = seconds.parse().map_or(Duration::ZERO, Duration::from_secs),
            _ => {}
        }
    }
    lifetime.min(LONGEST_LIFETIME)
}

/// Returns a server's text on one line and cut off, for errors.
pub(crate) fn shown(text: &str) -> String {
    text.chars().flat_map(char::escape_default).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fetch_error_reads_like_the_error_that_it_holds() {
        let cause = std::io::Error::other("refused");
        let error = Error::new(ErrorKind::Unreachable, "could not connect").with_remedy("wait").with_source(cause);
        for fetch_error in [FetchError::Invalid(error.clone()), FetchError::Unavailable(error.clone())] {
            assert_eq!(fetch_error.to_string(), error.to_string());
            assert_eq!(fetch_error.source().unwrap().to_string(), "refused");
            assert_eq!(Error::from(fetch_error).to_string(), error.to_string());
        }
    }
}
