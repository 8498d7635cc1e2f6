//! Header names and values, with errors for invalid ones.

use http::{HeaderName, HeaderValue};

use crate::error::Error;

pub(crate) fn name(name: &str) -> Result<HeaderName, Error> {
    HeaderName::try_from(name).map_err(|_| {
        Error::configuration(format!("{name:?} is not a valid header name"))
            .with_remedy("correct the name: letters, digits and hyphens")
    })
}

/// Returns the value for this header. Errors do not show it: it may be a secret.
pub(crate) fn value(name: &str, value: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(value).map_err(|_| {
        Error::configuration(format!("the value for the header {name} has characters that no header can carry"))
            .with_remedy("remove line breaks and control characters from it")
    })
}

/// Returns the value for this header, marked sensitive.
pub(crate) fn secret_value(name: &str, secret: &str) -> Result<HeaderValue, Error> {
    let mut value = value(name, secret)?;
    value.set_sensitive(true);
    Ok(value)
}
