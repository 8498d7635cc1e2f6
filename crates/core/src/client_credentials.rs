//! Client credentials: the client id, the client secret, and whatever else proves who the client is.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use crate::client_certificate::ClientCertificate;
use crate::error::Error;
use crate::signer::{NoSigner, Signer, identity};

/// The credentials that the vendor gave you (RFC 6749 section 2.3): a client id and, for most vendors, a client secret.
///
/// `Debug` shows no secret.
///
/// ```
/// use credentials_grant::ClientCredentials;
///
/// let credentials = ClientCredentials::new("SDXE-SP-SIMPLEAPP", "a secret").with_secret("gateway-key", "another");
/// assert_eq!(credentials.client_id()?, "SDXE-SP-SIMPLEAPP");
/// assert!(!format!("{credentials:?}").contains("a secret"));
/// # Ok::<(), credentials_grant::Error>(())
/// ```
#[derive(Clone)]
pub struct ClientCredentials {
    client_id: String,
    client_secret: Option<SecretString>,
    signer: Option<Arc<dyn Signer>>,
    assertion: Option<SecretString>,
    certificate: Option<ClientCertificate>,
    secrets: BTreeMap<Cow<'static, str>, SecretString>,
    /// In a placeholder: what stands for any further secret.
    any_secret: Option<SecretString>,
}

impl ClientCredentials {
    /// Creates credentials from a client id and a client secret.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<SecretString>) -> Self {
        Self { client_secret: Some(client_secret.into()), ..Self::without_secret(client_id) }
    }

    /// Creates credentials from a client id alone: those of a public client, or of one that authenticates by
    /// [`with_signer`](Self::with_signer), [`with_assertion`](Self::with_assertion) or
    /// [`with_certificate`](Self::with_certificate).
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

    /// Creates credentials that hold a dummy value under every name, to check whether a provider can build its request.
    #[must_use]
    pub fn placeholder() -> Self {
        let certificate = ClientCertificate::from_pem("certificate");
        let mut credentials = Self::new("client", "secret").with_signer(NoSigner).with_certificate(certificate);
        credentials.any_secret = Some("secret".into());
        credentials
    }

    /// Sets the key that signs the client's assertions (`private_key_jwt`, RFC 7523 section 2.2).
    #[must_use]
    pub fn with_signer(mut self, signer: impl Signer) -> Self {
        self.signer = Some(Arc::new(signer));
        self
    }

    /// Sets an assertion that is signed already: the JWT that a platform gives its workloads (Kubernetes, GitHub
    /// Actions, SPIFFE). Credentials that have a signer as well are refused when they authenticate.
    #[must_use]
    pub fn with_assertion(mut self, jwt: impl Into<SecretString>) -> Self {
        self.assertion = Some(jwt.into());
        self
    }

    /// Sets the certificate to present in TLS, to authenticate the client or to have its tokens bound to it (RFC 8705).
    #[must_use]
    pub fn with_certificate(mut self, certificate: ClientCertificate) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// Adds a further secret, such as a gateway key, under the name that the provider reads it by.
    #[must_use]
    pub fn with_secret(mut self, name: impl Into<Cow<'static, str>>, secret: impl Into<SecretString>) -> Self {
        self.secrets.insert(name.into(), secret.into());
        self
    }

    /// Returns the client id.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if it is empty.
    pub fn client_id(&self) -> Result<&str, Error> {
        match self.client_id.as_str() {
            "" => {
                Err(Error::configuration("the client id is empty").with_remedy("set the id that the vendor gave you"))
            }
            client_id => Ok(client_id),
        }
    }

    /// Returns the client secret.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if there is none, or if it is empty.
    pub fn client_secret(&self) -> Result<&SecretString, Error> {
        let refused = |why, remedy| Err(Error::configuration(why).with_remedy(remedy));
        match &self.client_secret {
            Some(secret) if !secret.expose_secret().is_empty() => Ok(secret),
            Some(_) => refused("the client secret is empty", "set the secret that the vendor gave you"),
            None if self.signer.is_some() || self.assertion.is_some() => refused(
                "these credentials have no client secret",
                "authenticate by `private_key_jwt`, or add the secret",
            ),
            None if self.certificate.is_some() => refused(
                "these credentials have no client secret",
                "authenticate by `tls_client_auth`, or add the secret",
            ),
            None => refused("these credentials have no client secret", "add the secret, or authenticate by `none`"),
        }
    }

    /// Returns the key that signs the client's assertions.
    #[must_use]
    pub fn signer(&self) -> Option<&Arc<dyn Signer>> {
        self.signer.as_ref()
    }

    /// Returns the key that signs, for a provider that requires one.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if there is none.
    pub fn require_signer(&self) -> Result<Arc<dyn Signer>, Error> {
        self.signer.clone().ok_or_else(|| {
            Error::configuration("these credentials have no signer")
                .with_remedy("add the key: `ClientCredentials::with_signer`")
        })
    }

    /// Returns the assertion that is signed already.
    #[must_use]
    pub fn assertion(&self) -> Option<&SecretString> {
        self.assertion.as_ref()
    }

    /// Returns the certificate to present in TLS.
    #[must_use]
    pub fn certificate(&self) -> Option<&ClientCertificate> {
        self.certificate.as_ref()
    }

    /// Returns a further secret by its name.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<&SecretString> {
        self.secrets.get(name).or(self.any_secret.as_ref())
    }

    /// Returns every secret, to redact from what servers echo.
    pub(crate) fn all_secrets(&self) -> impl Iterator<Item = &SecretString> {
        let Self { client_id: _, client_secret, signer: _, assertion, certificate: _, secrets, any_secret: _ } = self;
        client_secret.iter().chain(assertion).chain(secrets.values())
    }

    /// Hashes all that tells these credentials from others.
    pub(crate) fn identify(&self, mut state: &mut dyn Hasher) {
        let Self { client_id, client_secret, signer, assertion, certificate, secrets, any_secret } = self;
        let secret = client_secret.as_ref().map(exposed);
        let assertion = assertion.as_ref().map(exposed);
        let any_secret = any_secret.as_ref().map(exposed);
        ("fixed", client_id, secret, assertion, certificate, any_secret, signer.is_some()).hash(&mut state);
        secrets.len().hash(&mut state);
        for (name, secret) in secrets {
            (name, exposed(secret)).hash(&mut state);
        }
        // Last, because nobody says where the bytes of a signer end.
        if let Some(signer) = signer {
            signer.identify(state);
        }
    }
}

impl PartialEq for ClientCredentials {
    fn eq(&self, other: &Self) -> bool {
        let Self { client_id, client_secret, signer, assertion, certificate, secrets, any_secret } = self;
        *client_id == other.client_id
            && client_secret.as_ref().map(exposed) == other.client_secret.as_ref().map(exposed)
            && assertion.as_ref().map(exposed) == other.assertion.as_ref().map(exposed)
            && *certificate == other.certificate
            && signer.as_deref().map(identity) == other.signer.as_deref().map(identity)
            && secrets.keys().eq(other.secrets.keys())
            && secrets.values().map(exposed).eq(other.secrets.values().map(exposed))
            && any_secret.as_ref().map(exposed) == other.any_secret.as_ref().map(exposed)
    }
}

impl Eq for ClientCredentials {}

fn exposed(secret: &SecretString) -> &str {
    secret.expose_secret()
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client_id, client_secret, signer, assertion, certificate, secrets, any_secret: _ } = self;
        f.debug_struct("ClientCredentials")
            .field("client_id", client_id)
            .field("has_client_secret", &client_secret.is_some())
            .field("signer", signer)
            .field("has_assertion", &assertion.is_some())
            .field("has_certificate", &certificate.is_some())
            .field("secrets", &secrets.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::hash_map::DefaultHasher;

    use async_trait::async_trait;

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

    #[test]
    fn a_placeholder_is_not_the_credentials_that_hold_the_same_values() {
        let certificate = ClientCertificate::from_pem("certificate");
        let same = ClientCredentials::new("client", "secret").with_signer(NoSigner).with_certificate(certificate);
        assert_ne!(same, ClientCredentials::placeholder());
        assert_ne!(identity_of(&same), identity_of(&ClientCredentials::placeholder()));
    }

    fn identity_of(credentials: &ClientCredentials) -> u64 {
        let mut hasher = DefaultHasher::new();
        credentials.identify(&mut hasher);
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
        assert!(refusal(ClientCredentials::without_secret("id")).contains("have no client secret; add the secret"));
        for credentials in [
            ClientCredentials::without_secret("id").with_signer(NoSigner),
            ClientCredentials::without_secret("id").with_assertion("jwt"),
        ] {
            assert!(refusal(credentials).contains("authenticate by `private_key_jwt`"));
        }
        let certified = ClientCredentials::without_secret("id").with_certificate(ClientCertificate::from_pem("pem"));
        assert!(refusal(certified).contains("authenticate by `tls_client_auth`"));
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
