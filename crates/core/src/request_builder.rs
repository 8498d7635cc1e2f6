//! How a provider describes a token request: in one chain, in the order in which the vendor's page has its parts.

use std::borrow::Cow;
use std::fmt;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};

use crate::attempt::Attempt;
use crate::client_authentication::{ClientAuthentication, Encode, basic};
use crate::endpoint::TokenEndpoint;
use crate::error::Error;
use crate::header;
use crate::request::{Layout, Parameter, TokenRequest};

/// Writes a [`TokenRequest`], in the order in which the vendor's page has its parts.
///
/// A part that cannot be written (an empty secret, a value that no header can carry) fails
/// [`build`](Self::build), so that the parts read as one chain.
pub struct TokenRequestBuilder<'a> {
    attempt: Attempt<'a>,
    request: TokenRequest,
    honoured: Honoured,
    problem: Option<Error>,
}

/// Which parts of the ask have gone into the request.
#[derive(Default)]
struct Honoured {
    scopes: bool,
    audience: bool,
    resources: bool,
}

impl<'a> TokenRequestBuilder<'a> {
    pub(crate) fn new(attempt: Attempt<'a>, method: Method, endpoint: &TokenEndpoint) -> Self {
        let request = TokenRequest {
            method,
            endpoint: endpoint.clone(),
            layout: Layout::Form,
            parameters: Vec::new(),
            headers: HeaderMap::new(),
            header_secrets: Vec::new(),
            continues: false,
        };
        Self { attempt, request, honoured: Honoured::default(), problem: None }
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

    /// Sends the client id and secret.
    #[must_use]
    pub fn client_authentication(self, way: ClientAuthentication) -> Self {
        let credentials = self.attempt.credentials();
        match way {
            ClientAuthentication::Basic => self.basic(Encode::Percent),
            ClientAuthentication::BasicRaw => self.basic(Encode::Raw),
            ClientAuthentication::Body => match (credentials.client_id(), credentials.client_secret()) {
                (Ok(id), Ok(secret)) => self.parameter("client_id", id).secret_parameter("client_secret", secret),
                (Err(error), _) | (_, Err(error)) => self.fail(error),
            },
        }
    }

    /// The scopes of the ask, separated by spaces (RFC 6749 section 3.3); nothing if none were asked for.
    #[must_use]
    pub fn scope(self) -> Self {
        self.scope_separated_by(" ")
    }

    /// The scopes of the ask, separated as the vendor has it.
    #[must_use]
    pub fn scope_separated_by(mut self, separator: &str) -> Self {
        self.honoured.scopes = true;
        match self.attempt.ask().scopes() {
            [] => self,
            scopes => self.parameter("scope", scopes.join(separator)),
        }
    }

    /// The audience of the ask as `audience`; nothing if there is none.
    #[must_use]
    pub fn audience(mut self) -> Self {
        self.honoured.audience = true;
        match self.attempt.ask().audience() {
            Some(audience) => self.parameter("audience", audience),
            None => self,
        }
    }

    /// The resources of the ask, each as a `resource` (RFC 8707 section 2).
    #[must_use]
    pub fn resources(mut self) -> Self {
        self.honoured.resources = true;
        let resources = self.attempt.ask().resources();
        resources.iter().fold(self, |builder, resource| builder.parameter("resource", resource))
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
        // A first step need not carry what the last one does.
        if self.request.continues {
            return Ok(self.request);
        }
        let ask = self.attempt.ask();
        ask.check()?;
        let ignored = |what: &str| {
            Err(Error::configuration(format!("this provider takes no {what}"))
                .with_remedy(format!("leave the {what} out, or add it as a parameter under the vendor's own name")))
        };
        if !ask.scopes().is_empty() && !self.honoured.scopes {
            return ignored("scope");
        }
        if ask.audience().is_some() && !self.honoured.audience {
            return ignored("audience");
        }
        if !ask.resources().is_empty() && !self.honoured.resources {
            return ignored("resource");
        }
        for (name, value) in ask.parameters() {
            self.request.add_asked(name, value)?;
        }
        self.request.check_names()?;
        Ok(self.request)
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
