use std::time::Duration;

use credentials_grant_emulator::{EmulatedVendor, Emulator, RunningEmulator};
use serde_json::json;

use crate::{Response, START, call_api, claims, http, send, standing_clock, start, token_request};

async fn ask(cognito: &RunningEmulator, parameters: &[(&str, &str)]) -> Response {
    send(token_request(cognito).form(parameters)).await
}

fn assert_refused(response: &Response, error: &str) {
    assert_eq!((response.status, &response.body), (400, &format!(r#"{{"error":"{error}"}}"#)));
    assert_eq!(response.header("content-type"), Some("application/json;charset=UTF-8"));
}

#[tokio::test]
async fn a_token_response_has_three_members() {
    let cognito = start(EmulatedVendor::Cognito);

    let response = send(token_request(&cognito)).await;

    assert_eq!(response.status, 200);
    assert_eq!(
        response.body,
        format!(r#"{{"access_token":"{}","token_type":"Bearer","expires_in":3600}}"#, response.token())
    );
}

#[tokio::test]
async fn credentials_may_be_in_the_body() {
    let cognito = start(EmulatedVendor::Cognito);
    let request = http().post(cognito.token_url().clone()).form(&[
        ("grant_type", "client_credentials"),
        ("client_id", cognito.client_id()),
        ("client_secret", cognito.client_secret()),
    ]);

    assert_eq!(send(request).await.status, 200);
}

#[tokio::test]
async fn a_token_is_a_jwt_without_an_audience() {
    let cognito = Emulator::new(EmulatedVendor::Cognito)
        .with_lifetime(Duration::from_secs(300))
        .with_clock(standing_clock())
        .start()
        .unwrap();

    let response = send(token_request(&cognito)).await;

    assert_eq!(response.json()["expires_in"], 300);
    let mut claims = claims(&cognito, &response.token()).await;
    assert!(claims.as_object_mut().unwrap().remove("jti").unwrap().is_string());
    assert_eq!(
        claims,
        json!({
            "sub": cognito.client_id(),
            "token_use": "access",
            "scope": "pms/reservation.checkin https://pms.example.com/reservation.read",
            "auth_time": START,
            "iss": "https://cognito-idp.eu-south-2.amazonaws.com/eu-south-2_Emulator1",
            "exp": START + 300,
            "iat": START,
            "version": 2,
            "client_id": cognito.client_id(),
        })
    );
}

#[tokio::test]
async fn a_request_that_is_not_a_plain_form_is_an_invalid_request() {
    let cognito = start(EmulatedVendor::Cognito);
    let url = cognito.token_url();
    let grant = "grant_type=client_credentials";
    let multipart = reqwest::multipart::Form::new().text("grant_type", "client_credentials");

    for request in [
        http().get(url.clone()).query(&[("grant_type", "client_credentials")]),
        http().post(url.clone()).json(&json!({"grant_type": "client_credentials"})),
        http().post(url.clone()).multipart(multipart),
        http().post(url.clone()).header("content-type", "application/x-www-form-urlencoded; charset=UTF-8").body(grant),
    ] {
        let request = request.basic_auth(cognito.client_id(), Some(cognito.client_secret()));
        assert_refused(&send(request).await, "invalid_request");
    }
}

#[tokio::test]
async fn a_grant_type_that_is_missing_unknown_or_not_allowed_is_refused() {
    let cognito = start(EmulatedVendor::Cognito);

    assert_refused(&ask(&cognito, &[]).await, "invalid_request");
    assert_refused(&ask(&cognito, &[("grant_type", "password")]).await, "unsupported_grant_type");
    assert_refused(&ask(&cognito, &[("grant_type", "authorization_code")]).await, "unauthorized_client");

    let without_grant =
        Emulator::new(EmulatedVendor::Cognito).with_grant_types(["authorization_code"]).start().unwrap();
    assert_refused(&send(token_request(&without_grant)).await, "unauthorized_client");
}

#[tokio::test]
async fn a_wrong_secret_is_a_400() {
    let cognito = start(EmulatedVendor::Cognito);
    let post = || http().post(cognito.token_url().clone()).form(&[("grant_type", "client_credentials")]);

    let wrong = send(post().basic_auth(cognito.client_id(), Some("wrong"))).await;
    let unknown = send(post().basic_auth("unknown", Some("wrong"))).await;
    let nobody = send(post()).await;

    for response in [wrong, unknown, nobody] {
        assert_refused(&response, "invalid_client");
        assert_eq!(response.header("www-authenticate"), None);
    }
}

#[tokio::test]
async fn two_clients_in_one_request_are_an_invalid_request() {
    let cognito = start(EmulatedVendor::Cognito);

    let response = ask(&cognito, &[("grant_type", "client_credentials"), ("client_id", "another")]).await;

    assert_refused(&response, "invalid_request");
}

#[tokio::test]
async fn a_disallowed_scope_is_refused_and_a_deleted_one_dropped() {
    let cognito = Emulator::new(EmulatedVendor::Cognito)
        .with_scopes(["pms/read"])
        .with_deleted_scopes(["pms/write"])
        .start()
        .unwrap();
    let grant = ("grant_type", "client_credentials");

    assert_refused(&ask(&cognito, &[grant, ("scope", "pms/read pms/admin")]).await, "invalid_scope");
    assert_refused(&ask(&cognito, &[grant, ("scope", "openid")]).await, "invalid_scope");

    let response = ask(&cognito, &[grant, ("scope", "pms/write pms/read")]).await;
    assert_eq!(claims(&cognito, &response.token()).await["scope"], "pms/read");
}

#[tokio::test]
async fn client_metadata_is_recorded_when_it_is_a_json_object() {
    let cognito = start(EmulatedVendor::Cognito);
    let grant = ("grant_type", "client_credentials");

    for malformed in ["tenant=7", "[7]"] {
        let response = ask(&cognito, &[grant, ("aws_client_metadata", malformed)]).await;
        assert_refused(&response, "invalid_request");
    }
    assert_eq!(cognito.client_metadata(), None);

    let metadata = ("aws_client_metadata", r#"{"tenant":"7 & 8"}"#);
    assert_eq!(ask(&cognito, &[grant, metadata]).await.status, 200);
    assert_eq!(cognito.client_metadata(), Some(json!({"tenant": "7 & 8"})));
}

#[tokio::test]
async fn the_check_in_requires_a_valid_token_and_both_numbers() {
    let clock = standing_clock();
    let cognito = Emulator::new(EmulatedVendor::Cognito).with_clock(clock.clone()).start().unwrap();
    let token = send(token_request(&cognito)).await.token();

    let checked_in = call_api(&cognito, Some(&token)).await;
    assert_eq!((checked_in.status, checked_in.body.as_str()), (200, r#"{"message":"checked in"}"#));

    let call = cognito.api_call();
    let half = http().post(call.url.clone()).bearer_auth(&token).json(&json!({"hotelNumber": "1"}));
    assert_eq!(send(half).await.status, 400);
    assert_eq!(send(http().get(call.url).bearer_auth(&token)).await.status, 404);

    clock.advance(Duration::from_secs(3600));
    let revoked = send(token_request(&cognito)).await.token();
    cognito.revoke_all();
    for token in [None, Some(token.as_str()), Some(revoked.as_str())] {
        let response = call_api(&cognito, token).await;
        assert_eq!((response.status, response.body.as_str()), (401, r#"{"message":"Unauthorized"}"#));
    }
}
