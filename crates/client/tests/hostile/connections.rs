//! Connections that break, stall, or do not take turns.

use std::time::Duration;

use credentials_grant::ErrorKind::{self, BadResponse, CredentialsRefused, Unreachable};
use credentials_grant::Retry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::server::{
    Server, Then, answered, assert_error, http, is_hung_up, meanwhile, parameters, read_request, source,
};

const TOKEN: &str = r#"{"access_token":"abc"}"#;
const TOO_LONG: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"access_token\":\"abc\"}";
const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

#[tokio::test]
async fn a_connection_that_breaks_is_worth_another_try() {
    let compressed = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 100\r\n\r\n\x1f\x8b\x08";
    let cases: [(&str, &[u8]); 6] = [
        ("before the head", b""),
        ("in the head", b"HTTP/1.1 200 O"),
        ("in a header", b"HTTP/1.1 200 OK\r\ncontent-le"),
        ("after the head", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"),
        ("in the body, which is a token already", TOO_LONG),
        ("in a compressed body", compressed),
    ];
    for (what, answer) in cases {
        for then in [Then::HangUp, Then::Reset] {
            let error = answered(answer, then).await.unwrap_err();
            assert_error(&error, Unreachable, "the connection to 127.0.0.1 broke", what);
            assert_eq!(error.retry(), Retry::Soon, "{what}");
        }
    }
}

#[tokio::test]
async fn a_refusal_whose_body_breaks_off_is_a_refusal_all_the_same() {
    for then in [Then::HangUp, Then::Reset] {
        let error = answered(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 100\r\n\r\n{", then).await.unwrap_err();
        assert_error(&error, CredentialsRefused, "401", "a refusal");
        assert_eq!(error.retry(), Retry::Never);
    }
}

#[tokio::test]
async fn a_server_that_takes_its_time_is_given_up_on() {
    let compressed = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 100\r\n\r\n\x1f\x8b\x08";
    let cases: [(&str, &[u8], Then); 7] = [
        ("it never answers", b"", Then::Stall),
        ("it stops in the head", b"HTTP/1.1 200 OK\r\nx: ", Then::Stall),
        ("it stops in the body", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", Then::Stall),
        ("it stops in a compressed body", compressed, Then::Stall),
        ("it stops in a chunk", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{", Then::Stall),
        ("it always says that it will go on", b"", Then::RepeatPastTimeout(b"HTTP/1.1 100 Continue\r\n\r\n")),
        ("it always has hints", b"", Then::RepeatPastTimeout(b"HTTP/1.1 103 Early Hints\r\nlink: </>\r\n\r\n")),
    ];
    for (what, answer, then) in cases {
        let error = answered(answer, then).await.unwrap_err();
        assert_error(&error, Unreachable, "127.0.0.1 did not answer in time", what);
        assert_eq!(error.retry(), Retry::Soon, "{what}");
    }
}

#[tokio::test]
async fn a_body_is_as_long_as_it_says() {
    let cases: [(&str, Vec<u8>, ErrorKind, &str); 5] = [
        (
            "too short",
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{\"access_token\":\"abc\"}".to_vec(),
            BadResponse,
            "cut off",
        ),
        ("no length and nothing", b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), BadResponse, "an empty body"),
        ("a chunk without a length", [CHUNKED, b"x\r\n"].concat(), BadResponse, "something other than HTTP/1.1"),
        (
            "a chunk beyond 2^64",
            [CHUNKED, b"fffffffffffffffff\r\n"].concat(),
            BadResponse,
            "something other than HTTP/1.1",
        ),
        ("a last chunk that is missing", [CHUNKED, b"2\r\n{}\r\n"].concat(), Unreachable, "broke"),
    ];
    for (what, answer, kind, words) in cases {
        let error = answered(&answer, Then::HangUp).await.unwrap_err();
        assert_error(&error, kind, words, what);
    }
    let more = [http("200 OK", "", TOKEN), b"HTTP/1.1 200 OK\r\n\r\n<html>".to_vec()].concat();
    for then in [Then::HangUp, Then::Reset] {
        let token = answered(&more, then).await.unwrap();
        assert_eq!(token.header_value(), "Bearer abc", "what follows a whole answer is nobody's");
    }
}

#[tokio::test]
async fn an_answer_after_some_that_were_none_is_read() {
    let hints = b"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(100);
    for none in [b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), hints] {
        let token = answered(&[none, http("200 OK", "", TOKEN)].concat(), Then::HangUp).await.unwrap();
        assert_eq!(token.header_value(), "Bearer abc");
    }
}

#[tokio::test]
async fn a_switch_of_protocols_that_nobody_asked_for_is_no_answer() {
    let answer = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    let error = answered(answer, Then::HangUp).await.unwrap_err();
    assert_error(&error, BadResponse, "101", "a switch");
}

#[tokio::test]
async fn an_answer_to_a_request_that_was_not_read_is_an_answer() {
    let server = Server::start().await;
    let serving = async {
        let mut socket = server.connection().await;
        socket.read_u8().await.unwrap();
        socket.write_all(&http("401 Unauthorized", "", "")).await.unwrap();
        // Or the system would reset the connection, for what lies there unread.
        is_hung_up(socket).await;
    };
    let url = server.url("/token");
    let outcome = meanwhile(serving, parameters(&url, Duration::from_secs(30))).await;
    assert_error(&outcome.unwrap_err(), CredentialsRefused, "401", "an early answer");
    server.is_left_alone().await;
}

#[tokio::test]
async fn a_kept_connection_that_breaks_under_the_next_request_is_not_tried_again_behind_the_callers_back() {
    let server = Server::start().await;
    let url = server.url("/token");
    let source = source(&url, Duration::from_secs(30)).unwrap();
    let serving = async {
        let mut socket = server.request().await;
        socket.write_all(&http("200 OK", "", r#"{"access_token":"abc","expires_in":1}"#)).await.unwrap();
        read_request(&mut socket).await;
    };
    let asking = async {
        source.invalidate(&source.token().await.unwrap());
        source.token().await
    };
    let outcome = meanwhile(serving, Box::pin(asking)).await;
    assert_error(&outcome.unwrap_err(), Unreachable, "broke", "the second request");
    server.is_left_alone().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_cannot_be_connected_to() {
    let gone = Server::start().await.url("/token?secret=canary");
    for (url, host) in
        [(gone.as_str(), "127.0.0.1"), ("https://nowhere.invalid/token?secret=canary", "nowhere.invalid")]
    {
        let error = parameters(url, Duration::from_secs(30)).await.unwrap_err();
        assert_error(&error, Unreachable, &format!("could not connect to {host}"), host);
        assert_eq!(error.retry(), Retry::Soon);
    }
}
