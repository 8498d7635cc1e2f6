//! How a source says it is doing.

use credentials_grant::ErrorKind;
use credentials_grant_client::TokenState;
use credentials_grant_test_kit::{Answer, TestServer, clock, settle};

use crate::acme::{SECOND, source, token};

#[tokio::test]
async fn it_tells_what_is_in_memory_and_for_how_long() {
    let (server, clock) = (TestServer::in_turn([Answer::Token(1000), Answer::http(503, "")]), clock());
    let source = source(&server, &clock);
    let status = source.status();
    assert_eq!((status.provider.as_str(), status.state, status.lifetime_left), ("acme", TokenState::Missing, None));

    token(&source).await.unwrap();
    for (seconds, state, left) in [
        (0, TokenState::Fresh, 1000),
        (799, TokenState::Fresh, 201),
        (101, TokenState::Stale, 100),
        (70, TokenState::Expired, 30),
        (100, TokenState::Expired, 0),
    ] {
        clock.advance(SECOND * seconds);
        let status = source.status();
        assert_eq!((status.state, status.lifetime_left), (state, Some(SECOND * left)), "{seconds}");
        assert!(status.last_error.is_none() && status.next_attempt_in.is_none());
    }
    settle().await;
    assert_eq!(server.request_count(), 1, "and sends nothing");
}

#[tokio::test]
async fn it_tells_the_last_error_until_there_is_a_token() {
    let acts = [Answer::http(401, r#"{"error":"invalid_client"}"#), Answer::Token(1000)];
    let (server, clock) = (TestServer::in_turn(acts), clock());
    let source = source(&server, &clock);
    token(&source).await.unwrap_err();
    clock.advance(SECOND / 4);
    let status = source.status();
    let error = status.last_error.unwrap();
    assert_eq!((error.kind(), error.provider()), (ErrorKind::CredentialsRefused, Some("acme")));
    assert_eq!(status.next_attempt_in, Some(SECOND * 3 / 4));
    clock.advance(SECOND);
    assert_eq!(source.status().next_attempt_in, None, "whoever asks next has a request sent");
    token(&source).await.unwrap();
    assert!(source.status().last_error.is_none());
}

#[tokio::test]
async fn a_renewal_that_failed_is_told_beside_the_good_token() {
    let (server, clock) = (TestServer::in_turn([Answer::Token(1000), Answer::http(503, "")]), clock());
    let source = source(&server, &clock);
    token(&source).await.unwrap();
    clock.advance(SECOND * 900);
    token(&source).await.unwrap();
    settle().await;
    let status = source.status();
    assert_eq!(status.state, TokenState::Stale);
    assert_eq!(status.last_error.unwrap().kind(), ErrorKind::Unavailable);
    assert_eq!(status.next_attempt_in, Some(SECOND));
}

#[tokio::test]
async fn programs_read_it_as_json() {
    let acts = [Answer::Token(1000), Answer::http(503, "a-client-secret")];
    let (server, clock) = (TestServer::in_turn(acts), clock());
    let source = source(&server, &clock);
    token(&source).await.unwrap();
    clock.advance(SECOND * 900);
    token(&source).await.unwrap();
    settle().await;
    let json = serde_json::to_string(&source.status()).unwrap();
    let begins = r#"{"provider":"acme","state":"stale","seconds_left":100,"adopted":false,"last_error":"acme: "#;
    assert!(json.starts_with(begins) && json.ends_with(r#","next_attempt_in_seconds":1}"#), "{json}");
    assert!(!json.contains("a-client-secret"), "{json}");
}
