//! Assertions: JWTs by which a client proves who it is (RFC 7523 section 2.2).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::attempt::Attempt;
use crate::error::Error;
use crate::jws::Unsigned;
use crate::signer::Signer;

/// The value of `client_assertion_type` (RFC 7523 section 2.2).
pub(crate) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// For how long an assertion is good: long enough for one request and a clock that is a little off.
const LIFETIME: Duration = Duration::from_secs(60);

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    typ: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
    #[serde(rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    x5t_s256: Option<&'a str>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    iat: u64,
    nbf: u64,
    exp: u64,
}

/// The assertion of this attempt's client for this audience (RFC 7523 section 3, OIDC Core section 9).
pub(crate) fn assertion(attempt: &Attempt<'_>, audience: &str, signer: &Arc<dyn Signer>) -> Result<Unsigned, Error> {
    let client_id = attempt.credentials().client_id()?;
    let now = attempt.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let header =
        Header { alg: signer.algorithm(), typ: "JWT", kid: signer.key_id(), x5t_s256: signer.certificate_thumbprint() };
    let claims = Claims {
        iss: client_id,
        sub: client_id,
        aud: audience,
        jti: attempt.request_id(),
        iat: now.as_secs(),
        nbf: now.as_secs(),
        exp: (now + LIFETIME).as_secs(),
    };
    Unsigned::new("assertion", &header, &claims, Arc::clone(signer))
}
