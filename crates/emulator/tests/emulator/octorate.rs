use std::time::Duration;

use credentials_grant_emulator::{EmulatedVendor, Emulator, RunningEmulator};
use serde_json::{Value, json};

use crate::{Answer, call_api, http, send, standing_clock, start, token_request};

async fn ask(octorate: &RunningEmulator, body: &Value) -> Answer {
    send(http().post(octorate.token_url().clone()).json(body)).await
}

fn assert_refused(answer: &Answer, status: u16, code: &str, message: &str, class_name: &str) {
    assert_eq!(answer.status, status);
    assert_eq!(
        answer.body,
        format!(r#"{{"success":false,"error":{{"code":"{code}","message":"{message}","class_name":"{class_name}"}}}}"#)
    );
}

#[tokio::test]
async fn a_grant_answers_type_and_no_token_type() {
    let octorate = start(EmulatedVendor::Octorate);

    let answer = send(token_request(&octorate)).await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, format!(r#"{{"access_token":"{}","expires_in":1440,"type":"Bearer"}}"#, answer.token()));
}

#[tokio::test]
async fn the_number_and_the_lifetime_can_differ() {
    let clock = standing_clock();
    let octorate = Emulator::new(EmulatedVendor::Octorate)
        .with_lifetime(Duration::from_secs(1440 * 60))
        .with_expires_in(1440)
        .with_clock(clock.clone())
        .start()
        .unwrap();

    let answer = send(token_request(&octorate)).await;
    clock.advance(Duration::from_secs(1440 * 60 - 1));

    assert_eq!(answer.json()["expires_in"], 1440);
    assert_eq!(call_api(&octorate, Some(&answer.token())).await.status, 200);
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
        let answer = send(request).await;
        assert_refused(&answer, 400, "BAD_REQUEST", message, "BadRequestException");
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
        let answer = ask(&octorate, &body).await;
        assert_refused(&answer, 400, "BAD_REQUEST", message, "BadRequestException");
    }
}

#[tokio::test]
async fn a_wrong_secret_is_a_401_in_the_envelope() {
    let octorate = start(EmulatedVendor::Octorate);
    let answer = ask(
        &octorate,
        &json!({
            "grant_type": "client_credentials",
            "client_id": octorate.client_id(),
            "client_secret": "wrong",
        }),
    )
    .await;

    let message = "The client credentials are invalid.";
    assert_refused(&answer, 401, "UNAUTHORIZED", message, "UnauthorizedException");
}

#[tokio::test]
async fn a_client_without_the_grant_is_forbidden() {
    let octorate = Emulator::new(EmulatedVendor::Octorate).with_grant_types(Vec::<String>::new()).start().unwrap();

    let answer = send(token_request(&octorate)).await;

    let message = "The client may not use this grant.";
    assert_refused(&answer, 403, "FORBIDDEN", message, "ForbiddenException");
}

#[tokio::test]
async fn the_api_takes_a_good_token_only() {
    let clock = standing_clock();
    let octorate = Emulator::new(EmulatedVendor::Octorate).with_clock(clock.clone()).start().unwrap();
    let token = send(token_request(&octorate)).await.token();
    let revoked = send(token_request(&octorate)).await.token();
    octorate.revoke(&revoked);

    let answer = call_api(&octorate, Some(&token)).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"success":true}"#));
    let nowhere = octorate.token_url().join("/api/v2/nowhere").unwrap();
    let answer = send(http().get(nowhere).bearer_auth(&token)).await;
    let message = "The specified resource does not exist.";
    assert_refused(&answer, 404, "RESOURCE_NOT_FOUND", message, "ResourceNotFoundException");

    clock.advance(Duration::from_secs(1440));
    for token in [None, Some(token.as_str()), Some(revoked.as_str())] {
        let answer = call_api(&octorate, token).await;
        let message = "The access token is missing or invalid.";
        assert_refused(&answer, 401, "UNAUTHORIZED", message, "UnauthorizedException");
    }
}
