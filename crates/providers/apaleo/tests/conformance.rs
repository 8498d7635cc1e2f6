//! The checks that every provider must pass.

#![cfg(test)]

use std::time::Duration;

use credentials_grant_apaleo::{Apaleo, CredentialsGrant, ErrorKind, Policy, Presentation};
use credentials_grant_conformance::{Expected, Subject};

fn apaleo() -> Subject {
    let expected = Expected::new("eyJhbGci............6XUKmNJyyNRA", Duration::from_secs(3600))
        .with_token_type("Bearer")
        .with_scopes(&[
            "availability.read",
            "companies.read",
            "identity:account-users.manage",
            "identity:account-users.read",
            "offers.read",
            "reservations.manage",
            "reservations.read",
        ]);
    Subject::new(Apaleo::new(), Apaleo::at)
        .with_request(include_str!("../fixtures/request.http"))
        .with_token(include_str!("../fixtures/token.http"), expected)
        .with_refusal(include_str!("../fixtures/refusal.http"), ErrorKind::CredentialsRefused)
}

/// Everything in it: the page has one lifetime, in the response, and no limit on token requests.
#[test]
fn the_policy_is_all_that_the_page_says() {
    let page = Policy::new()
        // «GET https://api.apaleo.com/inventory/v1/properties/MUC», «Authorization: Bearer my-authentication-token».
        .with_host("api.apaleo.com")
        .with_presentation(Presentation::header("authorization").with_scheme("Bearer"));
    for apaleo in [Apaleo::new(), Apaleo::at("https://apaleo.example.com/token".parse().unwrap())] {
        assert_eq!(format!("{:?}", apaleo.policy()), format!("{page:?}"));
    }
}

credentials_grant_conformance::tests!(apaleo);
