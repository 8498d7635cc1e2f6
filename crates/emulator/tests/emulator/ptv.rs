use std::time::Duration;

use credentials_grant_emulator::{EmulatedVendor, Emulator};
use reqwest::multipart::Form;
use serde_json::json;

use crate::{START, call_api, claims, http, send, standing_clock, start, token_request};

#[tokio::test]
async fn a_token_response_has_the_members_of_the_earlier_version_of_the_page() {
    let ptv = start(EmulatedVendor::Ptv);

    let response = send(token_request(&ptv)).await;

    assert_eq!(response.status, 200);
    assert_eq!(
        response.body,
        format!(
            r#"{{"access_token":"{}","expires_in":300,"not-before-policy":0,"refresh_expires_in":0,"scope":"","token_type":"Bearer"}}"#,
            response.token()
        )
    );
    assert_eq!(response.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn credentials_may_be_in_the_body() {
    let ptv = start(EmulatedVendor::Ptv);
    let request = http().post(ptv.token_url().clone()).form(&[
        ("grant_type", "client_credentials"),
        ("client_id", ptv.client_id()),
        ("client_secret", ptv.client_secret()),
    ]);

    assert_eq!(send(request).await.status, 200);
}

#[tokio::test]
async fn the_pages_multipart_example_works_unless_it_is_switched_off() {
    let lenient = start(EmulatedVendor::Ptv);
    let strict = Emulator::new(EmulatedVendor::Ptv).without_multipart().start().unwrap();

    for (ptv, status) in [(lenient, 200), (strict, 400)] {
        let request = http()
            .post(ptv.token_url().clone())
            .basic_auth(ptv.client_id(), Some(ptv.client_secret()))
            .multipart(Form::new().text("grant_type", "client_credentials"));
        assert_eq!(send(request).await.status, status);
    }
}

/// The page writes `grant_type="client_credentials"`. curl's `--form` takes the quotes off; nothing else does.
#[tokio::test]
async fn quotes_around_the_grant_type_are_part_of_it() {
    let ptv = start(EmulatedVendor::Ptv);
    let post = || http().post(ptv.token_url().clone()).basic_auth(ptv.client_id(), Some(ptv.client_secret()));
    let quoted = r#""client_credentials""#;
    let raw = |body: &'static str| post().header("content-type", "application/x-www-form-urlencoded").body(body);

    for request in [
        post().form(&[("grant_type", quoted)]),
        post().multipart(Form::new().text("grant_type", quoted)),
        raw(r#"grant_type="client_credentials""#),
        raw("grant_type=%22client_credentials%22"),
        raw("grant_type='client_credentials'"),
    ] {
        let response = send(request).await;
        assert_eq!((response.status, &response.json()["error"]), (400, &json!("unsupported_grant_type")));
    }
    assert_eq!(send(raw("grant_type=client_credentials")).await.status, 200);
}

#[tokio::test]
async fn basic_is_decoded_as_keycloak_decodes_it() {
    let ptv =
        Emulator::new(EmulatedVendor::Ptv).with_client("an id", "a+b%c:d").with_further_client("b:c", "=/&").start();
    let ptv = ptv.unwrap();
    let ask = |id: &'static str, secret: &'static str| {
        let post = http().post(ptv.token_url().clone()).basic_auth(id, Some(secret));
        send(post.form(&[("grant_type", "client_credentials")]))
    };

    for (id, secret, status) in [
        ("an+id", "a%2Bb%25c%3Ad", 200),
        ("an%20id", "a%2Bb%25c%3Ad", 200),
        ("an id", "a%2Bb%25c:d", 200),
        ("b%3Ac", "=/&", 200),
        ("b%3Ac", "%3D%2F%26", 200),
        ("an id", "a+b%c:d", 401),
        ("an id", "a%2Bb%c:d", 401),
    ] {
        assert_eq!(ask(id, secret).await.status, status, "{id} {secret}");
    }
}

#[tokio::test]
async fn a_wrong_secret_is_a_401_with_a_challenge() {
    let ptv = start(EmulatedVendor::Ptv);
    let post = || http().post(ptv.token_url().clone()).form(&[("grant_type", "client_credentials")]);

    for request in [post(), post().basic_auth(ptv.client_id(), Some("wrong"))] {
        let response = send(request).await;
        assert_eq!(response.status, 401);
        assert_eq!(response.json()["error"], "invalid_client");
        assert_eq!(response.header("www-authenticate"), Some("Basic realm=\"ptv\""));
    }
}

#[tokio::test]
async fn other_mistakes_get_the_error_codes_of_the_rfc() {
    let ptv = start(EmulatedVendor::Ptv);
    let with = |parameters: &[(&str, &str)]| token_request(&ptv).form(parameters);
    let grant = ("grant_type", "client_credentials");

    for (request, status, error) in [
        (http().get(ptv.token_url().clone()), 405, "invalid_request"),
        (token_request(&ptv).json(&json!({"grant_type": "client_credentials"})), 400, "invalid_request"),
        (with(&[]), 400, "invalid_request"),
        (with(&[("grant_type", "password")]), 400, "unsupported_grant_type"),
        (with(&[grant, ("scope", "magic")]), 400, "invalid_scope"),
    ] {
        let response = send(request).await;
        assert_eq!((response.status, &response.json()["error"]), (status, &json!(error)));
    }
}

#[tokio::test]
async fn a_client_without_the_grant_is_unauthorized() {
    let ptv = Emulator::new(EmulatedVendor::Ptv).with_grant_types(Vec::<String>::new()).start().unwrap();

    let response = send(token_request(&ptv)).await;

    assert_eq!((response.status, &response.json()["error"]), (400, &json!("unauthorized_client")));
}

#[tokio::test]
async fn a_token_is_a_signed_jwt_with_keycloaks_claims() {
    let ptv = Emulator::new(EmulatedVendor::Ptv).with_clock(standing_clock()).start().unwrap();

    let token = send(token_request(&ptv)).await.token();

    let mut claims = claims(&ptv, &token).await;
    assert!(claims.as_object_mut().unwrap().remove("jti").unwrap().is_string());
    assert_eq!(
        claims,
        json!({
            "exp": START + 300,
            "iat": START,
            "iss": "https://auth.conundra.eu/auth/realms/prod",
            "typ": "Bearer",
            "azp": ptv.client_id(),
            "scope": "",
        })
    );
}

#[tokio::test]
async fn the_token_response_lists_the_scopes() {
    let ptv = Emulator::new(EmulatedVendor::Ptv).with_scopes(["routes", "orders"]).start().unwrap();

    assert_eq!(send(token_request(&ptv)).await.json()["scope"], "routes orders");
}

#[tokio::test]
async fn the_api_accepts_only_a_valid_token() {
    let clock = standing_clock();
    let ptv = Emulator::new(EmulatedVendor::Ptv).with_clock(clock.clone()).start().unwrap();
    let token = send(token_request(&ptv)).await.token();
    let revoked = send(token_request(&ptv)).await.token();
    ptv.revoke(&revoked);

    let response = call_api(&ptv, Some(&token)).await;
    assert_eq!((response.status, response.json()), (200, json!({"routes": [{"id": "R1", "stops": 12}]})));

    clock.advance(Duration::from_secs(300));
    for token in [&token, &revoked] {
        let response = call_api(&ptv, Some(token)).await;
        assert_eq!(response.status, 401);
        assert_eq!(response.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    }
    assert_eq!(call_api(&ptv, None).await.header("www-authenticate"), Some("Bearer"));
}
