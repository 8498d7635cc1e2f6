//! The public keys of an issuer (RFC 7517), which verify signatures.

use std::collections::HashSet;
use std::fmt;

use credentials_grant::{Error, ErrorKind, has_repeated_member};
use credentials_grant_client::SigningAlgorithm;
use credentials_grant_discovery::{Document, Issuer};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::crypto::aws_lc;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::algorithm::verifiable;
use crate::jwt::{Jwt, refused};

/// The most keys that an issuer may have.
const MOST_KEYS: usize = 100;

/// The keys that can verify a token.
pub(crate) struct KeySet(Vec<Key>);

struct Key {
    id: Option<String>,
    /// The algorithms by which it may sign.
    algorithms: Vec<SigningAlgorithm>,
    public: DecodingKey,
}

/// Why a signature is not verified: none of the keys that it may be of has made it.
pub(crate) enum Unverified {
    /// The set has no key of the token's id, or none that signs by its algorithm.
    UnknownKey,
    /// The key of the token's id signs by other algorithms.
    OtherAlgorithm,
    /// Every key that it may be of has been tried.
    OtherKey,
}

impl KeySet {
    /// Reads an issuer's JWKS. Keys that are for something else, or of an unknown type, are ignored.
    pub(crate) fn read(issuer: &Issuer, document: &Document) -> Result<Self, Error> {
        let bad = |why: &str| {
            Error::new(ErrorKind::BadResponse, format!("the JWKS of {issuer} {why}"))
                .with_remedy("show the vendor this message")
        };
        let invalid = || bad("is not valid JSON by RFC 7517 section 5");
        let Members(members) = serde_json::from_slice(document.body()).map_err(|_| invalid())?;
        let names: HashSet<_> = members.iter().map(|(name, _)| name).collect();
        // A key that states something twice is ignored, without the others.
        let is_repeated =
            |(name, value): &(String, &RawValue)| name != "keys" && has_repeated_member(value.get().as_bytes());
        if names.len() < members.len() || members.iter().any(is_repeated) {
            return Err(bad("states something twice"));
        }
        let keys = members.iter().find(|(name, _)| name == "keys").ok_or_else(invalid)?.1;
        let keys: Vec<&RawValue> = serde_json::from_str(keys.get()).map_err(|_| invalid())?;
        if keys.len() > MOST_KEYS {
            return Err(bad("has more than 100 keys"));
        }
        Ok(Self(keys.into_iter().filter_map(|key| Key::read(key.get())).collect()))
    }

    /// Checks that one of these keys signed the token.
    pub(crate) fn verify(&self, jwt: &Jwt<'_>) -> Result<(), Unverified> {
        let is_named = |key: &&Key| jwt.key_id().is_none_or(|id| key.id.as_deref() == Some(id));
        let fits = |key: &&Key| jwt.algorithm().is_some_and(|algorithm| key.algorithms.contains(&algorithm));
        let named = || self.0.iter().filter(is_named);
        // Usually, there is one.
        let mut fitting = named().filter(fits).peekable();
        if fitting.peek().is_none() {
            let is_known = jwt.key_id().is_some() && named().next().is_some();
            return Err(if is_known { Unverified::OtherAlgorithm } else { Unverified::UnknownKey });
        }
        if fitting.any(|key| key.has_signed(jwt)) { Ok(()) } else { Err(Unverified::OtherKey) }
    }
}

/// The members of an object, in their order, repeated ones too.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// A public key (RFC 7518 section 6, RFC 8037 section 2).
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
    /// Reads a key, if it verifies signatures.
    fn read(json: &str) -> Option<Self> {
        use SigningAlgorithm::{Ed25519, EdDsa, Es256, Es384, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
        let jwk: Jwk = serde_json::from_str(json).ok().filter(|_| !has_repeated_member(json.as_bytes()))?;
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
        // By the library that TLS uses, whichever one another crate has made the default of this process.
        let verifier = (aws_lc::DEFAULT_PROVIDER.verifier_factory)(&algorithm, &self.public);
        verifier.is_ok_and(|verifier| verifier.verify(jwt.message.as_bytes(), &jwt.signature).is_ok())
    }
}

impl Unverified {
    /// Creates the error for this token of this issuer.
    pub(crate) fn error(&self, jwt: &Jwt<'_>, issuer: &Issuer) -> Error {
        match self {
            Self::OtherAlgorithm => refused("is signed by an algorithm that its key is not for"),
            Self::OtherKey if jwt.key_id().is_some() => refused("is not signed with the key that it names"),
            Self::UnknownKey | Self::OtherKey => {
                refused(format!("is signed with a key that {issuer} does not publish"))
            }
        }
    }
}
