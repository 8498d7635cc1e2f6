//! HTTP responses, and their bodies as members, whether JSON or a form.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

use http::header::{AGE, CONTENT_TYPE, DATE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use secrecy::{ExposeSecret, SecretSlice};
use serde_json::{Map, Value};
use url::Url;
use zeroize::Zeroizing;

use crate::charset::decode;
use crate::endpoint::without_query;
use crate::error::ResponseProblem;
use crate::json::{flat_object, has_repeated_member};
use crate::rate_limit::resets;

/// The longest pause that `Retry-After` may ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// How far a moment in `Retry-After` may be from now. Another is a mistake, and says nothing.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// From here on, a number in `Retry-After` is a moment (one in 1973), and no number of seconds.
const FIRST_MOMENT: Duration = Duration::from_secs(100_000_000);

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
    /// When the request was sent, by the caller's clock.
    requested_at: Option<SystemTime>,
}

/// A parsed body.
#[derive(Debug)]
pub(crate) enum Body {
    /// A JSON object, or a form.
    Members(Map<String, Value>),
    /// Anything else, with a description for errors: `HTML or XML`, `an empty body`.
    Other(ResponseProblem, &'static str),
}

impl HttpResponse {
    /// Creates a response. The body is decompressed already.
    #[must_use]
    pub fn new(status: StatusCode, headers: HeaderMap, body: Vec<u8>) -> Self {
        Self { status, headers, body: body.into(), requested_at: None }
    }

    /// Sets when the request was sent.
    pub(crate) fn set_requested_at(&mut self, requested_at: SystemTime) {
        self.requested_at = Some(requested_at);
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

    /// Returns the body as text, without a byte-order mark. UTF-8, UTF-16 and Latin-1 are read; what cannot be read is
    /// replaced (U+FFFD), for what counts in a response is ASCII in every charset.
    ///
    /// ```
    /// # use credentials_grant::HttpResponse;
    /// # use http::{HeaderMap, StatusCode};
    /// let response = HttpResponse::new(StatusCode::OK, HeaderMap::new(), b"{\"reason\":\"refus\xe9\"}".to_vec());
    /// assert_eq!(response.text(), "{\"reason\":\"refus\u{fffd}\"}");
    /// ```
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        decode(self.body(), self.header(&CONTENT_TYPE))
    }

    /// Returns how long the server asks to wait (`Retry-After`, RFC 9110 section 10.2.3), at most an hour: a number of
    /// seconds, or a moment as a date or as seconds or milliseconds since 1970, which some servers send. A moment is
    /// compared with the server's own `Date`, or else with the time at which the request was sent. One that has passed
    /// is no wait; a value that is none of these is ignored.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.header(&RETRY_AFTER)?.trim();
        let wait = if let Ok(number) = text.parse::<f64>() {
            self.wait(number)?
        } else {
            let moment = http_date(text).or_else(|| text.parse::<Timestamp>().ok().map(SystemTime::from))?;
            moment.duration_since(self.time()?).unwrap_or_default()
        };
        Some(wait.min(LONGEST_RETRY_AFTER))
    }

    /// Returns for how long a number asks to wait.
    fn wait(&self, number: f64) -> Option<Duration> {
        let number = Duration::try_from_secs_f64(number).ok()?;
        if number < FIRST_MOMENT {
            return Some(number);
        }
        let now = self.time()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        let moments = [number, number / 1000].into_iter();
        let moment = moments.min_by_key(|moment| moment.abs_diff(now)).filter(|moment| moment.abs_diff(now) <= DAY)?;
        Some(moment.saturating_sub(now))
    }

    /// Returns the time of the response: by the server's clock, or else by that of the caller.
    fn time(&self) -> Option<SystemTime> {
        self.server_time().or(self.requested_at)
    }

    /// Returns what the server's clock shows: its `Date`, and the time that a cache has kept the response for since
    /// then (`Age`, RFC 9111 section 5.1).
    pub(crate) fn server_time(&self) -> Option<SystemTime> {
        let age = self.header(&AGE).and_then(|age| age.trim().parse().ok()).unwrap_or_default();
        http_date(self.header(&DATE)?)?.checked_add(Duration::from_secs(age))
    }

    /// Returns how long it takes until a rate limit resets, if the vendor's headers say so. At most an hour.
    pub(crate) fn until_rate_limit_resets(&self) -> Option<Duration> {
        let longest = resets(&self.headers)?.filter_map(|reset| self.wait(reset)).max()?;
        Some(longest.min(LONGEST_RETRY_AFTER)).filter(|wait| !wait.is_zero())
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
        match self.text() {
            Cow::Borrowed(text) => self.members_in(text),
            Cow::Owned(text) => self.members_in(&Zeroizing::new(text)),
        }
    }

    fn members_in(&self, text: &str) -> Body {
        let body = text.trim_ascii().as_bytes();
        match body.first() {
            None => Body::Other(ResponseProblem::EmptyBody, "an empty body"),
            Some(b'<') => Body::Other(ResponseProblem::Html, "HTML or XML"),
            // A part takes a byte at least, so most bodies need not be counted.
            Some(_) if body.len() > MOST_PARTS && parts(body) > MOST_PARTS => {
                Body::Other(ResponseProblem::TooLarge, "JSON or a form of more than 10,000 parts")
            }
            Some(_) => flat_object(body).map_or_else(|| self.nested_or_form(body), Body::Members),
        }
    }

    fn nested_or_form(&self, body: &[u8]) -> Body {
        if has_repeated_member(body) {
            return Body::Other(ResponseProblem::MalformedJson, "JSON that has a member twice");
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Body::Members(members),
            Ok(_) => Body::Other(ResponseProblem::NoToken, "JSON that is not an object"),
            Err(_) if body.starts_with(b"{") => {
                Body::Other(ResponseProblem::MalformedJson, "JSON that is cut off or malformed")
            }
            Err(_) => self.form(body),
        }
    }

    fn form(&self, body: &[u8]) -> Body {
        let kind = self.header(&CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let may_be_form =
            ["application/x-www-form-urlencoded", "text/plain"].iter().any(|form| kind.eq_ignore_ascii_case(form));
        if !may_be_form || !body.contains(&b'=') || body.contains(&b'\n') {
            return Body::Other(ResponseProblem::NotJson, "text that is neither JSON nor a form");
        }
        let mut members = Map::new();
        for (name, value) in url::form_urlencoded::parse(body) {
            if members.insert(name.into_owned(), Value::String(value.into_owned())).is_some() {
                return Body::Other(ResponseProblem::NotJson, "a form that has a parameter twice");
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
            .finish_non_exhaustive()
    }
}

/// Returns an upper bound of the number of values in the body. Written so that the compiler counts many bytes at once.
fn parts(body: &[u8]) -> usize {
    body.iter().map(|byte| usize::from(matches!(byte, b',' | b'[' | b'{' | b'&'))).sum()
}

/// Parses an HTTP date (RFC 9110 section 5.6.7), which is an RFC 2822 date with the zone `GMT`.
pub(crate) fn http_date(text: &str) -> Option<SystemTime> {
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
        assert_eq!(wait(&[(RETRY_AFTER, " 1.5 ")]), Some(Duration::from_millis(1500)));
        assert_eq!(wait(&[(RETRY_AFTER, "7200")]), Some(LONGEST_RETRY_AFTER));
        for later in ["Sun, 06 Nov 1994 08:50:37 GMT", "1994-11-06T08:50:37Z"] {
            assert_eq!(wait(&[date.clone(), (RETRY_AFTER, later)]), Some(Duration::from_secs(60)), "{later}");
        }
        assert_eq!(wait(&[date, (RETRY_AFTER, "Sun, 06 Nov 1994 08:00:00 GMT")]), Some(Duration::ZERO));
        assert_eq!(wait(&[(RETRY_AFTER, "Sun, 06 Nov 1994 08:50:37 GMT")]), None);
        for garbage in ["soon", "-1", "", "NaN", "inf", "1e400", "120 seconds", "Sun, 06 Nov"] {
            assert_eq!(wait(&[(RETRY_AFTER, garbage)]), None, "{garbage:?}");
        }
        assert_eq!(wait(&[]), None);
    }

    #[test]
    fn retry_after_is_read_as_a_moment_since_1970() {
        // 784111777 is Sun, 06 Nov 1994 08:49:37 GMT.
        let cases = [
            ("784111797", Some(20)),
            ("784111797.0", Some(20)),
            ("784111797000", Some(20)),
            ("784111777", Some(0)),
            ("784111000", Some(0)),
            ("784119999", Some(3600)),
            ("1734567890", None),
            ("100000000", None),
            ("1e18", None),
        ];
        for (value, seconds) in cases {
            let wait = seconds.map(Duration::from_secs);
            let headers = [(DATE, "Sun, 06 Nov 1994 08:49:37 GMT"), (RETRY_AFTER, value)];
            assert_eq!(response(&headers, "").retry_after(), wait, "{value} after the server's own date");
            let mut undated = response(&headers[1..], "");
            assert_eq!(undated.retry_after(), None, "{value} where nobody knows the time");
            undated.set_requested_at(SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777));
            assert_eq!(undated.retry_after(), wait, "{value} after our own time");
        }
    }

    #[test]
    fn a_location_is_shown_without_query_and_user_info() {
        let shown = |location| response(&[(LOCATION, location)], "").location().unwrap();
        assert_eq!(shown("https://u:canary@login.example.com/sso?state=canary#x"), "https://login.example.com/sso");
        assert_eq!(shown("/login?state=canary"), "/login");
        assert_eq!(shown("//u:canary@login.example.com/"), "https://login.example.com/");
    }
}
