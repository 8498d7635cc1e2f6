//! What is sent: a token request, first described, then laid out as bytes.

use std::borrow::Cow;
use std::fmt;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};
use serde::Serializer as _;

use crate::client_certificate::ClientCertificate;
use crate::encode::form_encode;
use crate::endpoint::TokenEndpoint;
use crate::error::Error;
use crate::header;
use crate::jws::Unsigned;
use crate::proof_key::DPOP;
use crate::sealed_request::SealedRequest;

/// A token request as a provider describes it: what goes where.
///
/// It comes from [`Attempt::post`](crate::Attempt::post) or [`Attempt::get`](crate::Attempt::get), and becomes bytes by
/// [`seal`](Self::seal).
pub struct TokenRequest {
    pub(crate) method: Method,
    pub(crate) endpoint: TokenEndpoint,
    pub(crate) layout: Layout,
    pub(crate) parameters: Vec<Parameter>,
    /// What becomes the value of `client_assertion` once it is signed.
    pub(crate) assertion: Option<Unsigned>,
    /// What becomes the header `DPoP` once it is signed.
    pub(crate) proof: Option<Unsigned>,
    pub(crate) certificate: Option<ClientCertificate>,
    pub(crate) headers: HeaderMap,
    /// What is secret in the headers: whole values, and what stands behind a scheme.
    pub(crate) header_secrets: Vec<SecretString>,
    /// Whether the answer is another step's question and not the token.
    pub(crate) continues: bool,
}

/// Where parameters go.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Layout {
    Form,
    Json,
    Query,
}

#[derive(Clone)]
pub(crate) struct Parameter {
    pub(crate) name: Cow<'static, str>,
    pub(crate) value: SecretString,
    pub(crate) secret: bool,
}

/// Parameters that have a word of their own here, and that an ask cannot set behind its back.
const OWN_WORD: [&str; 6] =
    [CLIENT_ASSERTION, "client_assertion_type", "client_id", "client_secret", "grant_type", "scope"];

pub(crate) const CLIENT_ASSERTION: &str = "client_assertion";

impl TokenRequest {
    /// Signs what has to be signed, and lays out the bytes.
    ///
    /// # Errors
    ///
    /// [`SigningFailed`](crate::ErrorKind::SigningFailed) if the credentials' signer fails, and
    /// [`Configuration`](crate::ErrorKind::Configuration) if there is no way to lay out the bytes.
    pub async fn seal(mut self) -> Result<SealedRequest, Error> {
        if let Some(assertion) = self.assertion.take() {
            self.set_assertion(&assertion.sign().await?);
        }
        if let Some(proof) = self.proof.take() {
            self.set_proof(proof.sign().await?)?;
        }
        self.lay_out()
    }

    /// Lays out the bytes to compare or to hash them, and asks no signer: where a signature would stand stands a fixed
    /// placeholder.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if there is no way to lay them out.
    pub fn frozen(mut self) -> Result<SealedRequest, Error> {
        if let Some(assertion) = self.assertion.take() {
            self.set_assertion(&assertion.frozen());
        }
        if let Some(proof) = self.proof.take() {
            self.set_proof(proof.frozen())?;
        }
        self.lay_out()
    }

    fn set_assertion(&mut self, jwt: &SecretString) {
        let unsigned = self.parameters.iter_mut().filter(|parameter| parameter.name == CLIENT_ASSERTION);
        unsigned.for_each(|parameter| parameter.value = jwt.clone());
    }

    fn set_proof(&mut self, jwt: SecretString) -> Result<(), Error> {
        self.headers.insert(DPOP, header::secret_value(DPOP.as_str(), jwt.expose_secret())?);
        self.header_secrets.push(jwt);
        Ok(())
    }

    fn lay_out(self) -> Result<SealedRequest, Error> {
        let secrets = self.secrets();
        let Self { method, endpoint, layout, parameters, mut headers, certificate, .. } = self;
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
        Ok(SealedRequest { method, url, headers, body: body.into(), certificate, secrets })
    }

    /// Adds a parameter of the ask, which must not contradict one that the provider has set.
    pub(crate) fn add_asked(&mut self, name: &str, value: &str) -> Result<(), Error> {
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
    pub(crate) fn check_names(&self) -> Result<(), Error> {
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
