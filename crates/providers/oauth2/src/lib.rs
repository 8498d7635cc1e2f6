#![doc = include_str!("../README.md")]

mod discovery;
mod issuer;
mod kept;
mod metadata;
mod settings;
#[cfg(feature = "verification")]
mod verification;

pub use credentials_grant::*;
#[cfg(feature = "client")]
pub use credentials_grant_client::*;
pub use issuer::Issuer;
#[cfg(feature = "verification")]
pub use verification::{TokenVerifier, TokenVerifierBuilder};

use discovery::{Discovery, Found};
use metadata::{Connection, Endpoint};

/// Any server that keeps to the RFCs: at a token URL, or at an issuer whose metadata say where that is.
///
/// Clones share what they have learned from an issuer.
#[derive(Clone, Debug)]
pub struct OAuth2 {
    server: Server,
    way: Option<ClientAuthentication>,
    json: bool,
    assertion_audience: Option<String>,
    introspection_endpoint: Option<TokenEndpoint>,
    revocation_endpoint: Option<TokenEndpoint>,
}

#[derive(Clone, Debug)]
enum Server {
    At(TokenEndpoint),
    Of(Discovery),
}

impl OAuth2 {
    /// The server with this token URL.
    #[must_use]
    pub fn at(token_endpoint: TokenEndpoint) -> Self {
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
    pub fn with_introspection_endpoint(mut self, endpoint: TokenEndpoint) -> Self {
        self.introspection_endpoint = Some(endpoint);
        self
    }

    /// Has tokens taken back here (RFC 7009), whatever the issuer's metadata say.
    #[must_use]
    pub fn with_revocation_endpoint(mut self, endpoint: TokenEndpoint) -> Self {
        self.revocation_endpoint = Some(endpoint);
        self
    }

    /// The request for a token, or about one, to a server of which this much is known.
    fn ask_server(&self, attempt: &Attempt<'_>, server: &Found) -> Result<TokenRequest, Error> {
        let connection = Connection::of(attempt.credentials());
        let (endpoint, own) = match attempt.operation() {
            None => (Endpoint::Token, None),
            Some(TokenOperation::Introspection(_)) => (Endpoint::Introspection, self.introspection_endpoint.as_ref()),
            Some(_) => (Endpoint::Revocation, self.revocation_endpoint.as_ref()),
        };
        let way = self.way.map_or_else(|| server.preferred(endpoint, attempt.credentials()), Ok)?;
        let url = own.cloned().map_or_else(|| server.endpoint(endpoint, connection), Ok)?;
        let audience = match self.assertion_audience.as_ref().or(server.issuer.as_ref()) {
            Some(audience) => audience.clone(),
            None => server.endpoint(Endpoint::Token, connection)?.url().to_string(),
        };
        let request = attempt.post(&url).assertion_audience(audience);
        if attempt.operation().is_some() {
            return request.client_authentication(way).token().build();
        }
        server.check_proof_key(attempt.ask())?;
        let request = if self.json { request.json() } else { request };
        let request = request.client_credentials().client_authentication(way);
        request.scope().audience().resources().authorization_details().dpop().build()
    }

    /// The first request of an attempt: the one that it is about, or one for the server's metadata.
    fn first_request(&self, attempt: &Attempt<'_>) -> Result<TokenRequest, Error> {
        match &self.server {
            Server::At(endpoint) => self.ask_server(attempt, &Found::at(endpoint)),
            Server::Of(discovery) => match discovery.found(attempt) {
                Some(server) => self.ask_server(attempt, &server),
                None => discovery.ask(attempt),
            },
        }
    }
}

impl CredentialsGrant for OAuth2 {
    fn provider(&self) -> &str {
        Self::NAME
    }

    fn token_request(&self, attempt: &Attempt<'_>) -> Result<TokenRequest, Error> {
        self.first_request(attempt)
    }

    fn operation_request(&self, attempt: &Attempt<'_>) -> Result<TokenRequest, Error> {
        self.first_request(attempt)
    }

    fn next_request(&self, attempt: &Attempt<'_>, response: &TokenResponse) -> Result<TokenRequest, Error> {
        match &self.server {
            Server::At(_) => self.first_request(attempt),
            Server::Of(discovery) => match discovery.read(attempt, response)? {
                Some(server) => self.ask_server(attempt, &server),
                None => discovery.ask(attempt),
            },
        }
    }

    fn read_response(&self, response: &TokenResponse) -> Result<IssuedToken, Error> {
        let outcome = ResponseReader::rfc6749().read(response);
        if let (Server::Of(discovery), Err(error)) = (&self.server, &outcome) {
            discovery.note(error);
        }
        outcome
    }
}
