//! Canaries: secrets that are easy to find where they must not be shown.

use std::error::Error as StdError;
use std::fmt::Debug;
use std::sync::Arc;

use credentials_grant::{ClientCredentials, Error};

use crate::subject::Subject;

/// A part of every canary, which percent-encoding does not change.
pub(crate) const CANARY: &str = "canary";

/// Returns the subject's credentials with a canary for each secret. The special characters test whether encoded forms
/// are redacted too.
pub(crate) fn credentials(subject: &Subject) -> ClientCredentials {
    let id = subject.credentials.client_id().unwrap_or_else(|error| panic!("{error}"));
    let mut credentials = ClientCredentials::new(id, format!("{CANARY}-client  secret+&%\"é"));
    if let Some(signer) = subject.credentials.signer() {
        credentials = credentials.with_signer(Arc::clone(signer));
    }
    if subject.credentials.assertion().is_some() {
        credentials = credentials.with_assertion(format!("{CANARY}.{CANARY}.{CANARY}"));
    }
    subject
        .secrets
        .iter()
        .fold(credentials, |credentials, name| credentials.with_secret(*name, format!("{CANARY}-{name}")))
}

/// Panics if the text contains a canary.
pub(crate) fn assert_silent(what: &str, shown: &str) {
    let at = shown.find(CANARY);
    assert!(at.is_none(), "{what} shows a secret: {}", shown.replace(CANARY, "<<CANARY>>"));
}

pub(crate) fn assert_debug_silent(what: &str, value: &impl Debug) {
    assert_silent(&format!("the Debug of {what}"), &format!("{value:?}"));
    assert_silent(&format!("the Debug of {what}"), &format!("{value:#?}"));
}

/// Checks an error and its sources.
pub(crate) fn assert_error_silent(error: &Error) {
    let mut link: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = link {
        assert_silent("an error's Display", &error.to_string());
        assert_silent("an error's Debug", &format!("{error:?}"));
        link = error.source();
    }
}
