//! The checks that every provider must pass: with a secret, a key, and an assertion from elsewhere.

#![cfg(test)]

use std::time::Duration;

use credentials_grant_conformance::{Expected, Subject};
use credentials_grant_oauth2::{
    ClientAuthentication, ClientCredentials, CredentialsGrant, Endpoint, ErrorKind, KeySigner, OAuth2, Policy,
    Presentation, TokenParameters,
};

const TOKEN_URL: &str = "https://server.example.com/token";
const ISSUER: &str = "https://server.example.com";

/// RFC 8037 appendix A.1.
const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"2026-11","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
/// RFC 7515 appendix A.2.
const RSA: &str = r#"{"kty":"RSA","kid":"2026-11","x5t#S256":"thumb","e":"AQAB",
"n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
"d":"Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ",
"p":"4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc",
"q":"uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc",
"dp":"BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBfpT_PI7Yz-FOKnu1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cpdTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0",
"dq":"h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oKr6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_-kyNlxAr2v4IKhGNpmM5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU",
"qi":"IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U"}"#;

fn at_the_server() -> OAuth2 {
    OAuth2::at(Endpoint::from_static(TOKEN_URL))
}

fn subject<P>(provider: OAuth2, scopes: &[&'static str], at: impl Fn(Endpoint) -> P + 'static) -> Subject
where
    P: CredentialsGrant,
{
    let expected =
        Expected::new("mF_9.B5f-4.1JqM", Duration::from_secs(3600)).with_token_type("Bearer").with_scopes(scopes);
    Subject::new(provider, at)
        .with_token(include_str!("../fixtures/token.http"), expected)
        .with_refusal(include_str!("../fixtures/refusal.http"), ErrorKind::RequestRefused)
        .with_refusal(include_str!("../fixtures/refusal-client.http"), ErrorKind::CredentialsRefused)
        .with_refusal(include_str!("../fixtures/refusal-target.http"), ErrorKind::RequestRefused)
}

fn by_secret() -> Subject {
    let by = |way| at_the_server().with_client_authentication(way);
    subject(at_the_server(), &[], OAuth2::at)
        .with_credentials(ClientCredentials::new("s6BhdRkqt3", "gX1fBat3bV"), &[])
        .with_request(include_str!("../fixtures/request.http"))
        .with_variant_request(
            "auth client_secret_post",
            by(ClientAuthentication::ClientSecretPost),
            include_str!("../fixtures/request-post.http"),
        )
        .with_variant_request(
            "client-id-parameter always",
            at_the_server().with_client_id_parameter(),
            include_str!("../fixtures/request-client-id.http"),
        )
        .with_variant_request(
            "encoding json",
            by(ClientAuthentication::ClientSecretPost).with_json(),
            include_str!("../fixtures/request-json.http"),
        )
        .with_variant_request(
            "auth none",
            by(ClientAuthentication::None),
            include_str!("../fixtures/request-none.http"),
        )
        .with_variant_request(
            "auth client_secret_jwt",
            by(ClientAuthentication::ClientSecretJwt),
            include_str!("../fixtures/request-client-secret-jwt.http"),
        )
        .with_variant_request(
            "issuer",
            OAuth2::discover(ISSUER.parse().unwrap()),
            include_str!("../fixtures/request-issuer.http"),
        )
}

/// A client with this key, and all token parameters.
fn by_key(jwk: &str) -> Subject {
    let parameters = TokenParameters::new()
        .with_scopes(["read", "write"])
        .with_audience("https://api.example.com")
        .with_resource("https://cal.example.com/")
        .with_resource("https://contacts.example.com/")
        .with_authorization_details(r#"[{"type":"account_information","actions":["list_accounts"]}]"#)
        .with_extra_parameter("tenant", "4711");
    let signer = KeySigner::from_jwk(jwk).unwrap();
    let for_issuer = |provider: OAuth2| provider.with_assertion_audience(ISSUER);
    subject(for_issuer(at_the_server()), &["read", "write"], move |endpoint| for_issuer(OAuth2::at(endpoint)))
        .with_credentials(ClientCredentials::without_secret("s6BhdRkqt3").with_signer(signer), &[])
        .with_parameters(parameters)
}

fn by_ed25519_key() -> Subject {
    by_key(ED25519).with_request(include_str!("../fixtures/request-private-key-jwt.http")).with_variant_request(
        "assertion-audience",
        at_the_server(),
        include_str!("../fixtures/request-private-key-jwt-token-url.http"),
    )
}

fn by_rsa_key() -> Subject {
    by_key(RSA).with_request(include_str!("../fixtures/request-private-key-jwt-rs256.http"))
}

fn by_assertion() -> Subject {
    // RFC 7515 appendix A.1.
    let jwt = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
               eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
               dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    subject(at_the_server(), &[], OAuth2::at)
        .with_credentials(ClientCredentials::without_secret("s6BhdRkqt3").with_assertion(jwt), &[])
        .with_request(include_str!("../fixtures/request-assertion.http"))
}

/// Everything in it: nothing is known of any server.
#[test]
fn the_policy_is_that_of_the_rfcs() {
    let rfcs = Policy::new().with_presentation(Presentation::header("authorization").with_scheme("Bearer"));
    for provider in [at_the_server(), OAuth2::discover(ISSUER.parse().unwrap())] {
        assert_eq!(format!("{:?}", provider.policy()), format!("{rfcs:?}"));
    }
}

mod secret {
    credentials_grant_conformance::tests!(super::by_secret);
}

mod ed25519_key {
    credentials_grant_conformance::tests!(super::by_ed25519_key);
}

/// Everything else is as with the other key.
#[test]
fn the_request_by_an_rsa_key_equals_its_fixture() {
    credentials_grant_conformance::check::request_fixture(&by_rsa_key());
}

mod assertion {
    credentials_grant_conformance::tests!(super::by_assertion);
}
