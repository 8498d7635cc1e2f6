//! What a client needs to know of an authorization server (RFC 8414 section 2).

use std::fmt;
use std::sync::Arc;

use credentials_grant::{ClientAuthentication, ClientCredentials, Endpoint, Error, ErrorKind, TokenParameters};

use crate::client_authentication::{listed, preferred};
use crate::endpoint_kind::EndpointKind;
use crate::issuer::Issuer;

/// What an authorization server says of itself (RFC 8414 section 2): where its endpoints are and how clients
/// authenticate.
///
/// A [`Discovery`](crate::Discovery) fetches it. For a server without discovery, make it from the token URL; nothing
/// else is known of the server then, and nothing is checked. Clones are cheap.
///
/// ```
/// use credentials_grant::{ClientAuthentication, ClientCredentials, Endpoint};
/// use credentials_grant_discovery::{EndpointKind, Metadata};
///
/// let credentials = ClientCredentials::new("id", "secret");
/// let metadata = Metadata::from_token_url(Endpoint::from_static("https://login.example.com/token"));
///
/// let token_url = metadata.endpoint(EndpointKind::Token, &credentials)?;
/// assert_eq!(token_url.to_string(), "https://login.example.com/token");
/// let method = metadata.client_authentication(EndpointKind::Token, &credentials)?;
/// assert_eq!(method, ClientAuthentication::ClientSecretBasic);
/// assert!(metadata.endpoint(EndpointKind::Introspection, &credentials).is_err(), "it is not known");
/// # Ok::<(), credentials_grant::Error>(())
/// ```
#[derive(Clone)]
pub struct Metadata {
    issuer: Option<Issuer>,
    /// What the document says. Without one, only the token URL is known.
    members: Option<Arc<Members>>,
    token_url: Endpoint,
}

/// The members of the document that matter here. Optional ones that cannot be used are refused when they are needed.
pub(crate) struct Members {
    pub(crate) endpoints: Endpoints,
    /// For clients with a certificate (RFC 8705 section 5).
    pub(crate) mtls_aliases: Endpoints,
    pub(crate) jwks_uri: OptionalUrl,
    pub(crate) methods: Vec<String>,
    pub(crate) introspection_methods: Option<Vec<String>>,
    pub(crate) revocation_methods: Option<Vec<String>>,
    /// What may sign a DPoP proof (RFC 9449 section 5.1), if the server says that it accepts proofs.
    pub(crate) dpop_algorithms: Option<Vec<String>>,
}

/// A URL that may be missing, and may be one that cannot be used.
pub(crate) type OptionalUrl = Option<Result<Endpoint, Error>>;

pub(crate) struct Endpoints {
    pub(crate) introspection: OptionalUrl,
    pub(crate) revocation: OptionalUrl,
    pub(crate) token: OptionalUrl,
}

impl Metadata {
    /// Creates the metadata of a server of which only the token URL is known.
    #[must_use]
    pub fn from_token_url(token_url: Endpoint) -> Self {
        Self { issuer: None, members: None, token_url }
    }

    /// Creates metadata for a [dry run](credentials_grant::RequestContext::is_dry_run), the same every time.
    pub(crate) fn for_dry_run(issuer: &Issuer) -> Self {
        Self { issuer: Some(issuer.clone()), members: None, token_url: issuer.url().clone() }
    }

    /// Creates the metadata that an issuer published.
    pub(crate) fn published(issuer: Issuer, token_url: Endpoint, members: Members) -> Self {
        Self { issuer: Some(issuer), members: Some(Arc::new(members)), token_url }
    }

    /// Returns the issuer that published it. `None` if only the token URL is known.
    #[must_use]
    pub fn issuer(&self) -> Option<&Issuer> {
        self.issuer.as_ref()
    }

    /// Returns the URL of an endpoint. Credentials with a certificate get the endpoint for mutual TLS, if there is one
    /// (`mtls_endpoint_aliases`, RFC 8705 section 5).
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the metadata names no such endpoint, or
    /// [`BadResponse`](ErrorKind::BadResponse) if its URL cannot be used.
    pub fn endpoint(&self, kind: EndpointKind, credentials: &ClientCredentials) -> Result<Endpoint, Error> {
        let Some(members) = &self.members else {
            return if kind == EndpointKind::Token { Ok(self.token_url.clone()) } else { Err(self.missing(kind)) };
        };
        // Whatever authenticates the client, its tokens may be bound to the certificate.
        let alias = credentials.certificate().and_then(|_| members.mtls_aliases.of(kind).as_ref());
        let url = alias.or(members.endpoints.of(kind).as_ref());
        url.cloned().unwrap_or_else(|| Err(self.missing(kind)))
    }

    /// Returns the URL of the server's JSON Web Key Set, with which its signatures are verified.
    ///
    /// # Errors
    ///
    /// As [`endpoint`](Self::endpoint).
    pub fn jwks_uri(&self) -> Result<Endpoint, Error> {
        let jwks_uri = self.members.as_ref().and_then(|members| members.jwks_uri.clone());
        jwks_uri.unwrap_or_else(|| Err(self.missing("JWKS URL")))
    }

    /// Returns the best client authentication method that both sides support. In order of preference:
    /// [`PrivateKeyJwt`](ClientAuthentication::PrivateKeyJwt), `ClientSecretBasic`, `ClientSecretPost`,
    /// `ClientSecretJwt`, `TlsClientAuth`, `None`.
    ///
    /// A list that is missing means `client_secret_basic` for the token endpoint (RFC 8414 section 2). The other
    /// endpoints accept what the token endpoint accepts, unless the metadata lists methods of their own.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if there is no such method.
    pub fn client_authentication(
        &self,
        kind: EndpointKind,
        credentials: &ClientCredentials,
    ) -> Result<ClientAuthentication, Error> {
        preferred(self.methods(kind), credentials)
    }

    /// Returns the `aud` of client assertions: the issuer, or the token URL if the issuer is not known.
    ///
    /// # Errors
    ///
    /// As [`endpoint`](Self::endpoint).
    pub fn assertion_audience(&self, credentials: &ClientCredentials) -> Result<String, Error> {
        match &self.issuer {
            Some(issuer) => Ok(issuer.to_string()),
            None => Ok(self.endpoint(EndpointKind::Token, credentials)?.url().to_string()),
        }
    }

    /// Checks that the server accepts DPoP proofs by the parameters' key, if it says what it accepts
    /// (`dpop_signing_alg_values_supported`, RFC 9449 section 5.1).
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration), naming what it accepts.
    pub fn check_proof_key(&self, parameters: &TokenParameters) -> Result<(), Error> {
        let (Some(key), Some(accepted)) = (parameters.proof_key(), self.dpop_algorithms()) else { return Ok(()) };
        let algorithm = key.algorithm();
        if accepted.iter().any(|accepted| accepted == algorithm) {
            return Ok(());
        }
        let accepted = listed(accepted);
        let message = format!("the server's metadata lists {accepted} for proofs, but the key signs by {algorithm}");
        Err(Error::new(ErrorKind::Configuration, message)
            .with_own_words("")
            .with_remedy("bind tokens to a key of one of these algorithms"))
    }

    /// Returns the client authentication methods that an endpoint accepts, by their registered names, if that is known.
    ///
    /// By the letter of RFC 8414, an endpoint without a list accepts `client_secret_basic` for revocation, and what it
    /// likes for introspection. Servers mean the list of the token endpoint.
    pub(crate) fn methods(&self, kind: EndpointKind) -> Option<&[String]> {
        let members = self.members.as_ref()?;
        let own = match kind {
            EndpointKind::Introspection => &members.introspection_methods,
            EndpointKind::Revocation => &members.revocation_methods,
            EndpointKind::Token => &None,
        };
        Some(own.as_ref().unwrap_or(&members.methods))
    }

    /// Returns what may sign a DPoP proof, if the server says so.
    pub(crate) fn dpop_algorithms(&self) -> Option<&[String]> {
        self.members.as_ref()?.dpop_algorithms.as_deref()
    }

    fn missing(&self, what: impl fmt::Display) -> Error {
        match (&self.issuer, &self.members) {
            (Some(issuer), Some(_)) => {
                Error::new(ErrorKind::Configuration, format!("the metadata of {issuer} names no {what}"))
                    .with_own_words("")
                    .with_remedy("ask the vendor whether the server has one, or do without it")
            }
            _ => Error::new(ErrorKind::Configuration, format!("only the token URL is known, not the server's {what}"))
                .with_own_words("")
                .with_remedy("set its URL, or the issuer, whose metadata names it, instead of the token URL"),
        }
    }
}

impl Endpoints {
    fn of(&self, kind: EndpointKind) -> &OptionalUrl {
        match kind {
            EndpointKind::Introspection => &self.introspection,
            EndpointKind::Revocation => &self.revocation,
            EndpointKind::Token => &self.token,
        }
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { issuer, members: _, token_url } = self;
        f.debug_struct("Metadata").field("issuer", issuer).field("token_url", token_url).finish_non_exhaustive()
    }
}
