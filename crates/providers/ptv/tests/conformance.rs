//! The checks that every provider must pass.

#![cfg(test)]

use std::time::Duration;

use credentials_grant_conformance::{Expected, Subject};
use credentials_grant_ptv::{ClientAuthentication, ErrorKind, Ptv, TokenEndpoint};

fn ptv() -> Subject {
    let some_api = || Ptv::at(TokenEndpoint::from_static("https://iam.example.com/oauth2/token"));
    let expected = Expected::new("2YotnFZFEjr1zCsicMWpAA", Duration::from_secs(3600)).with_token_type("Bearer");
    Subject::new(some_api(), Ptv::at)
        .with_request(include_str!("../fixtures/request.http"))
        .with_variant_request(
            "client authentication",
            some_api().with_client_authentication(ClientAuthentication::Body),
            include_str!("../fixtures/request-body.http"),
        )
        .with_token(include_str!("../fixtures/token.http"), expected)
        .with_refusal(include_str!("../fixtures/refusal.http"), ErrorKind::CredentialsRefused)
        .with_refusal(include_str!("../fixtures/throttled.http"), ErrorKind::RateLimited)
}

credentials_grant_conformance::tests!(ptv);
