//! Private keys in memory, of every kind that signs here.

use aws_lc_rs::encoding::{AsBigEndian as _, AsDer, Pkcs8V1Der};
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use credentials_grant::{Error, ErrorKind};
use secrecy::SecretSlice;

use super::algorithm::SigningAlgorithm;

pub(super) enum Key {
    Ecdsa(EcdsaKeyPair, SigningAlgorithm),
    Ed25519(Ed25519KeyPair),
    Hmac(SecretSlice<u8>),
    Rsa(RsaKeyPair),
}

impl Key {
    pub(super) fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let rsa = || RsaKeyPair::from_pkcs8(der).ok().map(Self::Rsa);
        let ed25519 = || Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok().map(Self::Ed25519);
        rsa().or_else(ed25519).or_else(|| Self::from_sec1(der))
    }

    /// Reads an ECDSA key. The curve is the one that accepts it.
    pub(super) fn from_sec1(der: &[u8]) -> Option<Self> {
        SigningAlgorithm::ECDSA.into_iter().find_map(|(algorithm, curve)| {
            Some(Self::Ecdsa(EcdsaKeyPair::from_private_key_der(curve, der).ok()?, algorithm))
        })
    }

    /// Returns the algorithms that the key supports, the default one first.
    pub(super) fn algorithms(&self) -> &[SigningAlgorithm] {
        use SigningAlgorithm::{Ed25519, EdDsa, Hs256, Hs384, Hs512, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
        match self {
            Self::Ecdsa(_, algorithm) => std::slice::from_ref(algorithm),
            Self::Ed25519(_) => &[EdDsa, Ed25519],
            Self::Hmac(_) => &[Hs256, Hs384, Hs512],
            Self::Rsa(_) => &[Rs256, Rs384, Rs512, Ps256, Ps384, Ps512],
        }
    }
}

impl Key {
    /// Returns the private key, in the same bytes whatever it was read from.
    pub(super) fn private(&self) -> Option<SecretSlice<u8>> {
        let bytes = match self {
            Self::Ecdsa(key, _) => key.private_key().as_be_bytes().ok()?.as_ref().to_vec(),
            Self::Ed25519(key) => key.seed().ok()?.as_be_bytes().ok()?.as_ref().to_vec(),
            Self::Hmac(secret) => return Some(secret.clone()),
            Self::Rsa(key) => AsDer::<Pkcs8V1Der<'_>>::as_der(key).ok()?.as_ref().to_vec(),
        };
        Some(bytes.into())
    }
}

/// Creates a symmetric key.
pub(super) fn symmetric(secret: Vec<u8>) -> Result<Key, Error> {
    if secret.is_empty() {
        return Err(refused("the secret is empty"));
    }
    Ok(Key::Hmac(secret.into()))
}

pub(super) fn refused(why: &'static str) -> Error {
    Error::new(ErrorKind::Configuration, why).with_remedy(
        "use a private key without a passphrase: RSA of 2048 to 8192 bits, ECDSA over P-256, P-384 or P-521, or Ed25519",
    )
}
