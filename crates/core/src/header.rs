//! Names and values of headers, and what is said of those that cannot be.

use http::{HeaderName, HeaderValue};

use crate::error::Error;

pub(crate) fn name(name: &str) -> Result<HeaderName, Error> {
    HeaderName::try_from(name).map_err(|_| Error::configuration(format!("{name:?} is no name of a header")))
}

/// The value for the header of this name. It is not repeated where it cannot be one: it may be a secret.
pub(crate) fn value(name: &str, value: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(value).map_err(|_| {
        Error::configuration(format!("the value for the header {name} has characters that no header can carry"))
            .with_remedy("look for line breaks and control characters in it")
    })
}

/// As [`value`], for one that is never printed.
pub(crate) fn secret_value(name: &str, secret: &str) -> Result<HeaderValue, Error> {
    let mut value = value(name, secret)?;
    value.set_sensitive(true);
    Ok(value)
}
