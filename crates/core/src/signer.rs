//! What signs the assertions by which a client proves who it is, and the proofs that it holds a key.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::error::Error;

/// A key that signs, wherever it is: in memory, in a key service, in a hardware module.
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
/// let credentials = ClientCredentials::without_secret("my-service").with_signer(KeyService { key: "2026-11".to_owned() });
/// ```
#[async_trait]
pub trait Signer: fmt::Debug + Send + Sync + 'static {
    /// The algorithm's name in JOSE (RFC 7518 section 3.1, RFC 8037): `RS256`, `ES256`, `EdDSA`.
    fn algorithm(&self) -> &str;

    /// The key's id, for the header `kid` (RFC 7515 section 4.1.4).
    fn key_id(&self) -> Option<&str> {
        None
    }

    /// The SHA-256 thumbprint of the certificate that goes with the key, in base64url, for the header `x5t#S256`
    /// (RFC 7515 section 4.1.8).
    fn certificate_thumbprint(&self) -> Option<&str> {
        None
    }

    /// The public key as a JSON Web Key (RFC 7517), for a key that tokens are to be bound to
    /// ([`ProofKey`](crate::ProofKey)). By default, none.
    fn public_key(&self) -> Option<&str> {
        None
    }

    /// The signature of these bytes, as a JWS has it: of ECDSA, both numbers one after the other and no DER
    /// (RFC 7518 section 3.4).
    ///
    /// # Errors
    ///
    /// [`SigningFailed`](crate::ErrorKind::SigningFailed), with [`Retry::Soon`](crate::Retry::Soon) if another try may
    /// help. It holds nothing secret.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error>;

    /// Feeds what tells this key from all others, so that credentials with another key count as other credentials. By
    /// default: the algorithm, the key's id and the thumbprint.
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

    fn identify(&self, state: &mut dyn Hasher) {
        (**self).identify(state);
    }
}

/// What [`Signer::identify`] makes of a signer. It is compared within the process and goes nowhere.
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
        let key = self.0.expose_secret().as_bytes();
        let mac = Hmac::<Sha256>::new_from_slice(key).map_err(|source| {
            Error::new(crate::ErrorKind::SigningFailed, "the client secret signs nothing").with_source(source)
        })?;
        Ok(mac.chain_update(message).finalize().into_bytes().to_vec())
    }
}

impl fmt::Debug for SecretSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretSigner").finish_non_exhaustive()
    }
}

/// Stands where a signer would, in a placeholder. It signs nothing.
#[derive(Debug)]
pub(crate) struct NoSigner;

#[async_trait]
impl Signer for NoSigner {
    fn algorithm(&self) -> &'static str {
        "none"
    }

    async fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Error> {
        Err(Error::new(crate::ErrorKind::SigningFailed, "placeholder credentials sign nothing")
            .with_remedy("use credentials with a signer"))
    }
}
