//! What a provider says of itself, for the checks to hold it to.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use credentials_grant::{ClientCredentials, CredentialsGrant, Endpoint, Error, ErrorKind, TokenParameters};

/// A provider, with the fixtures that its author wrote by hand from the vendor's page.
///
/// A check for which nothing is given says so instead of passing in silence; the request, the token and the refusal
/// must be given.
pub struct Subject {
    pub(crate) provider: Arc<dyn CredentialsGrant>,
    pub(crate) at: Box<dyn Fn(Endpoint) -> Arc<dyn CredentialsGrant>>,
    pub(crate) credentials: ClientCredentials,
    pub(crate) secrets: Vec<&'static str>,
    pub(crate) secrets_in_query: bool,
    pub(crate) parameters: TokenParameters,
    pub(crate) request: Option<&'static str>,
    pub(crate) tokens: Vec<(&'static str, Expected)>,
    pub(crate) refusals: Vec<(&'static str, ErrorKind)>,
    pub(crate) variants: Vec<Variant>,
    pub(crate) hostile: Vec<(&'static str, Hostile)>,
}

/// The provider with one setting changed, and the fixture of its request if there is one.
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    pub(crate) provider: Arc<dyn CredentialsGrant>,
    pub(crate) request: Option<&'static str>,
}

pub(crate) type Hostile = Box<dyn Fn(&str) -> Result<Arc<dyn CredentialsGrant>, Error>>;

impl Subject {
    /// A provider as most people build it, and how to point it at another token endpoint.
    ///
    /// Its fixtures are written for the client `yourClientId` with the secret `YourClientSecret`, until
    /// [`with_credentials`](Self::with_credentials) says otherwise.
    pub fn new<P: CredentialsGrant>(provider: impl CredentialsGrant, at: impl Fn(Endpoint) -> P + 'static) -> Self {
        Self {
            provider: Arc::new(provider),
            at: Box::new(move |endpoint| Arc::new(at(endpoint))),
            credentials: ClientCredentials::new("yourClientId", "YourClientSecret"),
            secrets: Vec::new(),
            secrets_in_query: false,
            parameters: TokenParameters::new(),
            request: None,
            tokens: Vec::new(),
            refusals: Vec::new(),
            variants: Vec::new(),
            hostile: Vec::new(),
        }
    }

    /// The credentials for which the fixtures are written. `secrets` names the further secrets among them.
    #[must_use]
    pub fn with_credentials(mut self, credentials: ClientCredentials, secrets: &[&'static str]) -> Self {
        self.credentials = credentials;
        self.secrets = secrets.to_vec();
        self
    }

    /// Says that this vendor wants secrets in the query of the URL, where they must not be otherwise.
    #[must_use]
    pub fn with_secrets_in_query(mut self) -> Self {
        self.secrets_in_query = true;
        self
    }

    /// What the fixtures ask for.
    #[must_use]
    pub fn with_parameters(mut self, parameters: TokenParameters) -> Self {
        self.parameters = parameters;
        self
    }

    /// The request, byte for byte.
    #[must_use]
    pub fn with_request(mut self, fixture: &'static str) -> Self {
        self.request = Some(fixture);
        self
    }

    /// An answer with a token, and what is to be found in it.
    #[must_use]
    pub fn with_token(mut self, fixture: &'static str, expected: Expected) -> Self {
        self.tokens.push((fixture, expected));
        self
    }

    /// An answer without a token, and what kind of failure it is.
    #[must_use]
    pub fn with_refusal(mut self, fixture: &'static str, kind: ErrorKind) -> Self {
        self.refusals.push((fixture, kind));
        self
    }

    /// The provider with one setting changed: the change must show in the request.
    #[must_use]
    pub fn with_variant(mut self, name: &'static str, provider: impl CredentialsGrant) -> Self {
        self.variants.push(Variant { name, provider: Arc::new(provider), request: None });
        self
    }

    /// The provider with one setting changed, and its request, byte for byte.
    #[must_use]
    pub fn with_variant_request(
        mut self,
        name: &'static str,
        provider: impl CredentialsGrant,
        fixture: &'static str,
    ) -> Self {
        self.variants.push(Variant { name, provider: Arc::new(provider), request: Some(fixture) });
        self
    }

    /// A setting that goes into the URL: hostile values must be refused by name, or stay within their place.
    #[must_use]
    pub fn with_url_setting<P: CredentialsGrant>(
        mut self,
        name: &'static str,
        build: impl Fn(&str) -> Result<P, Error> + 'static,
    ) -> Self {
        self.hostile.push((name, Box::new(move |value| build(value).map(|provider| Arc::new(provider) as _))));
        self
    }
}

/// What is to be found in an answer.
#[derive(Clone, Debug)]
pub struct Expected {
    pub(crate) token: &'static str,
    pub(crate) lifetime: Duration,
    pub(crate) token_type: Option<&'static str>,
    pub(crate) scopes: Vec<&'static str>,
}

impl Expected {
    /// This token, which lives so long, and of which nothing else is said.
    #[must_use]
    pub fn new(token: &'static str, lifetime: Duration) -> Self {
        Self { token, lifetime, token_type: None, scopes: Vec::new() }
    }

    /// The type, as the server sends it.
    #[must_use]
    pub fn with_token_type(mut self, token_type: &'static str) -> Self {
        self.token_type = Some(token_type);
        self
    }

    /// The scopes granted.
    #[must_use]
    pub fn with_scopes(mut self, scopes: &[&'static str]) -> Self {
        self.scopes = scopes.to_vec();
        self
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("provider", &self.provider)
            .field("ask", &self.parameters)
            .finish_non_exhaustive()
    }
}
