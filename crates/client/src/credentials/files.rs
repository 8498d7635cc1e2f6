//! Credentials from files, as orchestrators mount them.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;

use async_trait::async_trait;
use credentials_grant::{ClientCredentials, CredentialsSource, Error};

use super::secret_file::SecretFile;

/// Reads secrets from files whenever a token is fetched, so that rotating a secret needs no restart.
///
/// An error that may pass is [`Unavailable`](credentials_grant::ErrorKind::Unavailable), so that callers with a
/// deadline retry: the process has too many open files, or a file that was read before is missing or empty, perhaps
/// because it is being replaced. Any other is [`Configuration`](credentials_grant::ErrorKind::Configuration).
///
/// Files are read on threads of their own, so that a file system that hangs delays nobody else. tokio does not know of
/// these threads: in a test that pauses its clock, use [`FunctionCredentials`](crate::FunctionCredentials).
///
/// ```
/// use credentials_grant_client::FileCredentials;
///
/// let apaleo = FileCredentials::new("SDXE-SP-SIMPLEAPP", "/run/secrets/apaleo");
/// let resamania = FileCredentials::new("123_abc", "/run/secrets/resamania")
///     .with_secret_file("api-key", "/run/secrets/resamania-api-key");
/// ```
#[derive(Clone, Debug)]
pub struct FileCredentials {
    client_id: String,
    client_secret: SecretFile,
    secrets: Vec<(Cow<'static, str>, SecretFile)>,
}

impl FileCredentials {
    /// Sets the client id, and the file that holds the client secret. A line break at its end is not part of the
    /// secret.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<PathBuf>) -> Self {
        Self { client_id: client_id.into(), client_secret: SecretFile::new(client_secret), secrets: Vec::new() }
    }

    /// Reads a further secret from a file.
    #[must_use]
    pub fn with_secret_file(mut self, name: impl Into<Cow<'static, str>>, path: impl Into<PathBuf>) -> Self {
        self.secrets.push((name.into(), SecretFile::new(path)));
        self
    }
}

#[async_trait]
impl CredentialsSource for FileCredentials {
    async fn load(&self) -> Result<ClientCredentials, Error> {
        let mut credentials = ClientCredentials::new(self.client_id.as_str(), self.client_secret.read().await?);
        for (name, file) in &self.secrets {
            credentials = credentials.with_secret(name.clone(), file.read().await?);
        }
        Ok(credentials)
    }

    fn identify(&self, mut state: &mut dyn Hasher) -> bool {
        ("files", &self.client_id, &self.client_secret, &self.secrets).hash(&mut state);
        true
    }
}
