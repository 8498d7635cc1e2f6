//! Client assertions: JWTs that authenticate a client (RFC 7523 section 2.2).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::error::Error;
use crate::request_context::RequestContext;
use crate::signed_value::SignedValue;
use crate::signer::Signer;

/// The value of `client_assertion_type` (RFC 7523 section 2.2).
pub(crate) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How long an assertion is valid: enough for one request and a clock that is a little off.
const LIFETIME: Duration = Duration::from_secs(60);

/// How long before it was signed an assertion says that it was issued. The server's clock may lag behind, and some
/// servers refuse what comes from the future.
const LAG: Duration = Duration::from_secs(5);

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
    exp: u64,
}

/// Describes the client's assertion for this audience (RFC 7523 section 3, OIDC Core section 9). It has no `nbf`, which
/// is optional and would have to be before the server's present.
pub(crate) fn assertion(
    context: &RequestContext<'_>,
    audience: &str,
    signer: &Arc<dyn Signer>,
) -> Result<SignedValue, Error> {
    let client_id = context.credentials().client_id()?;
    let issued = context.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().saturating_sub(LAG);
    let header =
        Header { alg: signer.algorithm(), typ: "JWT", kid: signer.key_id(), x5t_s256: signer.certificate_thumbprint() };
    let claims = Claims {
        iss: client_id,
        sub: client_id,
        aud: audience,
        jti: context.request_id(),
        iat: issued.as_secs(),
        exp: (issued + LIFETIME).as_secs(),
    };
    SignedValue::jwt_with_header("assertion", &header, &claims, Arc::clone(signer))
}
