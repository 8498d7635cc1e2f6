//! A provider that keeps to RFC 6749.

use std::hash::{Hash, Hasher};

use credentials_grant::{
    ClientAuthentication, CredentialsGrant, Endpoint, Error, HttpResponse, Policy, RequestContext, ResponseReader,
    TokenResponse, UnsignedRequest,
};

/// A provider that keeps to RFC 6749: one request to `https://auth.example.com/token`, with the client id and secret as
/// HTTP Basic and with the scopes.
///
/// ```
/// use credentials_grant::{CredentialsGrant, Policy};
/// use credentials_grant_test_kit::Acme;
///
/// let shop = Acme::new().with_name("shop").with_policy(Policy::new().with_host("api.example.com"));
/// assert_eq!((shop.name(), shop.policy().hosts().len()), ("shop", 1));
/// ```
#[derive(Clone, Debug, Hash)]
pub struct Acme {
    name: &'static str,
    endpoint: Endpoint,
    client_authentication: ClientAuthentication,
    supports_dpop: bool,
    reader: ResponseReader,
    policy: Policy,
}

impl Default for Acme {
    fn default() -> Self {
        Self {
            name: "acme",
            endpoint: Self::endpoint(),
            client_authentication: ClientAuthentication::ClientSecretBasic,
            supports_dpop: false,
            reader: ResponseReader::rfc6749(),
            policy: Policy::new(),
        }
    }
}

impl Acme {
    /// Makes a provider named `acme`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the token endpoint of a provider for which no other is set.
    pub fn endpoint() -> Endpoint {
        Endpoint::from_static("https://auth.example.com/token")
    }

    /// Sets the name.
    pub fn with_name(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// Sets the token endpoint.
    pub fn with_endpoint(self, endpoint: Endpoint) -> Self {
        Self { endpoint, ..self }
    }

    /// Sets how the client authenticates.
    pub fn with_client_authentication(self, client_authentication: ClientAuthentication) -> Self {
        Self { client_authentication, ..self }
    }

    /// Supports proof keys (DPoP, RFC 9449).
    pub fn with_dpop(self) -> Self {
        Self { supports_dpop: true, ..self }
    }

    /// Sets how responses are read.
    pub fn with_reader(self, reader: ResponseReader) -> Self {
        Self { reader, ..self }
    }

    /// Sets the policy.
    pub fn with_policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }
}

impl CredentialsGrant for Acme {
    fn name(&self) -> &str {
        self.name
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        let request = context.post(&self.endpoint).client_authentication(self.client_authentication);
        let request = request.client_credentials().scope();
        if self.supports_dpop { request.dpop().build() } else { request.build() }
    }

    fn read_response(&self, response: &HttpResponse) -> Result<TokenResponse, Error> {
        self.reader.read(response)
    }

    fn policy(&self) -> Policy {
        self.policy.clone()
    }

    fn identify(&self, mut state: &mut dyn Hasher) -> bool {
        self.hash(&mut state);
        true
    }
}
