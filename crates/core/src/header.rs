//! Header names and values, with errors for invalid ones.

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use zeroize::Zeroizing;

use crate::error::Error;

pub(crate) fn name(name: &str) -> Result<HeaderName, Error> {
    HeaderName::try_from(name).map_err(|_| {
        Error::configuration(format!("{name:?} is not a valid header name"))
            .with_remedy("correct the name: letters, digits and hyphens")
    })
}

/// Returns the value for this header. Errors do not show it: it may be a secret.
pub(crate) fn value(name: &str, value: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(value).map_err(|_| invalid(name))
}

/// Returns the value for this header, marked sensitive, whose memory is wiped once nobody has it any more.
///
/// It takes some 50 bytes more than [`secret_value`].
pub(crate) fn wiped_value(name: &str, secret: &str) -> Result<HeaderValue, Error> {
    let bytes = Bytes::from_owner(Zeroizing::new(Box::<[u8]>::from(secret.as_bytes())));
    let mut value = HeaderValue::from_maybe_shared(bytes).map_err(|_| invalid(name))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Returns the value for this header, marked sensitive. It takes the text's memory.
pub(crate) fn secret_value(name: &str, secret: String) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::try_from(secret).map_err(|_| invalid(name))?;
    value.set_sensitive(true);
    Ok(value)
}

fn invalid(name: &str) -> Error {
    Error::configuration(format!("the value for the header {name} has characters that no header can carry"))
        .with_remedy("remove line breaks and control characters from it")
}
