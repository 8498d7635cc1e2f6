//! The provider that the checks test, with its fixtures.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use credentials_grant::{ClientCredentials, CredentialsGrant, Endpoint, Error, ErrorKind, TokenParameters};

/// The provider to test, with fixtures that its author wrote by hand from the vendor's page.
///
/// Fixtures for the request, a token and a refusal are required. A check that needs anything else reports if it does
/// not apply.
///
/// ```
/// # use std::time::Duration;
/// # use credentials_grant::{
/// #     ClientAuthentication, CredentialsGrant, Endpoint, Error, ErrorKind, RequestContext, UnsignedRequest,
/// # };
/// # #[derive(Debug)]
/// # struct Acme(Endpoint);
/// # impl CredentialsGrant for Acme {
/// #     fn name(&self) -> &str { "acme" }
/// #     fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
/// #         context.post(&self.0).client_authentication(ClientAuthentication::None).client_credentials().build()
/// #     }
/// # }
/// use credentials_grant_conformance::{Expected, Subject};
///
/// # const REQUEST: &str = "";
/// # const TOKEN: &str = "";
/// # const REFUSAL: &str = "";
/// fn acme() -> Subject {
///     let acme = Acme(Endpoint::from_static("https://auth.acme.example/token"));
///     // `REQUEST` and the others are `include_str!("../fixtures/request.http")` and so on.
///     Subject::new(acme, Acme)
///         .with_request(REQUEST)
///         .with_token(TOKEN, Expected::new("abc", Duration::from_secs(3600)))
///         .with_refusal(REFUSAL, ErrorKind::CredentialsRefused)
/// }
/// # acme();
/// ```
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
    pub(crate) url_settings: Vec<(&'static str, BuildProvider)>,
}

/// The provider with one setting changed, and the fixture of its request, if there is one.
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    pub(crate) provider: Arc<dyn CredentialsGrant>,
    pub(crate) request: Option<&'static str>,
}

pub(crate) type BuildProvider = Box<dyn Fn(&str) -> Result<Arc<dyn CredentialsGrant>, Error>>;

impl Subject {
    /// Creates a subject of a provider with its defaults, and of a function that builds it with another token endpoint.
    ///
    /// The fixtures are for the client `yourClientId` with the secret `YourClientSecret`, unless
    /// [`with_credentials`](Self::with_credentials) is called.
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
            url_settings: Vec::new(),
        }
    }

    /// Sets the credentials that the fixtures are for. `secrets` lists the names of the further secrets in them.
    #[must_use]
    pub fn with_credentials(mut self, credentials: ClientCredentials, secrets: &[&'static str]) -> Self {
        self.credentials = credentials;
        self.secrets = secrets.to_vec();
        self
    }

    /// Allows secrets in the query of the URL, for a vendor that wants them there.
    #[must_use]
    pub fn with_secrets_in_query(mut self) -> Self {
        self.secrets_in_query = true;
        self
    }

    /// Sets the token parameters that the fixtures are for.
    #[must_use]
    pub fn with_parameters(mut self, parameters: TokenParameters) -> Self {
        self.parameters = parameters;
        self
    }

    /// Sets the fixture of the request, byte for byte.
    #[must_use]
    pub fn with_request(mut self, fixture: &'static str) -> Self {
        self.request = Some(fixture);
        self
    }

    /// Adds a response with a token, and what must be read from it.
    #[must_use]
    pub fn with_token(mut self, fixture: &'static str, expected: Expected) -> Self {
        self.tokens.push((fixture, expected));
        self
    }

    /// Adds a response without a token, and the kind of error that it must give.
    #[must_use]
    pub fn with_refusal(mut self, fixture: &'static str, kind: ErrorKind) -> Self {
        self.refusals.push((fixture, kind));
        self
    }

    /// Adds the provider with one setting changed, which must change the request.
    #[must_use]
    pub fn with_variant(mut self, name: &'static str, provider: impl CredentialsGrant) -> Self {
        self.variants.push(Variant { name, provider: Arc::new(provider), request: None });
        self
    }

    /// Adds the provider with one setting changed, and the fixture of its request, byte for byte.
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

    /// Adds a setting that goes into the URL. A hostile value must be refused with the name of the setting, or stay in
    /// its place.
    ///
    /// ```
    /// # use credentials_grant::{CredentialsGrant, Endpoint, Error, RequestContext, UnsignedRequest};
    /// # use credentials_grant_conformance::Subject;
    /// # #[derive(Debug)]
    /// # struct Acme(Endpoint);
    /// # impl CredentialsGrant for Acme {
    /// #     fn name(&self) -> &str { "acme" }
    /// #     fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
    /// #         context.post(&self.0).client_credentials().build()
    /// #     }
    /// # }
    /// fn shop(shop: &str) -> Result<Acme, Error> {
    ///     Endpoint::expand("https://{shop}.acme.example/token", &[("shop", shop)]).map(Acme)
    /// }
    ///
    /// let acme = Subject::new(shop("north")?, Acme).with_url_setting("shop", shop);
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn with_url_setting<P: CredentialsGrant>(
        mut self,
        name: &'static str,
        build: impl Fn(&str) -> Result<P, Error> + 'static,
    ) -> Self {
        self.url_settings.push((name, Box::new(move |value| build(value).map(|provider| Arc::new(provider) as _))));
        self
    }
}

/// What must be read from a response with a token.
///
/// ```
/// use std::time::Duration;
/// use credentials_grant_conformance::Expected;
///
/// let expected = Expected::new("abc", Duration::from_secs(3600)).with_token_type("Bearer").with_scopes(&["read"]);
/// ```
#[derive(Clone, Debug)]
pub struct Expected {
    pub(crate) token: &'static str,
    pub(crate) lifetime: Duration,
    pub(crate) token_type: Option<&'static str>,
    pub(crate) scopes: Vec<&'static str>,
    pub(crate) header: Option<(&'static str, &'static str)>,
}

impl Expected {
    /// Expects this token with this lifetime, no type and no scopes.
    #[must_use]
    pub fn new(token: &'static str, lifetime: Duration) -> Self {
        Self { token, lifetime, token_type: None, scopes: Vec::new(), header: None }
    }

    /// Sets the type, as the server sends it.
    #[must_use]
    pub fn with_token_type(mut self, token_type: &'static str) -> Self {
        self.token_type = Some(token_type);
        self
    }

    /// Sets the granted scopes.
    #[must_use]
    pub fn with_scopes(mut self, scopes: &[&'static str]) -> Self {
        self.scopes = scopes.to_vec();
        self
    }

    /// Sets the header that presents the token. By default, `authorization` with `Bearer ` and the token is expected.
    ///
    /// ```
    /// use std::time::Duration;
    /// use credentials_grant_conformance::Expected;
    ///
    /// let expected = Expected::new("abc", Duration::from_secs(3600)).with_header("x-shop-access-token", "abc");
    /// ```
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("provider", &self.provider)
            .field("parameters", &self.parameters)
            .finish_non_exhaustive()
    }
}
