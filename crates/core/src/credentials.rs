//! Who asks: the client id, the client secret, and what else a vendor wants kept secret.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use crate::client_certificate::ClientCertificate;
use crate::error::Error;
use crate::signer::{NoSigner, Signer, identity};

/// What the vendor gave you to prove who you are (RFC 6749 section 2.3).
///
/// It prints no secret.
///
/// ```
/// use credentials_grant::ClientCredentials;
///
/// let credentials = ClientCredentials::new("SDXE-SP-SIMPLEAPP", "a secret").with_secret("gateway-key", "another");
/// assert_eq!(format!("{credentials:?}"), r#"ClientCredentials { client_id: "SDXE-SP-SIMPLEAPP", signer: None, secrets: ["gateway-key"], .. }"#);
/// ```
#[derive(Clone)]
pub struct ClientCredentials {
    client_id: String,
    client_secret: Option<SecretString>,
    signer: Option<Arc<dyn Signer>>,
    assertion: Option<SecretString>,
    certificate: Option<ClientCertificate>,
    secrets: BTreeMap<Cow<'static, str>, SecretString>,
    /// What stands for a secret that is not there, in a placeholder.
    any_secret: Option<SecretString>,
}

impl ClientCredentials {
    /// A client id and its secret.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<SecretString>) -> Self {
        Self { client_secret: Some(client_secret.into()), ..Self::without_secret(client_id) }
    }

    /// A client id alone: of a public client, or of one that proves who it is by [`with_signer`](Self::with_signer),
    /// [`with_assertion`](Self::with_assertion) or [`with_certificate`](Self::with_certificate).
    pub fn without_secret(client_id: impl Into<String>) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: None,
            signer: None,
            assertion: None,
            certificate: None,
            secrets: BTreeMap::new(),
            any_secret: None,
        }
    }

    /// Credentials that hold something under every name, for trying out whether a request can be written.
    #[must_use]
    pub fn placeholder() -> Self {
        let certificate = ClientCertificate::from_pem("certificate");
        let mut credentials = Self::new("client", "secret").with_signer(NoSigner).with_certificate(certificate);
        credentials.any_secret = Some("secret".into());
        credentials
    }

    /// Adds what signs the client's assertions (`private_key_jwt`, RFC 7523 section 2.2).
    #[must_use]
    pub fn with_signer(mut self, signer: impl Signer) -> Self {
        self.signer = Some(Arc::new(signer));
        self
    }

    /// Adds an assertion that somebody else has signed: the JWT that a platform gives its workloads (Kubernetes, GitHub,
    /// SPIFFE). It goes before a signer.
    #[must_use]
    pub fn with_assertion(mut self, jwt: impl Into<SecretString>) -> Self {
        self.assertion = Some(jwt.into());
        self
    }

    /// Adds a certificate to show in TLS: to prove who the client is by it, or to have tokens bound to it (RFC 8705).
    #[must_use]
    pub fn with_certificate(mut self, certificate: ClientCertificate) -> Self {
        self.certificate = Some(certificate);
        self
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
    /// [`Configuration`](crate::ErrorKind::Configuration) if there is none, or if it is empty.
    pub fn client_secret(&self) -> Result<&SecretString, Error> {
        let refused = |why, remedy| Err(Error::configuration(why).with_remedy(remedy));
        match &self.client_secret {
            Some(secret) if !secret.expose_secret().is_empty() => Ok(secret),
            Some(_) => refused("the client secret is empty", "give the secret that the vendor gave you"),
            None if self.signer.is_some() || self.assertion.is_some() => refused(
                "these credentials hold no client secret",
                "authenticate by `private-key-jwt`, which they are for, or add the secret",
            ),
            None if self.certificate.is_some() => refused(
                "these credentials hold no client secret",
                "authenticate by `mtls`, which they are for, or add the secret",
            ),
            None => refused("these credentials hold no client secret", "add the secret, or authenticate by `none`"),
        }
    }

    /// What signs the client's assertions.
    #[must_use]
    pub fn signer(&self) -> Option<&Arc<dyn Signer>> {
        self.signer.as_ref()
    }

    /// The assertion that somebody else has signed.
    #[must_use]
    pub fn assertion(&self) -> Option<&SecretString> {
        self.assertion.as_ref()
    }

    /// The certificate to show in TLS.
    #[must_use]
    pub fn certificate(&self) -> Option<&ClientCertificate> {
        self.certificate.as_ref()
    }

    /// A further secret, by name.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<&SecretString> {
        self.secrets.get(name).or(self.any_secret.as_ref())
    }

    /// Every secret, to take out of what servers echo.
    pub(crate) fn all_secrets(&self) -> impl Iterator<Item = &SecretString> {
        self.client_secret.iter().chain(&self.assertion).chain(self.secrets.values())
    }
}

impl PartialEq for ClientCredentials {
    fn eq(&self, other: &Self) -> bool {
        self.client_id == other.client_id
            && self.client_secret.as_ref().map(exposed) == other.client_secret.as_ref().map(exposed)
            && self.assertion.as_ref().map(exposed) == other.assertion.as_ref().map(exposed)
            && self.certificate == other.certificate
            && self.signer.as_deref().map(identity) == other.signer.as_deref().map(identity)
            && self.secrets.keys().eq(other.secrets.keys())
            && self.secrets.values().map(exposed).eq(other.secrets.values().map(exposed))
    }
}

impl Eq for ClientCredentials {}

fn exposed(secret: &SecretString) -> &str {
    secret.expose_secret()
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials")
            .field("client_id", &self.client_id)
            .field("signer", &self.signer)
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
        let signer = self.signer.as_deref().map(identity);
        let secrets: Vec<_> = self.secrets.iter().map(|(name, secret)| (name, exposed(secret))).collect();
        let secret = self.client_secret.as_ref().map(exposed);
        let assertion = self.assertion.as_ref().map(exposed);
        ("fixed", &self.client_id, secret, assertion, signer, &self.certificate, secrets).hash(&mut state);
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
    use std::collections::hash_map::DefaultHasher;

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
            one().with_assertion("secret"),
            one().with_signer(NoSigner),
            one().with_certificate(ClientCertificate::from_pem("secret")),
            ClientCredentials::without_secret("id").with_assertion("secret").with_secret("key", "k"),
        ];
        for other in others {
            assert_ne!(one(), other);
            assert_ne!(identity_of(&one()), identity_of(&other), "a pool would take them for the same: {other:?}");
        }
        assert_eq!(identity_of(&one()), identity_of(&one()));
    }

    fn identity_of(credentials: &ClientCredentials) -> u64 {
        let mut hasher = DefaultHasher::new();
        assert!(credentials.identify(&mut hasher));
        hasher.finish()
    }

    #[test]
    fn two_signers_of_the_same_key_are_the_same_credentials() {
        let signed = |key: &'static str| ClientCredentials::without_secret("id").with_signer(Key(key));
        assert_eq!(signed("a"), signed("a"));
        assert_ne!(signed("a"), signed("b"));
    }

    #[test]
    fn a_secret_that_is_missing_is_told_apart_from_one_that_is_empty() {
        let refusal = |credentials: ClientCredentials| credentials.client_secret().unwrap_err().to_string();
        assert!(refusal(ClientCredentials::new("id", "")).contains("is empty"));
        assert!(refusal(ClientCredentials::without_secret("id")).contains("hold no client secret; add the secret"));
        for credentials in [
            ClientCredentials::without_secret("id").with_signer(NoSigner),
            ClientCredentials::without_secret("id").with_assertion("jwt"),
        ] {
            assert!(refusal(credentials).contains("authenticate by `private-key-jwt`"));
        }
        let certified = ClientCredentials::without_secret("id").with_certificate(ClientCertificate::from_pem("pem"));
        assert!(refusal(certified).contains("authenticate by `mtls`"));
    }

    #[derive(Debug)]
    struct Key(&'static str);

    #[async_trait]
    impl Signer for Key {
        fn algorithm(&self) -> &'static str {
            "RS256"
        }

        fn key_id(&self) -> Option<&str> {
            Some(self.0)
        }

        async fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Error> {
            Ok(vec![0])
        }
    }
}
