//! The key that signs the JSON Web Tokens, and random strings.

use std::sync::LazyLock;

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;

/// An RSA key of 2048 bits, for RS256 (RFC 7518, section 3.3).
pub(crate) struct SigningKey(RsaKeyPair);

/// A set of public keys (RFC 7517, section 5).
#[derive(Serialize)]
pub(crate) struct KeySet {
    keys: [PublicKey; 1],
}

#[derive(Serialize)]
struct PublicKey {
    kty: &'static str,
    alg: &'static str,
    r#use: &'static str,
    kid: &'static str,
    n: String,
    e: String,
}

impl SigningKey {
    /// Returns the one key of this process. Generating a key takes a tenth of a second, so all emulators share it.
    pub(crate) fn of_this_process() -> Result<&'static Self, Unspecified> {
        static KEY: LazyLock<Result<SigningKey, Unspecified>> = LazyLock::new(|| {
            let key = RsaKeyPair::generate(KeySize::Rsa2048)?;
            Ok(SigningKey(key))
        });
        KEY.as_ref().map_err(|error| *error)
    }

    /// Returns a signed token with these claims (RFC 7515, section 7.1).
    pub(crate) fn sign(&self, claims: &[u8]) -> Result<String, Unspecified> {
        let signed = format!("{}.{}", base64url(HEADER.as_bytes()), base64url(claims));
        let mut signature = vec![0; self.0.public_modulus_len()];
        let random = SystemRandom::new();
        self.0.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature)?;
        Ok(format!("{signed}.{}", base64url(&signature)))
    }

    /// Returns the public key, with which a client can verify tokens.
    pub(crate) fn public(&self) -> KeySet {
        let key = self.0.public_key();
        KeySet {
            keys: [PublicKey {
                kty: "RSA",
                alg: "RS256",
                r#use: "sig",
                kid: "emulator",
                n: base64url(key.modulus().big_endian_without_leading_zero()),
                e: base64url(key.exponent().big_endian_without_leading_zero()),
            }],
        }
    }
}

/// Returns 256 random bits as URL-safe base64.
pub(crate) fn random_string() -> Result<String, Unspecified> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes)?;
    Ok(base64url(&bytes))
}

const HEADER: &str = r#"{"typ":"JWT","alg":"RS256","kid":"emulator"}"#;

fn base64url(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
