//! Tokens that no header can carry, and lives that no clock can show.

use std::time::Duration;

use credentials_grant::ErrorKind::BadResponse;

use crate::server::{Then, answered, answered_each_time, assert_error, http};

#[tokio::test]
async fn a_token_that_no_header_can_carry_is_refused() {
    let megabyte = format!("\"{}\"", "a".repeat(1_000_000));
    let cases: [(&str, &str, &str); 13] = [
        (
            "a line break",
            r#""a\r\nx-injected: b""#,
            "with spaces, line breaks or other characters outside visible ASCII",
        ),
        ("a bare CR", r#""a\rb""#, "with spaces, line breaks or other characters outside visible ASCII"),
        ("a bare LF", r#""a\nb""#, "with spaces, line breaks or other characters outside visible ASCII"),
        ("a space", r#""a b""#, "with spaces, line breaks or other characters outside visible ASCII"),
        ("a space behind it", r#""abc ""#, "with spaces, line breaks or other characters outside visible ASCII"),
        ("NUL", r#""a\u0000b""#, "with spaces, line breaks or other characters outside visible ASCII"),
        ("DEL", r#""a\u007fb""#, "with spaces, line breaks or other characters outside visible ASCII"),
        ("a character beyond ASCII", r#""é""#, "with spaces, line breaks or other characters outside visible ASCII"),
        ("a megabyte", &megabyte, "a token of more than 64 KiB"),
        ("nothing", r#""""#, "JSON without an error and without a token"),
        ("null", "null", "JSON without an error and without a token"),
        ("a number", "123", "`access_token` is not a string"),
        ("an object", r#"{"value":"abc"}"#, "`access_token` is not a string"),
    ];
    for (what, token, words) in cases {
        let body = format!(r#"{{"access_token":{token},"expires_in":3600}}"#);
        let error = answered(&http("200 OK", "", body), Then::HangUp).await.unwrap_err();
        assert_error(&error, BadResponse, words, what);
    }
    let error = answered(&http("200 OK", "", b"{\"access_token\":\"ab\xff\"}"), Then::HangUp).await.unwrap_err();
    assert_error(&error, BadResponse, "characters outside visible ASCII", "no UTF-8");
}

#[tokio::test]
async fn a_life_is_a_number_of_seconds_or_the_answer_is_refused() {
    let number = "`expires_in` is not a number";
    let json = "JSON that is cut off or malformed";
    let cases: [(&str, &str); 13] = [
        ("1e400", json),
        ("-1e400", json),
        ("NaN", json),
        ("Infinity", json),
        ("0x10", json),
        ("3600.", json),
        ("\"NaN\"", number),
        ("\"inf\"", number),
        ("\"1e400\"", number),
        ("\"0x10\"", number),
        ("true", number),
        ("[3600]", number),
        ("{\"seconds\":3600}", number),
    ];
    for (expires_in, words) in cases {
        let body = format!(r#"{{"access_token":"abc","expires_in":{expires_in}}}"#);
        let error = answered(&http("200 OK", "", body), Then::HangUp).await.unwrap_err();
        assert_error(&error, BadResponse, words, expires_in);
    }
}

#[tokio::test]
async fn a_life_that_is_over_has_the_token_asked_for_once_more_and_then_refused() {
    for expires_in in ["0", "-0", "-1", "-9223372036854775808", "-1e308", "\"-0.001\"", "5e-324"] {
        let body = format!(r#"{{"access_token":"abc","expires_in":{expires_in}}}"#);
        let (outcome, requests) = answered_each_time(&http("200 OK", "", body)).await;
        assert_error(&outcome.unwrap_err(), BadResponse, "a token that has already expired", expires_in);
        assert_eq!(requests, 2, "{expires_in}");
    }
}

#[tokio::test]
async fn a_life_that_no_clock_can_show_and_none_are_five_minutes() {
    let five_minutes = 5 * 60;
    let cases: [(&str, u64); 12] = [
        ("3600", 3600),
        ("\"3600 \"", 3600),
        ("\"+3600\"", 3600),
        ("3.6e3", 3600),
        ("2147483648", five_minutes),
        ("9223372036854775807", five_minutes),
        ("9223372036854775808", five_minutes),
        ("18446744073709551615", five_minutes),
        ("18446744073709551616", five_minutes),
        ("1.7976931348623157e308", five_minutes),
        ("null", five_minutes),
        ("\"\"", five_minutes),
    ];
    for (expires_in, seconds) in cases {
        let body = format!(r#"{{"access_token":"abc","expires_in":{expires_in}}}"#);
        let token = answered(&http("200 OK", "", body), Then::HangUp).await.unwrap();
        let life = token.expires_at().duration_since(token.requested_at()).unwrap();
        assert_eq!(life, Duration::from_secs(seconds), "{expires_in}");
    }
}

#[tokio::test]
async fn of_two_tokens_none_counts() {
    let body = r#"{"access_token":"first","access_token":"last"}"#;
    let error = answered(&http("200 OK", "", body), Then::HangUp).await.unwrap_err();
    assert_error(&error, BadResponse, "JSON that has a member twice", "two tokens");
}
