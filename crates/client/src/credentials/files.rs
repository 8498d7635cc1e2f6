//! Credentials from files, as orchestrators mount them.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use credentials_grant::{ClientCredentials, CredentialsSource, Error, ErrorKind, SecretString};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

/// The largest secret file that is read.
const LARGEST: u64 = 64 * 1024;

/// Reads secrets from files whenever a token is fetched, so that rotating a secret needs no restart.
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
    client_secret: PathBuf,
    secrets: Vec<(Cow<'static, str>, PathBuf)>,
}

impl FileCredentials {
    /// Sets the client id, and the file that holds the client secret. A line break at its end is not part of the
    /// secret.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<PathBuf>) -> Self {
        Self { client_id: client_id.into(), client_secret: client_secret.into(), secrets: Vec::new() }
    }

    /// Reads a further secret from a file.
    #[must_use]
    pub fn with_secret_file(mut self, name: impl Into<Cow<'static, str>>, path: impl Into<PathBuf>) -> Self {
        self.secrets.push((name.into(), path.into()));
        self
    }
}

#[async_trait]
impl CredentialsSource for FileCredentials {
    async fn load(&self) -> Result<ClientCredentials, Error> {
        let mut credentials = ClientCredentials::new(self.client_id.as_str(), read_secret(&self.client_secret).await?);
        for (name, path) in &self.secrets {
            credentials = credentials.with_secret(name.clone(), read_secret(path).await?);
        }
        Ok(credentials)
    }

    fn identify(&self, mut state: &mut dyn Hasher) -> bool {
        ("files", &self.client_id, &self.client_secret, &self.secrets).hash(&mut state);
        true
    }
}

pub(crate) async fn read_secret(path: &Path) -> Result<SecretString, Error> {
    let refused = |why: String| {
        Error::new(ErrorKind::Configuration, format!("the secret file {} {why}", path.display()))
            .with_remedy("use a file that holds the secret and nothing else")
    };
    let bytes = read_at_most(path, LARGEST + 1).await;
    let bytes = bytes.map_err(|source| refused(format!("cannot be read ({source})")))?;
    if bytes.len() as u64 > LARGEST {
        return Err(refused("is larger than 64 KiB".to_owned()));
    }
    let text = String::from_utf8(bytes).map_err(|_| refused("is not UTF-8".to_owned()))?;
    // Some editors write a byte-order mark.
    match text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']) {
        "" => Err(refused("is empty".to_owned())),
        secret => Ok(secret.into()),
    }
}

/// Reads a file up to a limit: a path may lead to something endless.
async fn read_at_most(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).await?.take(limit).read_to_end(&mut bytes).await?;
    Ok(bytes)
}
