//! The checks that every provider must pass.

#![cfg(test)]

use std::time::Duration;

use credentials_grant_conformance::{Expected, Subject};
use credentials_grant_ptv::{
    ClientAuthentication, CredentialsGrant, Endpoint, ErrorKind, IssuanceLimit, Policy, Presentation, Ptv,
};

/// The token URL of the vendor's sample. Each API names its own.
const TOKEN_URL: &str = "https://auth.conundra.eu/auth/realms/prod/protocol/openid-connect/token";

fn ptv() -> Subject {
    let some_api = || Ptv::at(Endpoint::from_static(TOKEN_URL));
    let expected = Expected::new("ey...", Duration::from_secs(300)).with_token_type("Bearer");
    Subject::new(some_api(), Ptv::at)
        .with_request(include_str!("../fixtures/request.http"))
        .with_variant_request(
            "client authentication",
            some_api().with_client_authentication(ClientAuthentication::ClientSecretPost),
            include_str!("../fixtures/request-body.http"),
        )
        .with_token(include_str!("../fixtures/token.http"), expected)
        .with_refusal(include_str!("../fixtures/refusal.http"), ErrorKind::CredentialsRefused)
        .with_refusal(include_str!("../fixtures/throttled.http"), ErrorKind::RateLimited)
}

/// Everything in it: the page names no host, and the lifetime is in the response.
#[test]
fn the_policy_is_all_that_the_page_says() {
    let page = Policy::new()
        .with_presentation(Presentation::header("authorization").with_scheme("Bearer"))
        // «Up to 50 requests per second from the same IP are allowed», whoever the client is.
        .with_limit(IssuanceLimit::new(50, Duration::from_secs(1)))
        // «the IP will be temporarily blocked».
        .with_address_blocking();
    assert_eq!(format!("{:?}", Ptv::at(Endpoint::from_static(TOKEN_URL)).policy()), format!("{page:?}"));
}

credentials_grant_conformance::tests!(ptv);
