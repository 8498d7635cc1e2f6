//! Assertions that a platform writes into a file: a workload's own identity.

use std::hash::{Hash, Hasher};
use std::path::PathBuf;

use async_trait::async_trait;
use credentials_grant::{ClientCredentials, CredentialsSource, Error};

use crate::credentials::files::read_secret;

/// Reads a JWT from a file whenever a token is needed, because the platform replaces it before it expires: a projected
/// service account token of Kubernetes, an SVID of SPIFFE.
///
/// It is sent by [`PrivateKeyJwt`](credentials_grant::ClientAuthentication::PrivateKeyJwt). Where a platform gives its JWTs
/// over HTTP instead (GitHub), ask it in a [`FunctionCredentials`](crate::FunctionCredentials).
///
/// ```
/// use credentials_grant_client::AssertionFileCredentials;
///
/// let workload = AssertionFileCredentials::new("my-service", "/var/run/secrets/azure/tokens/azure-identity-token");
/// ```
#[derive(Clone, Debug)]
pub struct AssertionFileCredentials {
    client_id: String,
    path: PathBuf,
}

impl AssertionFileCredentials {
    /// A client id, and the file that holds its assertion. A line break at the file's end is not part of it.
    pub fn new(client_id: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self { client_id: client_id.into(), path: path.into() }
    }
}

#[async_trait]
impl CredentialsSource for AssertionFileCredentials {
    async fn load(&self) -> Result<ClientCredentials, Error> {
        let assertion = read_secret(&self.path).await?;
        Ok(ClientCredentials::without_secret(self.client_id.as_str()).with_assertion(assertion))
    }

    fn identify(&self, mut state: &mut dyn Hasher) -> bool {
        ("assertion file", &self.client_id, &self.path).hash(&mut state);
        true
    }
}
