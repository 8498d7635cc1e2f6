//! Answers in other charsets than UTF-8, and with bytes that none has.

use credentials_grant::{
    ClientCredentials, ErrorKind, HttpResponse, RequestSeed, ResponseProblem, Retry, TokenParameters, fetch_token,
};
use credentials_grant_test_kit::{Acme, TestServer, response};
use futures_executor::block_on;

use crate::acme::answered;

/// A text in UTF-16 with and without a mark, in Latin-1, and in UTF-8 with broken bytes; with its content type.
fn spellings(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let units = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<_>>();
    let latin: Vec<_> = text.chars().map(|c| u8::try_from(c).unwrap()).collect();
    vec![
        ("application/json", units(u16::to_le_bytes)),
        ("application/json;charset=UTF-16BE", units(u16::to_be_bytes)),
        ("application/json;charset=UTF-16", [b"\xff\xfe", &*units(u16::to_le_bytes)].concat()),
        ("application/json;charset=utf-8", [b"\xfe\xff", &*units(u16::to_be_bytes)].concat()),
        ("application/json; charset=ISO-8859-1", latin.clone()),
        ("application/json", latin),
    ]
}

fn answer(status: u16, content_type: &'static str, body: Vec<u8>) -> HttpResponse {
    response(status, &[("content-type", content_type)], body)
}

#[test]
fn a_token_is_read_in_every_charset() {
    for (content_type, body) in spellings("{\"access_token\":\"abc\",\"expires_in\":60,\"owner\":\"Ren\u{e9}\"}") {
        let token = answered(&Acme::new(), &TokenParameters::new(), answer(200, content_type, body)).unwrap();
        assert_eq!(token.header_value(), "Bearer abc", "{content_type}");
    }
    let form = answer(200, "application/x-www-form-urlencoded", b"access_token=abc&owner=Ren\xe9".to_vec());
    assert_eq!(answered(&Acme::new(), &TokenParameters::new(), form).unwrap().header_value(), "Bearer abc");
}

#[test]
fn an_error_is_read_in_every_charset() {
    for (content_type, body) in spellings("{\"error\":\"invalid_client\",\"error_description\":\"refus\u{e9} ici\"}") {
        let error = answered(&Acme::new(), &TokenParameters::new(), answer(400, content_type, body)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsRefused, "{content_type}: {error}");
        let description = error.oauth().unwrap().description.as_deref().unwrap();
        assert!(["refus\u{e9} ici", "refus\u{fffd} ici"].contains(&description), "{content_type}: {description}");
    }
}

#[test]
fn a_secret_is_taken_out_of_an_error_in_every_charset() {
    let text = "{\"error\":\"invalid_client\",\"error_description\":\"not ging\u{e9}r-k\u{e8}y!\"}";
    for (content_type, body) in spellings(text) {
        let server = TestServer::in_turn([answer(400, content_type, body)]);
        let credentials = ClientCredentials::new("id", "ging\u{e9}r-k\u{e8}y");
        let (acme, parameters) = (Acme::new(), TokenParameters::new());
        let fetched = fetch_token(&acme, &credentials, &parameters, &server, RequestSeed::fixed());
        let error = block_on(fetched).unwrap_err();
        assert_eq!(error.oauth().unwrap().description.as_deref(), Some("not [redacted]!"), "{content_type}");
        assert!(!error.to_string().contains("ging"), "{error}");
    }
}

#[test]
fn a_page_and_an_empty_body_are_called_so_in_every_charset() {
    for (content_type, body) in spellings("<p>caf\u{e9}</p>") {
        let error = answered(&Acme::new(), &TokenParameters::new(), answer(200, content_type, body)).unwrap_err();
        assert_eq!(error.response_problem(), Some(ResponseProblem::Html), "{content_type}: {error}");
    }
    for empty in [&b"\xff\xfe"[..], b"\xef\xbb\xbf", b"\xef\xbb\xbf \n", b""] {
        let error = answered(&Acme::new(), &TokenParameters::new(), answer(200, "text/plain", empty.to_vec()));
        assert_eq!(error.unwrap_err().response_problem(), Some(ResponseProblem::EmptyBody), "{empty:?}");
    }
}

#[test]
fn an_empty_success_is_worth_another_try_and_each_problem_has_its_name() {
    for (status, body, problem, retry) in [
        (200, "", "empty_body", Retry::Soon),
        (200, "  ", "empty_body", Retry::Soon),
        (404, "", "empty_body", Retry::Never),
        (200, "<html>", "html", Retry::Never),
        (200, "{", "malformed_json", Retry::Never),
        (200, r#"{"a":1,"a":2}"#, "malformed_json", Retry::Never),
        (200, "{}", "no_token", Retry::Never),
        (200, "[]", "no_token", Retry::Never),
        (200, "OK", "not_json", Retry::Never),
        (302, "", "redirect", Retry::Never),
        (200, r#"{"access_token":"a b"}"#, "unusable_token", Retry::Never),
        (200, r#"{"access_token":"a","token_type":"mac"}"#, "unusable_token", Retry::Never),
        (200, r#"{"access_token":"a","token_type":"dpop"}"#, "unusable_token", Retry::Never),
        (200, r#"{"access_token":"a","expires_in":{}}"#, "unusable_token", Retry::Never),
        (200, r#"{"access_token":"a","expires_in":0}"#, "expired_token", Retry::Soon),
    ] {
        let error = answered(&Acme::new(), &TokenParameters::new(), response(status, &[], body)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadResponse, "{body}");
        assert_eq!((error.response_problem().unwrap().name(), error.retry()), (problem, retry), "{status} {body}");
    }
    let refused = answered(&Acme::new(), &TokenParameters::new(), response(401, &[], "")).unwrap_err();
    assert_eq!(refused.response_problem(), None);
}
