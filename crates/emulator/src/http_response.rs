//! A response before it is sent. Its body is plain bytes, so that a misbehaviour can change them.

use std::fmt::Display;

use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

/// A response that was not sent yet.
#[derive(Debug)]
pub(crate) struct HttpResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Vec<u8>,
    /// The access token in the body, if it has one.
    token: Option<String>,
}

#[derive(Serialize)]
struct Refusal<'a> {
    error: &'a str,
}

impl HttpResponse {
    /// Creates a response without headers and body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), token: None }
    }

    /// Creates a response with a JSON body, whose members are in the order of the type's fields.
    pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        match serde_json::to_string(body) {
            Ok(text) => Self::empty(status).with_body("application/json", text),
            Err(error) => Self::internal_error(&error),
        }
    }

    /// Creates the refusal of a request by the emulator itself, in place of the vendor.
    pub(crate) fn refusal(status: StatusCode, error: &str) -> Self {
        Self::json(status, &Refusal { error })
    }

    /// Creates the response to a failure of the emulator itself, which looks like no vendor's response.
    pub(crate) fn internal_error(error: &impl Display) -> Self {
        Self::empty(StatusCode::INTERNAL_SERVER_ERROR)
            .with_body("text/plain", format!("the emulator failed: {error}\n"))
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn with_body(self, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        self.with_content_type(content_type).with_changed_body(|old| *old = body)
    }

    pub(crate) fn with_content_type(self, content_type: &'static str) -> Self {
        self.with_header(header::CONTENT_TYPE, HeaderValue::from_static(content_type))
    }

    /// Sets a header, and replaces one of the same name.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value));
        self
    }

    /// Sets a header to text from outside, which may not be a valid value.
    pub(crate) fn with_header_text(self, name: HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(value) => self.with_header(name, value),
            Err(_) => Self::internal_error(&format!("{value:?} is not a valid value of the header {name}")),
        }
    }

    pub(crate) fn with_changed_body(mut self, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        change(&mut self.body);
        self
    }

    /// Records which access token the body carries.
    pub(crate) fn with_token(mut self, token: String) -> Self {
        self.token = Some(token);
        self
    }

    /// Replaces the access token in the body with other bytes; a response without a token does not change.
    pub(crate) fn with_token_replaced(self, bytes: &[u8]) -> Self {
        let token = self.token().to_owned();
        self.with_changed_body(|body| {
            if let Some(at) = position(body, token.as_bytes()) {
                body.splice(at..at + token.len(), bytes.iter().copied());
            }
        })
    }

    /// Returns the access token in the body, or an empty string.
    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }
}

fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    (!needle.is_empty()).then(|| haystack.windows(needle.len()).position(|part| part == needle)).flatten()
}
