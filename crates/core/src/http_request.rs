//! An HTTP request as it goes over the wire.

use std::fmt;

use http::header::ACCEPT;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use url::Url;

use crate::client_certificate::ClientCertificate;
use crate::endpoint::{Endpoint, without_query};

/// An HTTP request as it goes over the wire: to a token endpoint, or to any other of a server's endpoints.
///
/// A [`Transport`](crate::Transport) sends it. `Debug` shows no secret.
///
/// ```
/// use credentials_grant::{Endpoint, HttpRequest};
///
/// let keys = HttpRequest::get(&Endpoint::from_static("https://auth.example.com/jwks"));
/// assert_eq!(keys.method(), "GET");
/// ```
pub struct HttpRequest {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: SecretSlice<u8>,
    pub(crate) certificate: Option<ClientCertificate>,
    /// What must be redacted from the words of the response.
    pub(crate) secrets: Vec<SecretString>,
}

impl HttpRequest {
    /// Creates a GET without parameters and without client authentication, such as for metadata or keys.
    #[must_use]
    pub fn get(endpoint: &Endpoint) -> Self {
        Self {
            method: Method::GET,
            url: endpoint.url().clone(),
            headers: HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]),
            body: Vec::new().into(),
            certificate: None,
            secrets: Vec::new(),
        }
    }

    /// Sets a header, such as `Accept` for a document of another media type.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Returns the method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Returns the whole URL. Its query may hold secrets: to print it, use [`shown_url`](Self::shown_url).
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the URL without its query, for logs and errors.
    #[must_use]
    pub fn shown_url(&self) -> String {
        without_query(&self.url)
    }

    /// Returns the headers, except those of the connection (`Host`, `Content-Length`). Secret values are marked
    /// sensitive.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the body, which may hold secrets.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.body.expose_secret()
    }

    /// Returns the certificate to present if the server asks for one (RFC 8705).
    #[must_use]
    pub fn client_certificate(&self) -> Option<&ClientCertificate> {
        self.certificate.as_ref()
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("url", &self.shown_url())
            .field("headers", &self.headers)
            .field("body", &format_args!("[{} bytes]", self.body().len()))
            .finish_non_exhaustive()
    }
}
