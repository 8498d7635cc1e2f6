//! Credentials from files, as orchestrators mount them.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;

use async_trait::async_trait;
use credentials_grant::{ClientCredentials, CredentialsSource, Error, ErrorKind, ExposeSecret};

use super::secret_file::SecretFile;

/// How often files that change while they are read are read anew.
const MOST_READS: usize = 5;

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
/// // The client id is in a file as well, because it rotates together with the secret.
/// let rotating = FileCredentials::from_files("/run/secrets/apaleo/id", "/run/secrets/apaleo/secret");
/// ```
#[derive(Clone, Debug)]
pub struct FileCredentials {
    client_id: ClientId,
    client_secret: SecretFile,
    secrets: Vec<(Cow<'static, str>, SecretFile)>,
}

#[derive(Clone, Debug, Hash)]
enum ClientId {
    File(SecretFile),
    Known(String),
}

impl FileCredentials {
    /// Sets the file that holds the client id, and the one that holds the client secret, for a pair that is rotated
    /// together. A line break at the end is not part of either.
    ///
    /// The files are read until two readings in a row are equal, so that the id of one pair does not meet the secret of
    /// another while they are replaced. If the server refuses the pair, both are read again.
    pub fn from_files(client_id: impl Into<PathBuf>, client_secret: impl Into<PathBuf>) -> Self {
        Self { client_id: ClientId::File(SecretFile::of_client_id(client_id)), ..Self::new("", client_secret) }
    }

    /// Sets the client id, and the file that holds the client secret. A line break at its end is not part of the
    /// secret.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<PathBuf>) -> Self {
        let client_id = ClientId::Known(client_id.into());
        Self { client_id, client_secret: SecretFile::new(client_secret), secrets: Vec::new() }
    }

    /// Reads a further secret from a file.
    #[must_use]
    pub fn with_secret_file(mut self, name: impl Into<Cow<'static, str>>, path: impl Into<PathBuf>) -> Self {
        self.secrets.push((name.into(), SecretFile::new(path)));
        self
    }

    async fn read(&self) -> Result<ClientCredentials, Error> {
        let client_id = match &self.client_id {
            ClientId::File(file) => file.read().await?.expose_secret().to_owned(),
            ClientId::Known(client_id) => client_id.clone(),
        };
        let mut credentials = ClientCredentials::new(client_id, self.client_secret.read().await?);
        for (name, file) in &self.secrets {
            credentials = credentials.with_secret(name.clone(), file.read().await?);
        }
        Ok(credentials)
    }
}

#[async_trait]
impl CredentialsSource for FileCredentials {
    async fn load(&self) -> Result<ClientCredentials, Error> {
        let mut credentials = self.read().await?;
        if matches!(self.client_id, ClientId::Known(_)) {
            return Ok(credentials);
        }
        // If two readings are equal, all files held these contents between the two.
        for _ in 1..MOST_READS {
            let again = self.read().await?;
            if again == credentials {
                return Ok(credentials);
            }
            credentials = again;
        }
        Err(Error::new(ErrorKind::Unavailable, "the files with the client id and secret change while they are read")
            .with_remedy("try again when they have been replaced"))
    }

    fn identify(&self, mut state: &mut dyn Hasher) -> bool {
        ("files", &self.client_id, &self.client_secret, &self.secrets).hash(&mut state);
        true
    }
}
