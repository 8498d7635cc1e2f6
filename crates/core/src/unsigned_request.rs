//! The request that a provider describes: parameters and headers, not yet signed and not yet bytes.

use std::borrow::Cow;
use std::{fmt, io, mem};

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::Serializer as _;

use crate::client_certificate::ClientCertificate;
use crate::encode::form_encode;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::header;
use crate::http_request::HttpRequest;
use crate::http_response::HttpResponse;
use crate::signed_value::SignedValue;
use crate::transport::Transport;

/// A request as a provider describes it: what goes where, and what must be signed first.
///
/// It is made by [`RequestContext::post`](crate::RequestContext::post) or [`get`](crate::RequestContext::get), and
/// [`sign`](Self::sign) turns it into an [`HttpRequest`]. [`fetch_token`](crate::fetch_token) does so; a test of a
/// provider calls [`dry_run`](Self::dry_run) to compare the bytes:
///
/// ```
/// use credentials_grant::{ClientCredentials, CredentialsGrant, Error, RequestContext, TokenParameters};
///
/// fn body(provider: &dyn CredentialsGrant) -> Result<Vec<u8>, Error> {
///     let (credentials, parameters) = (ClientCredentials::new("id", "secret"), TokenParameters::new());
///     let request = provider.token_request(&RequestContext::dry_run(&credentials, &parameters))?;
///     Ok(request.dry_run()?.body().to_vec())
/// }
/// ```
pub struct UnsignedRequest {
    pub(crate) method: Method,
    pub(crate) endpoint: Endpoint,
    pub(crate) layout: Layout,
    pub(crate) parameters: Vec<Parameter>,
    /// The values to sign, each with the index of its parameter, which has no value yet.
    pub(crate) signed_parameters: Vec<(usize, SignedValue)>,
    pub(crate) signed_headers: Vec<(HeaderName, SignedValue)>,
    pub(crate) certificate: Option<ClientCertificate>,
    pub(crate) headers: HeaderMap,
    /// What is secret beside the parameters: header values, what follows their scheme, and signatures.
    pub(crate) header_secrets: Vec<SecretString>,
    /// Whether another request follows this one, and only the last response holds the token.
    pub(crate) continues: bool,
    pub(crate) side_request: Option<SideRequest>,
}

/// A request that is sent at the same time, for later.
pub(crate) struct SideRequest {
    request: HttpRequest,
    read: Box<ReadFn>,
}

/// Reads a response, and returns the request that follows.
type ReadFn = dyn FnMut(&HttpResponse) -> Option<HttpRequest> + Send + Sync;

/// The most requests that one token may take.
pub(crate) const MOST_REQUESTS: usize = 4;

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

/// Parameters that the library sets itself, and that extra parameters must not replace.
const RESERVED: [&str; 6] =
    [CLIENT_ASSERTION, "client_assertion_type", "client_id", "client_secret", "grant_type", "scope"];

pub(crate) const CLIENT_ASSERTION: &str = "client_assertion";

impl UnsignedRequest {
    /// Has another request sent at the same time, for something that the provider needs later, such as metadata that is
    /// stale. `read` gets its response, and returns a request to follow it, if there is one.
    ///
    /// Nobody waits for it: it is given up when the response to this request has arrived, and its failure is not
    /// reported.
    #[must_use]
    pub fn with_side_request(
        mut self,
        request: HttpRequest,
        read: impl FnMut(&HttpResponse) -> Option<HttpRequest> + Send + Sync + 'static,
    ) -> Self {
        self.side_request = Some(SideRequest { request, read: Box::new(read) });
        self
    }

    /// Signs what must be signed, and lays out the bytes.
    ///
    /// # Errors
    ///
    /// [`SigningFailed`](crate::ErrorKind::SigningFailed) if the signer fails, and
    /// [`Configuration`](crate::ErrorKind::Configuration) if the bytes cannot be laid out.
    pub async fn sign(mut self) -> Result<HttpRequest, Error> {
        for (index, value) in mem::take(&mut self.signed_parameters) {
            let signed = value.sign().await?;
            self.parameters[index].value = signed.value;
            self.header_secrets.extend(signed.signatures);
        }
        for (name, value) in mem::take(&mut self.signed_headers) {
            let signed = value.sign().await?;
            self.set_header(name, signed.value)?;
            self.header_secrets.extend(signed.signatures);
        }
        self.lay_out()
    }

    /// Lays out the bytes without calling a signer, to compare or hash them: a fixed placeholder stands for each
    /// signature.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the bytes cannot be laid out.
    pub fn dry_run(mut self) -> Result<HttpRequest, Error> {
        for (index, value) in mem::take(&mut self.signed_parameters) {
            self.parameters[index].value = value.dry_run();
        }
        for (name, value) in mem::take(&mut self.signed_headers) {
            self.set_header(name, value.dry_run())?;
        }
        self.lay_out()
    }

    fn set_header(&mut self, name: HeaderName, value: SecretString) -> Result<(), Error> {
        let secret = value.expose_secret();
        let header = header::wiped_value(name.as_str(), secret)?;
        if let Some((_, behind_scheme)) = secret.split_once(' ') {
            self.header_secrets.push(behind_scheme.into());
        }
        self.headers.insert(name, header);
        self.header_secrets.push(value);
        Ok(())
    }

    fn lay_out(mut self) -> Result<HttpRequest, Error> {
        let secrets = self.take_secrets();
        let Self { method, endpoint, layout, parameters, mut headers, certificate, .. } = self;
        let pairs = || parameters.iter().map(|parameter| (&*parameter.name, parameter.value.expose_secret()));
        let mut url = endpoint.url().clone();
        let mut body = SecretSlice::default();
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        match layout {
            // No parameters: an empty body without a content type.
            _ if parameters.is_empty() => {}
            Layout::Form => {
                body = form_encode(pairs()).into_bytes().into();
                // Without a charset: some servers compare the content type to the letter.
                let form = HeaderValue::from_static("application/x-www-form-urlencoded");
                headers.entry(CONTENT_TYPE).or_insert(form);
            }
            Layout::Json => {
                body = json(&pairs())?;
                headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
            }
            Layout::Query => {
                let own = url.query().map(|query| format!("{query}&")).unwrap_or_default();
                let query = SecretString::from(form_encode(pairs()));
                url.set_query(Some(&(own + query.expose_secret())));
            }
        }
        Ok(HttpRequest { method, url, headers, body, certificate, secrets })
    }

    /// Adds an extra parameter, which must not contradict one that the provider has set.
    pub(crate) fn add_extra(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let refused = |why: &str, remedy: &'static str| {
            Err(Error::configuration(format!("the parameter {name:?} {why}")).with_remedy(remedy))
        };
        if name.is_empty() {
            return refused("has no name", "give it as name=value");
        }
        if RESERVED.contains(&name) {
            return refused("cannot be set as an extra parameter", "use the setting, credential or scope for it");
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

    /// Refuses a parameter that is given twice (RFC 6749 section 3.2), except `resource` in a form (RFC 8707 section
    /// 2): of two JSON members with one name, most parsers keep one.
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

    /// Takes out what must be redacted from the words of a response.
    fn take_secrets(&mut self) -> Vec<SecretString> {
        let mut secrets = mem::take(&mut self.header_secrets);
        let parameters = self.parameters.iter().filter(|parameter| parameter.secret);
        secrets.extend(parameters.map(|parameter| parameter.value.clone()));
        let url = self.endpoint.url();
        let query = url.query_pairs().map(|(_, value)| value.into_owned()).chain(url.query().map(str::to_owned));
        secrets.extend(query.map(SecretString::from));
        secrets
    }
}

impl SideRequest {
    /// Sends the requests, one after the other.
    pub(crate) async fn run(mut self, transport: &dyn Transport) {
        // No more than a token may take.
        for _ in 0..MOST_REQUESTS {
            let Ok(response) = transport.send(&self.request).await else { return };
            let Some(next) = (self.read)(&response) else { return };
            self.request = next;
        }
    }
}

/// Writes a JSON object, in the order given: a `serde_json` map would sort it, unless built with `preserve_order`.
fn json<'a>(pairs: &(impl Iterator<Item = (&'a str, &'a str)> + Clone)) -> Result<SecretSlice<u8>, Error> {
    let write = |output: &mut dyn io::Write| {
        serde_json::Serializer::new(output)
            .collect_map(pairs.clone())
            .map_err(|source| Error::configuration("the parameters cannot be written as JSON").with_source(source))
    };
    // Counted first, since a vector that grows leaves copies of secrets behind.
    let mut length = Length(0);
    write(&mut length)?;
    let mut body = Vec::with_capacity(length.0);
    write(&mut body)?;
    Ok(body.into())
}

/// Counts what is written.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for UnsignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.parameters.iter().map(|parameter| &parameter.name).collect();
        f.debug_struct("UnsignedRequest")
            .field("method", &self.method)
            .field("endpoint", &self.endpoint)
            .field("layout", &self.layout)
            .field("parameters", &names)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}
