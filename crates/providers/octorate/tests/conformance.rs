//! The checks that every provider must pass.

#![cfg(test)]

use std::time::Duration;

use credentials_grant_conformance::{Expected, Subject};
use credentials_grant_octorate::{ClientCredentials, CredentialsGrant, ErrorKind, Octorate, Policy, Presentation};

fn octorate() -> Subject {
    let expected = Expected::new("YOUR_ACCESS_TOKEN", Duration::from_secs(1440)).with_token_type("Bearer");
    Subject::new(Octorate::new(), Octorate::at)
        .with_credentials(ClientCredentials::new("<your_client_id>", "<your_client_secret>"), &[])
        .with_request(include_str!("../fixtures/request.http"))
        .with_variant("base-url", Octorate::at_base_url("https://api.octotable.com/api/v2").unwrap())
        .with_token(include_str!("../fixtures/token.http"), expected)
        .with_refusal(include_str!("../fixtures/refusal.http"), ErrorKind::CredentialsRefused)
        .with_url_setting("base-url", Octorate::at_base_url)
}

/// Everything in it: the page has one lifetime, in the response, and no limit.
#[test]
fn the_policy_is_all_that_the_page_says() {
    let bearer = || Presentation::header("authorization").with_scheme("Bearer");
    // «https://api.octotable.com/api/v2/» in the last example, and the «base resource URL»
    // https://api.octorate.com/octotable-pms/api/v2.
    let page = Policy::new().with_presentation(bearer()).with_host("api.octotable.com").with_host("api.octorate.com");
    assert_eq!(format!("{:?}", Octorate::new().policy()), format!("{page:?}"));
    let elsewhere =
        Octorate::at_base_url("https://test.example.com:8443/v2").unwrap().with_api_host("other.example.com");
    let expected =
        Policy::new().with_presentation(bearer()).with_host("other.example.com").with_host("test.example.com:8443");
    assert_eq!(format!("{:?}", elsewhere.policy()), format!("{expected:?}"));
}

credentials_grant_conformance::tests!(octorate);
