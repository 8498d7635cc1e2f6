//! The checks that every provider must pass.

#![cfg(test)]

use std::time::Duration;

use credentials_grant_cognito::{
    ClientAuthentication, ClientCredentials, Cognito, CredentialsGrant, CustomDomain, ErrorKind, IssuanceLimit, Policy,
    Presentation,
};
use credentials_grant_conformance::{Expected, Subject};

fn cognito() -> Subject {
    let pms = || Cognito::new("cps-poc-api-access", "eu-south-2").unwrap();
    let expected = Expected::new("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...", Duration::from_secs(3600));
    Subject::new(pms(), Cognito::at)
        .with_credentials(ClientCredentials::new("YOUR_CLIENT_ID", "YOUR_CLIENT_SECRET"), &[])
        .with_request(include_str!("../fixtures/request.http"))
        .with_variant_request(
            "client authentication",
            pms().with_client_authentication(ClientAuthentication::ClientSecretPost),
            include_str!("../fixtures/request-body.http"),
        )
        .with_variant_request(
            "client metadata",
            pms().with_client_metadata("hotel", "MUC"),
            include_str!("../fixtures/request-metadata.http"),
        )
        .with_variant("prefix", Cognito::new("another", "eu-south-2").unwrap())
        .with_variant("region", Cognito::new("cps-poc-api-access", "us-gov-west-1").unwrap())
        .with_variant("domain", Cognito::at_custom_domain("auth.example.com".parse().unwrap()))
        .with_token(include_str!("../fixtures/token.http"), expected.with_token_type("Bearer"))
        .with_refusal(include_str!("../fixtures/refusal.http"), ErrorKind::CredentialsRefused)
        .with_url_setting("prefix", |prefix| Cognito::new(prefix, "eu-south-2"))
        .with_url_setting("region", |region| Cognito::new("cps-poc-api-access", region))
        .with_url_setting("domain", |domain| domain.parse::<CustomDomain>().map(Cognito::at_custom_domain))
}

/// Everything in it: the pages name no host, and the lifetime is in the response.
#[test]
fn the_policy_is_all_that_the_pages_say() {
    let pages = Policy::new()
        // «Authorization: Bearer YOUR_ACCESS_TOKEN».
        .with_presentation(Presentation::header("authorization").with_scheme("Bearer"))
        // The quota «ClientAuthentication», per second, for an account in a region.
        .with_limit(IssuanceLimit::new(150, Duration::from_secs(1)))
        .with_billed_tokens();
    for cognito in [
        Cognito::new("cps-poc-api-access", "eu-south-2").unwrap(),
        Cognito::at_custom_domain("auth.example.com".parse().unwrap()),
    ] {
        assert_eq!(format!("{:?}", cognito.policy()), format!("{pages:?}"));
    }
}

credentials_grant_conformance::tests!(cognito);
