//! A signed JWT, taken apart.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use credentials_grant::{Error, ErrorKind, has_repeated_member};
use credentials_grant_client::SigningAlgorithm;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};

/// The longest token that is read. Servers refuse headers long before this.
const LONGEST_TOKEN: usize = 64 * 1024;

/// A signed JWT (RFC 7515 section 3.1). Nothing in it is trusted until its signature is verified.
pub(crate) struct Jwt<'a> {
    pub(crate) header: Header,
    /// `None` if they state something twice.
    claims: Option<Vec<u8>>,
    /// What is signed.
    pub(crate) message: &'a str,
    pub(crate) signature: Vec<u8>,
}

/// The members of the header that matter. Others say where to find a key, and are ignored (RFC 8725 section 3.10).
#[derive(Deserialize)]
pub(crate) struct Header {
    pub(crate) alg: String,
    pub(crate) typ: Option<String>,
    kid: Option<String>,
    /// Whether there is one, of any value.
    #[serde(default, rename = "crit", deserialize_with = "is_present")]
    pub(crate) has_crit: bool,
}

impl<'a> Jwt<'a> {
    pub(crate) fn read(token: &'a str) -> Result<Self, Error> {
        if token.len() > LONGEST_TOKEN {
            return Err(refused("is longer than 64 KiB"));
        }
        let no_jwt = || refused("is not a signed JWT");
        let (message, signature) = token.rsplit_once('.').ok_or_else(no_jwt)?;
        let (header, claims) = message.split_once('.').ok_or_else(no_jwt)?;
        // An encrypted token has two more dots, which are not in the alphabet.
        let decoded = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| no_jwt());
        let (header, claims, signature) = (unique(decoded(header)?), unique(decoded(claims)?), decoded(signature)?);
        let header = header.and_then(|header| object(&header));
        let header = header.ok_or_else(|| refused("has an invalid header (RFC 7515 section 4)"))?;
        Ok(Self { header, claims, message, signature })
    }

    /// Returns the id of the key that signed it, if the header names one.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    pub(crate) fn algorithm(&self) -> Option<SigningAlgorithm> {
        self.header.alg.parse().ok()
    }

    /// Returns the claims as this type, or `None` if they do not fit it.
    pub(crate) fn claims<T: DeserializeOwned>(&self) -> Option<T> {
        object(self.claims.as_deref()?)
    }
}

/// Returns the JSON, unless it states something twice: the issuer may mean one, and the API read the other.
fn unique(json: Vec<u8>) -> Option<Vec<u8>> {
    (!has_repeated_member(&json)).then_some(json)
}

fn is_present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// Parses a JSON object. The parser's error is dropped: it quotes the token.
fn object<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    // serde would accept a list for a struct as well.
    let is_object = json.trim_ascii_start().starts_with(b"{");
    is_object.then(|| serde_json::from_slice(json).ok()).flatten()
}

/// Creates the error for a token that is refused.
pub(crate) fn refused(why: impl AsRef<str>) -> Error {
    Error::new(ErrorKind::InvalidToken, format!("the token {}", why.as_ref()))
        .with_remedy("refuse the call that it came with (401, `invalid_token`)")
}
