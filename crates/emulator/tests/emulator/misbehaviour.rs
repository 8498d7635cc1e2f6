use credentials_grant_emulator::{EmulatedVendor, Emulator, Misbehaviour, RunningEmulator};
use reqwest::{Response, StatusCode};

use crate::{call_api, http, send, start, token_request};

const MIB: usize = 1024 * 1024;

fn misbehaving(misbehaviour: Misbehaviour) -> RunningEmulator {
    let apaleo = start(EmulatedVendor::Apaleo);
    apaleo.misbehave(misbehaviour);
    apaleo
}

async fn respond(emulator: &RunningEmulator) -> reqwest::Result<Response> {
    token_request(emulator).send().await
}

#[tokio::test]
async fn it_lasts_for_as_many_requests_as_asked_or_until_it_is_ended() {
    let apaleo = start(EmulatedVendor::Apaleo);
    let teapot = || Misbehaviour::Status { status: StatusCode::IM_A_TEAPOT };

    apaleo.misbehave(teapot()).times(2);
    for expected in [418, 418, 200] {
        assert_eq!(send(token_request(&apaleo)).await.status, expected);
    }

    apaleo.misbehave(teapot()).times(0);
    assert_eq!(send(token_request(&apaleo)).await.status, 200);

    apaleo.misbehave(teapot());
    for _ in 0..3 {
        assert_eq!(send(token_request(&apaleo)).await.status, 418);
    }
    apaleo.behave();
    assert_eq!(send(token_request(&apaleo)).await.status, 200);
    assert_eq!((apaleo.token_requests(), apaleo.tokens_issued()), (8, 3));
}

#[tokio::test]
async fn it_leaves_the_api_alone() {
    let apaleo = start(EmulatedVendor::Apaleo);
    let token = send(token_request(&apaleo)).await.token();

    apaleo.misbehave(Misbehaviour::Drop);

    assert_eq!(call_api(&apaleo, Some(&token)).await.status, 200);
}

#[tokio::test]
async fn throttle_and_unavailable_send_retry_after_if_it_is_set() {
    let date = || Some("Wed, 21 Oct 2026 07:28:00 GMT".to_owned());

    for (misbehaviour, status, retry_after) in [
        (Misbehaviour::Throttle { retry_after: None }, 429, None),
        (Misbehaviour::Throttle { retry_after: Some("120".into()) }, 429, Some("120".to_owned())),
        (Misbehaviour::Unavailable { retry_after: None }, 503, None),
        (Misbehaviour::Unavailable { retry_after: date() }, 503, date()),
    ] {
        let response = send(token_request(&misbehaving(misbehaviour))).await;
        assert_eq!((response.status, response.body.as_str()), (status, ""));
        assert_eq!(response.header("retry-after"), retry_after.as_deref());
    }
}

#[tokio::test]
async fn an_invalid_retry_after_is_an_error_of_the_emulator() {
    let retry_after = Some("1\r\n2".into());
    let response = send(token_request(&misbehaving(Misbehaviour::Throttle { retry_after }))).await;

    assert_eq!(response.status, 500);
    assert_eq!(response.body, "the emulator failed: \"1\\r\\n2\" is not a valid value of the header retry-after\n");
}

#[tokio::test]
async fn html_is_sent_with_the_given_status() {
    for status in [StatusCode::OK, StatusCode::BAD_GATEWAY] {
        let response = send(token_request(&misbehaving(Misbehaviour::Html { status }))).await;
        assert_eq!(response.status, status.as_u16());
        assert_eq!(response.header("content-type"), Some("text/html"));
        assert!(response.body.starts_with("<html>"));
    }
}

#[tokio::test]
async fn an_empty_body_has_status_200() {
    let response = send(token_request(&misbehaving(Misbehaviour::EmptyBody))).await;

    assert_eq!((response.status, response.body.as_str()), (200, ""));
}

#[tokio::test]
async fn a_redirect_keeps_the_method() {
    let to = "https://elsewhere.example/token".parse().unwrap();
    let response = send(token_request(&misbehaving(Misbehaviour::Redirect { to }))).await;

    assert_eq!(response.status, 307);
    assert_eq!(response.header("location"), Some("https://elsewhere.example/token"));
}

#[tokio::test]
async fn a_truncated_body_is_complete_http_and_half_of_the_json() {
    let response = send(token_request(&misbehaving(Misbehaviour::TruncatedBody))).await;

    assert_eq!(response.status, 200);
    assert!(response.body.starts_with(r#"{"access_token":"eyJ"#));
    assert!(serde_json::from_str::<serde_json::Value>(&response.body).is_err());
}

#[tokio::test]
async fn invalid_utf8_replaces_the_token() {
    let apaleo = misbehaving(Misbehaviour::InvalidUtf8);
    let body = respond(&apaleo).await.unwrap().bytes().await.unwrap();

    assert!(body.starts_with(b"{\"access_token\":\"\xff\xfe\",\"expires_in\""));
}

#[tokio::test]
async fn a_token_can_be_any_text() {
    for value in ["a\r\nx-injected: 1", "a b", "", "\"é"] {
        let value = value.to_owned();
        let apaleo = misbehaving(Misbehaviour::Token { value: value.clone() });
        assert_eq!(send(token_request(&apaleo)).await.token(), value);
    }
}

#[tokio::test]
async fn a_huge_token_has_half_a_mebibyte_in_a_body_below_one() {
    let response = send(token_request(&misbehaving(Misbehaviour::HugeToken))).await;

    assert_eq!(response.token().len(), MIB / 2);
    assert!(response.body.len() < MIB);
}

#[tokio::test]
async fn a_huge_body_exceeds_a_mebibyte_by_one_and_still_has_its_token() {
    let response = send(token_request(&misbehaving(Misbehaviour::HugeBody))).await;

    assert_eq!(response.body.len(), MIB + 1);
    assert!(response.token().starts_with("eyJ"));
}

#[tokio::test]
async fn a_gzip_bomb_is_small_on_the_wire_only() {
    let apaleo = misbehaving(Misbehaviour::GzipBomb);
    let compressed = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
    let on_the_wire = token_request(&apaleo).build().unwrap();
    let on_the_wire = compressed.execute(on_the_wire).await.unwrap();
    assert_eq!(on_the_wire.headers()["content-encoding"], "gzip");

    assert!(on_the_wire.bytes().await.unwrap().len() < MIB / 2);
    let response = send(token_request(&apaleo)).await;
    assert!(response.body.len() > 64 * MIB);
    assert!(response.body.starts_with(r#"{"access_token":"eyJ"#));
}

#[tokio::test]
async fn an_error_can_have_status_200() {
    let response = send(token_request(&misbehaving(Misbehaviour::ErrorAsSuccess))).await;

    assert_eq!(response.status, 200);
    assert_eq!(response.body, r#"{"error":"invalid_client","error_description":"the client credentials are invalid"}"#);
}

#[tokio::test]
async fn every_vendor_can_echo_the_secret_in_an_error() {
    for vendor in EmulatedVendor::ALL {
        let emulator = start(*vendor);
        emulator.misbehave(Misbehaviour::EchoSecret);
        let response = send(token_request(&emulator)).await;
        assert!([400, 401].contains(&response.status), "{vendor}: {response:?}");
        assert!(response.body.contains(emulator.client_secret()), "{vendor}: {response:?}");
    }
}

#[tokio::test]
async fn a_revoked_token_is_refused_by_the_api() {
    for vendor in EmulatedVendor::ALL {
        let emulator = start(*vendor);
        emulator.misbehave(Misbehaviour::RevokedToken);
        let token = send(token_request(&emulator)).await.token();
        assert_eq!(call_api(&emulator, Some(&token)).await.status, 401, "{vendor}");
    }
}

#[tokio::test]
async fn an_error_response_has_no_token_to_change() {
    for misbehaviour in [Misbehaviour::HugeToken, Misbehaviour::RevokedToken] {
        let apaleo = misbehaving(misbehaviour);
        let response = send(http().get(apaleo.token_url().clone())).await;
        assert_eq!((response.status, response.body.as_str()), (400, r#"{"error":"invalid_request"}"#));
    }
}

#[tokio::test]
async fn a_connection_can_be_dropped_before_the_response() {
    let apaleo = misbehaving(Misbehaviour::Drop);

    let error = respond(&apaleo).await.unwrap_err();

    assert!(error.is_request() && !error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn a_connection_can_be_dropped_after_the_headers() {
    let apaleo = misbehaving(Misbehaviour::DropAfterHeaders);

    let response = respond(&apaleo).await.unwrap();

    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err());
}

#[tokio::test]
async fn a_hanging_request_ends_when_the_emulator_stops() {
    let apaleo = misbehaving(Misbehaviour::Hang);
    let request = tokio::spawn(token_request(&apaleo).send());
    while apaleo.token_requests() == 0 {
        tokio::task::yield_now().await;
    }

    drop(apaleo);

    assert!(request.await.unwrap().is_err());
}

#[tokio::test]
async fn an_endless_body_is_still_coming_after_eight_mebibytes() {
    let apaleo = misbehaving(Misbehaviour::EndlessBody);
    let mut response = respond(&apaleo).await.unwrap();

    let mut read = 0;
    while read < 8 * MIB {
        read += response.chunk().await.unwrap().expect("the body has no end").len();
    }
}

#[tokio::test]
async fn a_slow_body_comes_byte_by_byte() {
    let apaleo = misbehaving(Misbehaviour::SlowBody);
    let mut response = respond(&apaleo).await.unwrap();

    assert_eq!(response.chunk().await.unwrap().unwrap(), "{");
    assert_eq!(response.chunk().await.unwrap().unwrap(), "\"");
}

#[tokio::test]
async fn it_is_applied_before_the_rate_limit() {
    let ptv = Emulator::new(EmulatedVendor::Ptv).with_rate_limit(0).start().unwrap();
    ptv.misbehave(Misbehaviour::EmptyBody).times(1);

    assert_eq!(send(token_request(&ptv)).await.status, 200);
    assert_eq!(send(token_request(&ptv)).await.status, 429);
}
