//! Bodies that are too large, at once or once they are unpacked.

use std::io::Write;

use credentials_grant::ErrorKind::{self, BadResponse, CredentialsRefused, RateLimited, Unavailable};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::server::{Then, answered, assert_error, http};

const TOKEN: &[u8] = br#"{"access_token":"abc"}"#;
const GZIP: &str = "content-encoding: gzip\r\n";
const SPACES: &[u8] = &[b' '; 16 * 1024];

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn one_mib_is_read_and_not_a_byte_more() {
    let mut body = TOKEN.to_vec();
    body.resize(1024 * 1024, b' ');
    for compressed in [false, true] {
        let answer = |body: &[u8]| {
            if compressed { http("200 OK", GZIP, gzipped(body)) } else { http("200 OK", "", body) }
        };
        assert_eq!(answered(&answer(&body), Then::HangUp).await.unwrap().header_value(), "Bearer abc");
        let more = [&body, &b" "[..]].concat();
        let error = answered(&answer(&more), Then::HangUp).await.unwrap_err();
        assert_error(&error, BadResponse, "127.0.0.1 answered with more than 1 MiB", "a byte more");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_dropped_as_soon_as_it_is() {
    let bomb = gzipped(&vec![b' '; 64 * 1024 * 1024]);
    assert!(bomb.len() < 70_000, "on the wire it is small");
    let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000)).leak().as_bytes();
    let claims = b"HTTP/1.1 200 OK\r\ncontent-length: 9223372036854775807\r\n\r\n";
    let cases: [(&str, &[u8], Then); 4] = [
        ("a body without end", b"HTTP/1.1 200 OK\r\n\r\n{", Then::Repeat(SPACES)),
        ("chunks without end", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", Then::Repeat(chunk)),
        ("a body that says that it has 2^63 bytes", claims, Then::Repeat(SPACES)),
        ("a bomb", &http("200 OK", GZIP, bomb), Then::HangUp),
    ];
    for (what, answer, then) in cases {
        let error = answered(answer, then).await.unwrap_err();
        assert_error(&error, BadResponse, "127.0.0.1 answered with more than 1 MiB", what);
        assert_eq!(error.status().map(|status| status.as_u16()), Some(200), "{what}");
    }
}

#[tokio::test]
async fn a_refusal_with_a_body_that_is_too_large_is_a_refusal_all_the_same() {
    let cases: [(&str, ErrorKind); 4] = [
        ("401 Unauthorized", CredentialsRefused),
        ("403 Forbidden", CredentialsRefused),
        ("429 Too Many Requests", RateLimited),
        ("503 Service Unavailable", Unavailable),
    ];
    for (status, kind) in cases {
        let head = format!("HTTP/1.1 {status}\r\n\r\n");
        let error = answered(head.as_bytes(), Then::Repeat(SPACES)).await.unwrap_err();
        assert_error(&error, kind, &status[..3], status);
    }
}

#[tokio::test]
async fn a_compression_that_is_none_or_was_not_asked_for_is_no_answer() {
    let half = &gzipped(TOKEN)[..20];
    let cases: [(&str, Vec<u8>, &str); 5] = [
        ("text that says it is gzip", http("200 OK", GZIP, TOKEN), "a body that cannot be decompressed"),
        ("a bad checksum", http("200 OK", GZIP, spoiled(gzipped(TOKEN))), "a body that cannot be decompressed"),
        ("gzip that is cut off", http("200 OK", GZIP, half), "a body that cannot be decompressed"),
        ("Brotli", http("200 OK", "content-encoding: br\r\n", b"\x0b\x0a\x80"), "neither JSON nor a form"),
        ("gzip twice", http("200 OK", "content-encoding: gzip, gzip\r\n", gzipped(&gzipped(TOKEN))), "answered with"),
    ];
    for (what, answer, words) in cases {
        let error = answered(&answer, Then::HangUp).await.unwrap_err();
        assert_error(&error, BadResponse, words, what);
    }
}

fn spoiled(mut gzip: Vec<u8>) -> Vec<u8> {
    let checksum = gzip.len() - 8;
    gzip[checksum] ^= 1;
    gzip
}
