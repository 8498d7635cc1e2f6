//! Values that are signed when their request is: JWTs (RFC 7515 section 7.1), and whatever else a vendor wants signed.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use secrecy::SecretString;
use serde::Serialize;

use crate::error::{Error, ErrorKind};
use crate::signer::Signer;

/// What stands for a signature in a dry run: `signature`, in base64url.
const PLACEHOLDER: &str = "c2lnbmF0dXJl";

/// The value of a parameter or header that a [`Signer`] signs when the request is sent.
///
/// A provider describes it without signing, in [`token_request`](crate::CredentialsGrant::token_request);
/// [`UnsignedRequest::sign`](crate::UnsignedRequest::sign) then asks the signer, which may be a key in a remote
/// service.
///
/// ```
/// use credentials_grant::{CredentialsGrant, Endpoint, Error, RequestContext, SignedValue, UnsignedRequest};
/// use serde::Serialize;
///
/// /// A vendor whose grant is a JWT (RFC 7523 section 2.1).
/// #[derive(Debug)]
/// struct Acme {
///     token_endpoint: Endpoint,
/// }
///
/// #[derive(Serialize)]
/// struct Claims<'a> {
///     iss: &'a str,
///     jti: String,
/// }
///
/// impl CredentialsGrant for Acme {
///     fn name(&self) -> &str {
///         "acme"
///     }
///
///     fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
///         let claims = Claims { iss: context.credentials().client_id()?, jti: context.request_id() };
///         let jwt = SignedValue::jwt(context.credentials().require_signer()?, &claims)?;
///         context
///             .post(&self.token_endpoint)
///             .grant_type("urn:ietf:params:oauth:grant-type:jwt-bearer")
///             .signed_parameter("assertion", jwt)
///             .build()
///     }
/// }
/// ```
#[derive(Clone)]
pub struct SignedValue {
    /// What it is, in an error: `assertion`.
    what: &'static str,
    message: Vec<u8>,
    signer: Arc<dyn Signer>,
    format: Format,
}

/// A value, and its signature alone in the spellings that a server may repeat it in.
pub(crate) struct Signed {
    pub(crate) value: SecretString,
    pub(crate) signatures: [SecretString; 4],
}

/// How the value is made from the message and its signature.
#[derive(Clone)]
enum Format {
    /// A JWT, whose header and claims are the message.
    Jwt,
    /// What this function makes from the signature.
    Custom(Arc<FormatFn>),
}

type FormatFn = dyn Fn(&[u8]) -> String + Send + Sync;

/// The header of a JWT that names the key by its id, if it has one.
#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    typ: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

impl SignedValue {
    /// Describes a value that `format` makes from the signature of `message`. A dry run does not call `format`.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use credentials_grant::{SignedValue, Signer};
    ///
    /// /// A header such as `Signature keyId="2026-11", value="6d79…"`.
    /// fn signature(signer: Arc<dyn Signer>, timestamp: u64) -> SignedValue {
    ///     SignedValue::new(signer, timestamp.to_string(), |signature| {
    ///         let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    ///         format!(r#"Signature keyId="2026-11", value="{hex}""#)
    ///     })
    /// }
    /// ```
    pub fn new(
        signer: Arc<dyn Signer>,
        message: impl Into<Vec<u8>>,
        format: impl Fn(&[u8]) -> String + Send + Sync + 'static,
    ) -> Self {
        Self { what: "value", message: message.into(), signer, format: Format::Custom(Arc::new(format)) }
    }

    /// Describes a JWT with these claims, which are written in the order of their fields. Its header names the
    /// algorithm, the type `JWT` and the key's id.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the claims cannot be written as JSON.
    pub fn jwt(signer: Arc<dyn Signer>, claims: &impl Serialize) -> Result<Self, Error> {
        let header = Header { alg: signer.algorithm(), typ: "JWT", kid: signer.key_id() };
        let (header, claims) = (encoded(&header, "JWT")?, encoded(claims, "JWT")?);
        Ok(Self::of_parts("JWT", &header, &claims, signer))
    }

    /// Describes a JWT with this header and these claims; `what` names it in errors.
    pub(crate) fn jwt_with_header(
        what: &'static str,
        header: &impl Serialize,
        claims: &impl Serialize,
        signer: Arc<dyn Signer>,
    ) -> Result<Self, Error> {
        Ok(Self::of_parts(what, &encoded(header, what)?, &encoded(claims, what)?, signer))
    }

    fn of_parts(what: &'static str, header: &str, claims: &str, signer: Arc<dyn Signer>) -> Self {
        Self { what, message: format!("{header}.{claims}").into_bytes(), signer, format: Format::Jwt }
    }

    /// Signs the message and returns the value.
    pub(crate) async fn sign(self) -> Result<Signed, Error> {
        let signature = self.signer.sign(&self.message).await.map_err(|error| self.failed(error))?;
        if signature.is_empty() {
            return Err(self.failed(Error::new(ErrorKind::SigningFailed, "the signer returned an empty signature")));
        }
        let base64 = BASE64_URL_SAFE_NO_PAD.encode(&signature);
        let value = match &self.format {
            Format::Jwt => jwt(&self.message, &base64),
            Format::Custom(format) => format(&signature),
        };
        let hex = signature.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        let standard = BASE64_STANDARD_NO_PAD.encode(&signature);
        let text = String::from_utf8(signature).unwrap_or_default();
        let signatures = [base64, standard, hex, text].map(SecretString::from);
        Ok(Signed { value: value.into(), signatures })
    }

    /// Returns a placeholder that differs if the message does. For a JWT, it is the JWT with a placeholder for its
    /// signature.
    ///
    /// `format` is not called: it may expect a signature of the signer's length.
    pub(crate) fn dry_run(self) -> SecretString {
        let value = match self.format {
            Format::Jwt => jwt(&self.message, PLACEHOLDER),
            Format::Custom(_) => format!("{}.{PLACEHOLDER}", BASE64_URL_SAFE_NO_PAD.encode(&self.message)),
        };
        value.into()
    }

    /// Turns any failure of a signer into one of the kind that callers look for.
    fn failed(&self, error: Error) -> Error {
        const REMEDY: &str = "check the key, and the connection to the service that holds it";
        match error.kind() {
            ErrorKind::SigningFailed if error.remedy().is_some() => error,
            ErrorKind::SigningFailed => error.with_remedy(REMEDY),
            _ => {
                let remedy = error.remedy().unwrap_or(REMEDY).to_owned();
                Error::new(ErrorKind::SigningFailed, format!("the {} could not be signed: ", self.what))
                    .with_server_words(error.message())
                    .with_remedy(remedy)
                    .with_retry(error.retry())
                    .with_source(error)
            }
        }
    }
}

/// Appends a signature in base64url to the header and the claims of a JWT, which are ASCII.
fn jwt(input: &[u8], signature: &str) -> String {
    format!("{}.{signature}", String::from_utf8_lossy(input))
}

/// Returns the base64url of JSON whose members stand in the order of their fields.
fn encoded(value: &impl Serialize, what: &str) -> Result<String, Error> {
    let json = serde_json::to_vec(value)
        .map_err(|source| Error::configuration(format!("the {what} cannot be written as JSON")).with_source(source))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(json))
}

impl fmt::Debug for SignedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedValue").field("what", &self.what).field("signer", &self.signer).finish_non_exhaustive()
    }
}
