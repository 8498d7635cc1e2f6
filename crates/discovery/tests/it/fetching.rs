//! Metadata and keys, fetched outside of a provider.

use std::time::{Duration, SystemTime};

use credentials_grant::{ClientCredentials, Endpoint, Error, ErrorKind, RequestSeed};
use credentials_grant_discovery::{Discovery, EndpointKind, FetchError, Metadata};
use credentials_grant_test_kit::{Answer, TestServer, response};

use crate::server::{ISSUER, METADATA, OAUTH, OIDC};

const JWKS: &str = "GET https://login.example.com/t/keys";

fn discovery() -> Discovery {
    Discovery::new(ISSUER.parse().unwrap())
}

fn with_keys() -> String {
    METADATA.replacen('{', r#"{"jwks_uri":"https://login.example.com/t/keys","#, 1)
}

fn at(seconds: u64) -> SystemTime {
    RequestSeed::fixed().now + Duration::from_secs(seconds)
}

fn token_url(metadata: &Metadata) -> String {
    metadata.endpoint(EndpointKind::Token, &ClientCredentials::new("id", "secret")).unwrap().to_string()
}

#[tokio::test]
async fn metadata_is_fetched_from_either_url_and_kept() {
    let (discovery, server) =
        (discovery(), TestServer::in_turn([response(404, &[], ""), response(200, &[], METADATA)]));
    let metadata = discovery.metadata(&server, at(0)).await.unwrap();
    assert_eq!(token_url(&metadata), "https://login.example.com/t/token");
    assert_eq!(metadata.issuer().unwrap().as_str(), ISSUER);
    assert_eq!(server.take_request_lines(), [OAUTH, OIDC]);
    discovery.clone().metadata(&server, at(3599)).await.unwrap();
    assert!(server.take_request_lines().is_empty());

    let moved = METADATA.replace("/t/token", "/t/new");
    server.then([response(200, &[], moved)]);
    assert!(token_url(&discovery.metadata(&server, at(3600)).await.unwrap()).ends_with("/t/new"));
}

#[tokio::test]
async fn old_metadata_is_used_if_none_arrives_and_forgotten_if_it_is_invalid() {
    let broken = || Answer::http(503, "");
    for nothing in [vec![Answer::unreachable()], vec![broken(), broken()], vec![Answer::http(429, "")]] {
        let looks = [OAUTH, OAUTH, OIDC][..=nothing.len()].to_vec();
        let (discovery, server) = (discovery(), TestServer::in_turn([response(200, &[], METADATA)]));
        discovery.metadata(&server, at(0)).await.unwrap();
        server.then(nothing);
        discovery.metadata(&server, at(3600)).await.unwrap();
        assert_eq!(server.take_request_lines(), looks);

        server.then([response(200, &[], "{}")]);
        let error = discovery.metadata(&server, at(3660)).await.unwrap_err();
        assert!(matches!(error, FetchError::Invalid(_)), "{error}");
        server.then([Answer::unreachable()]);
        let error = discovery.metadata(&server, at(3661)).await.unwrap_err();
        assert!(matches!(error, FetchError::Unavailable(_)), "{error}");
    }
}

#[tokio::test]
async fn keys_are_fetched_from_where_the_metadata_says() {
    let set = r#"{"keys":[]}"#;
    let keys = response(200, &[("cache-control", "max-age=60")], set);
    let (discovery, server) = (discovery(), TestServer::in_turn([response(200, &[], with_keys()), keys]));
    let document = discovery.jwks(&server, at(0)).await.unwrap();
    assert_eq!((document.body(), document.lifetime()), (set.as_bytes(), Duration::from_secs(60)));
    assert_eq!(server.take_request_lines(), [OAUTH, JWKS]);
}

#[tokio::test]
async fn why_there_are_no_keys_is_an_error_in_the_words_of_keys() {
    let invalid = |jwks_uri: &str| METADATA.replacen('{', &format!(r#"{{"jwks_uri":{jwks_uri},"#), 1);
    let cases = [
        (METADATA.to_owned(), response(200, &[], ""), "names no JWKS URL", false),
        (
            invalid(r#""foo""#),
            response(200, &[], ""),
            "the JWKS URL of https://login.example.com/t cannot be used",
            false,
        ),
        (with_keys(), response(404, &[], ""), "https://login.example.com/t has no JWKS (status 404", true),
        (with_keys(), response(503, &[], ""), "the JWKS of https://login.example.com/t cannot be read", true),
        (with_keys(), response(200, &[], "<html>"), "the JWKS of https://login.example.com/t cannot be read", true),
    ];
    for (metadata, keys, why, is_unavailable) in cases {
        let server = TestServer::in_turn([response(200, &[], metadata), keys]);
        let error = discovery().jwks(&server, at(0)).await.unwrap_err();
        assert_eq!(matches!(error, FetchError::Unavailable(_)), is_unavailable, "{error}");
        let error = Error::from(error);
        assert!(error.message().contains(why) && error.remedy().is_some(), "{why}: {error}");
    }
}

#[tokio::test]
async fn after_the_keys_are_gone_the_metadata_is_fetched_again() {
    let (discovery, server) =
        (discovery(), TestServer::in_turn([response(200, &[], with_keys()), response(404, &[], "")]));
    discovery.jwks(&server, at(0)).await.unwrap_err();
    server.take_request_lines();
    server.then([response(200, &[], with_keys().replace("/t/keys", "/t/moved")), response(200, &[], "{}")]);
    discovery.jwks(&server, at(1)).await.unwrap();
    assert_eq!(server.take_request_lines(), [OAUTH, "GET https://login.example.com/t/moved"]);
}

/// Makes a server without keys that checks that requests for documents are plain.
fn plain() -> TestServer {
    TestServer::new(|request, _| {
        assert!(request.body().is_empty() && request.client_certificate().is_none());
        let is_for_keys = request.url().path() == "/t/keys";
        let accept = if is_for_keys { "application/json, application/jwk-set+json" } else { "application/json" };
        let headers: Vec<_> = request.headers().iter().map(|(name, value)| (name.as_str(), value)).collect();
        assert_eq!(headers, [("accept", &accept.parse().unwrap())]);
        if is_for_keys { Answer::unreachable() } else { Answer::http(200, with_keys()) }
    })
}

#[tokio::test]
async fn requests_for_documents_have_no_client() {
    let error = discovery().jwks(&plain(), at(0)).await.unwrap_err();
    assert_eq!(Error::from(error).message(), "nobody answers");
}

#[test]
fn at_a_token_url_nothing_else_is_known() {
    let credentials = ClientCredentials::new("id", "secret");
    let metadata = Metadata::from_token_url(Endpoint::from_static("https://login.example.com/token"));
    assert!(metadata.issuer().is_none());
    assert_eq!(metadata.assertion_audience(&credentials).unwrap(), "https://login.example.com/token");
    for (error, what) in [
        (metadata.endpoint(EndpointKind::Introspection, &credentials).unwrap_err(), "introspection endpoint"),
        (metadata.endpoint(EndpointKind::Revocation, &credentials).unwrap_err(), "revocation endpoint"),
        (metadata.jwks_uri().unwrap_err(), "JWKS URL"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert_eq!(error.message(), format!("only the token URL is known, not the server's {what}"));
    }
}
