//! What an API expects of a token, except for its signature.

use std::time::{Duration, SystemTime};

use credentials_grant::{Error, ErrorKind};
use credentials_grant_client::SigningAlgorithm;
use credentials_grant_discovery::Issuer;
use serde::Deserialize;

use crate::algorithm::verifiable;
use crate::jwt::{Header, Jwt, refused};

/// How far apart the clocks of issuer and API may be.
const LEEWAY: Duration = Duration::from_secs(60);

/// The claims that RFC 9068 section 4 checks.
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

/// What a token must say to be accepted.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) issuer: Issuer,
    pub(crate) audience: String,
    pub(crate) algorithms: Vec<SigningAlgorithm>,
    /// Whether tokens need not say that they are access tokens.
    pub(crate) plain_jwts: bool,
}

impl Expected {
    /// Checks that a token can meet these expectations at all.
    pub(crate) fn check_itself(&self) -> Result<(), Error> {
        let refused = |why, remedy: &'static str| Err(Error::new(ErrorKind::Configuration, why).with_remedy(remedy));
        let remedy = "set algorithms of public keys, such as ES256, PS256 or RS256";
        if self.audience.is_empty() {
            let remedy = "set the name of your API, as it stands in the `aud` of its tokens";
            return refused("the audience of the tokens is empty".to_owned(), remedy);
        }
        if self.algorithms.is_empty() {
            return refused("no signature algorithm is accepted".to_owned(), remedy);
        }
        match self.algorithms.iter().find(|algorithm| verifiable(**algorithm).is_none()) {
            Some(algorithm) => refused(format!("signatures by {algorithm} cannot be verified"), remedy),
            None => Ok(()),
        }
    }

    /// Checks all that RFC 9068 section 4 asks for, except the signature.
    pub(crate) fn check(&self, jwt: &Jwt<'_>, now: SystemTime) -> Result<(), Error> {
        let Header { alg, typ, has_crit, .. } = &jwt.header;
        if !self.is_expected(typ.as_deref()) {
            let typ = typ
                .as_ref()
                .map_or_else(|| "does not have a type".to_owned(), |typ| format!("is of the type {}", shown(typ)));
            return Err(refused(format!("{typ}, but must be at+jwt"))
                .with_remedy("if the issuer predates RFC 9068, accept plain JWTs; otherwise refuse the call (401)"));
        }
        if *has_crit {
            return Err(refused("has a critical header (`crit`), and none is supported"));
        }
        if !jwt.algorithm().is_some_and(|algorithm| self.algorithms.contains(&algorithm)) {
            return Err(refused(format!("is signed by {}, which is not accepted", shown(alg))));
        }
        let claims: Claims = jwt.claims().ok_or_else(|| refused("has invalid claims (RFC 9068 section 2.2)"))?;
        if claims.iss != self.issuer.as_str() {
            return Err(refused(format!("is from another issuer, {}, not from {}", shown(&claims.iss), self.issuer)));
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

    /// Returns `true` for the media type `application/at+jwt`, usually without `application/` (RFC 7515 section 4.1.9).
    fn is_expected(&self, typ: Option<&str>) -> bool {
        let is = |name: &str| typ.is_some_and(|typ| typ.eq_ignore_ascii_case(name));
        is("at+jwt") || is("application/at+jwt") || self.plain_jwts && (typ.is_none() || is("JWT"))
    }
}

impl Claims {
    fn check_times(&self, now: SystemTime) -> Result<(), Error> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let leeway = LEEWAY.as_secs_f64();
        let is_future = |time: Option<f64>| time.is_some_and(|time| time - leeway > now);
        if self.exp + leeway <= now {
            return Err(refused("has expired"));
        }
        let check_clock = "check this machine's clock, and refuse the call that it came with (401)";
        if is_future(self.nbf) {
            return Err(refused("is not valid yet").with_remedy(check_clock));
        }
        if is_future(self.iat) {
            return Err(refused("was issued in the future").with_remedy(check_clock));
        }
        Ok(())
    }
}

/// Returns a text from a token on one line and cut off, for errors.
fn shown(text: &str) -> String {
    text.chars().flat_map(char::escape_default).take(200).collect()
}
