use std::time::Duration;

use credentials_grant_emulator::{EmulatedVendor, Emulator, RunningEmulator};
use reqwest::RequestBuilder;
use reqwest::multipart::Form;
use serde_json::{Value, json};

use crate::{Response, call_api, claims, http, send, standing_clock, start, token_request};

/// Returns an emulator without the gateway, to test what is behind it.
fn behind_the_gateway() -> Emulator {
    Emulator::new(EmulatedVendor::Resamania).without_gateway_key()
}

fn post(resamania: &RunningEmulator, parameters: &[(&str, &str)]) -> RequestBuilder {
    let credentials = [("client_id", resamania.client_id()), ("client_secret", resamania.client_secret())];
    http().post(resamania.token_url().clone()).form(&[&credentials, parameters].concat())
}

fn assert_refused(response: &Response, error: &str, description: &Value) {
    assert_eq!(response.status, 400);
    assert_eq!(response.body, format!(r#"{{"error":"{error}","error_description":{description}}}"#));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.header("pragma"), Some("no-cache"));
}

#[tokio::test]
async fn a_token_response_has_the_documented_members_in_their_order() {
    let resamania = start(EmulatedVendor::Resamania);

    let response = send(token_request(&resamania)).await;

    assert_eq!(response.status, 200);
    assert_eq!(
        response.body,
        format!(
            r#"{{"access_token":"{}","expires_in":3600,"token_type":"bearer","scope":"clubs.read contacts.read","refresh_token":{}}}"#,
            response.token(),
            response.json()["refresh_token"],
        )
    );
    assert!(response.json()["refresh_token"].is_string());
}

#[tokio::test]
async fn the_refresh_token_can_be_omitted_and_the_scope_can_be_null() {
    let resamania = Emulator::new(EmulatedVendor::Resamania)
        .with_scopes(Vec::<String>::new())
        .without_refresh_tokens()
        .start()
        .unwrap();

    let response = send(token_request(&resamania)).await;

    assert_eq!(
        response.body,
        format!(r#"{{"access_token":"{}","expires_in":3600,"token_type":"bearer","scope":null}}"#, response.token())
    );
}

#[tokio::test]
async fn the_gateway_refuses_a_missing_or_wrong_key_before_oauth() {
    let resamania = Emulator::new(EmulatedVendor::Resamania).with_gateway_key("the-key").start().unwrap();
    let token = send(token_request(&resamania)).await.token();
    let club = resamania.api_call().url;

    for request in [
        post(&resamania, &[("grant_type", "client_credentials")]),
        http().post(resamania.token_url().clone()),
        post(&resamania, &[("grant_type", "client_credentials")]).header("x-gravitee-api-key", "other"),
        http().get(club).bearer_auth(&token),
    ] {
        let response = send(request).await;
        assert_eq!(response.status, 401);
        assert_eq!(response.json(), json!({"message": "Unauthorized", "http_status_code": 401}));
    }
}

#[tokio::test]
async fn both_paths_both_encodings_basic_and_get_are_accepted() {
    let resamania = behind_the_gateway().start().unwrap();
    let url = resamania.token_url();
    let short = url.join("/resa2-staging/oauth/v2/token").unwrap();
    let (id, secret) = (resamania.client_id(), resamania.client_secret());
    let parameters = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    let multipart = parameters.into_iter().fold(Form::new(), |form, (name, value)| form.text(name, value.to_owned()));

    for request in [
        http().post(url.clone()).form(&parameters),
        http().post(short).form(&parameters),
        http().post(url.clone()).multipart(multipart),
        http().post(url.clone()).basic_auth(id, Some(secret)).form(&parameters[..1]),
        http().get(url.clone()).query(&parameters),
    ] {
        assert_eq!(send(request).await.status, 200);
    }
}

#[tokio::test]
async fn a_json_body_is_not_read() {
    let resamania = behind_the_gateway().start().unwrap();
    let request = http().post(resamania.token_url().clone()).json(&json!({"grant_type": "client_credentials"}));

    assert_refused(
        &send(request).await,
        "invalid_request",
        &json!("Invalid grant_type parameter or parameter missing"),
    );
}

#[tokio::test]
async fn basic_is_preferred_over_the_body() {
    let resamania = behind_the_gateway().start().unwrap();
    let request =
        post(&resamania, &[("grant_type", "client_credentials")]).basic_auth(resamania.client_id(), Some("wrong"));

    let description = json!("The client credentials are invalid");
    assert_refused(&send(request).await, "invalid_client", &description);
}

#[tokio::test]
async fn the_refresh_token_of_the_pages_example_is_ignored() {
    let resamania = behind_the_gateway().start().unwrap();
    let parameters = [("grant_type", "client_credentials"), ("refresh_token", "N2E2YzcwYWYxN")];

    assert_eq!(send(post(&resamania, &parameters)).await.status, 200);
}

#[tokio::test]
async fn checks_are_in_the_order_of_the_library() {
    let resamania = behind_the_gateway().with_grant_types(["client_credentials"]).start().unwrap();
    let bare = |parameters: &[(&str, &str)]| http().post(resamania.token_url().clone()).form(parameters);
    let grant = ("grant_type", "client_credentials");
    let malformed = "Invalid grant_type parameter or parameter missing";
    let invalid = "The client credentials are invalid";

    for (request, error, description) in [
        (bare(&[]), "invalid_request", malformed),
        (bare(&[("grant_type", "magic")]), "invalid_request", malformed),
        (bare(&[("grant_type", "http://")]), "invalid_request", malformed),
        (bare(&[grant]), "invalid_client", "Client id was not found in the headers or body"),
        (bare(&[grant, ("client_id", "unknown")]), "invalid_client", invalid),
        (bare(&[grant, ("client_id", resamania.client_id())]), "invalid_client", invalid),
        (
            post(&resamania, &[("grant_type", "http://clubclientcredentials")]),
            "unauthorized_client",
            "The grant type is unauthorized for this client_id",
        ),
        (post(&resamania, &[grant, ("scope", "magic")]), "invalid_scope", "An unsupported scope was requested."),
    ] {
        assert_refused(&send(request).await, error, &json!(description));
    }
}

#[tokio::test]
async fn a_client_whose_secret_is_empty_cannot_use_client_credentials() {
    let resamania = behind_the_gateway().with_client("123_public", "").start().unwrap();

    assert_refused(
        &send(post(&resamania, &[("grant_type", "client_credentials")])).await,
        "invalid_client",
        &json!("The client_secret is mandatory for the \"client_credentials\" grant type"),
    );
}

#[tokio::test]
async fn a_club_and_a_contact_can_be_the_subject() {
    let resamania = behind_the_gateway().start().unwrap();
    let club = ("grant_type", "http://clubclientcredentials");
    let contact = ("grant_type", "http://contactclientcredentials");

    for (parameters, subject) in [
        ([club, ("clubId", "/demoapi/clubs/1210")], "/demoapi/clubs/1210"),
        ([contact, ("email", "member@example.com")], "member@example.com"),
    ] {
        let token = send(post(&resamania, &parameters)).await.token();
        assert_eq!(claims(&resamania, &token).await["sub"], subject);
    }
    for parameters in [&[club][..], &[club, ("clubId", "1210")], &[contact], &[contact, ("email", "member")]] {
        assert_refused(&send(post(&resamania, parameters)).await, "invalid_grant", &Value::Null);
    }
}

#[tokio::test]
async fn a_refresh_token_can_be_used_once_within_fourteen_days() {
    let clock = standing_clock();
    let resamania = behind_the_gateway().with_clock(clock.clone()).start().unwrap();
    let refresh = async |token: &str| {
        let parameters = [("grant_type", "refresh_token"), ("refresh_token", token)];
        send(post(&resamania, &parameters)).await
    };
    let first = send(post(&resamania, &[("grant_type", "client_credentials")])).await.json();
    let first = first["refresh_token"].as_str().unwrap();

    let refused = [("grant_type", "refresh_token"), ("refresh_token", first), ("scope", "magic")];
    let description = json!("An unsupported scope was requested.");
    assert_refused(&send(post(&resamania, &refused)).await, "invalid_scope", &description);

    let second = refresh(first).await.json();
    let second = second["refresh_token"].as_str().unwrap();

    assert_refused(&refresh(first).await, "invalid_grant", &json!("Invalid refresh token"));
    assert_refused(&refresh("").await, "invalid_request", &json!("No \"refresh_token\" parameter found"));
    clock.advance(Duration::from_secs(14 * 24 * 60 * 60));
    assert_refused(&refresh(second).await, "invalid_grant", &json!("Refresh token has expired"));
}

#[tokio::test]
async fn the_api_accepts_only_a_valid_token() {
    let clock = standing_clock();
    let resamania = Emulator::new(EmulatedVendor::Resamania).with_clock(clock.clone()).start().unwrap();
    let token = send(token_request(&resamania)).await.token();

    let response = call_api(&resamania, Some(&token)).await;
    assert_eq!((response.status, &response.json()["@id"]), (200, &json!("/demoapi/clubs/1210")));

    let (other, call) = (resamania.token_url().join("/resa2-staging/demoapi/clubs/1").unwrap(), resamania.api_call());
    let mut without_iri = call.headers.clone();
    without_iri.insert("x-user-club-id", "1210".parse().unwrap());
    for request in [http().get(other).headers(call.headers), http().get(call.url).headers(without_iri)] {
        let response = send(request.bearer_auth(&token)).await;
        assert_eq!((response.status, response.json()), (404, json!({"message": "Item not found"})));
    }

    clock.advance(Duration::from_secs(3600));
    let revoked = send(token_request(&resamania)).await.token();
    resamania.revoke(&revoked);
    for (token, error, description) in [
        (None, "access_denied", "OAuth2 authentication required"),
        (Some(&token), "invalid_grant", "The access token provided has expired."),
        (Some(&revoked), "invalid_grant", "The access token provided is invalid."),
    ] {
        let response = call_api(&resamania, token.map(String::as_str)).await;
        assert_eq!(response.status, 401);
        assert_eq!(response.json(), json!({"error": error, "error_description": description}));
        assert_eq!(
            response.header("www-authenticate").unwrap(),
            format!(r#"Bearer realm="Service", error="{error}", error_description="{description}""#)
        );
    }
}
