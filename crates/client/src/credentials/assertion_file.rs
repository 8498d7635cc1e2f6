//! Client assertions from a file that the platform writes: workload identity.

use std::hash::{Hash, Hasher};
use std::path::PathBuf;

use async_trait::async_trait;
use credentials_grant::{ClientCredentials, CredentialsSource, Error};

use super::secret_file::SecretFile;

/// Reads a client assertion from a file whenever a token is fetched, because the platform replaces it before it
/// expires: a projected service account token of Kubernetes, a JWT-SVID of SPIFFE.
///
/// Use it with [`PrivateKeyJwt`](credentials_grant::ClientAuthentication::PrivateKeyJwt). If the platform issues its
/// JWTs over HTTP (GitHub Actions), fetch them in a [`FunctionCredentials`](crate::FunctionCredentials). Its errors are
/// those of [`FileCredentials`](crate::FileCredentials).
///
/// ```
/// use credentials_grant_client::AssertionFileCredentials;
///
/// let workload = AssertionFileCredentials::new("my-service", "/var/run/secrets/azure/tokens/azure-identity-token");
/// ```
#[derive(Clone, Debug)]
pub struct AssertionFileCredentials {
    client_id: String,
    file: SecretFile,
}

impl AssertionFileCredentials {
    /// Sets the client id, and the file that holds the assertion. A line break at its end is not part of it.
    pub fn new(client_id: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self { client_id: client_id.into(), file: SecretFile::new(path) }
    }
}

#[async_trait]
impl CredentialsSource for AssertionFileCredentials {
    async fn load(&self) -> Result<ClientCredentials, Error> {
        let assertion = self.file.read().await?;
        Ok(ClientCredentials::without_secret(self.client_id.as_str()).with_assertion(assertion))
    }

    fn identify(&self, mut state: &mut dyn Hasher) -> bool {
        ("assertion file", &self.client_id, &self.file).hash(&mut state);
        true
    }
}
