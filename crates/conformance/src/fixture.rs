//! Fixtures: requests and responses as text, written by hand from a vendor's page.
//!
//! ```text
//! # source: https://apaleo.dev/guides/oauth-connection/simple-client
//! # read: 2026-11-21
//! POST https://identity.apaleo.com/connect/token
//! accept: application/json
//! content-type: application/x-www-form-urlencoded
//!
//! grant_type=client_credentials
//! ```
//!
//! Headers are in lower case, sorted by name. A line break at the end is not part of the body.

use credentials_grant::{HeaderMap, HeaderName, HeaderValue, HttpRequest, HttpResponse, StatusCode};
use jiff::civil::Date;

/// A parsed fixture.
pub(crate) struct Fixture<'a> {
    /// The request line, or the status line.
    pub(crate) start: &'a str,
    pub(crate) headers: Vec<&'a str>,
    pub(crate) body: &'a str,
}

impl<'a> Fixture<'a> {
    /// Parses a fixture, which must name its source and the day on which its author read it.
    pub(crate) fn read(text: &'a str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let (comments, mut lines): (Vec<_>, Vec<_>) = head.lines().partition(|line| line.starts_with('#'));
        let comment = |name: &str| {
            let line = comments.iter().find_map(|line| line.strip_prefix('#')?.trim().strip_prefix(name));
            let value = line.unwrap_or_default().trim();
            assert!(
                !value.is_empty() && !value.contains("FILL IN"),
                "the fixture lacks `# {name} …`: write it by hand from the vendor's page, and name the page and the day\n\n{text}",
            );
            value
        };
        comment("source:");
        let read = comment("read:");
        assert!(read.parse::<Date>().is_ok(), "`# read: {read}` is not a date such as 2026-11-21");
        assert!(!lines.is_empty(), "the fixture has neither a request line nor a status line\n\n{text}");
        Self { start: lines.remove(0), headers: lines, body: body.strip_suffix('\n').unwrap_or(body) }
    }

    /// Returns the fixture without its comments, in the format of [`render`].
    pub(crate) fn rendered(&self) -> String {
        [&[self.start], &self.headers[..], &["", self.body]].concat().join("\n")
    }

    /// Returns the URL of a request.
    pub(crate) fn url(&self) -> &'a str {
        self.start.split_once(' ').map_or(self.start, |(_, url)| url)
    }

    /// Returns the response that the fixture describes.
    pub(crate) fn response(&self) -> HttpResponse {
        let status = self.start.split(' ').find_map(|word| word.parse::<StatusCode>().ok());
        let status =
            status.unwrap_or_else(|| panic!("`{}` is not a status line such as `HTTP/1.1 200 OK`", self.start));
        let headers: HeaderMap = self.headers.iter().map(|line| header(line)).collect();
        HttpResponse::new(status, headers, self.body.as_bytes().to_vec())
    }
}

/// Returns a request in the format of a fixture.
pub(crate) fn render(request: &HttpRequest) -> String {
    let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    lines(&format!("{} {}", request.method(), request.url()), headers, request.body())
}

pub(crate) fn lines<'a>(start: &str, headers: impl Iterator<Item = (&'a str, &'a [u8])>, body: &[u8]) -> String {
    let mut headers: Vec<_> =
        headers.map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value))).collect();
    headers.sort();
    let body = String::from_utf8_lossy(body).into_owned();
    [&[start.to_owned()], &headers[..], &[String::new(), body]].concat().join("\n")
}

fn header(line: &str) -> (HeaderName, HeaderValue) {
    let (name, value) = line.split_once(": ").unwrap_or((line, ""));
    match (name.parse(), value.parse()) {
        (Ok(name), Ok(value)) => (name, value),
        _ => panic!("`{line}` is not a header such as `content-type: application/json`"),
    }
}
