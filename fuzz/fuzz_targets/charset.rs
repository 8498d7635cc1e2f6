//! Writes one answer in several charsets, with arbitrary characters and broken bytes in it: what counts is ASCII.

#![no_main]

use credentials_grant::{
    ClientCredentials, HeaderMap, HeaderValue, HttpResponse, RequestSeed, StatusCode, TokenParameters, fetch_token,
};
use credentials_grant_test_kit::{Acme, TestServer};
use futures_executor::block_on;
use libfuzzer_sys::fuzz_target;

/// The longest text of an input.
const LONGEST: usize = 512;

fuzz_target!(|input: &[u8]| {
    let input = &input[..input.len().min(LONGEST)];
    let (content_type, bytes) = match input.iter().position(|&byte| byte == b'\n') {
        Some(end) => (&input[..end], &input[end + 1..]),
        None => (&b"application/json"[..], input),
    };
    let Ok(content_type) = HeaderValue::from_bytes(content_type) else { return };
    // Any bytes at all.
    let response = answer(200, &content_type, bytes.to_vec());
    let text = response.text();
    assert!(text.len() <= bytes.len() * 3, "{} of {}", text.len(), bytes.len());
    let unmarked = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if let Ok(utf8) = std::str::from_utf8(unmarked)
        && !unmarked.contains(&0)
    {
        assert_eq!(text, utf8, "what is UTF-8 stays as it is");
    }
    // Any characters among those that count, in every charset.
    let text: String =
        String::from_utf8_lossy(bytes).chars().filter(|c| !matches!(c, '"' | '\\' | '\0'..'\x20')).collect();
    let members = |text: &str| {
        [
            (200, format!(r#"{{"name":"{text}","access_token":"abc","expires_in":60}}"#)),
            (400, format!(r#"{{"error_description":"{text}","error":"invalid_scope"}}"#)),
        ]
    };
    for (status, body) in members(&text) {
        let utf16 = |bytes: fn(u16) -> [u8; 2]| body.encode_utf16().flat_map(bytes).collect::<Vec<_>>();
        for body in [
            body.clone().into_bytes(),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
            [b"\xff\xfe", &*utf16(u16::to_le_bytes)].concat(),
            [b"\xfe\xff", &*utf16(u16::to_be_bytes)].concat(),
        ] {
            check(answer(status, &content_type, body));
        }
    }
    // Bytes above ASCII: Latin-1, or broken.
    let high: Vec<u8> = bytes.iter().map(|byte| byte | 0x80).collect();
    for (status, body) in members("\u{7f}") {
        let place = body.find('\u{7f}').expect("it is there");
        let body = [&body.as_bytes()[..place], &high, &body.as_bytes()[place + 1..]].concat();
        check(answer(status, &content_type, body));
    }
});

fn answer(status: u16, content_type: &HeaderValue, body: Vec<u8>) -> HttpResponse {
    let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, content_type.clone())]);
    HttpResponse::new(StatusCode::from_u16(status).expect("a status"), headers, body)
}

/// Checks that the token of a success, or the code of an error, is read.
fn check(response: HttpResponse) {
    let is_success = response.status().is_success();
    let (acme, credentials, parameters) = (Acme::new(), ClientCredentials::new("id", "canary"), TokenParameters::new());
    let server = TestServer::in_turn([response]);
    match block_on(fetch_token(&acme, &credentials, &parameters, &server, RequestSeed::fixed())) {
        Ok(token) => assert!(is_success && token.header_value() == "Bearer abc"),
        Err(error) => {
            assert!(!is_success, "{error}");
            assert_eq!(error.oauth().and_then(|oauth| oauth.code.as_deref()), Some("invalid_scope"), "{error}");
            assert!(!error.to_string().contains("canary") && !error.to_string().contains(char::is_control), "{error}");
        }
    }
}
