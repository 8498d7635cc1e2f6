//! The checks that every provider must pass.

#![cfg(test)]

use std::time::Duration;

use credentials_grant_conformance::{Expected, Subject};
use credentials_grant_resamania::{CredentialsGrant, ErrorKind, Grant, Policy, Presentation, Resamania};

fn resamania() -> Subject {
    let demo = || Resamania::new(Resamania::STAGING, Some("demoapi")).unwrap();
    let credentials = Resamania::credentials("123_xxxxxxxxxxxxxxxxx", "******", "00000000-0000-0000-0000-000000000000");
    let expected = Expected::new("{access_token}", Duration::from_secs(3600)).with_token_type("bearer");
    Subject::new(demo(), Resamania::at)
        .with_credentials(credentials, &["api-key"])
        .with_request(include_str!("../fixtures/request.http"))
        .with_variant_request(
            "client-token",
            Resamania::new(Resamania::STAGING, None).unwrap(),
            include_str!("../fixtures/request-without-client-token.http"),
        )
        .with_variant_request(
            "club",
            demo().with_grant(Grant::Club("/demoapi/clubs/1234".to_owned())),
            include_str!("../fixtures/request-club.http"),
        )
        .with_variant_request(
            "contact",
            demo().with_grant(Grant::Contact("member@example.com".to_owned())),
            include_str!("../fixtures/request-contact.http"),
        )
        .with_variant("base-url", Resamania::new("https://gateway.example.com/resa2-mfr", Some("demoapi")).unwrap())
        .with_token(include_str!("../fixtures/token.http"), expected)
        .with_refusal(include_str!("../fixtures/refusal.http"), ErrorKind::CredentialsRefused)
        .with_refusal(include_str!("../fixtures/refusal-without-description.http"), ErrorKind::RequestRefused)
        .with_refusal(include_str!("../fixtures/refusal-gateway.http"), ErrorKind::CredentialsRefused)
        .with_url_setting("base-url", |base_url| Resamania::new(base_url, Some("demoapi")))
        .with_url_setting("client-token", |client_token| Resamania::new(Resamania::STAGING, Some(client_token)))
}

/// Everything in it: the page has one lifetime, in the response, and no limit. The FAQ wants the gateway's key in every
/// call, and the API is behind the same gateway.
#[test]
fn the_policy_is_all_that_the_pages_say() {
    let presentation =
        Presentation::header("authorization").with_scheme("Bearer").with_secret_header("X-Gravitee-Api-Key", "api-key");
    for (base_url, host) in [
        (Resamania::STAGING, "gateway.prod.gravitee.stadline.tech"),
        ("https://gateway.example.com:8443/resa2-mfr", "gateway.example.com:8443"),
    ] {
        let pages = Policy::new().with_presentation(presentation.clone()).with_host(host);
        let resamania = Resamania::new(base_url, Some("demoapi")).unwrap();
        assert_eq!(format!("{:?}", resamania.policy()), format!("{pages:?}"));
    }
}

credentials_grant_conformance::tests!(resamania);
