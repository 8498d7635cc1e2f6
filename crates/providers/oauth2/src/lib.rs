#![doc = include_str!("../README.md")]

mod configuration;
mod discovery;
mod issuer;
mod kept;
mod metadata;
#[cfg(feature = "verification")]
mod verification;

use credentials_grant::settings::Configure as _;
pub use credentials_grant::*;
#[cfg(feature = "client")]
pub use credentials_grant_client::*;
pub use issuer::Issuer;
#[cfg(feature = "verification")]
pub use verification::{TokenVerifier, TokenVerifierBuilder};

use discovery::{Discovery, Found};
use metadata::{Connection, EndpointKind};

/// Any server that keeps to the RFCs: at a token URL, or at an issuer whose metadata say where that is.
///
/// Clones share what they have learned from an issuer.
#[derive(Clone, Debug)]
pub struct OAuth2 {
    server: Server,
    way: Option<ClientAuthentication>,
    json: bool,
    assertion_audience: Option<String>,
    introspection_endpoint: Option<Endpoint>,
    revocation_endpoint: Option<Endpoint>,
}

#[derive(Clone, Debug)]
enum Server {
    At(Endpoint),
    Of(Discovery),
}

impl OAuth2 {
    /// The server with this token URL.
    #[must_use]
    pub fn at(token_endpoint: Endpoint) -> Self {
        Self::new(Server::At(token_endpoint))
    }

    /// The server of this issuer. Where its token endpoint is and how clients authenticate there is read from its metadata
    /// (RFC 8414, or OIDC Discovery) when the first token is asked for, and again when they are old: after what their
    /// `Cache-Control: max-age` says, a day at most, or else after an hour, and as soon as the token endpoint is not there.
    /// Where they cannot be read again, those that are known do for a day more.
    #[must_use]
    pub fn discover(issuer: Issuer) -> Self {
        Self::new(Server::Of(Discovery::new(issuer)))
    }

    fn new(server: Server) -> Self {
        Self {
            server,
            way: None,
            json: false,
            assertion_audience: None,
            introspection_endpoint: None,
            revocation_endpoint: None,
        }
    }

    /// Authenticates the client in this way.
    ///
    /// By default, it is the first of these that the credentials can do, and that the issuer's metadata list: a signed
    /// assertion, Basic, the secret in the body, an assertion signed with the secret, a certificate, no proof at all.
    /// Metadata without a list mean Basic (RFC 8414 section 2). No other is tried when the server refuses: that would double the load, and get
    /// addresses blocked.
    #[must_use]
    pub fn with_client_authentication(mut self, way: ClientAuthentication) -> Self {
        self.way = Some(way);
        self
    }

    /// Sends the parameters as a JSON object, for servers that do not take a form.
    #[must_use]
    pub fn with_json(mut self) -> Self {
        self.json = true;
        self
    }

    /// Says whom assertions are for (their `aud`): by default the issuer, where it is known, and else the token URL.
    #[must_use]
    pub fn with_assertion_audience(mut self, audience: impl Into<String>) -> Self {
        self.assertion_audience = Some(audience.into());
        self
    }

    /// Asks about tokens here (RFC 7662), whatever the issuer's metadata say.
    #[must_use]
    pub fn with_introspection_endpoint(mut self, endpoint: Endpoint) -> Self {
        self.introspection_endpoint = Some(endpoint);
        self
    }

    /// Has tokens taken back here (RFC 7009), whatever the issuer's metadata say.
    #[must_use]
    pub fn with_revocation_endpoint(mut self, endpoint: Endpoint) -> Self {
        self.revocation_endpoint = Some(endpoint);
        self
    }

    /// The request for a token, or about one, to a server of which this much is known.
    fn ask_server(&self, context: &RequestContext<'_>, server: &Found) -> Result<UnsignedRequest, Error> {
        let connection = Connection::of(context.credentials());
        let (endpoint, own) = match context.operation() {
            None => (EndpointKind::Token, None),
            Some(TokenOperation::Introspection(_)) => {
                (EndpointKind::Introspection, self.introspection_endpoint.as_ref())
            }
            Some(_) => (EndpointKind::Revocation, self.revocation_endpoint.as_ref()),
        };
        let way = self.way.map_or_else(|| server.preferred(endpoint, context.credentials()), Ok)?;
        let url = own.cloned().map_or_else(|| server.endpoint(endpoint, connection), Ok)?;
        let audience = match self.assertion_audience.as_ref().or(server.issuer.as_ref()) {
            Some(audience) => audience.clone(),
            None => server.endpoint(EndpointKind::Token, connection)?.url().to_string(),
        };
        let request = context.post(&url).assertion_audience(audience);
        if context.operation().is_some() {
            return request.client_authentication(way).token().build();
        }
        server.check_proof_key(context.parameters())?;
        let request = if self.json { request.json() } else { request };
        let request = request.client_credentials().client_authentication(way);
        request.scope().audience().resources().authorization_details().dpop().build()
    }

    /// The first request of an attempt: the one that it is about, or one for the server's metadata.
    fn first_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        match &self.server {
            Server::At(endpoint) => self.ask_server(context, &Found::at(endpoint)),
            Server::Of(discovery) => match discovery.found(context) {
                Some(server) => self.ask_server(context, &server),
                None => discovery.parameters(context),
            },
        }
    }
}

impl CredentialsGrant for OAuth2 {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        self.first_request(context)
    }

    fn operation_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        self.first_request(context)
    }

    fn next_request(&self, context: &RequestContext<'_>, response: &HttpResponse) -> Result<UnsignedRequest, Error> {
        match &self.server {
            Server::At(_) => self.first_request(context),
            Server::Of(discovery) => match discovery.read(context, response)? {
                Some(server) => self.ask_server(context, &server),
                None => discovery.parameters(context),
            },
        }
    }

    fn read_response(&self, response: &HttpResponse) -> Result<TokenResponse, Error> {
        let outcome = ResponseReader::rfc6749().read(response);
        if let (Server::Of(discovery), Err(error)) = (&self.server, &outcome) {
            discovery.note(error);
        }
        outcome
    }
}
