//! What a token is requested for: scopes, audience, resources and further parameters.

use std::fmt;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::proof_key::ProofKey;

/// What a token is requested for: scopes, audience, resources and further parameters.
///
/// A parameter that the vendor does not support, such as an audience, is an error when the source is built; it is never
/// dropped silently.
///
/// ```
/// use credentials_grant::TokenParameters;
///
/// let parameters = TokenParameters::new()
///     .with_scopes(["reservations.read", "offers.read"])
///     .with_extra_parameter("tenant", "4711");
/// assert_eq!(parameters.scopes(), ["reservations.read", "offers.read"]);
/// ```
#[derive(Clone, Default, Eq, Hash, PartialEq)]
pub struct TokenParameters {
    scopes: Vec<String>,
    audience: Option<String>,
    resources: Vec<String>,
    authorization_details: Option<String>,
    extra_parameters: Vec<(String, String)>,
    proof_key: Option<ProofKey>,
}

impl TokenParameters {
    /// Requests what the vendor grants by default.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one scope (RFC 6749 section 3.3). A space in it is an error when the source is built.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Adds several scopes.
    #[must_use]
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Sets the audience, which names the API that the token is for (Auth0 and others).
    #[must_use]
    pub fn with_audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Adds a resource that the token is for (RFC 8707 section 2).
    #[must_use]
    pub fn with_resource(mut self, resource: impl Into<String>) -> Self {
        self.resources.push(resource.into());
        self
    }

    /// Sets the authorization details (RFC 9396 section 2): a JSON array of objects, each with a `type`.
    ///
    /// ```
    /// use credentials_grant::TokenParameters;
    ///
    /// let details = r#"[{"type":"account_information","actions":["read_balances"]}]"#;
    /// let parameters = TokenParameters::new().with_authorization_details(details);
    /// ```
    #[must_use]
    pub fn with_authorization_details(mut self, json: impl Into<String>) -> Self {
        self.authorization_details = Some(json.into());
        self
    }

    /// Adds a parameter of the token request that this type has no method for.
    ///
    /// `Debug` does not show its value, but do not put a secret here: use
    /// [`ClientCredentials::with_secret`](crate::ClientCredentials::with_secret).
    #[must_use]
    pub fn with_extra_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extra_parameters.push((name.into(), value.into()));
        self
    }

    /// Binds the token to a key (DPoP, RFC 9449). Each request for the token, and each API call with it, then carries a
    /// proof of possession.
    #[must_use]
    pub fn with_proof_key(mut self, key: ProofKey) -> Self {
        self.proof_key = Some(key);
        self
    }

    /// Returns the scopes, in the order in which they were added.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// Returns the audience.
    #[must_use]
    pub fn audience(&self) -> Option<&str> {
        self.audience.as_deref()
    }

    /// Returns the resources, in the order in which they were added.
    #[must_use]
    pub fn resources(&self) -> &[String] {
        &self.resources
    }

    /// Returns the authorization details, as they were set.
    #[must_use]
    pub fn authorization_details(&self) -> Option<&str> {
        self.authorization_details.as_deref()
    }

    /// Returns the extra parameters, in the order in which they were added.
    #[must_use]
    pub fn extra_parameters(&self) -> &[(String, String)] {
        &self.extra_parameters
    }

    /// Returns the key that the token is to be bound to.
    #[must_use]
    pub fn proof_key(&self) -> Option<&ProofKey> {
        self.proof_key.as_ref()
    }

    /// Checks the scopes against the grammar of RFC 6749 section 3.3, and the details against RFC 9396 section 2.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let is_scope_token = |scope: &String| {
            !scope.is_empty() && scope.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
        };
        match self.scopes.iter().find(|scope| !is_scope_token(scope)) {
            None => self.check_details(),
            Some(scope) => Err(Error::configuration(format!("the scope {scope:?} is not a valid scope"))
                .with_remedy("give each scope separately: visible ASCII without spaces, quotes and backslashes")),
        }
    }

    fn check_details(&self) -> Result<(), Error> {
        let refused = |why: &str| {
            Err(Error::configuration(format!("the authorization details {why}"))
                .with_remedy("give a JSON array of objects, each with a `type` (RFC 9396 section 2)"))
        };
        let Some(details) = &self.authorization_details else { return Ok(()) };
        match serde_json::from_str::<Vec<Map<String, Value>>>(details) {
            Err(_) => refused("are not a JSON array of objects"),
            Ok(details) if details.is_empty() => refused("are empty"),
            Ok(details) if !details.iter().all(|detail| detail.get("type").is_some_and(Value::is_string)) => {
                refused("include one without a type")
            }
            Ok(_) => Ok(()),
        }
    }
}

impl fmt::Debug for TokenParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scopes, audience, resources, authorization_details, extra_parameters, proof_key } = self;
        let names: Vec<_> = extra_parameters.iter().map(|(name, _)| name).collect();
        f.debug_struct("TokenParameters")
            .field("scopes", scopes)
            .field("audience", audience)
            .field("resources", resources)
            .field("authorization_details", &authorization_details.is_some())
            .field("extra_parameters", &names)
            .field("proof_key", proof_key)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_one_scope_token() {
        let good = ["!", "#", "$", "[", "]", "^", "~", "[word]", "path/to/resource", "<tag>", "{foo:bar}", ":foo.v1.*"];
        for scope in good {
            assert!(TokenParameters::new().with_scope(scope).check().is_ok(), "{scope}");
        }
        for scope in ["", " ", "\t", "\n", "\"", "\\", " a", "a ", "a b", "é"] {
            assert!(TokenParameters::new().with_scope(scope).check().is_err(), "{scope:?}");
        }
    }

    #[test]
    fn authorization_details_are_an_array_of_objects_with_a_type() {
        assert!(
            TokenParameters::new().with_authorization_details(r#"[{"type":"a"},{"type":"b","x":[1]}]"#).check().is_ok()
        );
        for details in ["", "{}", "[]", r#"{"type":"a"}"#, "[1]", "[{}]", r#"[{"type":1}]"#, r#"[{"type":"a"}"#] {
            let error = TokenParameters::new().with_authorization_details(details).check().expect_err(details);
            assert!(error.to_string().contains("authorization details"), "{error}");
        }
    }

    #[test]
    fn debug_shows_the_names_of_parameters_only() {
        let parameters =
            TokenParameters::new().with_extra_parameter("email", "canary").with_authorization_details("canary");
        let shown = format!("{parameters:?}");
        assert!(shown.contains("email") && !shown.contains("canary"), "{shown}");
    }
}
