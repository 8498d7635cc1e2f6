//! Keys that sign client assertions and DPoP proofs.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_trait::async_trait;
use hmac_sha256::HMAC;
use secrecy::{ExposeSecret, SecretString};

use crate::error::Error;

/// A private key that signs, wherever it is kept: in memory, in a key service, in a hardware module.
///
/// The client crate's `KeySigner` is one for a key in memory. For a key that stays in its service:
///
/// ```
/// use credentials_grant::{ClientCredentials, Error, ErrorKind, Retry, Signer, async_trait};
/// # #[derive(Debug)]
/// # struct Unavailable;
/// # async fn ask_the_service(_: &str, _: &[u8]) -> Result<Vec<u8>, Unavailable> { Ok(vec![0; 256]) }
///
/// #[derive(Debug)]
/// struct KeyService {
///     key: String,
/// }
///
/// #[async_trait]
/// impl Signer for KeyService {
///     fn algorithm(&self) -> &str {
///         "PS256"
///     }
///
///     fn key_id(&self) -> Option<&str> {
///         Some(&self.key)
///     }
///
///     async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
///         ask_the_service(&self.key, message).await.map_err(|_| {
///             Error::new(ErrorKind::SigningFailed, "the key service did not answer").with_retry(Retry::Soon)
///         })
///     }
/// }
///
/// let signer = KeyService { key: "2026-11".to_owned() };
/// let credentials = ClientCredentials::without_secret("my-service").with_signer(signer);
/// ```
#[async_trait]
pub trait Signer: fmt::Debug + Send + Sync + 'static {
    /// Returns the algorithm's JOSE name (RFC 7518 section 3.1, RFC 8037): `RS256`, `ES256`, `EdDSA`.
    fn algorithm(&self) -> &str;

    /// Returns the key's id, for the header `kid` (RFC 7515 section 4.1.4).
    fn key_id(&self) -> Option<&str> {
        None
    }

    /// Returns the SHA-256 thumbprint of the key's certificate, in base64url, for the header `x5t#S256`
    /// (RFC 7515 section 4.1.8).
    fn certificate_thumbprint(&self) -> Option<&str> {
        None
    }

    /// Returns the public key as a JSON Web Key (RFC 7517). A [`ProofKey`](crate::ProofKey) needs it.
    fn public_key(&self) -> Option<&str> {
        None
    }

    /// Signs these bytes, and returns the signature in the format of a JWS. For ECDSA, that is both numbers one after
    /// the other, not DER (RFC 7518 section 3.4).
    ///
    /// # Errors
    ///
    /// [`SigningFailed`](crate::ErrorKind::SigningFailed), with [`Retry::Soon`](crate::Retry::Soon) if another try may
    /// help. It must hold no secret.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error>;

    /// Returns a secret that every process with this key can derive, and nobody without it. A store of tokens that has
    /// no keyring seals the client's records with it. `None` unless implemented: tokens of such a client are kept only
    /// in a store that has a keyring.
    fn store_secret(&self) -> Option<SecretString> {
        None
    }

    /// Hashes what tells this key from others, so that credentials with another key count as different. By default: the
    /// algorithm, the key's id and the thumbprint.
    fn identify(&self, mut state: &mut dyn Hasher) {
        (self.algorithm(), self.key_id(), self.certificate_thumbprint()).hash(&mut state);
    }
}

#[async_trait]
impl<T: Signer + ?Sized> Signer for Arc<T> {
    fn algorithm(&self) -> &str {
        (**self).algorithm()
    }

    fn key_id(&self) -> Option<&str> {
        (**self).key_id()
    }

    fn certificate_thumbprint(&self) -> Option<&str> {
        (**self).certificate_thumbprint()
    }

    fn public_key(&self) -> Option<&str> {
        (**self).public_key()
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        (**self).sign(message).await
    }

    fn store_secret(&self) -> Option<SecretString> {
        (**self).store_secret()
    }

    fn identify(&self, state: &mut dyn Hasher) {
        (**self).identify(state);
    }
}

/// Returns the hash of [`Signer::identify`]. It is compared within the process only.
pub(crate) fn identity(signer: &dyn Signer) -> u64 {
    let mut hasher = DefaultHasher::new();
    signer.identify(&mut hasher);
    hasher.finish()
}

/// Signs with the client secret (`client_secret_jwt`, OIDC Core section 9).
pub(crate) struct SecretSigner(pub(crate) SecretString);

#[async_trait]
impl Signer for SecretSigner {
    fn algorithm(&self) -> &'static str {
        "HS256"
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(HMAC::mac(message, self.0.expose_secret()).to_vec())
    }
}

impl fmt::Debug for SecretSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretSigner").finish_non_exhaustive()
    }
}

/// The signer of placeholder credentials, which always fails.
#[derive(Debug)]
pub(crate) struct NoSigner;

#[async_trait]
impl Signer for NoSigner {
    fn algorithm(&self) -> &'static str {
        "none"
    }

    async fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Error> {
        Err(Error::new(crate::ErrorKind::SigningFailed, "placeholder credentials cannot sign")
            .with_remedy("use real credentials with a signer"))
    }
}
