//! A private key in memory that signs assertions and proofs, over aws-lc-rs, which TLS uses as well.

mod algorithm;
mod jwk;
mod key;
mod key_text;

use std::fmt;
use std::hash::{Hash, Hasher};

use async_trait::async_trait;
use aws_lc_rs::digest::{self, SHA256};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{EcdsaKeyPair, KeyPair, RsaKeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use credentials_grant::{Error, ErrorKind, ExposeSecret, SecretString, Signer};
use rustls_pki_types::pem::{PemObject, SectionKind};
use secrecy::SecretSlice;

pub use algorithm::SigningAlgorithm;

use jwk::ImportedKey;
use key::{Key, refused, symmetric};
use key_text::KeyText;

/// Signs with a private key in memory: RSA (2048 to 8192 bits), ECDSA (P-256, P-384, P-521), Ed25519 or HMAC.
///
/// `Debug` does not show the key. For a key that stays in a key service, implement [`Signer`].
///
/// ```
/// use credentials_grant::ClientCredentials;
/// use credentials_grant_client::{KeySigner, SigningAlgorithm};
///
/// # let pem = || include_str!("../tests/it/keys/rsa-pkcs8.pem").to_owned();
/// # let certificate = include_str!("../tests/it/keys/certificate.pem");
/// // `pem()` returns the contents of the key's file.
/// let signer = KeySigner::from_pem(pem())?.with_key_id("2026-11");
/// let credentials = ClientCredentials::without_secret("my-service").with_signer(signer);
///
/// let entra = KeySigner::from_pem(pem())?.with_algorithm(SigningAlgorithm::Ps256)?.with_certificate(certificate)?;
/// # Ok::<(), credentials_grant::Error>(())
/// ```
pub struct KeySigner {
    key: Key,
    algorithm: SigningAlgorithm,
    key_id: Option<String>,
    certificate_thumbprint: Option<String>,
    public_key: Option<String>,
}

impl KeySigner {
    /// Reads a private key from a text as vendors hand it out: PEM, a JSON Web Key, a set with one of those, or a
    /// service account's JSON with its key and key id. Base64 of any of them is read too, and PEM that has lost its
    /// line breaks, or has them written out as `\n`, as in variables and forms.
    ///
    /// ```
    /// use credentials_grant_client::KeySigner;
    ///
    /// # let pem = include_str!("../tests/it/keys/rsa-pkcs8.pem");
    /// let in_a_variable = pem.replace('\n', "\\n");
    /// let signer = KeySigner::from_text(in_a_variable)?;
    /// # Ok::<(), credentials_grant::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if there is no private key that can sign, saying what there is
    /// instead and how to convert it: an encrypted key, one of `OpenSSH` or `PuTTY`, PKCS #12, DER.
    pub fn from_text(text: impl Into<SecretString>) -> Result<Self, Error> {
        match KeyText::of(&text.into())? {
            KeyText::Pem { pem, key_id } => Ok(Self { key_id, ..Self::from_pem(pem)? }),
            KeyText::Jwk(json) => Self::from_jwk(json),
        }
    }

    /// Reads a private key from the bytes of a file: a text, as [`from_text`](Self::from_text) reads it.
    ///
    /// # Errors
    ///
    /// As [`from_text`](Self::from_text), also if the file is binary.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::from_text(text),
            Err(_) => Err(key_text::binary(bytes, "this is a binary file")),
        }
    }

    /// Reads the first private key from PEM: PKCS#8 (`PRIVATE KEY`), PKCS#1 (`RSA PRIVATE KEY`) or SEC1 (`EC PRIVATE
    /// KEY`), without a passphrase.
    ///
    /// It signs by RS256, or by the algorithm of its curve, unless [`with_algorithm`](Self::with_algorithm) sets
    /// another.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if there is no private key that can sign, naming what there is
    /// instead.
    pub fn from_pem(pem: impl Into<SecretString>) -> Result<Self, Error> {
        let pem = pem.into();
        let text = pem.expose_secret();
        key_text::check_format(text)?;
        let mut others = Vec::new();
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes()) {
            // The cause is not repeated: it is about the key.
            let Ok((kind, der)) = section else { return Err(refused("the PEM text is cut off or malformed")) };
            let der = SecretSlice::from(der);
            let der = der.expose_secret();
            let key = match kind {
                SectionKind::PrivateKey => Key::from_pkcs8(der),
                SectionKind::RsaPrivateKey => RsaKeyPair::from_der(der).ok().map(Key::Rsa),
                SectionKind::EcPrivateKey => Key::from_sec1(der),
                other => {
                    others.push(other);
                    continue;
                }
            };
            return key.map(Self::new).ok_or_else(|| refused("this kind of private key is not supported"));
        }
        Err(match others.first() {
            Some(SectionKind::PublicKey) => refused("this is a public key, which cannot sign"),
            Some(SectionKind::Certificate) => refused("this is a certificate, which cannot sign"),
            _ => refused("there is no private key in the PEM text"),
        })
    }

    /// Reads a private key from a JSON Web Key (RFC 7517, RFC 7518 section 6, RFC 8037 section 2), with its `alg`,
    /// `kid` and `x5t#S256`, if it has them.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if it is not a private key that can sign.
    pub fn from_jwk(json: impl Into<SecretString>) -> Result<Self, Error> {
        let ImportedKey { key, algorithm, key_id, certificate_thumbprint } = jwk::parse(json.into().expose_secret())?;
        let mut signer = Self::new(key);
        if let Some(algorithm) = algorithm {
            signer = signer.with_algorithm(algorithm)?;
        }
        Ok(Self { key_id, certificate_thumbprint, ..signer })
    }

    /// Generates a new key for this process: ECDSA over P-256. For a [`ProofKey`](credentials_grant::ProofKey), which
    /// the server need not know beforehand.
    ///
    /// ```
    /// use credentials_grant::{TokenParameters, ProofKey};
    /// use credentials_grant_client::KeySigner;
    ///
    /// let parameters = TokenParameters::new().with_proof_key(ProofKey::new(KeySigner::generate()?)?);
    /// # Ok::<(), credentials_grant::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the operating system returns no random bytes.
    pub fn generate() -> Result<Self, Error> {
        let (algorithm, curve) = SigningAlgorithm::ECDSA[0];
        let key = EcdsaKeyPair::generate(curve).map_err(|source| {
            Error::new(ErrorKind::Configuration, "no key could be generated")
                .with_remedy("give the program access to the system's random source")
                .with_source(source)
        })?;
        Ok(Self::new(Key::Ecdsa(key, algorithm)))
    }

    /// Creates a signer from a secret. It signs by HS256, unless [`with_algorithm`](Self::with_algorithm) sets another.
    ///
    /// To sign with the client secret by HS256, authenticate by
    /// [`ClientSecretJwt`](credentials_grant::ClientAuthentication::ClientSecretJwt), which needs no signer.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if it is empty.
    pub fn from_secret(secret: impl Into<SecretString>) -> Result<Self, Error> {
        symmetric(secret.into().expose_secret().as_bytes().to_vec()).map(Self::new)
    }

    /// Sets another algorithm that the key supports: `PS256` for an RSA key, `HS512` for a secret.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the key does not support it.
    pub fn with_algorithm(mut self, algorithm: SigningAlgorithm) -> Result<Self, Error> {
        if !self.key.algorithms().contains(&algorithm) {
            let names: Vec<_> = self.key.algorithms().iter().map(|algorithm| algorithm.name()).collect();
            return Err(Error::new(ErrorKind::Configuration, format!("this key cannot sign by {algorithm}"))
                .with_remedy(format!("use {}, or another key", names.join(", "))));
        }
        self.algorithm = algorithm;
        Ok(self)
    }

    /// Sets the key id (`kid`), which tells the server which key it is.
    #[must_use]
    pub fn with_key_id(mut self, key_id: impl Into<String>) -> Self {
        self.key_id = Some(key_id.into());
        self
    }

    /// Sets the certificate's thumbprint (`x5t#S256`), which tells the server which key it is. It reads the first
    /// certificate from PEM.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if there is no certificate.
    pub fn with_certificate(mut self, pem: &str) -> Result<Self, Error> {
        let sections = <(SectionKind, Vec<u8>)>::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok);
        let certificate = sections.into_iter().find(|(kind, _)| *kind == SectionKind::Certificate);
        let (_, der) = certificate.ok_or_else(|| {
            Error::new(ErrorKind::Configuration, "there is no certificate in the PEM text")
                .with_remedy("use the key's certificate in PEM")
        })?;
        self.certificate_thumbprint = Some(BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&SHA256, &der)));
        Ok(self)
    }

    fn new(key: Key) -> Self {
        let algorithm = key.algorithms()[0];
        let public_key = jwk::public(&key);
        Self { key, algorithm, key_id: None, certificate_thumbprint: None, public_key }
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let random = SystemRandom::new();
        Ok(match &self.key {
            Key::Ecdsa(key, _) => key.sign(&random, message)?.as_ref().to_vec(),
            Key::Ed25519(key) => key.try_sign(message)?.as_ref().to_vec(),
            Key::Hmac(secret) => {
                let key = hmac::Key::new(self.algorithm.hmac().ok_or(Unspecified)?, secret.expose_secret());
                hmac::sign(&key, message).as_ref().to_vec()
            }
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(self.algorithm.rsa().ok_or(Unspecified)?, &random, message, &mut signature)?;
                signature
            }
        })
    }
}

#[async_trait]
impl Signer for KeySigner {
    fn algorithm(&self) -> &str {
        self.algorithm.name()
    }

    fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    fn certificate_thumbprint(&self) -> Option<&str> {
        self.certificate_thumbprint.as_deref()
    }

    fn public_key(&self) -> Option<&str> {
        self.public_key.as_deref()
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.signature(message).map_err(|source| {
            Error::new(ErrorKind::SigningFailed, format!("the key could not sign by {}", self.algorithm))
                .with_remedy("check the key")
                .with_source(source)
        })
    }

    fn store_secret(&self) -> Option<SecretString> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.key.private()?.expose_secret());
        Some(BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&key, b"credentials-grant store")).into())
    }

    fn identify(&self, mut state: &mut dyn Hasher) {
        (self.algorithm.name(), &self.key_id, &self.certificate_thumbprint).hash(&mut state);
        match &self.key {
            Key::Ecdsa(key, _) => key.public_key().as_ref().hash(&mut state),
            Key::Ed25519(key) => key.public_key().as_ref().hash(&mut state),
            Key::Hmac(secret) => secret.expose_secret().hash(&mut state),
            Key::Rsa(key) => key.public_key().as_ref().hash(&mut state),
        }
    }
}

impl fmt::Debug for KeySigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySigner")
            .field("algorithm", &self.algorithm)
            .field("key_id", &self.key_id)
            .field("certificate_thumbprint", &self.certificate_thumbprint)
            .finish_non_exhaustive()
    }
}
