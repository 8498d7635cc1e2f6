#![doc = include_str!("../README.md")]

mod discovery;
mod issuer;
mod kept;
mod metadata;

pub use credentials_grant::*;
#[cfg(feature = "client")]
pub use credentials_grant_client::*;
pub use issuer::Issuer;

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
        Self { server, way: None, json: false, assertion_audience: None }
    }

    /// Authenticates the client in this way.
    ///
    /// By default, it is the first of these that the credentials can do, and that the issuer's metadata list: a signed
    /// assertion, Basic, the secret in the body, an assertion signed with the secret, no proof at all. Metadata without a
    /// list mean Basic (RFC 8414 section 2). No other is tried when the server refuses: that would double the load, and get
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

    /// The request for a token, to a server of which this much is known.
    fn ask_for_token(&self, attempt: &Attempt<'_>, server: &Found) -> Result<TokenRequest, Error> {
        let way = match self.way {
            Some(way) => way,
            None => server.preferred(attempt.credentials())?,
        };
        let mut request = attempt.post(&server.endpoint(Endpoint::Token, Connection::Plain)?);
        if self.json {
            request = request.json();
        }
        if let Some(audience) = self.assertion_audience.as_ref().or(server.issuer.as_ref()) {
            request = request.assertion_audience(audience);
        }
        let request = request.client_credentials().client_authentication(way);
        request.scope().audience().resources().authorization_details().build()
    }
}

impl CredentialsGrant for OAuth2 {
    fn provider(&self) -> &str {
        Self::NAME
    }

    fn token_request(&self, attempt: &Attempt<'_>) -> Result<TokenRequest, Error> {
        match &self.server {
            Server::At(endpoint) => self.ask_for_token(attempt, &Found::at(endpoint)),
            Server::Of(discovery) => match discovery.found(attempt) {
                Some(server) => self.ask_for_token(attempt, &server),
                None => discovery.ask(attempt),
            },
        }
    }

    fn next_request(&self, attempt: &Attempt<'_>, response: &TokenResponse) -> Result<TokenRequest, Error> {
        match &self.server {
            Server::At(_) => self.token_request(attempt),
            Server::Of(discovery) => match discovery.read(attempt, response)? {
                Some(server) => self.ask_for_token(attempt, &server),
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

impl Configure for OAuth2 {
    const NAME: &'static str = "oauth2";
    const TITLE: &'static str = "any OAuth 2.0 server";
    const SETTINGS: &'static [Setting] = &[
        Setting::new("issuer", "the issuer, whose metadata say where the token endpoint is"),
        Setting::new("token-url", "the token URL, instead of `issuer`; plain HTTP for loopback only"),
        Setting::one_of("auth", "how the client authenticates; as the issuer's metadata say unless set", &WAYS),
        Setting::new("assertion-audience", "whom assertions are for: the issuer unless set, or else the token URL"),
    ];

    fn configure(settings: &Settings) -> Result<Self, Error> {
        settings.at_most_one_of(&["issuer", "token-url"])?;
        let issuer = settings.parse("issuer")?;
        let provider = match (settings.token_url()?, issuer) {
            (Some(url), _) => Self::at(url),
            (None, Some(issuer)) => Self::discover(issuer),
            (None, None) => {
                return Err(Error::new(ErrorKind::Configuration, "neither `issuer` nor `token-url` is set")
                    .with_remedy("set one of them"));
            }
        };
        let provider = match settings.find("auth") {
            None => provider,
            Some("json") => provider.with_client_authentication(ClientAuthentication::Body).with_json(),
            Some("post") => provider.with_client_authentication(ClientAuthentication::Body),
            Some(way) => provider.with_client_authentication(way.parse()?),
        };
        let audience = settings.find("assertion-audience");
        Ok(audience.into_iter().fold(provider, Self::with_assertion_audience))
    }
}

/// How a client may authenticate, as people call it who have read the metadata of servers.
const WAYS: [&str; 8] =
    ["basic", "basic-raw", "basic-strict", "post", "json", "none", "client-secret-jwt", "private-key-jwt"];
