//! JWTs that are signed when their request is sealed (RFC 7515 section 7.1): assertions and proofs.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde::Serialize;

use crate::error::{Error, ErrorKind};
use crate::signer::Signer;

/// What stands for a signature where nothing is sent: `signature`, in base64url.
const NO_SIGNATURE: &str = "c2lnbmF0dXJl";

/// A JWT without its signature.
pub(crate) struct Unsigned {
    /// What it is, in an error: `assertion`.
    what: &'static str,
    input: String,
    signer: Arc<dyn Signer>,
}

impl Unsigned {
    pub(crate) fn new(
        what: &'static str,
        header: &impl Serialize,
        claims: &impl Serialize,
        signer: Arc<dyn Signer>,
    ) -> Result<Self, Error> {
        let input = encoded(header).and_then(|header| Ok(format!("{header}.{}", encoded(claims)?)));
        let input = input.map_err(|source| {
            Error::configuration(format!("the {what} cannot be written as JSON")).with_source(source)
        })?;
        Ok(Self { what, input, signer })
    }

    /// The JWT, signed.
    pub(crate) async fn sign(self) -> Result<SecretString, Error> {
        let signature = self.signer.sign(self.input.as_bytes()).await.map_err(|error| self.failed(error))?;
        if signature.is_empty() {
            return Err(self.failed(Error::new(ErrorKind::SigningFailed, "the signer gave an empty signature")));
        }
        Ok(format!("{}.{}", self.input, BASE64_URL_SAFE_NO_PAD.encode(signature)).into())
    }

    /// The JWT with a placeholder for its signature.
    pub(crate) fn frozen(self) -> SecretString {
        format!("{}.{NO_SIGNATURE}", self.input).into()
    }

    /// A signer's failure as what it is to the caller, whatever went wrong behind it.
    fn failed(&self, error: Error) -> Error {
        const REMEDY: &str = "check the key, and the way to the service that holds it";
        match error.kind() {
            ErrorKind::SigningFailed if error.remedy().is_some() => error,
            ErrorKind::SigningFailed => error.with_remedy(REMEDY),
            _ => {
                let remedy = error.remedy().unwrap_or(REMEDY).to_owned();
                let message = format!("the {} could not be signed: {}", self.what, error.message());
                Error::new(ErrorKind::SigningFailed, message)
                    .with_remedy(remedy)
                    .with_retry(error.retry())
                    .with_source(error)
            }
        }
    }
}

/// Base64url of JSON, the members in their order here.
fn encoded(value: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(value)?))
}

impl fmt::Debug for Unsigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsigned").field("what", &self.what).field("signer", &self.signer).finish_non_exhaustive()
    }
}
