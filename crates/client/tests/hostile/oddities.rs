//! Servers, and what stands before them, that are neither broken nor hostile, but odd: people reported each of these.

use std::io::Write;
use std::time::Duration;

use credentials_grant::ErrorKind::{BadResponse, CredentialsRefused, RateLimited, Unavailable};
use credentials_grant::Retry;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::server::{Server, Then, answered, assert_error, http, meanwhile, parameters};

const TOKEN: &[u8] = br#"{"access_token":"abc","expires_in":3600}"#;

fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(body).unwrap();
    gzip.finish().unwrap()
}

#[tokio::test]
async fn a_compressed_body_whose_header_was_lost_or_misspelt_is_read() {
    for headers in ["", "content-encoding: x-gzip\r\n", "content-encoding: GZIP\r\n", "content-encoding: utf-8\r\n"] {
        let token = answered(&http("200 OK", headers, gzipped(TOKEN)), Then::HangUp).await;
        assert_eq!(token.expect(headers).header_value(), "Bearer abc", "{headers:?}");
    }
    let two_members = [gzipped(&TOKEN[..9]), gzipped(&TOKEN[9..])].concat();
    assert_eq!(answered(&http("200 OK", "", two_members), Then::HangUp).await.unwrap().header_value(), "Bearer abc");
    let refusal = br#"{"error":"invalid_client","error_description":"canary"}"#;
    let error = answered(&http("401 Unauthorized", "", gzipped(refusal)), Then::HangUp).await.unwrap_err();
    assert_error(&error, CredentialsRefused, "invalid_client", "a refusal");
}

#[tokio::test]
async fn a_compressed_body_without_its_header_is_a_token_or_an_error_and_no_bomb() {
    let bomb = gzipped(&vec![b' '; 64 * 1024 * 1024]);
    let mut spoiled = gzipped(TOKEN);
    let checksum = spoiled.len() - 8;
    spoiled[checksum] ^= 1;
    let cases = [
        ("a bomb", bomb, "more than 1 MiB"),
        ("a bad checksum", spoiled, "a body that cannot be decompressed"),
        ("cut off", gzipped(TOKEN)[..20].to_vec(), "a body that cannot be decompressed"),
        ("the first bytes alone", b"\x1f\x8b".to_vec(), "a body that cannot be decompressed"),
    ];
    for (what, body, words) in cases {
        let error = answered(&http("200 OK", "", &body), Then::HangUp).await.unwrap_err();
        assert_error(&error, BadResponse, words, what);
        let error = answered(&http("503 Busy", "", body), Then::HangUp).await.unwrap_err();
        assert_error(&error, Unavailable, "503", what);
    }
}

#[tokio::test]
async fn header_names_are_written_as_servers_that_distinguish_case_expect_them() {
    let server = Server::start().await;
    let serving = async {
        let mut socket = server.connection().await;
        let mut seen = Vec::new();
        while !seen.windows(4).any(|end| end == b"\r\n\r\n") {
            assert_ne!(socket.read_buf(&mut seen).await.unwrap(), 0);
        }
        let head = String::from_utf8(seen).unwrap();
        let missing = ["Host: ", "Authorization: Basic ", "Content-Type: ", "Content-Length: ", "Accept: "]
            .iter()
            .find(|name| !head.contains(&format!("\r\n{name}")));
        let answer = match missing {
            None => http("200 OK", "", TOKEN),
            Some(name) => http("400 Bad Request", "", format!(r#"{{"error":"invalid_request: no {name}"}}"#)),
        };
        socket.write_all(&answer).await.unwrap();
    };
    let url = server.url("/token");
    let token = meanwhile(serving, parameters(&url, Duration::from_secs(30))).await;
    assert_eq!(token.unwrap().header_value(), "Bearer abc");
}

#[tokio::test]
async fn a_token_that_was_created_or_transformed_is_one() {
    for status in ["200 OK", "201 Created", "202 Accepted", "203 Non-Authoritative Information"] {
        let token = answered(&http(status, "", TOKEN), Then::HangUp).await;
        assert_eq!(token.expect(status).header_value(), "Bearer abc", "{status}");
    }
}

#[tokio::test]
async fn a_page_instead_of_a_refusal_may_be_a_firewalls() {
    let page = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>";
    for (status, headers) in [
        ("403 Forbidden", "content-type: text/html\r\ncf-mitigated: challenge\r\n"),
        ("403 Forbidden", "content-type: text/html\r\n"),
        ("401 Unauthorized", "content-type: text/html\r\n"),
    ] {
        let error = answered(&http(status, headers, page), Then::HangUp).await.unwrap_err();
        assert_error(&error, CredentialsRefused, &status[..3], status);
        let remedy = error.remedy().unwrap();
        assert!(remedy.contains("firewall") && remedy.contains("client id and secret"), "{remedy}");
    }
    let said = br#"{"error":"invalid_client"}"#;
    let error = answered(&http("403 Forbidden", "", said), Then::HangUp).await.unwrap_err();
    assert!(!error.remedy().unwrap().contains("firewall"), "{error}");
}

#[tokio::test]
async fn a_limit_that_says_when_it_ends_is_waited_for() {
    const DATE: &str = "date: Sun, 29 Nov 2026 13:40:00 GMT\r\n";
    let cases = [
        ("Okta", "X-Rate-Limit-Remaining: 0\r\nX-Rate-Limit-Reset: 1795959640\r\n", Some(40)),
        ("twice", "X-Rate-Limit-Reset: 1795959610\r\nX-Rate-Limit-Reset: 1795959640\r\n", Some(40)),
        ("Auth0", "x-ratelimit-limit: 10\r\nx-ratelimit-remaining: 0\r\nx-ratelimit-reset: 1795959623\r\n", Some(23)),
        ("seconds", "RateLimit-Reset: 30\r\n", Some(30)),
        ("a fraction", "X-RateLimit-Reset: 1.0\r\n", Some(1)),
        ("milliseconds since 1970", "X-RateLimit-Reset: 1795959640000\r\n", Some(40)),
        ("a structured field", "RateLimit: \"default\";r=0;t=17\r\n", Some(17)),
        ("an older draft", "RateLimit: limit=10, remaining=0, reset=18\r\n", Some(18)),
        ("the vendor's own wish", "Retry-After: 5\r\nX-Rate-Limit-Reset: 1795959640\r\n", Some(5)),
        ("an hour at most", "X-Rate-Limit-Reset: 1795966800\r\n", Some(3600)),
        ("over", "X-Rate-Limit-Reset: 1795959600\r\n", None),
        ("another limit", "X-Rate-Limit-Remaining: 7\r\nX-Rate-Limit-Reset: 1795959640\r\n", None),
        ("no number", "X-Rate-Limit-Reset: soon\r\nRateLimit-Reset: -5\r\n", None),
    ];
    for (what, headers, seconds) in cases {
        let answer = http("429 Too Many Requests", &format!("{DATE}{headers}"), "");
        let error = answered(&answer, Then::HangUp).await.unwrap_err();
        assert_error(&error, RateLimited, "429", what);
        let expected = seconds.map_or(Retry::Soon, |seconds| Retry::After(Duration::from_secs(seconds)));
        assert_eq!(error.retry(), expected, "{what}");
    }
    let error = answered(&http("503 Busy", "RateLimit-Reset: 30\r\n", ""), Then::HangUp).await.unwrap_err();
    assert_eq!(error.retry(), Retry::Soon, "it is about the limit, which is not why it is busy");
}
