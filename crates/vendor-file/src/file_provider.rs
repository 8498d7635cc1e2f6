//! A provider built from a vendor file and its settings.

use std::fmt;
use std::sync::Arc;

use credentials_grant::{
    ClientAuthentication, CredentialsGrant, Endpoint, Error, HttpResponse, Policy, RequestContext, ResponseReader,
    TokenResponse, UnsignedRequest,
};

use crate::format::{Encoding, Method};
use crate::request::RequestPart;
use crate::template::missing_secret;

/// A provider built from a vendor file: it describes the token request and reads the response.
///
/// [`VendorFile::provider`](crate::VendorFile::provider) builds one. It is cheap to clone and holds no secret. `Debug`
/// shows the name and the token URL, and no other value of a setting.
///
/// ```
/// use credentials_grant_vendor_file::settings::Settings;
/// use credentials_grant_vendor_file::{CredentialsGrant, FileProvider, VendorFile};
///
/// let file = VendorFile::parse(include_str!("../acme.toml"))?;
/// let provider: FileProvider = file.provider(&Settings::new().with("shop", "north"))?;
/// assert_eq!(provider.policy().hosts(), ["north.acme.example"]);
/// # Ok::<(), credentials_grant_vendor_file::Error>(())
/// ```
#[derive(Clone)]
pub struct FileProvider(Arc<ResolvedFile>);

/// The file with the settings filled in: everything but credentials and token parameters.
pub(crate) struct ResolvedFile {
    pub(crate) name: String,
    pub(crate) endpoint: Endpoint,
    pub(crate) method: Method,
    pub(crate) encoding: Encoding,
    pub(crate) parts: Vec<RequestPart>,
    /// Secrets that API calls need. Without them a token could not be used, so none is requested.
    pub(crate) required_secrets: Vec<String>,
    pub(crate) reader: ResponseReader,
    pub(crate) policy: Policy,
}

impl FileProvider {
    pub(crate) fn new(resolved: ResolvedFile) -> Self {
        Self(Arc::new(resolved))
    }

    /// Returns the client authentication method, or `None` for a file with `authentication = "custom"`.
    ///
    /// ```
    /// # use credentials_grant_vendor_file::settings::Settings;
    /// use credentials_grant_vendor_file::{ClientAuthentication, VendorFile};
    ///
    /// let acme = VendorFile::parse(include_str!("../acme.toml"))?.provider(&Settings::new().with("shop", "north"))?;
    /// assert_eq!(acme.client_authentication(), Some(ClientAuthentication::ClientSecretPost));
    /// # Ok::<(), credentials_grant_vendor_file::Error>(())
    /// ```
    #[must_use]
    pub fn client_authentication(&self) -> Option<ClientAuthentication> {
        self.0.parts.iter().find_map(|part| match part {
            RequestPart::Authentication(method) => Some(*method),
            _ => None,
        })
    }

    /// Returns `true` if a parameter or header in the file contains `{client-secret}`. A client authentication method
    /// that sends the secret does not count.
    #[must_use]
    pub fn places_client_secret(&self) -> bool {
        self.0.parts.iter().any(|part| match part {
            RequestPart::Parameter(_, template) | RequestPart::Header(_, template) => template.uses_client_secret(),
            _ => false,
        })
    }
}

impl CredentialsGrant for FileProvider {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        let is_missing = |name: &&String| context.credentials().secret(name).is_none();
        if let Some(name) = self.0.required_secrets.iter().find(is_missing) {
            return Err(missing_secret(name));
        }
        let request = match self.0.method {
            Method::Get => context.get(&self.0.endpoint),
            Method::Post => context.post(&self.0.endpoint),
        };
        let request = match self.0.encoding {
            Encoding::Form => request,
            Encoding::Json => request.json(),
            Encoding::Query => request.query(),
        };
        self.0.parts.iter().try_fold(request, |request, part| part.add_to(request, context))?.build()
    }

    fn read_response(&self, response: &HttpResponse) -> Result<TokenResponse, Error> {
        self.0.reader.read(response)
    }

    fn policy(&self) -> Policy {
        self.0.policy.clone()
    }
}

impl fmt::Debug for FileProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ResolvedFile { name, endpoint, .. } = &*self.0;
        f.debug_struct("FileProvider").field("name", name).field("token_endpoint", endpoint).finish_non_exhaustive()
    }
}
