use std::time::Duration;

use credentials_grant_emulator::{EmulatedVendor, Emulator};
use serde_json::json;

use crate::{START, call_api, claims, http, send, standing_clock, start, token_request};

#[tokio::test]
async fn a_token_response_has_the_documented_members_in_their_order() {
    let apaleo = start(EmulatedVendor::Apaleo);

    let response = send(token_request(&apaleo)).await;

    assert_eq!(response.status, 200);
    assert_eq!(
        response.body,
        format!(
            r#"{{"access_token":"{}","expires_in":3600,"token_type":"Bearer","scope":"availability.read companies.read identity:account-users.manage identity:account-users.read offers.read reservations.manage reservations.read"}}"#,
            response.token()
        )
    );
    assert_eq!(response.header("content-type"), Some("application/json; charset=UTF-8"));
    assert_eq!(response.header("cache-control"), Some("no-store, no-cache, max-age=0"));
}

#[tokio::test]
async fn a_token_is_a_signed_jwt_with_the_documented_claims() {
    let apaleo = Emulator::new(EmulatedVendor::Apaleo)
        .with_scopes(["offers.read", "identity:account-users.read"])
        .with_clock(standing_clock())
        .start()
        .unwrap();

    let token = send(token_request(&apaleo)).await.token();

    let mut claims = claims(&apaleo, &token).await;
    assert!(claims.as_object_mut().unwrap().remove("jti").unwrap().is_string());
    assert_eq!(
        claims,
        json!({
            "nbf": START,
            "exp": START + 3600,
            "iss": "https://identity.apaleo.com",
            "aud": ["api", "identity_server", "notifications", "apaleo"],
            "client_id": "SDXE-SP-SIMPLEAPP",
            "account_code": "SDXE",
            "scope": ["offers.read", "identity:account-users.read"],
        })
    );
}

#[tokio::test]
async fn a_request_that_is_not_a_posted_form_is_an_invalid_request() {
    let apaleo = start(EmulatedVendor::Apaleo);
    let url = apaleo.token_url();
    let (id, secret) = (apaleo.client_id(), Some(apaleo.client_secret()));
    let grant = [("grant_type", "client_credentials")];
    let multipart = reqwest::multipart::Form::new().text("grant_type", "client_credentials");

    for request in [
        http().get(url.clone()).query(&grant),
        http().put(url.clone()).form(&grant),
        http().post(url.clone()).json(&json!({"grant_type": "client_credentials"})),
        http().post(url.clone()).multipart(multipart),
        http().post(url.clone()),
    ] {
        let response = send(request.basic_auth(id, secret)).await;
        assert_eq!((response.status, response.body.as_str()), (400, r#"{"error":"invalid_request"}"#));
    }
}

#[tokio::test]
async fn an_unknown_client_gets_a_400_without_a_challenge() {
    let apaleo = start(EmulatedVendor::Apaleo);
    let post = || http().post(apaleo.token_url().clone()).form(&[("grant_type", "client_credentials")]);

    for request in [
        post(),
        post().basic_auth(apaleo.client_id(), Some("wrong")),
        post().basic_auth("unknown", Some(apaleo.client_secret())),
        post().header("authorization", "Basic not-base64"),
    ] {
        let response = send(request).await;
        assert_eq!((response.status, response.body.as_str()), (400, r#"{"error":"invalid_client"}"#));
        assert_eq!(response.header("www-authenticate"), None);
    }
}

#[tokio::test]
async fn credentials_in_the_body_are_refused_as_the_page_requires_basic() {
    let apaleo = start(EmulatedVendor::Apaleo);
    let post = || {
        http().post(apaleo.token_url().clone()).form(&[
            ("grant_type", "client_credentials"),
            ("client_id", apaleo.client_id()),
            ("client_secret", apaleo.client_secret()),
        ])
    };

    for request in [post(), post().basic_auth(apaleo.client_id(), Some(""))] {
        let response = send(request).await;
        assert_eq!((response.status, response.body.as_str()), (400, r#"{"error":"invalid_client"}"#));
    }
    assert_eq!(send(post().basic_auth(apaleo.client_id(), Some(apaleo.client_secret()))).await.status, 200);
}

#[tokio::test]
async fn as_identity_server_credentials_are_read_from_the_form_only_if_basic_has_no_secret() {
    let apaleo = Emulator::new(EmulatedVendor::Apaleo).with_client_secret_post().start().unwrap();
    let post = || {
        http().post(apaleo.token_url().clone()).form(&[
            ("grant_type", "client_credentials"),
            ("client_id", apaleo.client_id()),
            ("client_secret", apaleo.client_secret()),
        ])
    };

    assert_eq!(send(post()).await.status, 200);
    assert_eq!(send(post().basic_auth(apaleo.client_id(), Some(""))).await.status, 200);
    assert_eq!(send(post().basic_auth(apaleo.client_id(), Some("wrong"))).await.status, 400);
}

#[tokio::test]
async fn basic_is_percent_decoded_and_a_plus_is_a_space() {
    let apaleo = Emulator::new(EmulatedVendor::Apaleo).with_client("an id", "a+b%c:d").start().unwrap();
    let post = || http().post(apaleo.token_url().clone()).form(&[("grant_type", "client_credentials")]);

    assert_eq!(send(post().basic_auth("an+id", Some("a%2Bb%25c%3Ad"))).await.status, 200);
    assert_eq!(send(post().basic_auth("an%20id", Some("a%2Bb%25c%3Ad"))).await.status, 200);
    assert_eq!(send(post().basic_auth("an id", Some("a+b%c:d"))).await.status, 400);
}

#[tokio::test]
async fn credentials_longer_than_a_hundred_characters_are_refused() {
    for (character, length, status) in [("x", 100, 200), ("x", 101, 400), ("%C3%A9", 100, 200), ("%C3%A9", 101, 400)] {
        let secret = character.replace("%C3%A9", "é").repeat(length);
        let apaleo = Emulator::new(EmulatedVendor::Apaleo).with_client("id", secret).start().unwrap();
        let sent = character.repeat(length);
        let post = http().post(apaleo.token_url().clone()).basic_auth("id", Some(sent));
        assert_eq!(
            send(post.form(&[("grant_type", "client_credentials")])).await.status,
            status,
            "{length} {character}"
        );
    }
}

#[tokio::test]
async fn each_hotel_may_have_a_client_of_its_own() {
    let apaleo = Emulator::new(EmulatedVendor::Apaleo)
        .with_client("MUCH-SP-APP", "munich")
        .with_further_client("BERL-SP-APP", "berlin")
        .start()
        .unwrap();
    let ask = |id: &'static str, secret: &'static str| {
        let post = http().post(apaleo.token_url().clone()).basic_auth(id, Some(secret));
        send(post.form(&[("grant_type", "client_credentials")]))
    };

    for (id, secret, account) in [("MUCH-SP-APP", "munich", "MUCH"), ("BERL-SP-APP", "berlin", "BERL")] {
        let claims = claims(&apaleo, &ask(id, secret).await.token()).await;
        assert_eq!(claims["account_code"], account);
    }
    assert_eq!(ask("BERL-SP-APP", "munich").await.status, 400);
    assert_eq!(ask("MUCH-SP-APP", "berlin").await.status, 400);
}

#[tokio::test]
async fn a_grant_type_that_is_missing_unknown_or_not_allowed_is_refused() {
    let apaleo = start(EmulatedVendor::Apaleo);
    let long = "x".repeat(101);

    for (grant_type, error) in [
        ("", "unsupported_grant_type"),
        ("magic", "unsupported_grant_type"),
        (&long, "unsupported_grant_type"),
        ("password", "unauthorized_client"),
    ] {
        let request = http()
            .post(apaleo.token_url().clone())
            .basic_auth(apaleo.client_id(), Some(apaleo.client_secret()))
            .form(&[("grant_type", grant_type)]);
        let response = send(request).await;
        assert_eq!((response.status, response.body), (400, format!(r#"{{"error":"{error}"}}"#)));
    }
}

#[tokio::test]
async fn a_client_without_the_grant_is_unauthorized() {
    let apaleo = Emulator::new(EmulatedVendor::Apaleo).with_grant_types(["authorization_code"]).start().unwrap();

    let response = send(token_request(&apaleo)).await;

    assert_eq!((response.status, response.body.as_str()), (400, r#"{"error":"unauthorized_client"}"#));
}

#[tokio::test]
async fn requested_scopes_are_all_granted_or_all_refused() {
    let apaleo = start(EmulatedVendor::Apaleo);
    let long = "offers.read ".repeat(26);

    for (scope, granted) in [
        ("offers.read", Some("offers.read")),
        ("offers.read companies.read", Some("offers.read companies.read")),
        ("offers.read magic", None),
        ("openid", None),
        ("offline_access", None),
        (&long, None),
    ] {
        let request = token_request(&apaleo).form(&[("grant_type", "client_credentials"), ("scope", scope)]);
        let response = send(request).await;
        match granted {
            Some(granted) => assert_eq!(response.json()["scope"], granted),
            None => assert_eq!((response.status, response.body.as_str()), (400, r#"{"error":"invalid_scope"}"#)),
        }
    }
}

#[tokio::test]
async fn a_scope_in_brackets_is_ignored() {
    let apaleo = start(EmulatedVendor::Apaleo);
    let request = token_request(&apaleo).form(&[("grant_type", "client_credentials"), ("scope[0]", "offers.read")]);

    let scope = send(request).await.json()["scope"].to_string();

    assert!(scope.contains("reservations.manage"), "{scope}");
}

#[tokio::test]
async fn the_api_answers_the_documented_property_and_no_other() {
    let apaleo = start(EmulatedVendor::Apaleo);
    let token = send(token_request(&apaleo)).await.token();

    let munich = call_api(&apaleo, Some(&token)).await;
    let other = apaleo.token_url().join("/inventory/v1/properties/BER").unwrap();
    let other = send(http().get(other).bearer_auth(&token)).await;

    assert_eq!(munich.status, 200);
    assert_eq!(munich.json()["name"], json!({"en": "Hotel Munich"}));
    assert_eq!(munich.json()["created"], "2020-04-08T21:53:26+02:00");
    assert_eq!((other.status, other.body.as_str()), (404, ""));
}

#[tokio::test]
async fn the_api_refuses_an_invalid_token() {
    let clock = standing_clock();
    let apaleo = Emulator::new(EmulatedVendor::Apaleo).with_clock(clock.clone()).start().unwrap();
    let expired = send(token_request(&apaleo)).await.token();
    clock.advance(Duration::from_secs(3599));
    assert_eq!(call_api(&apaleo, Some(&expired)).await.status, 200);
    clock.advance(Duration::from_secs(1));
    let revoked = send(token_request(&apaleo)).await.token();
    apaleo.revoke(&revoked);
    let tampered = format!("{}x", send(token_request(&apaleo)).await.token());

    for token in [&expired, &revoked, &tampered] {
        let response = call_api(&apaleo, Some(token)).await;
        assert_eq!(response.status, 401);
        assert_eq!(response.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    }
    let good = send(token_request(&apaleo)).await.token();
    let in_another_scheme = http().get(apaleo.api_call().url).header("authorization", format!("Basic {good}"));
    for response in [call_api(&apaleo, None).await, send(in_another_scheme).await] {
        assert_eq!((response.status, response.header("www-authenticate")), (401, Some("Bearer")));
    }
}
