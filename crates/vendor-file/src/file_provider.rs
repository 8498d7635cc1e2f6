//! A provider built from a vendor file and its settings.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use credentials_grant::{
    ClientAuthentication, CredentialsGrant, Endpoint, Error, HttpResponse, Policy, RequestContext, ResponseReader,
    TokenResponse, UnsignedRequest,
};
use hmac_sha256::Hash as Sha256;

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
pub struct FileProvider(Arc<Inner>);

struct Inner {
    file: ResolvedFile,
    /// The hash of all of it. It is computed once, because a pool needs it for each lookup.
    digest: [u8; 32],
}

/// The file with the settings filled in: everything but credentials and token parameters.
#[derive(Hash)]
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
        let mut digest = Digest(Sha256::new());
        resolved.hash(&mut digest);
        Self(Arc::new(Inner { file: resolved, digest: digest.0.finalize() }))
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
        self.0.file.parts.iter().find_map(|part| match part {
            RequestPart::Authentication(method) => Some(*method),
            _ => None,
        })
    }

    /// Returns `true` if a parameter or header in the file contains `{client-secret}`. A client authentication method
    /// that sends the secret does not count.
    #[must_use]
    pub fn places_client_secret(&self) -> bool {
        self.0.file.parts.iter().any(|part| match part {
            RequestPart::Parameter(_, template) | RequestPart::Header(_, template) => template.uses_client_secret(),
            _ => false,
        })
    }
}

impl CredentialsGrant for FileProvider {
    fn name(&self) -> &str {
        &self.0.file.name
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        let is_missing = |name: &&String| context.credentials().secret(name).is_none();
        if let Some(name) = self.0.file.required_secrets.iter().find(is_missing) {
            return Err(missing_secret(name));
        }
        let request = match self.0.file.method {
            Method::Get => context.get(&self.0.file.endpoint),
            Method::Post => context.post(&self.0.file.endpoint),
        };
        let request = match self.0.file.encoding {
            Encoding::Form => request,
            Encoding::Json => request.json(),
            Encoding::Query => request.query(),
        };
        self.0.file.parts.iter().try_fold(request, |request, part| part.add_to(request, context))?.build()
    }

    fn read_response(&self, response: &HttpResponse) -> Result<TokenResponse, Error> {
        self.0.file.reader.read(response)
    }

    fn policy(&self) -> Policy {
        self.0.file.policy.clone()
    }

    fn identify(&self, mut state: &mut dyn Hasher) -> bool {
        ("vendor file", self.0.digest).hash(&mut state);
        true
    }
}

/// A [`Hasher`] of SHA-256, because a pool would share the tokens of two files of one hash.
struct Digest(Sha256);

impl Hasher for Digest {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.finalize();
        digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

impl fmt::Debug for FileProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ResolvedFile { name, endpoint, .. } = &self.0.file;
        f.debug_struct("FileProvider").field("name", name).field("token_endpoint", endpoint).finish_non_exhaustive()
    }
}
