//! How a provider describes a request: one chain of calls, in the order of the vendor's page.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};

use crate::assertion;
use crate::client_authentication::{ClientAuthentication, Encode, basic};
use crate::encode::concat;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::header;
use crate::proof_key::DPOP;
use crate::request_context::RequestContext;
use crate::signed_value::SignedValue;
use crate::signer::{SecretSigner, Signer};
use crate::token_parameters::TokenParameters;
use crate::unsigned_request::{CLIENT_ASSERTION, Layout, Parameter, UnsignedRequest};

// The token parameters, as errors name them.
const SCOPE: &str = "scope";
const AUDIENCE: &str = "audience";
const RESOURCE: &str = "resource";
const DETAILS: &str = "authorization_details";
const PROOF: &str = "proof key";

/// Builds an [`UnsignedRequest`].
///
/// A part that is invalid (an empty secret, a value that no header can carry) is reported by [`build`](Self::build), so
/// that the calls can be chained.
///
/// ```
/// use credentials_grant::{ClientAuthentication, Endpoint, Error, RequestContext, UnsignedRequest};
///
/// fn token_request(endpoint: &Endpoint, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
///     context
///         .post(endpoint)
///         .json()
///         .client_credentials()
///         .client_authentication(ClientAuthentication::ClientSecretPost)
///         .scope()
///         .build()
/// }
/// ```
pub struct RequestBuilder<'a> {
    context: RequestContext<'a>,
    request: UnsignedRequest,
    /// Signs the assertion, if the client authenticates by one.
    signer: Option<Arc<dyn Signer>>,
    assertion_audience: Option<String>,
    client_id_parameter: bool,
    /// Which of the token parameters have gone into the request.
    included: Vec<&'static str>,
    problem: Option<Error>,
}

impl<'a> RequestContext<'a> {
    /// Starts a POST, the method of RFC 6749 section 3.2. Parameters go into a form, unless
    /// [`json`](RequestBuilder::json) or [`query`](RequestBuilder::query) is called. `Accept: application/json` and the
    /// content type are set, unless you set them.
    #[must_use]
    pub fn post(&self, endpoint: &Endpoint) -> RequestBuilder<'a> {
        RequestBuilder::new(*self, Method::POST, endpoint)
    }

    /// Starts a GET, for vendors that want one. Parameters go into the query.
    #[must_use]
    pub fn get(&self, endpoint: &Endpoint) -> RequestBuilder<'a> {
        RequestBuilder::new(*self, Method::GET, endpoint).query()
    }
}

impl<'a> RequestBuilder<'a> {
    pub(crate) fn new(context: RequestContext<'a>, method: Method, endpoint: &Endpoint) -> Self {
        let request = UnsignedRequest {
            method,
            endpoint: endpoint.clone(),
            layout: Layout::Form,
            parameters: Vec::new(),
            signed_parameters: Vec::new(),
            signed_headers: Vec::new(),
            certificate: None,
            headers: HeaderMap::new(),
            header_secrets: Vec::new(),
            continues: false,
            side_request: None,
        };
        Self {
            context,
            request,
            signer: None,
            assertion_audience: None,
            client_id_parameter: false,
            included: Vec::new(),
            problem: None,
        }
    }

    /// Sends the parameters as a JSON object.
    #[must_use]
    pub fn json(mut self) -> Self {
        self.request.layout = Layout::Json;
        self
    }

    /// Sends the parameters in the query of the URL, with an empty body.
    #[must_use]
    pub fn query(mut self) -> Self {
        self.request.layout = Layout::Query;
        self
    }

    /// Adds `grant_type=client_credentials` (RFC 6749 section 4.4.2).
    #[must_use]
    pub fn client_credentials(self) -> Self {
        self.grant_type("client_credentials")
    }

    /// Adds a grant type of the vendor's own.
    #[must_use]
    pub fn grant_type(self, grant_type: impl Into<String>) -> Self {
        self.parameter("grant_type", grant_type)
    }

    /// Sets how the client authenticates. Without it, the request carries no credentials.
    #[must_use]
    pub fn client_authentication(mut self, method: ClientAuthentication) -> Self {
        let credentials = self.context.credentials();
        // Whatever the method, the token may be bound to the certificate.
        self.request.certificate = credentials.certificate().cloned();
        match method {
            ClientAuthentication::ClientSecretBasic => self.basic(Encode::Percent),
            ClientAuthentication::ClientSecretBasicRaw => self.basic(Encode::Raw),
            ClientAuthentication::ClientSecretBasicStrict => self.basic(Encode::Strict),
            ClientAuthentication::ClientSecretPost => match (credentials.client_id(), credentials.client_secret()) {
                (Ok(id), Ok(secret)) => self.parameter("client_id", id).secret_parameter("client_secret", secret),
                (Err(error), _) | (_, Err(error)) => self.fail(error),
            },
            ClientAuthentication::ClientSecretJwt => match credentials.client_secret() {
                Ok(secret) => self.signed_by(Arc::new(SecretSigner(secret.clone()))),
                Err(error) => self.fail(error),
            },
            ClientAuthentication::TlsClientAuth if credentials.certificate().is_none() => self.fail(
                Error::configuration("these credentials have no client certificate")
                    .with_remedy("add it, or authenticate by another method"),
            ),
            ClientAuthentication::TlsClientAuth | ClientAuthentication::None => self.client_id(),
            ClientAuthentication::PrivateKeyJwt => match (credentials.assertion(), credentials.signer()) {
                (Some(_), Some(_)) => self.fail(
                    Error::configuration("these credentials have both a signed assertion and a key that signs")
                        .with_remedy("remove one of them: `with_assertion` or `with_signer`"),
                ),
                (Some(jwt), None) if jwt.expose_secret().is_empty() => self.fail(
                    Error::configuration("the assertion is empty").with_remedy("set the JWT that you were issued"),
                ),
                (Some(jwt), None) => self.client_id().client_assertion(jwt),
                (None, Some(signer)) => self.signed_by(Arc::clone(signer)),
                (None, None) => self.fail(
                    Error::configuration("these credentials have neither a signer nor an assertion")
                        .with_remedy("add one of them, or authenticate by another method"),
                ),
            },
        }
    }

    /// Sends `client_id` as a parameter, the last one, if client authentication does not send it there. Beside HTTP
    /// Basic, RFC 6749 section 3.2.1 makes it optional, and some servers require it.
    #[must_use]
    pub fn client_id_parameter(mut self) -> Self {
        self.client_id_parameter = true;
        self
    }

    /// Sets the audience (`aud`) of the client's assertion. It is the token URL by default; many servers want their
    /// issuer.
    #[must_use]
    pub fn assertion_audience(mut self, audience: impl Into<String>) -> Self {
        self.assertion_audience = Some(audience.into());
        self
    }

    /// Adds the requested scopes, if there are any, separated by spaces (RFC 6749 section 3.3).
    #[must_use]
    pub fn scope(self) -> Self {
        self.scope_separated_by(" ")
    }

    /// Adds the requested scopes, if there are any, with another separator.
    #[must_use]
    pub fn scope_separated_by(self, separator: &str) -> Self {
        self.scope_in("scope", separator)
    }

    /// Adds the requested scopes, if there are any, under another name and with another separator.
    #[must_use]
    pub fn scope_in(mut self, name: impl Into<Cow<'static, str>>, separator: &str) -> Self {
        self.included.push(SCOPE);
        match self.context.parameters().scopes() {
            [] => self,
            scopes => self.parameter(name, scopes.join(separator)),
        }
    }

    /// Adds the requested audience, if there is one, as `audience`.
    #[must_use]
    pub fn audience(mut self) -> Self {
        self.included.push(AUDIENCE);
        match self.context.parameters().audience() {
            Some(audience) => self.parameter("audience", audience),
            None => self,
        }
    }

    /// Adds the requested resources, each as a `resource` (RFC 8707 section 2).
    #[must_use]
    pub fn resources(mut self) -> Self {
        self.included.push(RESOURCE);
        let resources = self.context.parameters().resources();
        resources.iter().fold(self, |builder, resource| builder.parameter("resource", resource))
    }

    /// Adds the requested authorization details, if there are any (RFC 9396 section 2). They can go into a form only.
    #[must_use]
    pub fn authorization_details(mut self) -> Self {
        self.included.push(DETAILS);
        match self.context.parameters().authorization_details() {
            Some(details) => self.parameter("authorization_details", details),
            None => self,
        }
    }

    /// Adds a DPoP proof if the token parameters have a proof key (RFC 9449 section 5).
    #[must_use]
    pub fn dpop(mut self) -> Self {
        self.included.push(PROOF);
        self
    }

    /// Adds the token of the context's [operation](RequestContext::operation), with the hint that it is an access token
    /// (RFC 7009 section 2.1, RFC 7662 section 2.1).
    #[must_use]
    pub fn token(self) -> Self {
        match self.context.operation() {
            Some(operation) => {
                self.secret_parameter("token", operation.token()).parameter("token_type_hint", "access_token")
            }
            None => self.fail(Error::configuration("only a request for introspection or revocation holds a token")),
        }
    }

    /// Adds a parameter. Its value is not a secret. A name that is used twice is an error of [`build`](Self::build).
    #[must_use]
    pub fn parameter(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.request.parameters.push(Parameter { name: name.into(), value: value.into().into(), secret: false });
        self
    }

    /// Adds a parameter whose value is a secret: it is redacted from errors.
    #[must_use]
    pub fn secret_parameter(mut self, name: impl Into<Cow<'static, str>>, value: &SecretString) -> Self {
        self.request.parameters.push(Parameter { name: name.into(), value: value.clone(), secret: true });
        self
    }

    /// Sets a header. Its value is not a secret. It replaces a header of the same name.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        let value = header::value(name, value);
        self.insert_header(name, value)
    }

    /// Sets a header whose value is a secret: it is marked sensitive, and redacted from errors. It replaces a header of
    /// the same name.
    #[must_use]
    pub fn secret_header(mut self, name: &str, value: &SecretString) -> Self {
        let secret = value.expose_secret();
        let behind_scheme = secret.split_once(' ').map_or(secret, |(_, secret)| secret);
        let unpadded = behind_scheme.trim_end_matches('=');
        self.request.header_secrets.extend([secret, behind_scheme, unpadded].map(SecretString::from));
        let value = header::wiped_value(name, secret);
        self.insert_header(name, value)
    }

    /// Adds a parameter that is signed when the request is: see [`SignedValue`]. It counts as a secret.
    #[must_use]
    pub fn signed_parameter(mut self, name: impl Into<Cow<'static, str>>, value: SignedValue) -> Self {
        self.request.signed_parameters.push((self.request.parameters.len(), value));
        self.secret_parameter(name, &SecretString::default())
    }

    /// Sets a header that is signed when the request is: see [`SignedValue`]. It counts as a secret.
    ///
    /// ```
    /// # use credentials_grant::{Endpoint, Error, RequestContext, SignedValue, UnsignedRequest};
    /// # fn token_request(endpoint: &Endpoint, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
    /// let signature = SignedValue::new(context.credentials().require_signer()?, "message", |signature| {
    ///     signature.iter().map(|byte| format!("{byte:02x}")).collect()
    /// });
    /// context.post(endpoint).client_credentials().signed_header("X-Signature", signature).build()
    /// # }
    /// ```
    #[must_use]
    pub fn signed_header(mut self, name: &str, value: SignedValue) -> Self {
        match header::name(name) {
            Ok(name) => {
                self.request.signed_headers.push((name, value));
                self
            }
            Err(error) => self.fail(error),
        }
    }

    /// Redacts a further secret from errors: one that was derived from the credentials on the way into a parameter or a
    /// header, such as the inner base64 of a value that is encoded twice.
    #[must_use]
    pub fn redact(mut self, secret: &SecretString) -> Self {
        self.request.header_secrets.push(secret.clone());
        self
    }

    /// Declares that the response to this request is not yet the token:
    /// [`next_request`](crate::CredentialsGrant::next_request) is called with it.
    ///
    /// All token parameters must go into the last request, which is the one that is checked for them.
    #[must_use]
    pub fn continues(mut self) -> Self {
        self.request.continues = true;
        self
    }

    /// Returns the request.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), naming a part that is invalid, or one of the token
    /// parameters that this provider does not support.
    pub fn build(mut self) -> Result<UnsignedRequest, Error> {
        if self.client_id_parameter && self.request.parameters.iter().all(|parameter| parameter.name != "client_id") {
            self = self.client_id();
        }
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        if let Some(signer) = self.signer.take() {
            let audience = self.assertion_audience.as_deref().unwrap_or(self.request.endpoint.url().as_str());
            let assertion = assertion::assertion(&self.context, audience, &signer)?;
            let parameters = self.request.parameters.iter();
            let place = parameters.enumerate().find(|(_, parameter)| parameter.name == CLIENT_ASSERTION);
            self.request.signed_parameters.extend(place.map(|(index, _)| (index, assertion)));
        }
        self.add_proof()?;
        // A first request need not carry what the last one does.
        if self.request.continues {
            self.request.check_names()?;
            return Ok(self.request);
        }
        let asked = self.context.parameters();
        asked.check()?;
        self.check_included(asked)?;
        if asked.authorization_details().is_some() && matches!(self.request.layout, Layout::Json) {
            return Err(Error::configuration("authorization details cannot be sent as JSON")
                .with_remedy("leave the details out, or send a form"));
        }
        for (name, value) in asked.extra_parameters() {
            self.request.add_extra(name, value)?;
        }
        self.request.check_names()?;
        Ok(self.request)
    }

    /// Refuses parameters that were asked for and are not part of the request.
    fn check_included(&self, asked: &TokenParameters) -> Result<(), Error> {
        let asked = [
            (SCOPE, !asked.scopes().is_empty()),
            (AUDIENCE, asked.audience().is_some()),
            (RESOURCE, !asked.resources().is_empty()),
            (DETAILS, asked.authorization_details().is_some()),
            (PROOF, asked.proof_key().is_some()),
        ];
        let Some((what, _)) = asked.iter().find(|(what, asked)| *asked && !self.included.contains(what)) else {
            return Ok(());
        };
        let (message, remedy) = match *what {
            PROOF => (
                "this provider does not support proof keys".to_owned(),
                "leave the key out, or ask the vendor for DPoP (RFC 9449)",
            ),
            what => (
                format!("this provider does not support the parameter `{what}`"),
                "leave it out, or add it as an extra parameter under the vendor's own name",
            ),
        };
        Err(Error::configuration(message).with_remedy(remedy))
    }

    /// Adds the DPoP proof, if the request is to have one.
    fn add_proof(&mut self) -> Result<(), Error> {
        let key = self.context.parameters().proof_key().filter(|_| self.included.contains(&PROOF));
        if let Some(key) = key {
            let (method, url) = (&self.request.method, self.request.endpoint.url());
            // A dry run must not depend on what a server has sent.
            let nonce = if self.context.is_dry_run() { None } else { key.nonce(url) };
            let proof = key.unsigned(method, url, None, nonce, self.context.proof_seed())?;
            self.request.signed_headers.push((DPOP, proof));
        }
        Ok(())
    }

    fn client_id(self) -> Self {
        match self.context.credentials().client_id() {
            Ok(id) => self.parameter("client_id", id),
            Err(error) => self.fail(error),
        }
    }

    /// Adds an assertion that is signed when the request is.
    fn signed_by(mut self, signer: Arc<dyn Signer>) -> Self {
        self.signer = Some(signer);
        self.client_id().client_assertion(&SecretString::default())
    }

    fn client_assertion(self, jwt: &SecretString) -> Self {
        self.parameter("client_assertion_type", assertion::TYPE).secret_parameter(CLIENT_ASSERTION, jwt)
    }

    fn basic(self, encode: Encode) -> Self {
        match basic(self.context.credentials(), encode) {
            Ok(pair) => {
                let header = SecretString::from(concat(["Basic ", pair.expose_secret()].into_iter()));
                self.secret_header(AUTHORIZATION.as_str(), &header)
            }
            Err(error) => self.fail(error),
        }
    }

    fn insert_header(mut self, name: &str, value: Result<HeaderValue, Error>) -> Self {
        match header::name(name).and_then(|name| Ok((name, value?))) {
            Ok((name, value)) => {
                self.request.headers.insert(name, value);
                self
            }
            Err(error) => self.fail(error),
        }
    }

    fn fail(mut self, error: Error) -> Self {
        self.problem.get_or_insert(error);
        self
    }
}

impl fmt::Debug for RequestBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBuilder")
            .field("request", &self.request)
            .field("problem", &self.problem)
            .finish_non_exhaustive()
    }
}
