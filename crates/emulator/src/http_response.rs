//! An answer before it is sent: plain bytes, so that a misbehaviour can spoil them.

use std::fmt::Display;

use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

/// A response that has not left yet.
#[derive(Debug)]
pub(crate) struct HttpResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Vec<u8>,
    /// The access token in the body, if it has one.
    token: Option<String>,
}

impl HttpResponse {
    /// A status and no more.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), token: None }
    }

    /// A JSON body, its members in the order of the type's.
    pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        match serde_json::to_string(body) {
            Ok(text) => Self::empty(status).with_body("application/json", text),
            Err(error) => Self::internal_error(&error),
        }
    }

    /// What the emulator itself could not do, as no vendor would say it.
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

    /// Sets a header, in the place of one of the same name.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value));
        self
    }

    /// Sets a header whose value was not written here, and may not be one.
    pub(crate) fn with_header_text(self, name: HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(value) => self.with_header(name, value),
            Err(_) => Self::internal_error(&format!("{value:?} cannot be the value of {name}")),
        }
    }

    pub(crate) fn with_changed_body(mut self, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        change(&mut self.body);
        self
    }

    /// Says which token the body carries.
    pub(crate) fn with_token(mut self, token: String) -> Self {
        self.token = Some(token);
        self
    }

    /// Puts other bytes where the body has its token; an answer without one stays as it is.
    pub(crate) fn with_token_replaced(self, bytes: &[u8]) -> Self {
        let token = self.token().to_owned();
        self.with_changed_body(|body| {
            if let Some(at) = position(body, token.as_bytes()) {
                body.splice(at..at + token.len(), bytes.iter().copied());
            }
        })
    }

    /// The token that the body carries, or nothing.
    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }
}

fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    (!needle.is_empty()).then(|| haystack.windows(needle.len()).position(|part| part == needle)).flatten()
}
