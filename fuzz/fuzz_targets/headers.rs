//! Reads arbitrary `Retry-After`, `Date` and `Age`: one per line. A fourth line is the challenge of a refusal.

#![no_main]

use std::time::Duration;

use credentials_grant::{
    ClientCredentials, HeaderMap, HeaderName, HeaderValue, HttpResponse, RequestSeed, Retry, StatusCode,
    TokenParameters, fetch_token,
};
use credentials_grant_test_kit::{Acme, TestServer};
use futures_executor::block_on;
use libfuzzer_sys::fuzz_target;

const HOUR: Duration = Duration::from_secs(3600);
const NAMES: [&str; 4] = ["retry-after", "date", "age", "www-authenticate"];

fuzz_target!(|input: &[u8]| {
    let lines = input.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    let headers: HeaderMap = NAMES
        .into_iter()
        .zip(lines)
        .filter_map(|(name, line)| Some((HeaderName::from_static(name), HeaderValue::from_bytes(line).ok()?)))
        .collect();
    let plain = headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
    let wait = HttpResponse::new(StatusCode::OK, headers.clone(), Vec::new()).retry_after();
    assert!(wait.is_none_or(|wait| wait <= HOUR), "{wait:?}");
    if let Some(seconds) = plain.filter(|seconds| *seconds < 100_000_000) {
        assert_eq!(wait, Some(Duration::from_secs(seconds.into()).min(HOUR)), "a number of seconds");
    }
    let (acme, credentials, parameters) = (Acme::new(), ClientCredentials::new("id", "canary"), TokenParameters::new());
    for (status, body) in [(429, ""), (503, ""), (401, ""), (200, r#"{"access_token":"abc","expires_in":600}"#)] {
        let response = HttpResponse::new(StatusCode::from_u16(status).expect("a status"), headers.clone(), body.into());
        let server = TestServer::in_turn([response]);
        let seed = RequestSeed::fixed();
        match block_on(fetch_token(&acme, &credentials, &parameters, &server, seed)) {
            // A server's clock moves no lifetime that it states in seconds.
            Ok(token) => assert_eq!(token.expires_at(), RequestSeed::fixed().now + Duration::from_secs(600)),
            Err(error) => {
                match error.retry() {
                    Retry::After(pause) => assert!(status != 401 && pause <= HOUR, "{error}"),
                    Retry::Soon => assert_ne!(status, 401, "{error}"),
                    _ => assert_eq!(status, 401, "{error}"),
                }
                let shown = format!("{error} {:?}", error.oauth());
                assert!(!shown.contains("canary") && !error.to_string().contains(char::is_control), "{shown:?}");
            }
        }
    }
});
