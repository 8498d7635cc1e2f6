//! Keys as JSON Web Keys (RFC 7517): private ones to sign with, and their public halves.

use std::borrow::Cow;

use aws_lc_rs::rsa::{KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use credentials_grant::{Error, ErrorKind, ExposeSecret};
use secrecy::SecretSlice;
use serde::Deserialize;
use serde_json::json;

use super::algorithm::SigningAlgorithm;
use super::key::{Key, refused, symmetric};

/// A private key (RFC 7518 section 6, RFC 8037 section 2), its members in base64url. It borrows from the text, so that
/// there is only one copy of the secrets.
#[derive(Deserialize)]
struct Jwk<'a> {
    #[serde(borrow)]
    kty: Cow<'a, str>,
    #[serde(borrow)]
    crv: Option<Cow<'a, str>>,
    #[serde(borrow)]
    alg: Option<Cow<'a, str>>,
    kid: Option<String>,
    #[serde(rename = "x5t#S256")]
    x5t_s256: Option<String>,
    #[serde(borrow)]
    d: Option<Cow<'a, str>>,
    #[serde(borrow)]
    dp: Option<Cow<'a, str>>,
    #[serde(borrow)]
    dq: Option<Cow<'a, str>>,
    #[serde(borrow)]
    e: Option<Cow<'a, str>>,
    #[serde(borrow)]
    k: Option<Cow<'a, str>>,
    #[serde(borrow)]
    n: Option<Cow<'a, str>>,
    #[serde(borrow)]
    p: Option<Cow<'a, str>>,
    #[serde(borrow)]
    q: Option<Cow<'a, str>>,
    #[serde(borrow)]
    qi: Option<Cow<'a, str>>,
    #[serde(borrow)]
    x: Option<Cow<'a, str>>,
    #[serde(borrow)]
    y: Option<Cow<'a, str>>,
}

/// The curves of [`SigningAlgorithm::ECDSA`], in its order.
const CURVES: [&str; 3] = ["P-256", "P-384", "P-521"];

/// What a JSON Web Key holds.
pub(super) struct ImportedKey {
    pub(super) key: Key,
    pub(super) algorithm: Option<SigningAlgorithm>,
    pub(super) key_id: Option<String>,
    pub(super) certificate_thumbprint: Option<String>,
}

/// Parses a private key.
pub(super) fn parse(json: &str) -> Result<ImportedKey, Error> {
    // The cause is not repeated: it may show a part of the key.
    let jwk: Jwk<'_> = serde_json::from_str(json).map_err(|_| refused("this is not a JSON Web Key"))?;
    let key = match (&*jwk.kty, jwk.crv.as_deref()) {
        ("oct", _) => symmetric(octets(jwk.k.as_deref(), "k")?.expose_secret().to_vec())?,
        ("RSA" | "EC" | "OKP", _) if jwk.d.is_none() => {
            return Err(refused("the JSON Web Key is a public key, which cannot sign"));
        }
        ("RSA", _) => rsa(&jwk)?,
        ("EC", Some(curve)) => ecdsa(&jwk, curve)?,
        ("OKP", Some("Ed25519")) => ed25519(&jwk)?,
        _ => return Err(refused("the JSON Web Key is of a type that is not supported")),
    };
    let algorithm = jwk.alg.as_ref().map(|algorithm| algorithm.parse()).transpose()?;
    Ok(ImportedKey { key, algorithm, key_id: jwk.kid, certificate_thumbprint: jwk.x5t_s256 })
}

/// Returns the public key. A symmetric key has none.
pub(super) fn public(key: &Key) -> Option<String> {
    let encoded = |octets: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(octets);
    let jwk = match key {
        Key::Ecdsa(key, algorithm) => {
            // An uncompressed point (SEC 1 section 2.3.3).
            let (_, coordinates) = key.public_key().as_ref().split_first()?;
            let (x, y) = coordinates.split_at(coordinates.len() / 2);
            let at = SigningAlgorithm::ECDSA.iter().position(|(known, _)| known == algorithm)?;
            json!({"kty": "EC", "crv": CURVES[at], "x": encoded(x), "y": encoded(y)})
        }
        Key::Ed25519(key) => json!({"kty": "OKP", "crv": "Ed25519", "x": encoded(key.public_key().as_ref())}),
        Key::Hmac(_) => return None,
        Key::Rsa(key) => {
            let (n, e) = (key.public_key().modulus(), key.public_key().exponent());
            let [n, e] = [n, e].map(|number| encoded(number.big_endian_without_leading_zero()));
            json!({"kty": "RSA", "n": n, "e": e})
        }
    };
    Some(jwk.to_string())
}

fn rsa(jwk: &Jwk<'_>) -> Result<Key, Error> {
    let public_key = PublicKeyComponents {
        n: octets(jwk.n.as_deref(), "n")?.expose_secret().to_vec(),
        e: octets(jwk.e.as_deref(), "e")?.expose_secret().to_vec(),
    };
    let [d, p, q] = [(&jwk.d, "d"), (&jwk.p, "p"), (&jwk.q, "q")].map(member);
    let [dp, dq, qi] = [(&jwk.dp, "dp"), (&jwk.dq, "dq"), (&jwk.qi, "qi")].map(member);
    let components = KeyPairComponents { public_key, d: d?, p: p?, q: q?, dP: dp?, dQ: dq?, qInv: qi? };
    RsaKeyPair::from_components(&components).map(Key::Rsa).map_err(|_| inconsistent())
}

fn ecdsa(jwk: &Jwk<'_>, curve: &str) -> Result<Key, Error> {
    let curves = CURVES.into_iter().zip(SigningAlgorithm::ECDSA);
    let Some((_, (algorithm, curve))) = curves.into_iter().find(|(name, _)| *name == curve) else {
        return Err(refused("the JSON Web Key is over a curve that is not supported"));
    };
    let d = octets(jwk.d.as_deref(), "d")?;
    let (x, y) = (octets(jwk.x.as_deref(), "x")?, octets(jwk.y.as_deref(), "y")?);
    // An uncompressed point (SEC 1 section 2.3.3).
    let point = [&[4], x.expose_secret(), y.expose_secret()].concat();
    let key = EcdsaKeyPair::from_private_key_and_public_key(curve, d.expose_secret(), &point);
    key.map(|key| Key::Ecdsa(key, algorithm)).map_err(|_| inconsistent())
}

fn ed25519(jwk: &Jwk<'_>) -> Result<Key, Error> {
    let (d, x) = (octets(jwk.d.as_deref(), "d")?, octets(jwk.x.as_deref(), "x")?);
    let key = Ed25519KeyPair::from_seed_and_public_key(d.expose_secret(), x.expose_secret());
    key.map(Key::Ed25519).map_err(|_| inconsistent())
}

/// A member, for the functions of aws-lc-rs that take bytes by reference.
struct Octets(SecretSlice<u8>);

impl AsRef<[u8]> for Octets {
    fn as_ref(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

fn member((text, name): (&Option<Cow<'_, str>>, &str)) -> Result<Octets, Error> {
    octets(text.as_deref(), name).map(Octets)
}

fn octets(text: Option<&str>, name: &str) -> Result<SecretSlice<u8>, Error> {
    let refused = |why: &str| {
        Err(Error::new(ErrorKind::Configuration, format!("the JSON Web Key's member `{name}` {why}"))
            .with_remedy("use the whole private key, each member in base64url (RFC 7518 section 6)"))
    };
    let Some(text) = text else { return refused("is missing") };
    BASE64_URL_SAFE_NO_PAD.decode(text).map_or_else(|_| refused("is not base64url"), |octets| Ok(octets.into()))
}

fn inconsistent() -> Error {
    refused("the JSON Web Key's members do not make a valid key")
}
