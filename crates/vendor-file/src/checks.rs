//! Checks that requests, responses and policies share: header names and values, secrets, statuses.

use credentials_grant::{HeaderName, HeaderValue, StatusCode};
use toml::Spanned;

use crate::conditional_text::{Alternative, ConditionalText};
use crate::declared_settings::DeclaredSettings;
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

/// Checks that the file does not hold a secret as the value of this name, and that no setting which is not declared
/// secret, and would thus be taken on the command line, is sent as one.
pub(crate) fn check_no_secret(name: &str, text: &ConditionalText, settings: &DeclaredSettings) -> Result<(), Problem> {
    let is_written_out = |alternative: &&Alternative| {
        contains_secret(&alternative.text) || (is_secret_name(name) && alternative.template.is_constant())
    };
    if let Some(alternative) = text.0.iter().find(is_written_out) {
        return Err(Problem::new(
            &alternative.at,
            format!("the value of `{}` looks like a secret, and a file must not hold secrets", printable(name)),
            "write {client-secret}, or declare a setting with `secret = true` and write its name in braces",
        ));
    }
    let plain = |alternative: &Alternative| Some((alternative.at.clone(), alternative.plain_setting(settings)?));
    match text.0.iter().find_map(plain).filter(|_| is_secret_name(name)) {
        None => Ok(()),
        Some((at, setting)) => Err(Problem::new(
            &at,
            format!("`{}` looks like a secret, and the setting `{setting}` is not declared as one", printable(name)),
            "add `secret = true` to the setting",
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
