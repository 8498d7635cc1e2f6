//! Who asks: the client id, the client secret, and what else a vendor wants kept secret.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use crate::error::Error;

/// What the vendor gave you to prove who you are (RFC 6749 section 2.3).
///
/// It prints no secret.
///
/// ```
/// use credentials_grant::ClientCredentials;
///
/// let credentials = ClientCredentials::new("SDXE-SP-SIMPLEAPP", "a secret").with_secret("gateway-key", "another");
/// assert_eq!(format!("{credentials:?}"), r#"ClientCredentials { client_id: "SDXE-SP-SIMPLEAPP", secrets: ["gateway-key"], .. }"#);
/// ```
#[derive(Clone)]
pub struct ClientCredentials {
    client_id: String,
    client_secret: SecretString,
    secrets: BTreeMap<Cow<'static, str>, SecretString>,
    /// What stands for a secret that is not there, in a placeholder.
    any_secret: Option<SecretString>,
}

impl ClientCredentials {
    /// A client id and its secret.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<SecretString>) -> Self {
        let (client_id, client_secret) = (client_id.into(), client_secret.into());
        Self { client_id, client_secret, secrets: BTreeMap::new(), any_secret: None }
    }

    /// Credentials that hold something under every name, for trying out whether a request can be written.
    #[must_use]
    pub fn placeholder() -> Self {
        let mut credentials = Self::new("client", "secret");
        credentials.any_secret = Some("secret".into());
        credentials
    }

    /// Adds a further secret, such as a gateway key, under the name by which the provider asks for it.
    #[must_use]
    pub fn with_secret(mut self, name: impl Into<Cow<'static, str>>, secret: impl Into<SecretString>) -> Self {
        self.secrets.insert(name.into(), secret.into());
        self
    }

    /// The client id.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if it is empty.
    pub fn client_id(&self) -> Result<&str, Error> {
        match self.client_id.as_str() {
            "" => {
                Err(Error::configuration("the client id is empty").with_remedy("give the id that the vendor gave you"))
            }
            client_id => Ok(client_id),
        }
    }

    /// The client secret.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if it is empty.
    pub fn client_secret(&self) -> Result<&SecretString, Error> {
        match self.client_secret.expose_secret() {
            "" => Err(Error::configuration("the client secret is empty")
                .with_remedy("give the secret that the vendor gave you")),
            _ => Ok(&self.client_secret),
        }
    }

    /// A further secret, by name.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<&SecretString> {
        self.secrets.get(name).or(self.any_secret.as_ref())
    }

    /// Every secret, to take out of what servers echo.
    pub(crate) fn all_secrets(&self) -> impl Iterator<Item = &SecretString> {
        [&self.client_secret].into_iter().chain(self.secrets.values())
    }
}

impl PartialEq for ClientCredentials {
    fn eq(&self, other: &Self) -> bool {
        let exposed = SecretString::expose_secret;
        self.client_id == other.client_id
            && self.secrets.keys().eq(other.secrets.keys())
            && self.all_secrets().map(exposed).eq(other.all_secrets().map(exposed))
    }
}

impl Eq for ClientCredentials {}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials")
            .field("client_id", &self.client_id)
            .field("secrets", &self.secrets.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Where credentials come from: asked again whenever a token is needed, so that they can change under a running program.
///
/// Fixed credentials are a source of themselves.
#[async_trait]
pub trait CredentialsSource: fmt::Debug + Send + Sync + 'static {
    /// The credentials as they are now.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if there are none, naming where they were looked for.
    async fn credentials(&self) -> Result<ClientCredentials, Error>;

    /// What to try now that these were refused. They are tried if they differ from all that were refused before.
    ///
    /// # Errors
    ///
    /// As [`credentials`](Self::credentials), which it asks unless it is implemented.
    async fn after_refusal(&self, refused: &ClientCredentials) -> Result<ClientCredentials, Error> {
        let _ = refused;
        self.credentials().await
    }

    /// Feeds what tells this source from all others, for the keys of a pool of tokens: not the secret that it holds now,
    /// but where it gets it. Says whether it did; a pool does not take a source that cannot be told from others.
    ///
    /// ```
    /// use std::hash::{Hash, Hasher};
    /// use credentials_grant::{ClientCredentials, CredentialsSource, Error, async_trait};
    /// # async fn read_from_vault(path: &str) -> Result<String, Error> { Ok(path.to_owned()) }
    ///
    /// /// A secret in a vault.
    /// #[derive(Clone, Debug)]
    /// struct VaultCredentials {
    ///     path: String,
    /// }
    ///
    /// #[async_trait]
    /// impl CredentialsSource for VaultCredentials {
    ///     async fn credentials(&self) -> Result<ClientCredentials, Error> {
    ///         Ok(ClientCredentials::new("SDXE-SP-SIMPLEAPP", read_from_vault(&self.path).await?))
    ///     }
    ///
    ///     fn identify(&self, mut state: &mut dyn Hasher) -> bool {
    ///         ("vault", &self.path).hash(&mut state);
    ///         true
    ///     }
    /// }
    /// ```
    fn identify(&self, state: &mut dyn Hasher) -> bool {
        let _ = state;
        false
    }
}

#[async_trait]
impl CredentialsSource for ClientCredentials {
    async fn credentials(&self) -> Result<ClientCredentials, Error> {
        Ok(self.clone())
    }

    fn identify(&self, mut state: &mut dyn Hasher) -> bool {
        let names: Vec<_> = self.secrets.keys().collect();
        ("fixed", &self.client_id, names).hash(&mut state);
        self.all_secrets().for_each(|secret| secret.expose_secret().hash(&mut state));
        true
    }
}

#[async_trait]
impl<T: CredentialsSource + ?Sized> CredentialsSource for Arc<T> {
    async fn credentials(&self) -> Result<ClientCredentials, Error> {
        (**self).credentials().await
    }

    async fn after_refusal(&self, refused: &ClientCredentials) -> Result<ClientCredentials, Error> {
        (**self).after_refusal(refused).await
    }

    fn identify(&self, state: &mut dyn Hasher) -> bool {
        (**self).identify(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_the_same_if_everything_in_them_is() {
        let one = || ClientCredentials::new("id", "secret").with_secret("key", "k");
        assert_eq!(one(), one());
        let others = [
            ClientCredentials::new("other", "secret").with_secret("key", "k"),
            ClientCredentials::new("id", "other").with_secret("key", "k"),
            ClientCredentials::new("id", "secret").with_secret("other", "k"),
            one().with_secret("key", "other"),
            one().with_secret("another", "k"),
        ];
        for other in others {
            assert_ne!(one(), other);
        }
    }
}
