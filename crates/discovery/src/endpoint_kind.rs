//! The endpoints to which a client sends requests.

use std::fmt;

use credentials_grant::{RequestContext, TokenOperation};

/// An endpoint of an authorization server, by what it is for.
///
/// ```
/// use credentials_grant::{ClientCredentials, RequestContext, TokenParameters};
/// use credentials_grant_discovery::EndpointKind;
///
/// let (credentials, parameters) = (ClientCredentials::new("id", "secret"), TokenParameters::new());
/// let context = RequestContext::dry_run(&credentials, &parameters);
/// assert_eq!(EndpointKind::of(&context), EndpointKind::Token);
/// assert_eq!(EndpointKind::Token.to_string(), "token endpoint");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum EndpointKind {
    /// The introspection endpoint (RFC 7662).
    Introspection,
    /// The revocation endpoint (RFC 7009).
    Revocation,
    /// The token endpoint (RFC 6749 section 3.2).
    Token,
}

impl EndpointKind {
    /// Returns the endpoint for the request that a provider builds in this context.
    #[must_use]
    pub fn of(context: &RequestContext<'_>) -> Self {
        match context.operation() {
            None => Self::Token,
            Some(TokenOperation::Introspection(_)) => Self::Introspection,
            Some(_) => Self::Revocation,
        }
    }
}

impl fmt::Display for EndpointKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Introspection => "introspection endpoint",
            Self::Revocation => "revocation endpoint",
            Self::Token => "token endpoint",
        })
    }
}
