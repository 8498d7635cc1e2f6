//! Checks that requests, responses and policies share: header names and values, secrets, statuses.

use credentials_grant::{HeaderName, HeaderValue, StatusCode};
use toml::Spanned;

use crate::conditional_text::{Alternative, ConditionalText};
use crate::problem::{Problem, printable};
use crate::secrets::{contains_secret, is_secret_name};

/// Headers that the HTTP client writes.
const CONNECTION_HEADERS: [&str; 6] = ["connection", "content-length", "host", "te", "trailer", "transfer-encoding"];

/// Reads the name of a header that a file may write.
pub(crate) fn read_header_name(name: &Spanned<String>) -> Result<HeaderName, Problem> {
    match HeaderName::try_from(name.get_ref()) {
        Ok(header) if !CONNECTION_HEADERS.contains(&header.as_str()) => Ok(header),
        Ok(_) => Err(Problem::new(&name.span(), "the HTTP client writes this header", "remove it")),
        Err(_) => {
            let message = format!("`{}` is not a valid header name", printable(name.get_ref()));
            Err(Problem::new(&name.span(), message, "use letters, digits and hyphens"))
        }
    }
}

/// Returns the problem of a header that is written twice.
pub(crate) fn duplicate_header(name: &Spanned<String>) -> Problem {
    let message = format!("the header `{}` is written twice", printable(name.get_ref()));
    Problem::new(&name.span(), message, "write it once: header names ignore case")
}

/// Checks the constant part of a header's value. What settings put in is checked when the provider is built.
pub(crate) fn check_header_value(text: &ConditionalText) -> Result<(), Problem> {
    let invalid = text.0.iter().find(|alternative| HeaderValue::from_str(&alternative.text).is_err());
    match invalid {
        None => Ok(()),
        Some(invalid) => Err(Problem::new(
            &invalid.at,
            "this is not a valid header value",
            "remove line breaks and control characters",
        )),
    }
}

/// Checks that the file does not hold a secret as the value of this name.
pub(crate) fn check_no_secret(name: &str, text: &ConditionalText) -> Result<(), Problem> {
    let is_written_out = |alternative: &&Alternative| {
        contains_secret(&alternative.text) || (is_secret_name(name) && alternative.template.is_constant())
    };
    match text.0.iter().find(is_written_out) {
        None => Ok(()),
        Some(alternative) => Err(Problem::new(
            &alternative.at,
            format!("the value of `{}` looks like a secret, and a file must not hold secrets", printable(name)),
            "write {client-secret}, or declare a setting with `secret = true` and write its name in braces",
        )),
    }
}

/// Reads a status that a response of the token endpoint or of an API can have.
pub(crate) fn read_status(status: &Spanned<u16>) -> Result<StatusCode, Problem> {
    match StatusCode::from_u16(*status.get_ref()) {
        Ok(code) if (200..600).contains(status.get_ref()) => Ok(code),
        _ => Err(Problem::new(&status.span(), "this is not the status of a response", "write one from 200 to 599")),
    }
}
