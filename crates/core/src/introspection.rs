//! Introspection responses (RFC 7662 section 2.2).

use std::fmt;
use std::time::SystemTime;

use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind};
use crate::http_response::{Body, HttpResponse};
use crate::response_reader::ResponseReader;
use crate::token_response::at_unix_seconds;

const CHECK_URL: &str = "check that the introspection URL is the vendor's";

/// An introspection response: what the server knows about a token (RFC 7662 section 2.2).
///
/// `Debug` shows whether the token is active and the names of the members, but not their values.
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
    /// Reads the server's response.
    pub(crate) fn read(response: &HttpResponse) -> Result<Self, Error> {
        let members = match response.members() {
            Body::Members(members) if response.status().is_success() => members,
            _ => return Err(failure(response, CHECK_URL)),
        };
        match members.get("active") {
            Some(Value::Bool(active)) => Ok(Self { active: *active, members }),
            _ => Err(Error::bad_response("the response does not say whether the token is active")
                .with_remedy(CHECK_URL)
                .with_status(response.status())),
        }
    }

    /// Returns `true` if the token is active. For an inactive token, servers send nothing else.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// Returns the token's scopes. Empty if the server sent none.
    #[must_use]
    pub fn scopes(&self) -> Vec<&str> {
        let scope = self.member("scope").and_then(Value::as_str).unwrap_or_default();
        scope.split(' ').filter(|scope| !scope.is_empty()).collect()
    }

    /// Returns the client that the token was issued to.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.member("client_id")?.as_str()
    }

    /// Returns when the token expires.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        at_unix_seconds(self.member("exp")?.as_f64()?)
    }

    /// Returns a member of the response, such as `sub`, `aud` or `iss`.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// Returns every member of the response.
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

/// Returns why introspection or revocation failed. The remedy names the endpoint's own URL, not the token URL.
pub(crate) fn failure(response: &HttpResponse, check: &'static str) -> Error {
    let error = ResponseReader::rfc6749().read_error(response);
    if error.kind() == ErrorKind::BadResponse { error.with_remedy(check) } else { error }
}
