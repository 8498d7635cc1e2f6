#![doc = include_str!("../README.md")]

use std::hash::{Hash, Hasher};

use credentials_grant::settings::{Configure, Setting, Settings};
pub use credentials_grant::*;
#[cfg(feature = "client")]
pub use credentials_grant_client::*;
pub use credentials_grant_discovery::Issuer;
use credentials_grant_discovery::{Discovery, EndpointKind, Metadata};

/// Any OAuth 2.0 server: at a token URL, or of an issuer whose metadata says where its endpoints are.
///
/// Clones share what they have learned from an issuer.
///
/// ```
/// use credentials_grant_oauth2::OAuth2;
///
/// let known = OAuth2::at("https://login.acme.example/oauth2/token".parse()?);
/// let discovered = OAuth2::discover("https://login.acme.example".parse()?);
/// # Ok::<(), credentials_grant_oauth2::Error>(())
/// ```
#[derive(Clone, Debug, Hash)]
pub struct OAuth2 {
    server: Server,
    client_authentication: Option<ClientAuthentication>,
    client_id_parameter: bool,
    json: bool,
    assertion_audience: Option<String>,
    introspection_endpoint: Option<Endpoint>,
    revocation_endpoint: Option<Endpoint>,
    policy: Policy,
    reader: ResponseReader,
}

#[derive(Clone, Debug, Hash)]
enum Server {
    Known(Endpoint),
    Discovered(Discovery),
}

impl OAuth2 {
    /// Creates a provider for the server with this token URL.
    #[must_use]
    pub fn at(token_endpoint: Endpoint) -> Self {
        Self::new(Server::Known(token_endpoint))
    }

    /// Creates a provider for the server of this issuer. Its metadata (RFC 8414, or OIDC Discovery) is fetched before
    /// the first token, and again when it is stale: after what its `Cache-Control: max-age` says, a day at most, or
    /// else after an hour, and as soon as the token endpoint is gone. If it cannot be fetched, the old one is used for
    /// a day more.
    #[must_use]
    pub fn discover(issuer: Issuer) -> Self {
        Self::new(Server::Discovered(Discovery::new(issuer)))
    }

    fn new(server: Server) -> Self {
        Self {
            server,
            client_authentication: None,
            client_id_parameter: false,
            json: false,
            assertion_audience: None,
            introspection_endpoint: None,
            revocation_endpoint: None,
            policy: Policy::new(),
            reader: ResponseReader::rfc6749(),
        }
    }

    /// Sets what to know about the vendor beyond its requests: by which statuses and bodies its API says that a token
    /// has expired, to which hosts tokens may go, how many may be requested.
    ///
    /// ```
    /// use credentials_grant_oauth2::{ExpiredBody, OAuth2, Policy, StatusCode};
    ///
    /// let policy = Policy::new()
    ///     .with_host("api.acme.example")
    ///     .with_expired_status(StatusCode::FORBIDDEN)
    ///     .with_expired_body(ExpiredBody::new("/error/code", ["token_expired"]));
    /// let acme = OAuth2::at("https://login.acme.example/oauth2/token".parse()?).with_policy(policy);
    /// # Ok::<(), credentials_grant_oauth2::Error>(())
    /// ```
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets how token responses are read, for a server that differs from RFC 6749.
    #[must_use]
    pub fn with_response_reader(mut self, reader: ResponseReader) -> Self {
        self.reader = reader;
        self
    }

    /// Sets how the client authenticates.
    ///
    /// By default, it is the first of these that the credentials are for and the issuer's metadata lists:
    /// `private_key_jwt`, `client_secret_basic`, `client_secret_post`, `client_secret_jwt`, `tls_client_auth`, `none`.
    /// Metadata without a list means `client_secret_basic` (RFC 8414 section 2). If the server refuses, no other method
    /// is tried: that would double the load, and get addresses blocked.
    #[must_use]
    pub fn with_client_authentication(mut self, method: ClientAuthentication) -> Self {
        self.client_authentication = Some(method);
        self
    }

    /// Sends `client_id` as a parameter beside HTTP Basic too, which some servers require (RFC 6749 section 3.2.1).
    #[must_use]
    pub fn with_client_id_parameter(mut self) -> Self {
        self.client_id_parameter = true;
        self
    }

    /// Sends the parameters of token requests as a JSON object, for servers that do not take a form.
    #[must_use]
    pub fn with_json(mut self) -> Self {
        self.json = true;
        self
    }

    /// Sets the `aud` of client assertions. By default, it is the issuer, or the token URL if the issuer is not known.
    #[must_use]
    pub fn with_assertion_audience(mut self, audience: impl Into<String>) -> Self {
        self.assertion_audience = Some(audience.into());
        self
    }

    /// Sets the introspection endpoint (RFC 7662), whatever the issuer's metadata says.
    #[must_use]
    pub fn with_introspection_endpoint(mut self, endpoint: Endpoint) -> Self {
        self.introspection_endpoint = Some(endpoint);
        self
    }

    /// Sets the revocation endpoint (RFC 7009), whatever the issuer's metadata says.
    #[must_use]
    pub fn with_revocation_endpoint(mut self, endpoint: Endpoint) -> Self {
        self.revocation_endpoint = Some(endpoint);
        self
    }

    /// Builds the request for a token or about one, to a server with this metadata.
    fn request(&self, context: &RequestContext<'_>, metadata: &Metadata) -> Result<UnsignedRequest, Error> {
        let (kind, credentials) = (EndpointKind::of(context), context.credentials());
        let own_endpoint = match kind {
            EndpointKind::Introspection => &self.introspection_endpoint,
            EndpointKind::Revocation => &self.revocation_endpoint,
            _ => &None,
        };
        let endpoint = own_endpoint.clone().map_or_else(|| metadata.endpoint(kind, credentials), Ok)?;
        let method =
            self.client_authentication.map_or_else(|| metadata.client_authentication(kind, credentials), Ok)?;
        let audience = self.assertion_audience.clone().map_or_else(|| metadata.assertion_audience(credentials), Ok)?;
        let request = context.post(&endpoint).assertion_audience(audience);
        let request = if self.client_id_parameter { request.client_id_parameter() } else { request };
        if context.operation().is_some() {
            return request.client_authentication(method).token().build();
        }
        metadata.check_proof_key(context.parameters())?;
        let request = if self.json { request.json() } else { request };
        let request = request.client_credentials().client_authentication(method);
        request.scope().audience().resources().authorization_details().dpop().build()
    }
}

impl CredentialsGrant for OAuth2 {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        match &self.server {
            Server::Known(url) => self.request(context, &Metadata::from_token_url(url.clone())),
            Server::Discovered(discovery) => {
                discovery.first_request(context, |metadata| self.request(context, metadata))
            }
        }
    }

    fn operation_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        // The context says what the request is for.
        self.token_request(context)
    }

    fn next_request(&self, context: &RequestContext<'_>, response: &HttpResponse) -> Result<UnsignedRequest, Error> {
        match &self.server {
            Server::Known(url) => self.request(context, &Metadata::from_token_url(url.clone())),
            Server::Discovered(discovery) => {
                discovery.next_request(context, response, |metadata| self.request(context, metadata))
            }
        }
    }

    fn read_response(&self, response: &HttpResponse) -> Result<TokenResponse, Error> {
        self.reader.read(response).inspect_err(|error| {
            if let Server::Discovered(discovery) = &self.server {
                discovery.forget_if_gone(error);
            }
        })
    }

    fn policy(&self) -> Policy {
        self.policy.clone()
    }

    fn identify(&self, mut state: &mut dyn Hasher) -> bool {
        self.hash(&mut state);
        true
    }
}

impl Configure for OAuth2 {
    const NAME: &'static str = "oauth2";
    const TITLE: &'static str = "any OAuth 2.0 server";
    const SETTINGS: &'static [Setting] = &[
        Setting::new("issuer", "the issuer, whose metadata names the endpoints"),
        Setting::new("token-url", "the token URL, instead of `issuer`; plain HTTP for loopback only"),
        Setting::client_authentication(
            "auth",
            "how the client authenticates: by default, the best method that the server lists and the credentials allow",
            &ClientAuthentication::ALL,
        ),
        Setting::one_of(
            "client-id-parameter",
            "when to send `client_id`: as-needed unless set",
            &["as-needed", "always"],
        ),
        Setting::one_of("encoding", "how token requests are encoded: form unless set", &["form", "json"]),
        Setting::new("assertion-audience", "the `aud` of assertions: the issuer, or else the token URL, unless set"),
        Setting::new("introspection-url", "the introspection endpoint, if the issuer's metadata does not name it"),
        Setting::new("revocation-url", "the revocation endpoint, if the issuer's metadata does not name it"),
        Setting::new(
            "expired-status",
            "statuses by which the API says that the token has expired, beside 401: 403 400",
        ),
        Setting::new(
            "expired-member",
            "a member of the API's JSON that says that the token has expired, whatever the status: /errors/0/code",
        ),
        Setting::new("expired-values", "the values of `expired-member` that mean it, separated by spaces: 601 602"),
        Setting::one_of(
            "zero-lifetime",
            "what `expires_in: 0` means: that the token has expired, unless set to unstated",
            &["expired", "unstated"],
        ),
        Setting::one_of(
            "same-token",
            "when a token ends that the server sends again: as it said first, unless set to extended",
            &["ends-as-stated", "extended"],
        ),
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
        let reader = ResponseReader::rfc6749();
        let reader = match settings.find("zero-lifetime") {
            Some("unstated") => reader.zero_is_unstated(),
            _ => reader,
        };
        Ok(Self {
            policy: configured_policy(settings)?,
            reader,
            client_authentication: settings.parse("auth")?,
            client_id_parameter: settings.find("client-id-parameter") == Some("always"),
            json: settings.find("encoding") == Some("json"),
            assertion_audience: settings.find("assertion-audience").map(str::to_owned),
            introspection_endpoint: settings.parse("introspection-url")?,
            revocation_endpoint: settings.parse("revocation-url")?,
            ..provider
        })
    }
}

/// Returns the policy that the settings describe.
fn configured_policy(settings: &Settings) -> Result<Policy, Error> {
    let refused = |message: &'static str, remedy: &'static str| {
        Err(Error::new(ErrorKind::Configuration, message).with_remedy(remedy))
    };
    let mut policy = Policy::new();
    for status in words(settings.find("expired-status")) {
        policy = match status.parse::<StatusCode>() {
            Ok(status) if !status.is_success() => policy.with_expired_status(status),
            Ok(_) => {
                return refused(
                    "`expired-status` names the status of a success",
                    "name the member that says it, by `expired-member` and `expired-values`",
                );
            }
            Err(_) => return refused("`expired-status` is not a list of statuses", "write such as 403 or 403 400"),
        };
    }
    let values: Vec<_> = words(settings.find("expired-values")).map(str::to_owned).collect();
    policy = match (settings.find("expired-member"), values.is_empty()) {
        (Some(member), false) => policy.with_expired_body(ExpiredBody::new(member.to_owned(), values)),
        (None, true) => policy,
        (Some(_), true) => return refused("`expired-member` is set, but not `expired-values`", "set both"),
        (None, false) => return refused("`expired-values` is set, but not `expired-member`", "set both"),
    };
    Ok(if settings.find("same-token") == Some("extended") { policy.with_extended_tokens() } else { policy })
}

fn words(list: Option<&str>) -> impl Iterator<Item = &str> {
    list.unwrap_or_default().split([' ', ',']).filter(|word| !word.is_empty())
}
