//! Assertions: JWTs by which a client proves who it is (RFC 7523 section 2.2).

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde::Serialize;

use crate::attempt::Attempt;
use crate::error::{Error, ErrorKind};
use crate::signer::Signer;

/// The value of `client_assertion_type` (RFC 7523 section 2.2).
pub(crate) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// For how long an assertion is good: long enough for one request and a clock that is a little off.
const LIFETIME: Duration = Duration::from_secs(60);

/// What stands for a signature where nothing is sent: `signature`, in base64url.
const NO_SIGNATURE: &str = "c2lnbmF0dXJl";

/// A JWT without its signature.
pub(crate) struct Unsigned {
    input: String,
    signer: Arc<dyn Signer>,
}

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

impl Unsigned {
    /// The assertion of this attempt's client for this audience (RFC 7523 section 3, OIDC Core section 9).
    pub(crate) fn new(attempt: &Attempt<'_>, audience: &str, signer: Arc<dyn Signer>) -> Result<Self, Error> {
        let client_id = attempt.credentials().client_id()?;
        let now = attempt.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let header = Header {
            alg: signer.algorithm(),
            typ: "JWT",
            kid: signer.key_id(),
            x5t_s256: signer.certificate_thumbprint(),
        };
        let claims = Claims {
            iss: client_id,
            sub: client_id,
            aud: audience,
            jti: attempt.request_id(),
            iat: now.as_secs(),
            nbf: now.as_secs(),
            exp: (now + LIFETIME).as_secs(),
        };
        let input = format!("{}.{}", encoded(&header)?, encoded(&claims)?);
        Ok(Self { input, signer })
    }

    /// The JWT, signed.
    pub(crate) async fn sign(self) -> Result<SecretString, Error> {
        let signature = self.signer.sign(self.input.as_bytes()).await.map_err(signing_failed)?;
        if signature.is_empty() {
            return Err(signing_failed(Error::new(ErrorKind::SigningFailed, "the signer gave an empty signature")));
        }
        Ok(format!("{}.{}", self.input, BASE64_URL_SAFE_NO_PAD.encode(signature)).into())
    }

    /// The JWT with a placeholder for its signature.
    pub(crate) fn frozen(self) -> SecretString {
        format!("{}.{NO_SIGNATURE}", self.input).into()
    }
}

/// A signer's failure as what it is to the caller, whatever went wrong behind it.
fn signing_failed(error: Error) -> Error {
    const REMEDY: &str = "check the key, and the way to the service that holds it";
    match error.kind() {
        ErrorKind::SigningFailed if error.remedy().is_some() => error,
        ErrorKind::SigningFailed => error.with_remedy(REMEDY),
        _ => {
            let remedy = error.remedy().unwrap_or(REMEDY).to_owned();
            Error::new(ErrorKind::SigningFailed, format!("the assertion could not be signed: {}", error.message()))
                .with_remedy(remedy)
                .with_retry(error.retry())
                .with_source(error)
        }
    }
}

/// Base64url of JSON, the members in their order here.
fn encoded(value: &impl Serialize) -> Result<String, Error> {
    let json = serde_json::to_vec(value)
        .map_err(|source| Error::configuration("the assertion cannot be written as JSON").with_source(source))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(json))
}

impl fmt::Debug for Unsigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsigned").field("signer", &self.signer).finish_non_exhaustive()
    }
}
