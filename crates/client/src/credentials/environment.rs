//! Credentials from environment variables.

use std::borrow::Cow;
use std::env::{self, VarError};
use std::hash::{Hash, Hasher};

use async_trait::async_trait;
use credentials_grant::{ClientCredentials, CredentialsSource, Error, ErrorKind, ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// Reads credentials from the environment variables `<PREFIX>_CLIENT_ID` and `<PREFIX>_CLIENT_SECRET`, whenever a token
/// is fetched.
///
/// Both are required. An empty variable counts as missing, and line breaks at the end are ignored. For a public client
/// or a key, use [`FunctionCredentials`](crate::FunctionCredentials).
///
/// ```
/// use credentials_grant_client::EnvironmentCredentials;
///
/// // APALEO_CLIENT_ID and APALEO_CLIENT_SECRET
/// let apaleo = EnvironmentCredentials::with_prefix("APALEO");
///
/// // RESAMANIA_CLIENT_ID, RESAMANIA_CLIENT_SECRET and, if it is set, RESAMANIA_API_KEY
/// let resamania = EnvironmentCredentials::with_prefix("RESAMANIA").with_secret("api-key");
/// ```
#[derive(Clone, Debug)]
pub struct EnvironmentCredentials {
    prefix: String,
    secrets: Vec<Cow<'static, str>>,
}

impl EnvironmentCredentials {
    /// Reads variables that start with this prefix.
    pub fn with_prefix(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), secrets: Vec::new() }
    }

    /// Reads a further secret, if its variable is set: `<PREFIX>_API_KEY` for `api-key`.
    #[must_use]
    pub fn with_secret(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.secrets.push(name.into());
        self
    }

    fn variable(&self, name: &str) -> String {
        format!("{}_{}", self.prefix, name.to_ascii_uppercase().replace('-', "_"))
    }

    fn read(&self, name: &str) -> Result<Option<SecretString>, Error> {
        let variable = self.variable(name);
        match env::var(&variable) {
            // Shells and manifests often add a line break at the end, which is not part of a secret.
            Ok(value) => {
                let value = Zeroizing::new(value);
                let value = value.trim_end_matches(['\r', '\n']);
                Ok(Some(value).filter(|value| !value.is_empty()).map(SecretString::from))
            }
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => {
                let message = format!("the environment variable {variable} is not UTF-8");
                Err(Error::new(ErrorKind::Configuration, message).with_remedy(format!("set {variable} to UTF-8 text")))
            }
        }
    }

    fn require(&self, name: &str) -> Result<SecretString, Error> {
        self.read(name)?.ok_or_else(|| {
            let variable = self.variable(name);
            let message = format!("the environment variable {variable} is not set");
            Error::new(ErrorKind::Configuration, message).with_remedy(format!("set {variable}"))
        })
    }
}

#[async_trait]
impl CredentialsSource for EnvironmentCredentials {
    async fn load(&self) -> Result<ClientCredentials, Error> {
        let client_id = self.require("client-id")?;
        let credentials = ClientCredentials::new(client_id.expose_secret(), self.require("client-secret")?);
        self.secrets.iter().try_fold(credentials, |credentials, name| {
            Ok(match self.read(name)? {
                Some(secret) => credentials.with_secret(name.clone(), secret),
                None => credentials,
            })
        })
    }

    fn identify(&self, mut state: &mut dyn Hasher) -> bool {
        ("environment", &self.prefix, &self.secrets).hash(&mut state);
        true
    }
}
