//! How API calls present a token.

use std::borrow::Cow;

use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use secrecy::ExposeSecret;

use crate::client_credentials::ClientCredentials;
use crate::error::Error;
use crate::header;
use crate::proof_key::ProofKey;

/// How API calls present a token: in which header, with which scheme, and with which extra headers.
///
/// ```
/// use credentials_grant::Presentation;
///
/// let shopify = Presentation::header("X-Shopify-Access-Token");
/// let resamania = Presentation::bearer().with_secret_header("X-Gravitee-Api-Key", "api-key");
/// let zoho = Presentation::header("Authorization").with_scheme("Zoho-oauthtoken");
/// let twitch = Presentation::bearer().with_client_id_header("Client-Id");
/// ```
#[derive(Clone, Debug, Hash)]
pub struct Presentation {
    header: Cow<'static, str>,
    /// The word before the token, followed by a space.
    scheme: Option<Cow<'static, str>>,
    extra_headers: Vec<(Cow<'static, str>, ExtraHeader)>,
}

const BEARER: &str = "Bearer";

#[derive(Clone, Debug, Hash)]
enum ExtraHeader {
    ClientId,
    Plain(String),
    /// The name of a secret of the credentials. The header is left out if they have no such secret.
    Secret(Cow<'static, str>),
}

impl Presentation {
    /// `Authorization: Bearer …` (RFC 6750 section 2.1).
    #[must_use]
    pub fn bearer() -> Self {
        Self::header(AUTHORIZATION.as_str()).with_scheme(BEARER)
    }

    /// The bare token in a header of the vendor's own.
    #[must_use]
    pub fn header(name: impl Into<Cow<'static, str>>) -> Self {
        Self { header: name.into(), scheme: None, extra_headers: Vec::new() }
    }

    /// Sets the word before the token.
    #[must_use]
    pub fn with_scheme(mut self, scheme: impl Into<Cow<'static, str>>) -> Self {
        self.scheme = Some(scheme.into());
        self
    }

    /// Adds a header that API calls need in addition to the token.
    #[must_use]
    pub fn with_extra_header(mut self, header: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.extra_headers.push((header.into(), ExtraHeader::Plain(value.into())));
        self
    }

    /// Adds a header whose value is a further secret of the credentials, by its name. It is left out if they have none
    /// of that name.
    #[must_use]
    pub fn with_secret_header(
        mut self,
        header: impl Into<Cow<'static, str>>,
        secret: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.extra_headers.push((header.into(), ExtraHeader::Secret(secret.into())));
        self
    }

    /// Adds a header whose value is the client id.
    #[must_use]
    pub fn with_client_id_header(mut self, header: impl Into<Cow<'static, str>>) -> Self {
        self.extra_headers.push((header.into(), ExtraHeader::ClientId));
        self
    }

    /// Returns the name of the header that presents the token.
    #[must_use]
    pub fn header_name(&self) -> &str {
        &self.header
    }

    /// Returns the headers for this token, the one that presents it first. A token that is bound to a key has the
    /// scheme `DPoP` in place of `Bearer` (RFC 9449 section 7.1).
    pub(crate) fn headers(
        &self,
        token: &str,
        proof_key: Option<&ProofKey>,
        credentials: &ClientCredentials,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, Error> {
        let scheme = match (self.scheme.as_deref(), proof_key) {
            (Some(scheme), Some(_)) if scheme.eq_ignore_ascii_case(BEARER) => Some("DPoP"),
            (scheme, _) => scheme,
        };
        let token = scheme.map_or_else(|| token.to_owned(), |scheme| [scheme, " ", token].concat());
        let mut headers = vec![(header::name(&self.header)?, header::secret_value(&self.header, token)?)];
        for (name, extra) in &self.extra_headers {
            let value = match extra {
                ExtraHeader::ClientId => Some(credentials.client_id()?),
                ExtraHeader::Plain(value) => Some(value.as_str()),
                ExtraHeader::Secret(secret) => credentials.secret(secret).map(ExposeSecret::expose_secret),
            };
            if let Some(value) = value {
                headers.push((header::name(name)?, header::wiped_value(name, value)?));
            }
        }
        Ok(headers)
    }
}

impl Default for Presentation {
    fn default() -> Self {
        Self::bearer()
    }
}
