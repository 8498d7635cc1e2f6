//! Where credentials come from.

use std::fmt;
use std::hash::Hasher;
use std::sync::Arc;

use async_trait::async_trait;

use crate::client_credentials::ClientCredentials;
use crate::error::Error;

/// A source of client credentials. It is asked whenever a token is fetched, so the credentials can change while the
/// program runs.
///
/// [`ClientCredentials`] are a source themselves, of fixed credentials. For a secret in a vault:
///
/// ```
/// use std::hash::{Hash, Hasher};
/// use credentials_grant::{ClientCredentials, CredentialsSource, Error, async_trait};
/// # async fn read_from_vault(path: &str) -> Result<String, Error> { Ok(path.to_owned()) }
///
/// #[derive(Clone, Debug)]
/// struct VaultCredentials {
///     path: String,
/// }
///
/// #[async_trait]
/// impl CredentialsSource for VaultCredentials {
///     async fn load(&self) -> Result<ClientCredentials, Error> {
///         Ok(ClientCredentials::new("SDXE-SP-SIMPLEAPP", read_from_vault(&self.path).await?))
///     }
///
///     fn identify(&self, mut state: &mut dyn Hasher) -> bool {
///         ("vault", &self.path).hash(&mut state);
///         true
///     }
/// }
/// ```
#[async_trait]
pub trait CredentialsSource: fmt::Debug + Send + Sync + 'static {
    /// Returns the credentials as they are now.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if there are none, naming where they were looked for.
    async fn load(&self) -> Result<ClientCredentials, Error>;

    /// Returns the credentials to try next, after these were refused. They are tried if they differ from all that were
    /// refused before. Calls [`load`](Self::load) by default.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    async fn after_refusal(&self, refused: &ClientCredentials) -> Result<ClientCredentials, Error> {
        let _ = refused;
        self.load().await
    }

    /// Hashes where the credentials come from (not the secret itself), for the keys of a token pool. Returns `false` if
    /// this source cannot be told from others, which is the default; a pool refuses such a source.
    fn identify(&self, state: &mut dyn Hasher) -> bool {
        let _ = state;
        false
    }
}

#[async_trait]
impl CredentialsSource for ClientCredentials {
    async fn load(&self) -> Result<ClientCredentials, Error> {
        Ok(self.clone())
    }

    fn identify(&self, state: &mut dyn Hasher) -> bool {
        self.identify(state);
        true
    }
}

#[async_trait]
impl<T: CredentialsSource + ?Sized> CredentialsSource for Arc<T> {
    async fn load(&self) -> Result<ClientCredentials, Error> {
        (**self).load().await
    }

    async fn after_refusal(&self, refused: &ClientCredentials) -> Result<ClientCredentials, Error> {
        (**self).after_refusal(refused).await
    }

    fn identify(&self, state: &mut dyn Hasher) -> bool {
        (**self).identify(state)
    }
}
