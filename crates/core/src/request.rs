//! What is sent: a token request, first described, then laid out as bytes.

use std::borrow::Cow;
use std::fmt;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::Serializer as _;
use url::Url;

use crate::attempt::Attempt;
use crate::client_authentication::{ClientAuthentication, Encode, basic};
use crate::encode::form_encode;
use crate::endpoint::{TokenEndpoint, without_query};
use crate::error::Error;

/// A token request as a provider describes it: what goes where.
///
/// It comes from [`Attempt::post`] or [`Attempt::get`], and becomes bytes by [`seal`](Self::seal).
pub struct TokenRequest {
    method: Method,
    endpoint: TokenEndpoint,
    layout: Layout,
    parameters: Vec<Parameter>,
    headers: HeaderMap,
    /// What is secret in the headers: whole values, and what stands behind a scheme.
    header_secrets: Vec<SecretString>,
    continues: bool,
}

/// Where parameters go.
#[derive(Clone, Copy, Debug)]
enum Layout {
    Form,
    Json,
    Query,
}

#[derive(Clone)]
struct Parameter {
    name: Cow<'static, str>,
    value: SecretString,
    secret: bool,
}

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

/// Parameters that have a word of their own here, and that an ask can't set behind its back.
const OWN_WORD: [&str; 4] = ["client_id", "client_secret", "grant_type", "scope"];

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
        self.insert_header(name, value, Sensitivity::Plain)
    }

    /// A header that is never printed; it replaces one of the same name.
    #[must_use]
    pub fn secret_header(self, name: &str, value: &SecretString) -> Self {
        self.insert_header(name, value.expose_secret(), Sensitivity::Secret)
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

    fn insert_header(mut self, name: &str, value: &str, sensitivity: Sensitivity) -> Self {
        let Ok(header) = HeaderName::try_from(name) else {
            return self.fail(Error::configuration(format!("{name:?} is no name of a header")));
        };
        let Ok(mut header_value) = HeaderValue::from_str(value) else {
            let error = Error::configuration(format!(
                "the value for the header {name} has characters that no header can carry"
            ));
            return self.fail(error.with_remedy("look for line breaks and control characters in it"));
        };
        if let Sensitivity::Secret = sensitivity {
            header_value.set_sensitive(true);
            let behind_scheme = value.split_once(' ').map_or(value, |(_, value)| value);
            let unpadded = behind_scheme.trim_end_matches('=');
            self.request.header_secrets.extend([value, behind_scheme, unpadded].map(SecretString::from));
        }
        self.request.headers.insert(header, header_value);
        self
    }

    fn fail(mut self, error: Error) -> Self {
        self.problem.get_or_insert(error);
        self
    }
}

#[derive(Clone, Copy)]
enum Sensitivity {
    Plain,
    Secret,
}

impl TokenRequest {
    /// Whether the answer is another step's question and not the token.
    pub(crate) fn continues(&self) -> bool {
        self.continues
    }

    /// Lays out the bytes.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if there is no way to lay them out.
    pub fn seal(self) -> Result<SealedRequest, Error> {
        let secrets = self.secrets();
        let Self { method, endpoint, layout, parameters, mut headers, .. } = self;
        let pairs = || parameters.iter().map(|parameter| (&*parameter.name, parameter.value.expose_secret()));
        let mut url = endpoint.url().clone();
        let mut body = Vec::new();
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        match layout {
            // Nothing to say is said with an empty body, and with no type of it.
            _ if parameters.is_empty() => {}
            Layout::Form => {
                body = form_encode(pairs()).into_bytes();
                // Without a charset: some servers compare the content type to the letter.
                let form = HeaderValue::from_static("application/x-www-form-urlencoded");
                headers.entry(CONTENT_TYPE).or_insert(form);
            }
            Layout::Json => {
                // In our order, which a map would lose unless serde_json is built to keep it.
                let mut serializer = serde_json::Serializer::new(&mut body);
                serializer.collect_map(pairs()).map_err(|source| {
                    Error::configuration("the parameters cannot be written as JSON").with_source(source)
                })?;
                headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
            }
            Layout::Query => {
                let own = url.query().map(|query| format!("{query}&")).unwrap_or_default();
                url.set_query(Some(&(own + &form_encode(pairs()))));
            }
        }
        Ok(SealedRequest { method, url, headers, body: body.into(), secrets })
    }

    /// Adds a parameter of the ask, which must not contradict one that the provider has set.
    fn add_asked(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let refused = |why: &str, remedy: &'static str| {
            Err(Error::configuration(format!("the parameter {name:?} {why}")).with_remedy(remedy))
        };
        if name.is_empty() {
            return refused("has no name", "give it as name=value");
        }
        if OWN_WORD.contains(&name) {
            return refused("cannot be set by hand", "use the setting, credential or scope that stands for it");
        }
        match self.parameters.iter().find(|parameter| parameter.name == name) {
            Some(parameter) if parameter.value.expose_secret() == value => Ok(()),
            Some(_) => refused("is given twice with different values", "give it once"),
            None => {
                let parameter = Parameter { name: name.to_owned().into(), value: value.into(), secret: false };
                self.parameters.push(parameter);
                Ok(())
            }
        }
    }

    /// No parameter stands twice (RFC 6749 section 3.2), but for a form's `resource` (RFC 8707 section 2): of two members
    /// of one name, most JSON parsers keep one.
    fn check_names(&self) -> Result<(), Error> {
        let names: Vec<_> = self.parameters.iter().map(|parameter| &parameter.name).collect();
        let may_repeat = |name: &str| name == "resource" && !matches!(self.layout, Layout::Json);
        let repeated = names.iter().enumerate().find(|(at, name)| !may_repeat(name) && names[..*at].contains(name));
        match repeated {
            Some((_, name)) => {
                Err(Error::configuration(format!("the parameter {name:?} is given twice")).with_remedy("give it once"))
            }
            None => Ok(()),
        }
    }

    /// What must not come back in an answer's words.
    fn secrets(&self) -> Vec<SecretString> {
        let parameters = self.parameters.iter().filter(|parameter| parameter.secret).map(|parameter| &parameter.value);
        let url = self.endpoint.url();
        let query = url.query_pairs().map(|(_, value)| value.into_owned()).chain(url.query().map(str::to_owned));
        parameters.chain(&self.header_secrets).cloned().chain(query.map(SecretString::from)).collect()
    }
}

/// A token request as bytes. It goes to a [`Transport`](crate::Transport), and prints no secret.
pub struct SealedRequest {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: SecretSlice<u8>,
    secrets: Vec<SecretString>,
}

impl SealedRequest {
    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The whole URL. Its query may hold secrets: print [`shown_url`](Self::shown_url) instead.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The URL as it may be shown, without its query.
    #[must_use]
    pub fn shown_url(&self) -> String {
        without_query(&self.url)
    }

    /// The headers, but for those of the connection (`Host`, `Content-Length`). Secret values are marked sensitive.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body, which may hold secrets.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.body.expose_secret()
    }

    pub(crate) fn secrets(&self) -> impl Iterator<Item = SecretString> {
        self.secrets.iter().cloned()
    }
}

impl fmt::Debug for SealedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedRequest")
            .field("method", &self.method)
            .field("url", &self.shown_url())
            .field("headers", &self.headers)
            .field("body", &format_args!("[{} bytes]", self.body().len()))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.parameters.iter().map(|parameter| &parameter.name).collect();
        f.debug_struct("TokenRequest")
            .field("method", &self.method)
            .field("endpoint", &self.endpoint)
            .field("layout", &self.layout)
            .field("parameters", &names)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
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
