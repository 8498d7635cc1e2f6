//! What a server says of a token (RFC 7662 section 2.2).

use std::fmt;
use std::time::SystemTime;

use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind};
use crate::reader::ResponseReader;
use crate::response::{Body, TokenResponse};
use crate::token::at_unix_seconds;

const CHECK_URL: &str = "check that the introspection URL is the vendor's";

/// What a server says of a token. It prints whether the token is active and which members there are, and not their values.
///
/// ```
/// # use credentials_grant::Introspection;
/// # fn example(introspection: &Introspection) {
/// if introspection.is_active() {
///     println!("for {:?}, until {:?}", introspection.scopes(), introspection.expires_at());
/// }
/// # }
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Introspection {
    active: bool,
    members: Map<String, Value>,
}

impl Introspection {
    /// Reads a server's answer.
    pub(crate) fn read(response: &TokenResponse) -> Result<Self, Error> {
        let members = match response.members() {
            Body::Members(members) if response.status().is_success() => members,
            _ => return Err(failure(response, CHECK_URL)),
        };
        match members.get("active") {
            Some(Value::Bool(active)) => Ok(Self { active: *active, members }),
            _ => Err(Error::bad_response("the server does not say whether the token is active")
                .with_remedy(CHECK_URL)
                .with_status(response.status())),
        }
    }

    /// Whether the token is good now, as far as whoever asks may know. Of one that is not, the server says nothing more.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// The token's scopes; none if the server names none.
    #[must_use]
    pub fn scopes(&self) -> Vec<&str> {
        let scope = self.member("scope").and_then(Value::as_str).unwrap_or_default();
        scope.split(' ').filter(|scope| !scope.is_empty()).collect()
    }

    /// The client that the token was issued to.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.member("client_id")?.as_str()
    }

    /// When the token expires.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        at_unix_seconds(self.member("exp")?.as_f64()?)
    }

    /// A member of the answer, such as `sub`, `aud` or `iss`.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// Every member of the answer.
    #[must_use]
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }
}

impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection")
            .field("active", &self.active)
            .field("members", &self.members.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// Why an operation was not done. An answer that is none of the vendor's says nothing of the token URL.
pub(crate) fn failure(response: &TokenResponse, check: &'static str) -> Error {
    let error = ResponseReader::rfc6749().read_error(response);
    if error.kind() == ErrorKind::BadResponse { error.with_remedy(check) } else { error }
}
