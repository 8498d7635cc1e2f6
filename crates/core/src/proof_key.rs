//! Keys that tokens are bound to, and the proofs that whoever sends a token holds its key (DPoP, RFC 9449).

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::{Digest, Sha256};
use url::Url;

use crate::endpoint::without_query;
use crate::error::Error;
use crate::header;
use crate::jws::Unsigned;
use crate::signer::Signer;
use crate::surroundings::{Surroundings, uuid};

/// The header that carries a proof (RFC 9449 section 4.1).
pub(crate) const DPOP: HeaderName = HeaderName::from_static("dpop");

/// The header that carries a server's nonce (RFC 9449 section 8).
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// How many servers' nonces are kept: more than a token is ever sent to.
const MOST_NONCES: usize = 100;

/// The longest nonce that is taken. It goes into every proof.
const LONGEST_NONCE: usize = 1024;

/// The members that make a public key beside its kind, `kty` (RFC 7638 section 3.2, RFC 8037 section 2).
const PUBLIC_MEMBERS: [(&str, &[&str]); 3] = [("EC", &["crv", "x", "y"]), ("OKP", &["crv", "x"]), ("RSA", &["e", "n"])];

/// A key that tokens are bound to (RFC 9449): whoever has such a token and not the key has nothing.
///
/// It goes into an [`Ask`](crate::Ask::with_proof_key), and every request for a token and every API call then carries a
/// proof, signed for that one request. It also keeps the nonces that servers want in proofs. Clones are the same key.
///
/// Make one for each source: whoever holds it can use all tokens that are bound to it.
///
/// ```
/// use credentials_grant::{Ask, Error, ProofKey, Signer};
///
/// fn bound(signer: impl Signer) -> Result<Ask, Error> {
///     // A `KeySigner::generate()` of the client crate, say, or a key in a hardware module.
///     Ok(Ask::new().with_proof_key(ProofKey::new(signer)?))
/// }
/// ```
#[derive(Clone)]
pub struct ProofKey(Arc<Inner>);

struct Inner {
    signer: Arc<dyn Signer>,
    /// In the order of their names, as RFC 7638 has it.
    jwk: BTreeMap<String, String>,
    thumbprint: String,
    /// The origin of each server, and the nonce that it gave last; the one that was not given any for the longest first.
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
    /// The key that this signs with.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if it is not asymmetric, or does not say what its public key is
    /// ([`Signer::public_key`]).
    pub fn new(signer: impl Signer) -> Result<Self, Error> {
        let jwk = public_jwk(&signer)?;
        let json = serde_json::to_vec(&jwk)
            .map_err(|source| Error::configuration("the public key cannot be written as JSON").with_source(source))?;
        let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(json));
        Ok(Self(Arc::new(Inner { signer: Arc::new(signer), jwk, thumbprint, nonces: Mutex::default() })))
    }

    /// What names the key: its SHA-256 thumbprint in base64url (RFC 7638), which stands as `cnf.jkt` in tokens that are bound
    /// to it (RFC 9449 section 6.1).
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.0.thumbprint
    }

    /// The algorithm that proofs are signed by, by its name in JOSE.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        self.0.signer.algorithm()
    }

    /// A proof for one API call with this token, for the header `DPoP`: marked sensitive, and good for this method and URL
    /// alone.
    ///
    /// ```
    /// # use credentials_grant::{AccessToken, Error, Method, Surroundings, Url};
    /// # async fn example(token: AccessToken, url: Url, surroundings: Surroundings) -> Result<(), Error> {
    /// if let Some(key) = token.proof_key() {
    ///     let proof = key.proof(&Method::GET, &url, token.secret(), surroundings).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SigningFailed`](crate::ErrorKind::SigningFailed) if the key does not sign.
    pub async fn proof(
        &self,
        method: &Method,
        url: &Url,
        token: &SecretString,
        surroundings: Surroundings,
    ) -> Result<HeaderValue, Error> {
        let nonce = self.nonce(url);
        let proof = self.unsigned(method, url, Some(token), nonce, surroundings)?.sign().await?;
        header::secret_value(DPOP.as_str(), proof.expose_secret())
    }

    /// Keeps the nonce that a server has sent along with an answer, a good one too, for its next proof (RFC 9449 section
    /// 8.2). Says whether there was one.
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

    /// The nonce that this server wants in proofs, if it has said so.
    pub(crate) fn nonce(&self, url: &Url) -> Option<String> {
        let origin = url.origin().ascii_serialization();
        self.nonces().iter().find(|(known, _)| *known == origin).map(|(_, nonce)| nonce.clone())
    }

    /// A proof for one request (RFC 9449 section 4.2).
    pub(crate) fn unsigned(
        &self,
        method: &Method,
        url: &Url,
        token: Option<&SecretString>,
        nonce: Option<String>,
        surroundings: Surroundings,
    ) -> Result<Unsigned, Error> {
        let Inner { signer, jwk, .. } = &*self.0;
        let header = Header { typ: "dpop+jwt", alg: signer.algorithm(), jwk };
        let claims = Claims {
            jti: uuid(surroundings.entropy),
            htm: method.as_str(),
            htu: without_query(url),
            iat: surroundings.now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs(),
            ath: token.map(|token| BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(token.expose_secret()))),
            nonce,
        };
        Unsigned::new("proof", &header, &claims, Arc::clone(signer))
    }

    fn nonces(&self) -> MutexGuard<'_, VecDeque<(String, String)>> {
        self.0.nonces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The members of the signer's public key, and nothing else that may stand beside them: a private key least of all.
fn public_jwk(signer: &impl Signer) -> Result<BTreeMap<String, String>, Error> {
    let refused = |why: &str| {
        Error::configuration(format!("the key that tokens are to be bound to {why}"))
            .with_remedy("give one of RSA, ECDSA or Ed25519, such as `KeySigner::generate` makes")
    };
    let jwk = signer.public_key().ok_or_else(|| refused("has no public key"))?;
    let mut members: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(jwk).map_err(|_| refused("has a public key that is no JSON Web Key"))?;
    let mut member = |name: &str| match members.remove(name) {
        Some(serde_json::Value::String(value)) => Ok(value),
        _ => Err(refused("has a public key that is no whole JSON Web Key")),
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
