//! DPoP: keys that tokens are bound to, and proofs of possession (RFC 9449).

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac_sha256::Hash as Sha256;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use url::Url;

use crate::endpoint::without_query;
use crate::error::Error;
use crate::header;
use crate::request_seed::{RequestSeed, uuid};
use crate::signed_value::SignedValue;
use crate::signer::Signer;

/// The header that carries a proof (RFC 9449 section 4.1).
pub(crate) const DPOP: HeaderName = HeaderName::from_static("dpop");

/// The header that carries a server's nonce (RFC 9449 section 8).
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// How many servers' nonces are kept: more than a token is ever sent to.
const MOST_NONCES: usize = 100;

/// The longest nonce that is accepted. It goes into every proof.
const LONGEST_NONCE: usize = 1024;

/// The members of a public key beside its type, `kty` (RFC 7638 section 3.2, RFC 8037 section 2).
const PUBLIC_MEMBERS: [(&str, &[&str]); 3] = [("EC", &["crv", "x", "y"]), ("OKP", &["crv", "x"]), ("RSA", &["e", "n"])];

/// A key that tokens are bound to (DPoP, RFC 9449): a stolen token is useless without it.
///
/// Set it by [`TokenParameters::with_proof_key`](crate::TokenParameters::with_proof_key). Every token request and every
/// API call then carries a proof, signed for that request alone. The key also keeps the nonces that servers want in
/// proofs. Clones share them.
///
/// Use one key per source: it can use every token that is bound to it.
///
/// ```
/// use credentials_grant::{TokenParameters, Error, ProofKey, Signer};
///
/// fn bound(signer: impl Signer) -> Result<TokenParameters, Error> {
///     // Such as `KeySigner::generate()` of the client crate, or a key in a hardware module.
///     Ok(TokenParameters::new().with_proof_key(ProofKey::new(signer)?))
/// }
/// ```
#[derive(Clone)]
pub struct ProofKey(Arc<Inner>);

struct Inner {
    signer: Arc<dyn Signer>,
    /// In the order of their names, as RFC 7638 has it.
    jwk: BTreeMap<String, String>,
    thumbprint: String,
    /// The origin of each server and its last nonce, the oldest first.
    nonces: Mutex<VecDeque<(String, String)>>,
}

#[derive(Serialize)]
struct Header<'a> {
    typ: &'static str,
    alg: &'a str,
    jwk: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Claims<'a> {
    jti: String,
    htm: &'a str,
    htu: String,
    iat: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
}

impl ProofKey {
    /// Creates a proof key from a signer.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if it is not asymmetric, or has no
    /// [`public_key`](Signer::public_key).
    pub fn new(signer: impl Signer) -> Result<Self, Error> {
        let jwk = public_jwk(&signer)?;
        let json = serde_json::to_vec(&jwk)
            .map_err(|source| Error::configuration("the public key cannot be written as JSON").with_source(source))?;
        let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(Sha256::hash(&json));
        Ok(Self(Arc::new(Inner { signer: Arc::new(signer), jwk, thumbprint, nonces: Mutex::default() })))
    }

    /// Returns the key's SHA-256 thumbprint in base64url (RFC 7638): the `cnf.jkt` of tokens that are bound to it (RFC
    /// 9449 section 6.1).
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.0.thumbprint
    }

    /// Returns the JOSE name of the algorithm that signs the proofs.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        self.0.signer.algorithm()
    }

    /// Creates a proof for one API call with this token: the value of the header `DPoP`, marked sensitive. It is valid
    /// for this method and URL only.
    ///
    /// ```
    /// # use credentials_grant::{AccessToken, Error, Method, RequestSeed, Url};
    /// # async fn example(token: AccessToken, url: Url, seed: RequestSeed) -> Result<(), Error> {
    /// if let Some(key) = token.proof_key() {
    ///     let proof = key.proof(&Method::GET, &url, token.secret(), seed).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SigningFailed`](crate::ErrorKind::SigningFailed) if the signer fails.
    pub async fn proof(
        &self,
        method: &Method,
        url: &Url,
        token: &SecretString,
        seed: RequestSeed,
    ) -> Result<HeaderValue, Error> {
        let nonce = self.nonce(url);
        let proof = self.unsigned(method, url, Some(token), nonce, seed)?.sign().await?;
        header::secret_value(DPOP.as_str(), proof.value.expose_secret().to_owned())
    }

    /// Keeps the nonce of a response, of a successful one too, for the next proof for that server (RFC 9449 section
    /// 8.2). Returns `true` if there was one.
    pub fn note_nonce(&self, url: &Url, headers: &HeaderMap) -> bool {
        // A nonce is of the characters of RFC 9449 section 8.1.
        let is_nonce = |text: &&str| {
            (1..=LONGEST_NONCE).contains(&text.len())
                && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
        };
        let Some(nonce) = headers.get(DPOP_NONCE).and_then(|nonce| nonce.to_str().ok()).filter(is_nonce) else {
            return false;
        };
        let origin = url.origin().ascii_serialization();
        let mut nonces = self.nonces();
        nonces.retain(|(known, _)| *known != origin);
        if nonces.len() >= MOST_NONCES {
            nonces.pop_front();
        }
        nonces.push_back((origin, nonce.to_owned()));
        true
    }

    /// Returns the nonce that this server wants in proofs, if it sent one.
    pub(crate) fn nonce(&self, url: &Url) -> Option<String> {
        let origin = url.origin().ascii_serialization();
        self.nonces().iter().find(|(known, _)| *known == origin).map(|(_, nonce)| nonce.clone())
    }

    /// Describes the proof for one request (RFC 9449 section 4.2).
    pub(crate) fn unsigned(
        &self,
        method: &Method,
        url: &Url,
        token: Option<&SecretString>,
        nonce: Option<String>,
        seed: RequestSeed,
    ) -> Result<SignedValue, Error> {
        let Inner { signer, jwk, .. } = &*self.0;
        let header = Header { typ: "dpop+jwt", alg: signer.algorithm(), jwk };
        let claims = Claims {
            jti: uuid(seed.entropy),
            htm: method.as_str(),
            htu: without_query(url),
            iat: seed.now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs(),
            ath: token.map(|token| BASE64_URL_SAFE_NO_PAD.encode(Sha256::hash(token.expose_secret().as_bytes()))),
            nonce,
        };
        SignedValue::jwt_with_header("proof", &header, &claims, Arc::clone(signer))
    }

    fn nonces(&self) -> MutexGuard<'_, VecDeque<(String, String)>> {
        self.0.nonces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the members of the signer's public key. Anything beside them is dropped, such as a private key.
fn public_jwk(signer: &impl Signer) -> Result<BTreeMap<String, String>, Error> {
    let refused = |why: &str| {
        Error::configuration(format!("the proof key {why}"))
            .with_remedy("use an RSA, ECDSA or Ed25519 key, such as `KeySigner::generate` makes")
    };
    let jwk = signer.public_key().ok_or_else(|| refused("has no public key"))?;
    let mut members: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(jwk).map_err(|_| refused("has a public key that is not a JSON Web Key"))?;
    let mut member = |name: &str| match members.remove(name) {
        Some(serde_json::Value::String(value)) => Ok(value),
        _ => Err(refused("has an incomplete public key")),
    };
    let kind = member("kty")?;
    let (_, names) =
        PUBLIC_MEMBERS.iter().find(|(known, _)| *known == kind).ok_or_else(|| refused("is not asymmetric"))?;
    let others = names.iter().map(|name| Ok(((*name).to_owned(), member(name)?)));
    others.chain([Ok(("kty".to_owned(), kind))]).collect()
}

impl PartialEq for ProofKey {
    fn eq(&self, other: &Self) -> bool {
        self.thumbprint() == other.thumbprint()
    }
}

impl Eq for ProofKey {}

impl Hash for ProofKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.thumbprint().hash(state);
    }
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProofKey").field("thumbprint", &self.thumbprint()).finish_non_exhaustive()
    }
}
