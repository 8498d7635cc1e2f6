//! The public keys of an issuer (RFC 7517), and signatures by them.

use std::fmt;

use credentials_grant::{Error, ErrorKind, HttpResponse};
use credentials_grant_client::SigningAlgorithm;
use jsonwebtoken::crypto::aws_lc;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::jwt::{Jwt, refused};
use crate::issuer::Issuer;

/// How many keys an issuer may have.
const MOST_KEYS: usize = 100;

/// The keys that can verify a token.
pub(super) struct KeySet(Vec<Key>);

struct Key {
    id: Option<String>,
    /// What it may have signed by.
    algorithms: Vec<SigningAlgorithm>,
    public: DecodingKey,
}

/// Why a token is not verified.
pub(super) enum Unverified {
    /// It was signed with a key that is not among these.
    UnknownKey,
    Refused(Error),
}

impl KeySet {
    /// Reads what an issuer answers. A key that is for something else, or of a kind that is not known here, is passed over.
    pub(super) fn read(issuer: &Issuer, response: &HttpResponse) -> Result<Self, Error> {
        let bad = |why: &str| {
            Error::new(ErrorKind::BadResponse, format!("the JSON Web Key Set of {issuer} {why}"))
                .with_remedy("show the vendor this message")
        };
        let document: Document<'_> =
            serde_json::from_slice(response.body()).map_err(|_| bad("is not as RFC 7517 section 5 has it"))?;
        if document.keys.len() > MOST_KEYS {
            return Err(bad("has more than 100 keys"));
        }
        Ok(Self(document.keys.into_iter().filter_map(|key| Key::read(key.get())).collect()))
    }

    /// Whether one of these keys has signed the token.
    pub(super) fn verify(&self, jwt: &Jwt<'_>) -> Result<(), Unverified> {
        let refused = |why| Err(Unverified::Refused(refused(why)));
        let is_named = |key: &&Key| jwt.key_id().is_none_or(|id| key.id.as_deref() == Some(id));
        let fits = |key: &&Key| jwt.algorithm().is_some_and(|algorithm| key.algorithms.contains(&algorithm));
        let named = || self.0.iter().filter(is_named);
        match named().filter(fits).count() {
            0 if jwt.key_id().is_some() && named().next().is_some() => {
                refused("is signed by an algorithm that its key is not for")
            }
            0 => Err(Unverified::UnknownKey),
            2.. if jwt.key_id().is_none() => refused("does not say with which key it is signed"),
            // As a rule, one key has the name.
            _ if named().filter(fits).any(|key| key.has_signed(jwt)) => Ok(()),
            _ => refused("is not signed with the key that it names"),
        }
    }
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

/// A public key as RFC 7518 section 6 and RFC 8037 section 2 have it.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    alg: Option<String>,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    e: Option<String>,
    n: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Key {
    /// The key, if it is one that verifies signatures.
    fn read(json: &str) -> Option<Self> {
        use SigningAlgorithm::{Ed25519, EdDsa, Es256, Es384, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
        let jwk: Jwk = serde_json::from_str(json).ok()?;
        let is_for_signatures = jwk.usage.is_none_or(|usage| usage == "sig")
            && jwk.key_ops.is_none_or(|operations| operations.iter().any(|operation| operation == "verify"));
        if !is_for_signatures {
            return None;
        }
        let x = || jwk.x.as_deref();
        let point = || DecodingKey::from_ec_components(x()?, jwk.y.as_deref()?).ok();
        let (algorithms, public): (&[_], _) = match (&*jwk.kty, jwk.crv.as_deref()) {
            ("RSA", _) => (
                &[Rs256, Rs384, Rs512, Ps256, Ps384, Ps512],
                DecodingKey::from_rsa_components(jwk.n.as_deref()?, jwk.e.as_deref()?).ok()?,
            ),
            ("EC", Some("P-256")) => (&[Es256], point()?),
            ("EC", Some("P-384")) => (&[Es384], point()?),
            ("OKP", Some("Ed25519")) => (&[EdDsa, Ed25519], DecodingKey::from_ed_components(x()?).ok()?),
            _ => return None,
        };
        let is_for = |algorithm: &&SigningAlgorithm| jwk.alg.as_deref().is_none_or(|name| name == algorithm.name());
        let algorithms: Vec<_> = algorithms.iter().filter(is_for).copied().collect();
        (!algorithms.is_empty()).then_some(Self { id: jwk.kid, algorithms, public })
    }

    fn has_signed(&self, jwt: &Jwt<'_>) -> bool {
        let Some(algorithm) = jwt.algorithm().and_then(verifiable) else { return false };
        // The one that TLS uses as well, and not the one that some other crate may have made the default of this process.
        let verifier = (aws_lc::DEFAULT_PROVIDER.verifier_factory)(&algorithm, &self.public);
        verifier.is_ok_and(|verifier| verifier.verify(jwt.message.as_bytes(), &jwt.signature).is_ok())
    }
}

impl Unverified {
    /// Why a token of this issuer is refused.
    pub(super) fn of(self, issuer: &Issuer) -> Error {
        match self {
            Self::UnknownKey => refused(format!("is signed with a key that is none of {issuer}")),
            Self::Refused(error) => error,
        }
    }
}

/// An algorithm of public keys, of which there are signatures that can be verified here.
pub(super) fn verifiable(algorithm: SigningAlgorithm) -> Option<Algorithm> {
    match algorithm {
        SigningAlgorithm::Ed25519 | SigningAlgorithm::EdDsa => Some(Algorithm::EdDSA),
        SigningAlgorithm::Es256 => Some(Algorithm::ES256),
        SigningAlgorithm::Es384 => Some(Algorithm::ES384),
        SigningAlgorithm::Ps256 => Some(Algorithm::PS256),
        SigningAlgorithm::Ps384 => Some(Algorithm::PS384),
        SigningAlgorithm::Ps512 => Some(Algorithm::PS512),
        SigningAlgorithm::Rs256 => Some(Algorithm::RS256),
        SigningAlgorithm::Rs384 => Some(Algorithm::RS384),
        SigningAlgorithm::Rs512 => Some(Algorithm::RS512),
        _ => None,
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.id)).finish()
    }
}
