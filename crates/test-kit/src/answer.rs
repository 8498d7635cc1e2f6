//! What a server answers to a request.

use credentials_grant::{Error, ErrorKind, HttpResponse, StatusCode};

/// What a [`TestServer`](crate::TestServer) answers to a request.
///
/// ```
/// use credentials_grant_test_kit::{Answer, TestServer};
///
/// let server = TestServer::in_turn([Answer::http(503, ""), Answer::unreachable(), Answer::Token(3600)]);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Answer {
    /// A token that lives for this many seconds: `token-1` to the first request, `token-2` to the second.
    Token(u64),
    /// A response.
    Response(HttpResponse),
    /// No response: the transport fails.
    Error(Error),
    /// No response: the transport panics.
    Panic,
}

impl Answer {
    /// Returns a response without headers.
    pub fn http(status: u16, body: impl AsRef<[u8]>) -> Self {
        response(status, &[], body).into()
    }

    /// Returns the error of a server that cannot be reached.
    pub fn unreachable() -> Self {
        Error::new(ErrorKind::Unreachable, "nobody answers").with_remedy("wait").into()
    }

    /// Returns what the transport returns to the request with this number.
    pub(crate) fn outcome(self, number: usize) -> Result<HttpResponse, Error> {
        match self {
            Self::Token(seconds) => {
                let body = format!(r#"{{"access_token":"token-{number}","expires_in":{seconds}}}"#);
                Ok(response(200, &[], body))
            }
            Self::Response(response) => Ok(response),
            Self::Error(error) => Err(error),
            Self::Panic => panic!("the transport panics, as the test asked"),
        }
    }
}

impl From<HttpResponse> for Answer {
    fn from(response: HttpResponse) -> Self {
        Self::Response(response)
    }
}

impl From<Error> for Answer {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// Makes a response.
///
/// ```
/// let busy = credentials_grant_test_kit::response(429, &[("retry-after", "7")], "");
/// assert_eq!(busy.retry_after().unwrap().as_secs(), 7);
/// ```
pub fn response(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> HttpResponse {
    let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    HttpResponse::new(StatusCode::from_u16(status).unwrap(), headers, body.as_ref().to_vec())
}
