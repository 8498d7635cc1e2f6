//! How a provider describes a token request: in one chain, in the order in which the vendor's page has its parts.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};

use crate::assertion;
use crate::attempt::Attempt;
use crate::client_authentication::{ClientAuthentication, Encode, basic};
use crate::endpoint::TokenEndpoint;
use crate::error::Error;
use crate::header;
use crate::request::{CLIENT_ASSERTION, Layout, Parameter, TokenRequest};
use crate::signer::{SecretSigner, Signer};

// The parts of an ask, as errors name them.
const SCOPE: &str = "scope";
const AUDIENCE: &str = "audience";
const RESOURCE: &str = "resource";
const DETAILS: &str = "authorization details";
const PROOF: &str = "key to bind tokens to";

/// Writes a [`TokenRequest`], in the order in which the vendor's page has its parts.
///
/// A part that cannot be written (an empty secret, a value that no header can carry) fails
/// [`build`](Self::build), so that the parts read as one chain.
pub struct TokenRequestBuilder<'a> {
    attempt: Attempt<'a>,
    request: TokenRequest,
    /// What signs the assertion, if there is one to sign.
    signer: Option<Arc<dyn Signer>>,
    assertion_audience: Option<String>,
    /// Which parts of the ask have gone into the request.
    honoured: Vec<&'static str>,
    problem: Option<Error>,
}

impl<'a> Attempt<'a> {
    /// Begins a POST, the method of RFC 6749 section 3.2; parameters go into a form until
    /// [`json`](TokenRequestBuilder::json) or [`query`](TokenRequestBuilder::query) says otherwise.
    #[must_use]
    pub fn post(&self, endpoint: &TokenEndpoint) -> TokenRequestBuilder<'a> {
        TokenRequestBuilder::new(*self, Method::POST, endpoint)
    }

    /// Begins a GET, for vendors that want one; parameters go into the query.
    #[must_use]
    pub fn get(&self, endpoint: &TokenEndpoint) -> TokenRequestBuilder<'a> {
        TokenRequestBuilder::new(*self, Method::GET, endpoint).query()
    }
}

impl<'a> TokenRequestBuilder<'a> {
    pub(crate) fn new(attempt: Attempt<'a>, method: Method, endpoint: &TokenEndpoint) -> Self {
        let request = TokenRequest {
            method,
            endpoint: endpoint.clone(),
            layout: Layout::Form,
            parameters: Vec::new(),
            assertion: None,
            proof: None,
            certificate: None,
            headers: HeaderMap::new(),
            header_secrets: Vec::new(),
            continues: false,
        };
        Self { attempt, request, signer: None, assertion_audience: None, honoured: Vec::new(), problem: None }
    }

    /// Puts the parameters into a JSON object.
    #[must_use]
    pub fn json(mut self) -> Self {
        self.request.layout = Layout::Json;
        self
    }

    /// Puts the parameters into the query of the URL, and leaves the body empty.
    #[must_use]
    pub fn query(mut self) -> Self {
        self.request.layout = Layout::Query;
        self
    }

    /// `grant_type=client_credentials` (RFC 6749 section 4.4.2).
    #[must_use]
    pub fn client_credentials(self) -> Self {
        self.grant_type("client_credentials")
    }

    /// A grant type of the vendor's own.
    #[must_use]
    pub fn grant_type(self, grant_type: impl Into<String>) -> Self {
        self.parameter("grant_type", grant_type)
    }

    /// Says who the client is, and proves it.
    #[must_use]
    pub fn client_authentication(mut self, way: ClientAuthentication) -> Self {
        let credentials = self.attempt.credentials();
        // Whatever proves who the client is, its token may be bound to the certificate.
        self.request.certificate = credentials.certificate().cloned();
        match way {
            ClientAuthentication::Basic => self.basic(Encode::Percent),
            ClientAuthentication::BasicRaw => self.basic(Encode::Raw),
            ClientAuthentication::BasicStrict => self.basic(Encode::Strict),
            ClientAuthentication::Body => match (credentials.client_id(), credentials.client_secret()) {
                (Ok(id), Ok(secret)) => self.parameter("client_id", id).secret_parameter("client_secret", secret),
                (Err(error), _) | (_, Err(error)) => self.fail(error),
            },
            ClientAuthentication::ClientSecretJwt => match credentials.client_secret() {
                Ok(secret) => self.signed_by(Arc::new(SecretSigner(secret.clone()))),
                Err(error) => self.fail(error),
            },
            ClientAuthentication::Mtls if credentials.certificate().is_none() => self.fail(
                Error::configuration("these credentials hold no client certificate")
                    .with_remedy("add it, or authenticate in another way"),
            ),
            ClientAuthentication::Mtls | ClientAuthentication::None => self.client_id(),
            ClientAuthentication::PrivateKeyJwt => match (credentials.assertion(), credentials.signer()) {
                (Some(jwt), _) if jwt.expose_secret().is_empty() => self.fail(
                    Error::configuration("the assertion is empty").with_remedy("give the JWT that you were issued"),
                ),
                (Some(jwt), _) => self.client_id().client_assertion(jwt),
                (None, Some(signer)) => self.signed_by(Arc::clone(signer)),
                (None, None) => self.fail(
                    Error::configuration("these credentials hold neither a signer nor an assertion")
                        .with_remedy("add one of them, or authenticate in another way"),
                ),
            },
        }
    }

    /// Whom an assertion is for (its `aud`): the issuer at many servers, and the token URL unless this is called.
    #[must_use]
    pub fn assertion_audience(mut self, audience: impl Into<String>) -> Self {
        self.assertion_audience = Some(audience.into());
        self
    }

    /// The scopes of the ask, separated by spaces (RFC 6749 section 3.3); nothing if none were asked for.
    #[must_use]
    pub fn scope(self) -> Self {
        self.scope_separated_by(" ")
    }

    /// The scopes of the ask, separated as the vendor has it.
    #[must_use]
    pub fn scope_separated_by(self, separator: &str) -> Self {
        self.scope_in("scope", separator)
    }

    /// The scopes of the ask, under the vendor's name for them and separated as the vendor has it.
    #[must_use]
    pub fn scope_in(mut self, name: impl Into<Cow<'static, str>>, separator: &str) -> Self {
        self.honoured.push(SCOPE);
        match self.attempt.ask().scopes() {
            [] => self,
            scopes => self.parameter(name, scopes.join(separator)),
        }
    }

    /// The audience of the ask as `audience`; nothing if there is none.
    #[must_use]
    pub fn audience(mut self) -> Self {
        self.honoured.push(AUDIENCE);
        match self.attempt.ask().audience() {
            Some(audience) => self.parameter("audience", audience),
            None => self,
        }
    }

    /// The resources of the ask, each as a `resource` (RFC 8707 section 2).
    #[must_use]
    pub fn resources(mut self) -> Self {
        self.honoured.push(RESOURCE);
        let resources = self.attempt.ask().resources();
        resources.iter().fold(self, |builder, resource| builder.parameter("resource", resource))
    }

    /// The authorization details of the ask (RFC 9396 section 2), for a form.
    #[must_use]
    pub fn authorization_details(mut self) -> Self {
        self.honoured.push(DETAILS);
        match self.attempt.ask().authorization_details() {
            Some(details) => self.parameter("authorization_details", details),
            None => self,
        }
    }

    /// The proof that the ask's key is here (DPoP, RFC 9449 section 5); nothing if the token is to be bound to none.
    #[must_use]
    pub fn dpop(mut self) -> Self {
        self.honoured.push(PROOF);
        self
    }

    /// The token that the attempt's [operation](Attempt::operation) is about, and that it is an access token (RFC 7009
    /// section 2.1, RFC 7662 section 2.1).
    #[must_use]
    pub fn token(self) -> Self {
        match self.attempt.operation() {
            Some(operation) => {
                self.secret_parameter("token", operation.token()).parameter("token_type_hint", "access_token")
            }
            None => self.fail(Error::configuration("a request for a new token is about no other one")),
        }
    }

    /// A parameter that may be printed.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.request.parameters.push(Parameter { name: name.into(), value: value.into().into(), secret: false });
        self
    }

    /// A parameter that is never printed.
    #[must_use]
    pub fn secret_parameter(mut self, name: impl Into<Cow<'static, str>>, value: &SecretString) -> Self {
        self.request.parameters.push(Parameter { name: name.into(), value: value.clone(), secret: true });
        self
    }

    /// A header that may be printed; it replaces one of the same name.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        let value = header::value(name, value);
        self.insert_header(name, value)
    }

    /// A header that is never printed; it replaces one of the same name.
    #[must_use]
    pub fn secret_header(mut self, name: &str, value: &SecretString) -> Self {
        let secret = value.expose_secret();
        let behind_scheme = secret.split_once(' ').map_or(secret, |(_, secret)| secret);
        let unpadded = behind_scheme.trim_end_matches('=');
        self.request.header_secrets.extend([secret, behind_scheme, unpadded].map(SecretString::from));
        let value = header::secret_value(name, secret);
        self.insert_header(name, value)
    }

    /// Names something that was made of a secret on the way to a parameter or a header, such as the inner base64 of what is
    /// encoded twice: if the server repeats it, that is taken out of its words as well.
    #[must_use]
    pub fn scrubbing(mut self, secret: &SecretString) -> Self {
        self.request.header_secrets.push(secret.clone());
        self
    }

    /// Says that the answer to this request is not yet the token:
    /// [`next_request`](crate::CredentialsGrant::next_request) is asked with it.
    ///
    /// The whole ask must go into the last request, which is the one that is checked for it.
    #[must_use]
    pub fn continues(mut self) -> Self {
        self.request.continues = true;
        self
    }

    /// The request, if every part could be written and every part of the ask has gone into it.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), naming the part.
    pub fn build(mut self) -> Result<TokenRequest, Error> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        if let Some(signer) = self.signer.take() {
            let audience = self.assertion_audience.as_deref().unwrap_or(self.request.endpoint.url().as_str());
            self.request.assertion = Some(assertion::assertion(&self.attempt, audience, &signer)?);
        }
        self.prove()?;
        // A first step need not carry what the last one does.
        if self.request.continues {
            return Ok(self.request);
        }
        let ask = self.attempt.ask();
        ask.check()?;
        let asked = [
            (SCOPE, !ask.scopes().is_empty()),
            (AUDIENCE, ask.audience().is_some()),
            (RESOURCE, !ask.resources().is_empty()),
            (DETAILS, ask.authorization_details().is_some()),
            (PROOF, ask.proof_key().is_some()),
        ];
        if let Some((what, _)) = asked.iter().find(|(what, asked)| *asked && !self.honoured.contains(what)) {
            let remedy = match *what {
                PROOF => "leave the key out, or ask the vendor for DPoP (RFC 9449)".to_owned(),
                what => format!("leave the {what} out, or add it as a parameter under the vendor's own name"),
            };
            return Err(Error::configuration(format!("this provider takes no {what}")).with_remedy(remedy));
        }
        if ask.authorization_details().is_some() && matches!(self.request.layout, Layout::Json) {
            return Err(Error::configuration("authorization details go into a form, and these parameters into JSON")
                .with_remedy("leave the details out, or send a form"));
        }
        for (name, value) in ask.parameters() {
            self.request.add_asked(name, value)?;
        }
        self.request.check_names()?;
        Ok(self.request)
    }

    /// Adds the proof, if the request is to have one.
    fn prove(&mut self) -> Result<(), Error> {
        let key = self.attempt.ask().proof_key().filter(|_| self.honoured.contains(&PROOF));
        if let Some(key) = key {
            let (method, url) = (&self.request.method, self.request.endpoint.url());
            // What a server has said is no part of a request that is never made.
            let nonce = if self.attempt.is_frozen() { None } else { key.nonce(url) };
            self.request.proof = Some(key.unsigned(method, url, None, nonce, self.attempt.of_proof())?);
        }
        Ok(())
    }

    fn client_id(self) -> Self {
        match self.attempt.credentials().client_id() {
            Ok(id) => self.parameter("client_id", id),
            Err(error) => self.fail(error),
        }
    }

    /// An assertion that is signed when the request is sealed.
    fn signed_by(mut self, signer: Arc<dyn Signer>) -> Self {
        self.signer = Some(signer);
        self.client_id().client_assertion(&SecretString::default())
    }

    fn client_assertion(self, jwt: &SecretString) -> Self {
        self.parameter("client_assertion_type", assertion::TYPE).secret_parameter(CLIENT_ASSERTION, jwt)
    }

    fn basic(self, encode: Encode) -> Self {
        match basic(self.attempt.credentials(), encode) {
            Ok(pair) => {
                let header = SecretString::from(format!("Basic {}", pair.expose_secret()));
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

impl fmt::Debug for TokenRequestBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRequestBuilder")
            .field("request", &self.request)
            .field("problem", &self.problem)
            .finish_non_exhaustive()
    }
}
