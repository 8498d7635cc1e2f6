//! A JWT, what it says, and whether that is what an API expects.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use credentials_grant::{Error, ErrorKind};
use credentials_grant_client::SigningAlgorithm;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::key_set::verifiable;
use crate::issuer::Issuer;
use crate::metadata::shown;

/// The longest token that is looked at. Servers refuse headers long before this.
const LONGEST_TOKEN: usize = 64 * 1024;

/// By how much the clocks of issuer and API may be apart.
const LEEWAY: Duration = Duration::from_secs(60);

/// A JWT that is signed (RFC 7515 section 3.1), taken apart. Nothing in it is true until its signature is verified.
pub(super) struct Jwt<'a> {
    header: Header,
    claims: Vec<u8>,
    /// What is signed.
    pub(super) message: &'a str,
    pub(super) signature: Vec<u8>,
}

/// Whatever else stands there says where to find a key, and is not believed (RFC 8725 section 3.10).
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

/// What RFC 9068 section 4 looks at.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl<'a> Jwt<'a> {
    pub(super) fn read(token: &'a str) -> Result<Self, Error> {
        if token.len() > LONGEST_TOKEN {
            return Err(refused("is longer than 64 KiB"));
        }
        let no_jwt = || refused("is no JWT that is signed");
        let (message, signature) = token.rsplit_once('.').ok_or_else(no_jwt)?;
        let (header, claims) = message.split_once('.').ok_or_else(no_jwt)?;
        // A dot, of which an encrypted one has two more, is not of the alphabet.
        let decoded = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| no_jwt());
        let header = object(&decoded(header)?).ok_or_else(|| refused("has a header that is not as RFC 7515 has it"))?;
        Ok(Self { header, claims: decoded(claims)?, message, signature: decoded(signature)? })
    }

    /// The key that it says it is signed with.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    pub(super) fn algorithm(&self) -> Option<SigningAlgorithm> {
        self.header.alg.parse().ok()
    }

    /// The claims in the caller's shape.
    pub(super) fn claims<T: DeserializeOwned>(&self) -> Result<T, Error> {
        object(&self.claims).ok_or_else(|| {
            refused("is good, but its claims are not as they were looked for")
                .with_remedy("compare them with the vendor's page, and refuse the call that it came with (401)")
        })
    }
}

/// What an API accepts.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) issuer: Issuer,
    pub(super) audience: String,
    pub(super) algorithms: Vec<SigningAlgorithm>,
    /// Whether tokens need not say that they are access tokens.
    pub(super) plain_jwts: bool,
}

impl Expected {
    /// Whether there can be a token that it accepts.
    pub(super) fn check_itself(&self) -> Result<(), Error> {
        let refused = |why, remedy: &'static str| Err(Error::new(ErrorKind::Configuration, why).with_remedy(remedy));
        let remedy = "give algorithms of public keys, such as ES256, PS256 or RS256";
        if self.audience.is_empty() {
            let remedy = "give the name of the API, as it stands in the `aud` of its tokens";
            return refused("the audience of the tokens is empty".to_owned(), remedy);
        }
        if self.algorithms.is_empty() {
            return refused("there is no algorithm by which tokens may be signed".to_owned(), remedy);
        }
        match self.algorithms.iter().find(|algorithm| verifiable(**algorithm).is_none()) {
            Some(algorithm) => {
                refused(format!("tokens that are signed by {algorithm} cannot be verified here"), remedy)
            }
            None => Ok(()),
        }
    }

    /// Whether the token says what it must: all of RFC 9068 section 4, but for the signature.
    pub(super) fn check(&self, jwt: &Jwt<'_>, now: SystemTime) -> Result<(), Error> {
        let Header { alg, typ, crit, .. } = &jwt.header;
        if !self.is_expected(typ.as_deref()) {
            let typ = typ
                .as_ref()
                .map_or_else(|| "does not say what it is".to_owned(), |typ| format!("is of the type {}", shown(typ)));
            return Err(refused(format!("{typ}, where it must be at+jwt")).with_remedy(
                "if the issuer predates RFC 9068, accept plain JWTs; or else refuse the call that it came with",
            ));
        }
        if crit.is_some() {
            return Err(refused("asks for something critical (`crit`) that is not known here"));
        }
        if !jwt.algorithm().is_some_and(|algorithm| self.algorithms.contains(&algorithm)) {
            return Err(refused(format!("is signed by {}, which is not accepted", shown(alg))));
        }
        let claims: Claims =
            object(&jwt.claims).ok_or_else(|| refused("has claims that are not as RFC 9068 has them"))?;
        if claims.iss != self.issuer.as_str() {
            return Err(refused(format!("is of another issuer, {}, than {}", shown(&claims.iss), self.issuer)));
        }
        let is_for_us = match &claims.aud {
            Audience::One(audience) => *audience == self.audience,
            Audience::Many(audiences) => audiences.contains(&self.audience),
        };
        if !is_for_us {
            return Err(refused(format!("is not for {}", shown(&self.audience))));
        }
        claims.check_times(now)
    }

    /// The media type `application/at+jwt`, whose first half is left out as a rule (RFC 7515 section 4.1.9).
    fn is_expected(&self, typ: Option<&str>) -> bool {
        let is = |name: &str| typ.is_some_and(|typ| typ.eq_ignore_ascii_case(name));
        is("at+jwt") || is("application/at+jwt") || self.plain_jwts && (typ.is_none() || is("JWT"))
    }
}

impl Claims {
    fn check_times(&self, now: SystemTime) -> Result<(), Error> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let leeway = LEEWAY.as_secs_f64();
        let is_to_come = |time: Option<f64>| time.is_some_and(|time| time - leeway > now);
        if self.exp + leeway <= now {
            return Err(refused("has expired"));
        }
        if is_to_come(self.nbf) {
            return Err(refused("is not yet good").with_remedy("check this machine's clock, and refuse the call"));
        }
        if is_to_come(self.iat) {
            return Err(
                refused("was issued in the future").with_remedy("check this machine's clock, and refuse the call")
            );
        }
        Ok(())
    }
}

/// A JSON object. What is wrong with it in detail is not repeated: it is text of whoever sent the token.
fn object<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    // A list would do for a struct as well.
    let is_object = json.trim_ascii_start().starts_with(b"{");
    is_object.then(|| serde_json::from_slice(json).ok()).flatten()
}

/// A token that is not accepted.
pub(super) fn refused(why: impl AsRef<str>) -> Error {
    Error::new(ErrorKind::InvalidToken, format!("the token {}", why.as_ref()))
        .with_remedy("refuse the call that it came with (401, `invalid_token`)")
}
