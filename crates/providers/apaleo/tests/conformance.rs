//! The checks that every provider must pass.

#![cfg(test)]

use std::time::Duration;

use credentials_grant_apaleo::{Apaleo, ErrorKind};
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

credentials_grant_conformance::tests!(apaleo);
