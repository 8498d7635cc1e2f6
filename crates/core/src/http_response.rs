//! HTTP responses, and their bodies as members, whether JSON or a form.

use std::fmt;
use std::time::{Duration, SystemTime};

use http::header::{CONTENT_TYPE, DATE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, StatusCode};
use jiff::fmt::rfc2822::DateTimeParser;
use secrecy::{ExposeSecret, SecretSlice};
use serde_json::{Map, Value};
use url::Url;

use crate::endpoint::without_query;
use crate::json::{flat_object, has_repeated_member};

/// The longest pause that `Retry-After` may ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// The most values that a response may consist of. In memory, a value can take a hundred times its size in the body.
const MOST_PARTS: usize = 10_000;

/// An HTTP response, of a token endpoint or any other. It may hold a token, so `Debug` shows neither the body nor
/// header values.
///
/// ```
/// use credentials_grant::HttpResponse;
/// use http::{HeaderMap, StatusCode};
///
/// let response = HttpResponse::new(StatusCode::OK, HeaderMap::new(), br#"{"access_token":"canary"}"#.to_vec());
/// assert!(!format!("{response:?}").contains("canary"));
/// ```
pub struct HttpResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: SecretSlice<u8>,
}

/// A parsed body.
#[derive(Debug)]
pub(crate) enum Body {
    /// A JSON object, or a form.
    Members(Map<String, Value>),
    /// Anything else, with a description for errors: `HTML or XML`, `an empty body`.
    Other(&'static str),
}

impl HttpResponse {
    /// Creates a response. The body is decompressed already.
    #[must_use]
    pub fn new(status: StatusCode, headers: HeaderMap, body: Vec<u8>) -> Self {
        Self { status, headers, body: body.into() }
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the body, which may hold a token.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.body.expose_secret()
    }

    /// Returns how long the server asks to wait: `Retry-After` in seconds, or as a date relative to the server's own
    /// `Date` (RFC 9110 section 10.2.3). At most an hour.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.header(&RETRY_AFTER)?.trim();
        let wait = match text.parse() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => http_date(text)?.duration_since(http_date(self.header(&DATE)?)?).unwrap_or_default(),
        };
        Some(wait.min(LONGEST_RETRY_AFTER))
    }

    /// Returns the `WWW-Authenticate` header.
    pub(crate) fn challenge(&self) -> Option<&str> {
        self.header(&WWW_AUTHENTICATE)
    }

    /// Returns where a redirect points, without user info and query. A path on the same host stays a path.
    pub(crate) fn location(&self) -> Option<String> {
        const SAME_HOST: &str = "https://same-host.invalid";
        let location = Url::parse(SAME_HOST).ok()?.join(self.header(&LOCATION)?).ok()?;
        Some(without_query(&location).trim_start_matches(SAME_HOST).to_owned())
    }

    /// Returns `true` for a redirect (RFC 9110 section 15.4).
    pub(crate) fn is_redirect(&self) -> bool {
        matches!(self.status.as_u16(), 301 | 302 | 303 | 307 | 308)
    }

    /// Returns the body's members. Vendors send JSON as `text/plain` or after a byte-order mark, and forms as either
    /// type, so the bytes decide, and the content type only where they leave it open.
    pub(crate) fn members(&self) -> Body {
        let body = self.body();
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii();
        match body.first() {
            None => Body::Other("an empty body"),
            Some(b'<') => Body::Other("HTML or XML"),
            // A part takes a byte at least, so most bodies need not be counted.
            Some(_) if body.len() > MOST_PARTS && parts(body) > MOST_PARTS => {
                Body::Other("JSON or a form of more than 10,000 parts")
            }
            Some(_) => flat_object(body).map_or_else(|| self.nested_or_form(body), Body::Members),
        }
    }

    fn nested_or_form(&self, body: &[u8]) -> Body {
        if has_repeated_member(body) {
            return Body::Other("JSON that has a member twice");
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Body::Members(members),
            Ok(_) => Body::Other("JSON that is not an object"),
            Err(_) if body.starts_with(b"{") => Body::Other("JSON that is cut off or malformed"),
            Err(_) => self.form(body),
        }
    }

    fn form(&self, body: &[u8]) -> Body {
        let kind = self.header(&CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let may_be_form =
            ["application/x-www-form-urlencoded", "text/plain"].iter().any(|form| kind.eq_ignore_ascii_case(form));
        if !may_be_form || !body.contains(&b'=') || body.contains(&b'\n') {
            return Body::Other("text that is neither JSON nor a form");
        }
        let mut members = Map::new();
        for (name, value) in url::form_urlencoded::parse(body) {
            if members.insert(name.into_owned(), Value::String(value.into_owned())).is_some() {
                return Body::Other("a form that has a parameter twice");
            }
        }
        Body::Members(members)
    }

    fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .field("headers", &self.headers.keys().map(HeaderName::as_str).collect::<Vec<_>>())
            .field("body", &format_args!("[{} bytes]", self.body().len()))
            .finish()
    }
}

/// Returns an upper bound of the number of values in the body. Written so that the compiler counts many bytes at once.
fn parts(body: &[u8]) -> usize {
    body.iter().map(|byte| usize::from(matches!(byte, b',' | b'[' | b'{' | b'&'))).sum()
}

/// Parses an HTTP date (RFC 9110 section 5.6.7), which is an RFC 2822 date with the zone `GMT`.
fn http_date(text: &str) -> Option<SystemTime> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    PARSER.parse_timestamp(text).ok().map(SystemTime::from)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn response(headers: &[(HeaderName, &'static str)], body: &str) -> HttpResponse {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        HttpResponse::new(StatusCode::OK, headers, body.into())
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date_and_capped_at_an_hour() {
        let wait = |headers: &[_]| response(headers, "").retry_after();
        let date = (DATE, "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(wait(&[(RETRY_AFTER, "120")]), Some(Duration::from_secs(120)));
        assert_eq!(wait(&[(RETRY_AFTER, "7200")]), Some(LONGEST_RETRY_AFTER));
        assert_eq!(
            wait(&[date.clone(), (RETRY_AFTER, "Sun, 06 Nov 1994 08:50:37 GMT")]),
            Some(Duration::from_secs(60))
        );
        assert_eq!(wait(&[date, (RETRY_AFTER, "Sun, 06 Nov 1994 08:00:00 GMT")]), Some(Duration::ZERO));
        assert_eq!(wait(&[(RETRY_AFTER, "Sun, 06 Nov 1994 08:50:37 GMT")]), None);
        for garbage in ["soon", "-1", "1.5", ""] {
            assert_eq!(wait(&[(RETRY_AFTER, garbage)]), None, "{garbage:?}");
        }
        assert_eq!(wait(&[]), None);
    }

    #[test]
    fn a_location_is_shown_without_query_and_user_info() {
        let shown = |location| response(&[(LOCATION, location)], "").location().unwrap();
        assert_eq!(shown("https://u:canary@login.example.com/sso?state=canary#x"), "https://login.example.com/sso");
        assert_eq!(shown("/login?state=canary"), "/login");
        assert_eq!(shown("//u:canary@login.example.com/"), "https://login.example.com/");
    }
}
