//! Bodies and heads that are no answer.

use credentials_grant::ErrorKind::{self, BadResponse, CredentialsRefused, RateLimited, Unavailable};

use crate::server::{Then, answered, assert_error, http};

const JSON: &str = "content-type: application/json\r\n";

#[tokio::test]
async fn a_body_that_holds_no_token_is_named_for_what_it_is() {
    let deep = |depth| "{\"access_token\":".repeat(depth).into_bytes();
    let cases: [(&str, Vec<u8>, &str); 16] = [
        ("nothing", b"".to_vec(), "an empty body"),
        ("white space", b" \r\n\t ".to_vec(), "an empty body"),
        ("a page", b"<!DOCTYPE html><title>Sign in</title>".to_vec(), "HTML or XML"),
        ("XML", b"<?xml version=\"1.0\"?><access_token>abc</access_token>".to_vec(), "HTML or XML"),
        ("JSON that is cut off", b"{\"access_token\":\"ab".to_vec(), "JSON that is cut off or malformed"),
        ("JSON with more behind it", b"{\"access_token\":\"abc\"}}".to_vec(), "JSON that is cut off or malformed"),
        ("no UTF-8 between members", b"{\"access_token\"\xff:\"abc\"}".to_vec(), "JSON that is cut off or malformed"),
        ("half a character", b"{\"access_token\":\"\\ud800\"}".to_vec(), "JSON that is cut off or malformed"),
        ("UTF-16", b"\xff\xfe{\0\"\0".to_vec(), "JSON that is cut off or malformed"),
        ("noise", (0..=255).cycle().take(100_000).collect(), "text that is neither JSON nor a form"),
        ("nested 1000 deep", deep(1000), "JSON that is cut off or malformed"),
        ("nested 100,000 deep", "{\"a\":".repeat(100_000).into_bytes(), "more than 10,000 parts"),
        ("lists 100,000 deep", b"[".repeat(100_000), "more than 10,000 parts"),
        ("300,000 small lists", format!("[{}[]]", "[],".repeat(300_000)).into_bytes(), "more than 10,000 parts"),
        ("a list", b"[{\"access_token\":\"abc\"}]".to_vec(), "JSON that is not an object"),
        ("an object without it", b"{\"token\":\"abc\"}".to_vec(), "JSON without an error and without a token"),
    ];
    for (what, body, words) in cases {
        let error = answered(&http("200 OK", JSON, body), Then::HangUp).await.unwrap_err();
        assert_error(&error, BadResponse, words, what);
        assert_eq!(error.status().map(|status| status.as_u16()), Some(200), "{what}");
    }
}

#[tokio::test]
async fn what_the_server_says_of_a_refusal_cannot_break_the_line_nor_flood_it() {
    let echo = r#"{"error":"invalid_client","error_description":"no\r\n2026-01-01 root: canary, Basic aWQ6Y2FuYXJ5\u001b[2J"}"#;
    let flood = format!(r#"{{"error":"invalid_client","error_description":"{}"}}"#, "é".repeat(400_000));
    for (what, body) in [("an echo that forges lines", echo), ("a flood", &flood)] {
        let error = answered(&http("401 Unauthorized", JSON, body), Then::HangUp).await.unwrap_err();
        assert_error(&error, CredentialsRefused, "invalid_client", what);
    }
}

#[tokio::test]
async fn a_status_that_promises_no_token_is_none() {
    let token = "{\"access_token\":\"abc\"}";
    let cases: [(&str, &str, ErrorKind, &str); 7] = [
        ("204 No Content", "", BadResponse, "an empty body (204"),
        ("304 Not Modified", "", BadResponse, "an empty body (304"),
        ("305 Use Proxy", token, BadResponse, "(305"),
        ("404 Not Found", token, BadResponse, "(404"),
        ("429 Slow Down", token, RateLimited, "(429"),
        ("503 Busy", token, Unavailable, "(503"),
        ("999 Nonsense", token, BadResponse, "(999"),
    ];
    for (status, body, kind, words) in cases {
        let error = answered(&http(status, "", body), Then::HangUp).await.unwrap_err();
        assert_error(&error, kind, words, status);
    }
}

#[tokio::test]
async fn what_is_not_http_is_named_so() {
    let cases: [(&str, &[u8]); 19] = [
        ("HTTP/0.9", b"<html><body>Welcome</body></html>\n\n"),
        ("a version that does not exist", b"HTTP/7.0 200 OK\r\n\r\n"),
        ("a status of four digits", b"HTTP/1.1 2000 OK\r\n\r\n"),
        ("no status", b"HTTP/1.1 OK\r\n\r\n"),
        ("SSH", b"SSH-2.0-OpenSSH_9.9\r\n"),
        ("SMTP", b"220 mail.example.com ESMTP\r\n"),
        ("a TLS alert", b"\x15\x03\x01\x00\x02\x02\x28"),
        ("HTTP/2", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80\x00\x04\x00\x01\x00\x00"),
        ("zeros", &[0; 512]),
        ("NUL in a header", b"HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n"),
        ("NUL in a header's name", b"HTTP/1.1 200 OK\r\nx\0: a\r\n\r\n"),
        ("NUL in a line that is no header", b"HTTP/1.1 200 OK\r\nWarning: a b\r\nno header \0\r\n\r\n"),
        ("a carriage return in a header", b"HTTP/1.1 200 OK\r\nx: a\rset-cookie: b\r\n\r\n"),
        ("a carriage return in a line that is no header", b"HTTP/1.1 200 OK\r\nno header\rx: a\r\n\r\n"),
        (
            "a length after spaces, and another",
            b"HTTP/1.1 200 OK\r\ncontent-length : 2\r\ncontent-length: 3\r\n\r\n{}}",
        ),
        ("a length that is folded into two", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n 2\r\n\r\n{}"),
        ("two lengths", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}}"),
        ("a negative length", b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}"),
        ("a length beyond 2^64", b"HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551616\r\n\r\n{}"),
    ];
    for (what, answer) in cases {
        let error = answered(answer, Then::HangUp).await.unwrap_err();
        assert_error(&error, BadResponse, "127.0.0.1 sent something other than HTTP/1.1: ", what);
    }
}

#[tokio::test]
async fn a_line_among_the_headers_that_is_no_header_is_skipped() {
    let body = r#"{"access_token":"abc"}"#;
    let length = body.len();
    let cases: [(&str, &[u8]); 12] = [
        ("a warning of PHP", b"PHP Warning:  Undefined variable $x in /srv/token.php on line 3\r\n"),
        ("a warning in HTML", b"<br />\r\n<b>Notice</b>: Undefined index: scope in <b>/srv/token.php</b>\r\n"),
        ("a warning that ends in a line feed", b"PHP Notice:  Undefined offset\n"),
        ("a line without a colon", b"Status 200\r\n"),
        ("a line without a name", b": x\r\n"),
        ("a status line again", b"HTTP/1.1 200 OK\r\n"),
        ("a name beyond ASCII", "x-gr\u{f6}\u{df}e: 3\r\n".as_bytes()),
        ("a value with a control character", b"x-shown: a\x07b\r\n"),
        ("a line that begins with a space", b" x: y\r\n"),
        ("a value in Latin-1", b"x-shop: caf\xe9\r\n"),
        ("a value that is folded", b"x-shop: one\r\n\ttwo\r\n"),
        ("a length that is folded", b"content-length:\r\n 22\r\n"),
    ];
    for (what, line) in cases {
        for is_first in [true, false] {
            let known: &[u8] = b"content-type: application/json\r\n";
            let lines = if is_first { [line, known] } else { [known, line] }.concat();
            let length = format!("content-length: {length}\r\n\r\n{body}");
            let answer = [b"HTTP/1.1 200 OK\r\n", &lines[..], length.as_bytes()].concat();
            let token = answered(&answer, Then::HangUp).await.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(token.header_value(), "Bearer abc", "{what}");
        }
    }
}

#[tokio::test]
async fn what_a_skipped_line_says_counts_for_nothing() {
    let body = r#"{"access_token":"abc"}"#;
    for line in [
        "PHP Warning: x\r\n transfer-encoding: chunked",
        "no header; content-length: 2",
        "transfer encoding: chunked",
        "content\u{2d}l\u{e9}ngth: 2",
    ] {
        let token = answered(&http("200 OK", &format!("{line}\r\n"), body), Then::HangUp).await;
        assert_eq!(token.unwrap_or_else(|error| panic!("{line}: {error}")).header_value(), "Bearer abc");
    }
    let spaces = b"HTTP/1.1 200 OK\r\ntransfer-encoding : chunked\r\n\r\n16\r\n{\"access_token\":\"abc\"}\r\n0\r\n\r\n";
    let token = answered(spaces, Then::HangUp).await.unwrap();
    assert_eq!(token.header_value(), "Bearer abc", "a space before the colon changes no framing");
}

#[tokio::test]
async fn a_head_without_end_is_not_read_to_the_end() {
    let thousand = format!("HTTP/1.1 200 OK\r\n{}", "x-filler: y\r\n".repeat(1000));
    let megabyte = format!("HTTP/1.1 200 OK\r\nx-filler: {}\r\n", "y".repeat(1024 * 1024));
    let cases: [(&str, &[u8], Then); 4] = [
        ("a thousand headers", thousand.as_bytes(), Then::HangUp),
        ("a header of a megabyte", megabyte.as_bytes(), Then::HangUp),
        ("headers without end", b"HTTP/1.1 200 OK\r\n", Then::Repeat(b"x-filler: y\r\n")),
        ("a header without end", b"HTTP/1.1 200 OK\r\nx-filler: ", Then::Repeat(&[b'y'; 4096])),
    ];
    for (what, answer, then) in cases {
        let error = answered(answer, then).await.unwrap_err();
        assert_error(&error, BadResponse, "message head is too large", what);
    }
}
