//! The checks that every provider must pass.

#![cfg(test)]

use std::time::Duration;

use credentials_grant_conformance::{Expected, Subject};
use credentials_grant_{{module}}::{ErrorKind, {{Type}}};

fn {{module}}() -> Subject {
    let expected =
        Expected::new("FILL IN: the token of fixtures/token.http", Duration::from_secs(3600)).with_token_type("Bearer");
    Subject::new({{Type}}::new(), {{Type}}::at)
        .with_request(include_str!("../fixtures/request.http"))
        .with_token(include_str!("../fixtures/token.http"), expected)
        .with_refusal(include_str!("../fixtures/refusal.http"), ErrorKind::CredentialsRefused)
}

credentials_grant_conformance::tests!({{module}});
