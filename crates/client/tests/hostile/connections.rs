//! Connections that break, stall, or do not take turns.

use std::time::Duration;

use credentials_grant::ErrorKind::{self, BadResponse, CredentialsRefused, Unreachable};
use credentials_grant::{
    ClientAuthentication, ClientCredentials, CredentialsGrant, Endpoint, Error, ExposeSecret, RequestContext,
    RequestSeed, Retry, TokenParameters, UnsignedRequest, fetch_token,
};
use credentials_grant_client::HttpTransport;
use credentials_grant_test_kit::Acme;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

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

const KEPT: &str = r#"{"access_token":"old","expires_in":1}"#;

/// What the second of two requests brings: the server answers the first one and keeps the connection, does this at the
/// second, and then this to whoever connects anew.
async fn second_after(at_second: (&[u8], Then), anew: Option<(&[u8], Then)>) -> Result<String, Error> {
    let server = Server::start().await;
    let source = source(&server.url("/token"), Duration::from_secs(30)).unwrap();
    let serving = async {
        let mut socket = server.request().await;
        socket.write_all(&http("200 OK", "", KEPT)).await.unwrap();
        read_request(&mut socket).await;
        end(socket, at_second).await;
        if let Some(anew) = anew {
            end(server.request().await, anew).await;
        }
    };
    let asking = async {
        source.invalidate(&source.token().await.unwrap());
        source.token().await.map(|token| token.secret().expose_secret().to_owned())
    };
    let outcome = meanwhile(serving, Box::pin(asking)).await;
    server.is_left_alone().await;
    outcome
}

async fn end(mut socket: TcpStream, (answer, then): (&[u8], Then)) {
    socket.write_all(answer).await.unwrap();
    if matches!(then, Then::Reset) {
        socket.set_zero_linger().unwrap();
    }
}

#[tokio::test]
async fn a_kept_connection_that_was_dropped_costs_no_caller_its_token() {
    let token = http("200 OK", "", TOKEN);
    for then in [Then::HangUp, Then::Reset] {
        assert_eq!(second_after((b"", then), Some((&token, Then::HangUp))).await.unwrap(), "abc", "{then:?}");
    }
}

#[tokio::test]
async fn a_dropped_connection_is_replaced_once() {
    for (first, next) in [(Then::HangUp, Then::HangUp), (Then::Reset, Then::Reset), (Then::Reset, Then::HangUp)] {
        let error = second_after((b"", first), Some((b"", next))).await.unwrap_err();
        assert_error(&error, Unreachable, "broke", "a server that drops each connection");
        assert_eq!(error.retry(), Retry::Soon);
    }
}

#[tokio::test]
async fn a_kept_connection_on_which_something_was_answered_is_not_replaced() {
    let cases: [(&[u8], ErrorKind, &str); 4] = [
        (TOO_LONG, Unreachable, "broke"),
        (b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 100\r\n\r\n{", CredentialsRefused, "401"),
        (b"HTTP/1.1 200 OK\r\n\r\n", BadResponse, "an empty body"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", BadResponse, "something other than HTTP/1.1"),
    ];
    for (answer, kind, words) in cases {
        let error = second_after((answer, Then::HangUp), None).await.unwrap_err();
        assert_error(&error, kind, words, "an answer that is cut short");
    }
}

#[tokio::test]
async fn all_kept_connections_may_have_been_dropped_at_once() {
    let server = Server::start().await;
    let url = server.url("/token");
    let transport = HttpTransport::new().unwrap();
    let ask = || {
        let acme = Acme::new().with_endpoint(Endpoint::parse(&url).unwrap());
        let transport = transport.clone();
        async move {
            let (credentials, parameters) = (ClientCredentials::new("id", "canary"), TokenParameters::new());
            fetch_token(&acme, &credentials, &parameters, &transport, RequestSeed::fixed()).await
        }
    };
    let serving = async {
        let (mut one, mut other) = (server.request().await, server.request().await);
        for socket in [&mut one, &mut other] {
            socket.write_all(&http("200 OK", "", TOKEN)).await.unwrap();
        }
        tokio::select! {
            _ = read_request(&mut one) => {}
            _ = read_request(&mut other) => {}
        }
        for socket in [&one, &other] {
            socket.set_zero_linger().unwrap();
        }
        drop((one, other));
        server.request().await.write_all(&http("200 OK", "", TOKEN)).await.unwrap();
    };
    let asking = async {
        let (one, other) = tokio::join!(ask(), ask());
        one.unwrap();
        other.unwrap();
        ask().await
    };
    assert_eq!(meanwhile(serving, Box::pin(asking)).await.unwrap().header_value(), "Bearer abc");
    server.is_left_alone().await;
}

#[tokio::test]
async fn a_post_without_a_body_says_so() {
    for (request, expected) in [(Bare::Post, true), (Bare::Get, false)] {
        let server = Server::start().await;
        let provider = BareRequest(Endpoint::parse(&server.url("/token")).unwrap(), request);
        let mut head = String::new();
        let serving = async {
            let mut socket = server.connection().await;
            while !head.ends_with("\r\n\r\n") {
                head.push(socket.read_u8().await.unwrap().into());
            }
            socket.write_all(&http("200 OK", "", TOKEN)).await.unwrap();
        };
        let transport = HttpTransport::new().unwrap();
        let (credentials, parameters) = (ClientCredentials::new("id", "canary"), TokenParameters::new());
        let asking = fetch_token(&provider, &credentials, &parameters, &transport, RequestSeed::fixed());
        meanwhile(serving, Box::pin(asking)).await.unwrap();
        assert!(head.contains(" /token?grant_type=client_credentials HTTP/1.1\r\n"), "{head}");
        let head = head.to_ascii_lowercase();
        assert_eq!(head.matches("content-length: 0\r\n").count(), usize::from(expected), "{head}");
        assert_eq!(head.matches("content-length").count(), usize::from(expected), "{head}");
        assert!(!head.contains("transfer-encoding"), "{head}");
    }
}

/// A vendor that takes everything in the query and in headers.
#[derive(Debug)]
struct BareRequest(Endpoint, Bare);

#[derive(Clone, Copy, Debug)]
enum Bare {
    Get,
    Post,
}

impl CredentialsGrant for BareRequest {
    fn name(&self) -> &'static str {
        "bare"
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        let request = match self.1 {
            Bare::Get => context.get(&self.0),
            Bare::Post => context.post(&self.0).query(),
        };
        request.client_credentials().client_authentication(ClientAuthentication::ClientSecretBasic).build()
    }
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
