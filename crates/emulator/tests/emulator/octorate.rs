use std::time::Duration;

use credentials_grant_emulator::{EmulatedVendor, Emulator, RunningEmulator};
use serde_json::{Value, json};

use crate::{Response, call_api, http, send, standing_clock, start, token_request};

async fn ask(octorate: &RunningEmulator, body: &Value) -> Response {
    send(http().post(octorate.token_url().clone()).json(body)).await
}

fn assert_refused(response: &Response, status: u16, code: &str, message: &str, class_name: &str) {
    assert_eq!(response.status, status);
    assert_eq!(
        response.body,
        format!(r#"{{"success":false,"error":{{"code":"{code}","message":"{message}","class_name":"{class_name}"}}}}"#)
    );
}

#[tokio::test]
async fn a_token_response_has_type_instead_of_token_type() {
    let octorate = start(EmulatedVendor::Octorate);

    let response = send(token_request(&octorate)).await;

    assert_eq!(response.status, 200);
    assert_eq!(
        response.body,
        format!(r#"{{"access_token":"{}","expires_in":1440,"type":"Bearer"}}"#, response.token())
    );
}

#[tokio::test]
async fn expires_in_can_differ_from_the_lifetime() {
    let clock = standing_clock();
    let octorate = Emulator::new(EmulatedVendor::Octorate)
        .with_lifetime(Duration::from_secs(1440 * 60))
        .with_expires_in(1440)
        .with_clock(clock.clone())
        .start()
        .unwrap();

    let response = send(token_request(&octorate)).await;
    clock.advance(Duration::from_secs(1440 * 60 - 1));

    assert_eq!(response.json()["expires_in"], 1440);
    assert_eq!(call_api(&octorate, Some(&response.token())).await.status, 200);
}

#[tokio::test]
async fn anything_but_a_json_object_is_a_bad_request() {
    let octorate = start(EmulatedVendor::Octorate);
    let post = || http().post(octorate.token_url().clone());
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", octorate.client_id()),
        ("client_secret", octorate.client_secret()),
    ];

    for request in [
        post().form(&form),
        post(),
        post().json(&json!(["client_credentials"])),
        post().header("content-type", "application/json").body("{"),
    ] {
        let message = "The request body must be a JSON object.";
        let response = send(request).await;
        assert_refused(&response, 400, "BAD_REQUEST", message, "BadRequestException");
    }
}

#[tokio::test]
async fn a_missing_or_wrong_member_is_named() {
    let octorate = start(EmulatedVendor::Octorate);

    for (body, message) in [
        (json!({}), "grant_type is required."),
        (json!({"grant_type": "password"}), "grant_type must be client_credentials."),
        (json!({"grant_type": "client_credentials"}), "client_id is required."),
        (json!({"grant_type": "client_credentials", "client_id": "a"}), "client_secret is required."),
    ] {
        let response = ask(&octorate, &body).await;
        assert_refused(&response, 400, "BAD_REQUEST", message, "BadRequestException");
    }
}

#[tokio::test]
async fn a_wrong_secret_is_a_401_in_the_envelope() {
    let octorate = start(EmulatedVendor::Octorate);
    let response = ask(
        &octorate,
        &json!({
            "grant_type": "client_credentials",
            "client_id": octorate.client_id(),
            "client_secret": "wrong",
        }),
    )
    .await;

    let message = "The client credentials are invalid.";
    assert_refused(&response, 401, "UNAUTHORIZED", message, "UnauthorizedException");
}

#[tokio::test]
async fn a_client_without_the_grant_is_forbidden() {
    let octorate = Emulator::new(EmulatedVendor::Octorate).with_grant_types(Vec::<String>::new()).start().unwrap();

    let response = send(token_request(&octorate)).await;

    let message = "The client may not use this grant.";
    assert_refused(&response, 403, "FORBIDDEN", message, "ForbiddenException");
}

#[tokio::test]
async fn the_api_answers_at_both_base_urls_of_the_page() {
    let octorate = start(EmulatedVendor::Octorate);
    let token = send(token_request(&octorate)).await.token();

    for path in ["/api/v2/", "/api/v2", "/octotable-pms/api/v2/", "/octotable-pms/api/v2"] {
        let url = octorate.token_url().join(path).unwrap();
        let response = send(http().get(url.clone()).bearer_auth(&token)).await;
        assert_eq!((response.status, response.body.as_str()), (200, r#"{"success":true}"#), "{path}");
        assert_eq!(send(http().get(url)).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn the_api_accepts_only_a_valid_token() {
    let clock = standing_clock();
    let octorate = Emulator::new(EmulatedVendor::Octorate).with_clock(clock.clone()).start().unwrap();
    let token = send(token_request(&octorate)).await.token();
    let revoked = send(token_request(&octorate)).await.token();
    octorate.revoke(&revoked);

    let response = call_api(&octorate, Some(&token)).await;
    assert_eq!((response.status, response.body.as_str()), (200, r#"{"success":true}"#));
    let nowhere = octorate.token_url().join("/api/v2/nowhere").unwrap();
    let response = send(http().get(nowhere).bearer_auth(&token)).await;
    let message = "The specified resource does not exist.";
    assert_refused(&response, 404, "RESOURCE_NOT_FOUND", message, "ResourceNotFoundException");

    clock.advance(Duration::from_secs(1440));
    for token in [None, Some(token.as_str()), Some(revoked.as_str())] {
        let response = call_api(&octorate, token).await;
        let message = "The access token is missing or invalid.";
        assert_refused(&response, 401, "UNAUTHORIZED", message, "UnauthorizedException");
    }
}
