//! What goes over the wire: a token request as bytes.

use std::fmt;

use http::{HeaderMap, Method};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use url::Url;

use crate::client_certificate::ClientCertificate;
use crate::endpoint::without_query;

/// A token request as bytes. It goes to a [`Transport`](crate::Transport), and prints no secret.
pub struct SealedRequest {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: SecretSlice<u8>,
    pub(crate) certificate: Option<ClientCertificate>,
    /// What must not come back in an answer's words.
    pub(crate) secrets: Vec<SecretString>,
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

    /// The certificate to show if the server asks for one (RFC 8705).
    #[must_use]
    pub fn client_certificate(&self) -> Option<&ClientCertificate> {
        self.certificate.as_ref()
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
