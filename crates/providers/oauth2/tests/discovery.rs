//! Discovery: what is asked, what is believed and for how long, and what hostile metadata come to.

#![cfg(test)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use credentials_grant_oauth2::{
    AccessToken, Ask, Attempt, ClientAuthentication, ClientCredentials, CredentialsGrant, Error, ErrorKind, HeaderMap,
    OAuth2, Retry, SealedRequest, StatusCode, Surroundings, TokenResponse, Transport, async_trait, grant,
};

const ISSUER: &str = "https://login.example.com/t";
const OAUTH: &str = "GET https://login.example.com/.well-known/oauth-authorization-server/t";
const OIDC: &str = "GET https://login.example.com/t/.well-known/openid-configuration";
const POST: &str = "POST https://login.example.com/t/token";
const METADATA: &str =
    r#"{"issuer":"https://login.example.com/t","token_endpoint":"https://login.example.com/t/token"}"#;
const TOKEN: &str = r#"{"access_token":"abc","expires_in":3600}"#;

/// A server that answers in turn, and keeps what it was asked.
#[derive(Clone, Debug, Default)]
struct Server(Arc<Mutex<(Vec<TokenResponse>, Vec<String>)>>);

impl Server {
    fn answering<const N: usize>(answers: [TokenResponse; N]) -> Self {
        let server = Self::default();
        server.then(answers);
        server
    }

    fn then<const N: usize>(&self, answers: [TokenResponse; N]) {
        self.0.lock().unwrap().0 = answers.into_iter().rev().collect();
    }

    /// What it was asked since this was asked last.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().1)
    }
}

#[async_trait]
impl Transport for Server {
    async fn send(&self, request: &SealedRequest) -> Result<TokenResponse, Error> {
        let mut server = self.0.lock().unwrap();
        server.1.push(format!("{} {}", request.method(), request.url()));
        Ok(server.0.pop().expect("an answer is left"))
    }
}

fn answer(status: u16, body: impl Into<Vec<u8>>) -> TokenResponse {
    TokenResponse::new(StatusCode::from_u16(status).unwrap(), HeaderMap::new(), body.into())
}

fn with_header(status: u16, name: &'static str, value: &'static str, body: &str) -> TokenResponse {
    let headers = [(name.parse().unwrap(), value.parse().unwrap())].into_iter().collect();
    TokenResponse::new(StatusCode::from_u16(status).unwrap(), headers, body.as_bytes().to_vec())
}

fn provider() -> OAuth2 {
    OAuth2::discover(ISSUER.parse().unwrap())
}

/// A token, so many seconds after the beginning.
async fn token(provider: &OAuth2, server: &Server, seconds: u64) -> Result<AccessToken, Error> {
    token_for(provider, &ClientCredentials::new("id", "canary"), server, seconds).await
}

async fn token_for(
    provider: &OAuth2,
    credentials: &ClientCredentials,
    server: &Server,
    seconds: u64,
) -> Result<AccessToken, Error> {
    let now = Surroundings::frozen().now + Duration::from_secs(seconds);
    grant(provider, credentials, &Ask::new(), server, Surroundings::new(now, [7; 16])).await
}

#[tokio::test]
async fn metadata_are_read_once_and_shared_by_clones_for_an_hour() {
    let (provider, server) = (provider(), Server::answering([answer(200, METADATA), answer(200, TOKEN)]));
    assert_eq!(token(&provider, &server, 0).await.unwrap().authorization(), "Bearer abc");
    assert_eq!(server.asked(), [OAUTH, POST]);

    server.then([answer(200, TOKEN)]);
    token(&provider.clone(), &server, 3599).await.unwrap();
    assert_eq!(server.asked(), [POST]);

    server.then([answer(200, METADATA), answer(200, TOKEN)]);
    token(&provider, &server, 3600).await.unwrap();
    assert_eq!(server.asked(), [OAUTH, POST]);
}

#[tokio::test]
async fn a_server_says_how_long_its_metadata_are_good_within_reason() {
    let cases = [
        ("max-age=60", 59, 60),
        ("public, MAX-AGE=\"60\", must-revalidate", 59, 60),
        ("max-age=99999999999", 86_399, 86_400),
        ("public", 3599, 3600),
    ];
    for (cache_control, good, old) in cases {
        let read = || with_header(200, "cache-control", cache_control, METADATA);
        let (provider, server) = (provider(), Server::answering([read(), answer(200, TOKEN)]));
        token(&provider, &server, 0).await.unwrap();
        for (seconds, expected) in [(good, vec![POST]), (old, vec![OAUTH, POST])] {
            server.asked();
            server.then([answer(200, TOKEN)]);
            if expected.len() == 2 {
                server.then([read(), answer(200, TOKEN)]);
            }
            token(&provider, &server, seconds).await.unwrap();
            assert_eq!(server.asked(), expected, "{cache_control} after {seconds} s");
        }
    }
    for cache_control in ["no-store", "no-cache", "max-age=0", "max-age=-1", "max-age=soon"] {
        let read = || with_header(200, "cache-control", cache_control, METADATA);
        let (provider, server) = (provider(), Server::default());
        for _ in 0..2 {
            server.then([read(), answer(200, TOKEN)]);
            token(&provider, &server, 0).await.unwrap();
            assert_eq!(server.asked(), [OAUTH, POST], "{cache_control}");
        }
    }
}

#[tokio::test]
async fn a_clock_that_was_set_back_makes_metadata_doubtful() {
    let (provider, server) = (provider(), Server::answering([answer(200, METADATA), answer(200, TOKEN)]));
    token(&provider, &server, 1000).await.unwrap();
    server.asked();
    server.then([answer(200, METADATA), answer(200, TOKEN)]);
    token(&provider, &server, 999).await.unwrap();
    assert_eq!(server.asked(), [OAUTH, POST]);
}

#[tokio::test]
async fn metadata_that_are_not_where_oauth_has_them_are_where_openid_connect_does() {
    let nothing = [
        answer(404, ""),
        answer(403, "<Error/>"),
        answer(400, "{}"),
        answer(200, "<!DOCTYPE html>"),
        with_header(302, "location", "/login", ""),
    ];
    for nothing in nothing {
        let server = Server::answering([nothing, answer(200, METADATA), answer(200, TOKEN)]);
        token(&provider(), &server, 0).await.unwrap();
        assert_eq!(server.asked(), [OAUTH, OIDC, POST]);
    }
    let nowhere = [
        (answer(404, ""), "there are no metadata of https://login.example.com/t"),
        (answer(200, "<html>"), "are not as RFC 8414"),
        (with_header(302, "location", "https://evil.example/?x=1", ""), "redirect to https://evil.example/"),
    ];
    for (nothing, why) in nowhere {
        let server = Server::answering([answer(404, ""), nothing]);
        let error = token(&provider(), &server, 0).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadResponse);
        assert!(
            error.message().contains(why)
                && error.to_string().ends_with("check the issuer, or set the token URL instead"),
            "{error}"
        );
        assert_eq!(server.asked(), [OAUTH, OIDC]);
    }
}

#[tokio::test]
async fn a_server_that_is_not_well_is_asked_again_later_and_at_the_same_place() {
    let cases = [
        (answer(503, ""), ErrorKind::Unavailable, Retry::Soon),
        (with_header(429, "retry-after", "7", ""), ErrorKind::RateLimited, Retry::After(Duration::from_secs(7))),
    ];
    for (response, kind, retry) in cases {
        let server = Server::answering([response]);
        let error = token(&provider(), &server, 0).await.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (kind, retry), "{error}");
        assert_eq!(server.asked(), [OAUTH]);
    }
}

#[tokio::test]
async fn a_token_endpoint_that_is_gone_makes_the_next_attempt_read_the_metadata_again() {
    let refusal = r#"{"error":"invalid_request"}"#;
    let gone =
        [answer(404, refusal), answer(405, refusal), answer(410, refusal), answer(200, "<html>"), answer(200, "")];
    for gone in gone {
        let (provider, server) = (provider(), Server::answering([answer(200, METADATA), gone]));
        token(&provider, &server, 0).await.unwrap_err();
        let moved = METADATA.replace("/t/token", "/t/new");
        server.then([answer(200, moved), answer(200, TOKEN)]);
        server.asked();
        token(&provider, &server, 1).await.unwrap();
        assert_eq!(server.asked(), [OAUTH, "POST https://login.example.com/t/new"]);
    }
}

#[tokio::test]
async fn a_refusal_says_nothing_about_the_metadata() {
    for refusal in [answer(401, r#"{"error":"invalid_client"}"#), answer(503, "<html>"), answer(429, "")] {
        let (provider, server) = (provider(), Server::answering([answer(200, METADATA), refusal]));
        token(&provider, &server, 0).await.unwrap_err();
        server.then([answer(200, TOKEN)]);
        server.asked();
        token(&provider, &server, 1).await.unwrap();
        assert_eq!(server.asked(), [POST]);
    }
}

#[tokio::test]
async fn hostile_metadata_are_refused_and_lead_nowhere() {
    let endpoint = |url: &str| METADATA.replace("https://login.example.com/t/token", url);
    let issuer = |issuer: &str| METADATA.replacen(ISSUER, issuer, 1);
    let huge = format!(r#"{{"issuer":"{ISSUER}","token_endpoint":"{}"}}"#, "x".repeat(900_000));
    let cases = [
        (issuer("https://evil.example"), "name another issuer"),
        (issuer("https://login.example.com/t/"), "name another issuer"),
        (issuer("https://LOGIN.example.com/t"), "name another issuer"),
        (issuer("https://login.example.com/t?x"), "name another issuer"),
        (issuer("evil\\r\\nforged"), "evil\\r\\nforged"),
        (issuer(&"é".repeat(400_000)), "name another issuer"),
        (METADATA.replacen(&format!("\"{ISSUER}\""), "1", 1), "not as RFC 8414"),
        (METADATA.replacen("\"issuer\"", "\"iss\"", 1), "not as RFC 8414"),
        (METADATA.replacen("token_endpoint", "jwks_uri", 1), "name no token endpoint"),
        (endpoint("http://login.example.com/t/token"), "cannot be used"),
        (endpoint("http://127.0.0.1/token"), "not https"),
        (endpoint("ftp://login.example.com/"), "cannot be used"),
        (endpoint("https://u:canary@login.example.com/"), "cannot be used"),
        (endpoint("/t/token"), "cannot be used"),
        (endpoint(""), "cannot be used"),
        (METADATA.replace(r#""https://login.example.com/t/token""#, "[]"), "not as RFC 8414"),
        (METADATA.replacen('{', r#"{"token_endpoint_auth_methods_supported":"none","#, 1), "not as RFC 8414"),
        (METADATA.replacen('{', r#"{"issuer":"https://login.example.com/t","#, 1), "not as RFC 8414"),
        (huge, "cannot be used"),
        ("{".to_owned(), "not as RFC 8414"),
        (format!("{{\"a\":{}", "[".repeat(100_000)), "not as RFC 8414"),
    ];
    for (body, why) in cases {
        let (provider, server) = (provider(), Server::answering([answer(200, body.clone())]));
        let error = token(&provider, &server, 0).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadResponse, "{error}");
        assert!(error.message().contains(why) && error.remedy().is_some(), "{why}: {error}");
        assert!(error.to_string().len() < 2000 && !format!("{error:?}").contains("canary"), "{error:?}");
        assert_eq!(server.asked(), [OAUTH], "nothing is sent anywhere: {why}");

        // At the other place they are as good as at the first.
        let server = Server::answering([answer(404, ""), answer(200, body)]);
        assert_eq!(token(&provider, &server, 0).await.unwrap_err().kind(), ErrorKind::BadResponse);
        assert_eq!(server.asked(), [OAUTH, OIDC]);
    }
}

#[tokio::test]
async fn what_else_the_metadata_name_does_not_spoil_a_token() {
    let members = [
        r#""introspection_endpoint":"http://evil.example/""#,
        r#""revocation_endpoint":[{}]"#,
        r#""revocation_endpoint_auth_methods_supported":"none""#,
        r#""jwks_uri":"""#,
        r#""mtls_endpoint_aliases":{"token_endpoint":"ftp://evil.example/"}"#,
        r#""mtls_endpoint_aliases":7"#,
        r#""dpop_signing_alg_values_supported":7"#,
    ];
    for member in members {
        let metadata = METADATA.replacen('{', &format!("{{{member},"), 1);
        let server = Server::answering([answer(200, metadata), answer(200, TOKEN)]);
        token(&provider(), &server, 0).await.expect(member);
        assert_eq!(server.asked(), [OAUTH, POST], "{member}");
    }
}

#[tokio::test]
async fn on_loopback_a_token_endpoint_may_be_plain_too() {
    let provider = OAuth2::discover("http://127.0.0.1:8080/t".parse().unwrap());
    let metadata = METADATA.replace("https://login.example.com", "http://127.0.0.1:8080");
    let server = Server::answering([answer(200, metadata), answer(200, TOKEN)]);
    token(&provider, &server, 0).await.unwrap();
    assert_eq!(server.asked().last().unwrap(), "POST http://127.0.0.1:8080/t/token");
}

#[tokio::test]
async fn a_frozen_attempt_is_the_same_whatever_is_known() {
    let (provider, server) = (provider(), Server::answering([answer(200, METADATA), answer(200, TOKEN)]));
    let (credentials, ask) = (ClientCredentials::placeholder(), Ask::new().with_scope("a"));
    let frozen = || {
        let request = provider.token_request(&Attempt::frozen(&credentials, &ask)).unwrap().frozen().unwrap();
        (request.url().clone(), request.headers().clone(), request.body().to_vec(), format!("{provider:?}"))
    };
    let before = frozen();
    token(&provider, &server, 0).await.unwrap();
    assert_eq!(before, frozen());
    assert!(String::from_utf8(before.2).unwrap().contains("scope=a"), "the whole ask is in it");
    assert!(!format!("{provider:?}").contains("token"), "{provider:?}");

    let hopeless = Ask::new().with_authorization_details("{}");
    let error = provider.token_request(&Attempt::frozen(&credentials, &hopeless)).unwrap_err();
    assert!(error.message().contains("authorization details"), "it is known before anything is sent: {error}");
}

#[tokio::test]
async fn the_method_is_the_best_that_both_sides_can_do() {
    let secret = || ClientCredentials::new("id", "canary");
    let jwt = || ClientCredentials::without_secret("id").with_assertion("a.b.c");
    let public = || ClientCredentials::without_secret("id");
    let huge = format!(r#"["{}"]"#, "x".repeat(900_000));
    let many = format!("[{}0]", r#""\u001b[2J","#.repeat(90_000)).replace(",0]", "]");
    let cases = [
        (secret(), None, Ok("basic")),
        (secret(), Some(r#"["client_secret_post"]"#), Ok("post")),
        (secret(), Some(r#"["client_secret_jwt","client_secret_post","client_secret_basic"]"#), Ok("basic")),
        (secret(), Some(r#"["private_key_jwt","client_secret_jwt"]"#), Ok("jwt")),
        (secret(), Some(r#"["none"]"#), Err("none for client authentication")),
        (secret(), Some("[]"), Err("nothing for client authentication")),
        (secret(), Some(r#"["tls_client_auth"]"#), Err("tls_client_auth")),
        (secret(), Some(&*huge), Err("nothing for client authentication")),
        (secret(), Some(&*many), Err("\\u{1b}[2J, \\u{1b}[2J")),
        (jwt(), Some(r#"["client_secret_basic","private_key_jwt"]"#), Ok("jwt")),
        (jwt(), None, Err("client_secret_basic for client authentication")),
        (secret().with_assertion("a.b.c"), Some(r#"["client_secret_basic","private_key_jwt"]"#), Ok("jwt")),
        (secret().with_assertion("a.b.c"), Some(r#"["client_secret_basic"]"#), Ok("basic")),
        (public(), Some(r#"["none"]"#), Ok("none")),
        (public(), Some(r#"["client_secret_basic"]"#), Err("client_secret_basic")),
    ];
    for (credentials, methods, expected) in cases {
        let methods =
            methods.map_or_else(String::new, |list| format!(r#""token_endpoint_auth_methods_supported":{list},"#));
        let metadata = METADATA.replacen('{', &format!("{{{methods}"), 1);
        let server = Server::answering([answer(200, metadata), answer(200, TOKEN)]);
        let seen = Arc::new(Seen { server: server.clone(), last: Mutex::default() });
        let surroundings = Surroundings::frozen();
        match (grant(&provider(), &credentials, &Ask::new(), &seen, surroundings).await, expected) {
            (Ok(_), Ok(way)) => assert_eq!(*seen.last.lock().unwrap(), way),
            (Err(error), Err(why)) => {
                assert!(error.kind() == ErrorKind::Configuration && error.message().contains(why), "{error}");
                assert!(error.message().len() < 500, "{error}");
                assert_eq!(server.asked(), [OAUTH], "nothing is tried: {error}");
            }
            (outcome, expected) => panic!("{expected:?}: {outcome:?}"),
        }
    }
}

/// Sees how the last request authenticates the client.
#[derive(Debug)]
struct Seen {
    server: Server,
    last: Mutex<&'static str>,
}

#[async_trait]
impl Transport for Seen {
    async fn send(&self, request: &SealedRequest) -> Result<TokenResponse, Error> {
        let body = String::from_utf8_lossy(request.body());
        *self.last.lock().unwrap() = match request.headers().get("authorization") {
            Some(_) => "basic",
            None if body.contains("client_secret=") => "post",
            None if body.contains("client_assertion=") => "jwt",
            None if body.contains("client_id=") => "none",
            None => "nothing",
        };
        self.server.send(request).await
    }
}

#[tokio::test]
async fn a_method_that_is_set_is_used_whatever_the_metadata_list() {
    let provider = provider().with_client_authentication(ClientAuthentication::Body);
    let metadata = METADATA.replacen('{', r#"{"token_endpoint_auth_methods_supported":["client_secret_basic"],"#, 1);
    let seen = Arc::new(Seen {
        server: Server::answering([answer(200, metadata), answer(200, TOKEN)]),
        last: Mutex::default(),
    });
    let credentials = ClientCredentials::new("id", "canary");
    grant(&provider, &credentials, &Ask::new(), &seen, Surroundings::frozen()).await.unwrap();
    assert_eq!(*seen.last.lock().unwrap(), "post");
}
