//! Secrets that stand out, and where they must not turn up.

use std::error::Error as StdError;
use std::fmt::Debug;
use std::sync::Arc;

use credentials_grant::{ClientCredentials, Error};

use crate::subject::Subject;

/// What every canary has in it. Nothing that percent-encoding or base64 would change beyond recognition stands beside.
pub(crate) const CANARY: &str = "canary";

/// The subject's credentials with a canary for each secret. The specials show whether encoded and
/// folded forms are known too.
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

/// Fails if a canary sings in what a value shows of itself.
pub(crate) fn assert_silent(what: &str, shown: &str) {
    let at = shown.find(CANARY);
    assert!(at.is_none(), "{what} shows a secret: {}", shown.replace(CANARY, "<<CANARY>>"));
}

pub(crate) fn assert_debug_silent(what: &str, value: &impl Debug) {
    assert_silent(&format!("the Debug of {what}"), &format!("{value:?}"));
    assert_silent(&format!("the Debug of {what}"), &format!("{value:#?}"));
}

/// Checks an error and everything behind it.
pub(crate) fn assert_error_silent(error: &Error) {
    let mut link: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = link {
        assert_silent("an error's Display", &error.to_string());
        assert_silent("an error's Debug", &format!("{error:?}"));
        link = error.source();
    }
}
