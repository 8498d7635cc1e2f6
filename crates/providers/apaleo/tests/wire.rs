//! What is special about apaleo, over a socket.

#![cfg(test)]

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use credentials_grant_apaleo::settings::{Configure, Settings};
use credentials_grant_apaleo::{Apaleo, ClientCredentials, ErrorKind, TokenParameters, TokenSource};
use wiremock::matchers::{body_string, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const CLAIMS: &str = r#"{
    "nbf": 1591448890, "exp": 1591452490, "iss": "https://identity.apaleo.com",
    "aud": ["api", "identity_server", "notifications", "apaleo"],
    "client_id": "SDXE-SP-SIMPLEAPP", "account_code": "SDXE",
    "scope": ["availability.read", "identity:account-users.manage"]
}"#;

async fn token_endpoint(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    let request = Mock::given(method("POST")).and(path("/connect/token"));
    request.respond_with(answer).expect(1).mount(&server).await;
    server
}

fn source(server: &MockServer, parameters: TokenParameters) -> TokenSource {
    let apaleo = Apaleo::at(format!("{}/connect/token", server.uri()).parse().unwrap());
    let credentials = ClientCredentials::new("SDXE-SP-SIMPLEAPP", "a+secret");
    TokenSource::builder(apaleo, credentials).with_parameters(parameters).build().unwrap()
}

#[tokio::test]
async fn scopes_with_dots_and_colons_are_sent_and_the_secret_is_encoded() {
    let server = MockServer::start().await;
    Mock::given(header("authorization", "Basic U0RYRS1TUC1TSU1QTEVBUFA6YSUyQnNlY3JldA=="))
        .and(body_string("grant_type=client_credentials&scope=identity%3Aaccount-users.manage%20offers.read"))
        .respond_with(
            ResponseTemplate::new(200).set_body_string(
                r#"{"access_token":"abc","expires_in":3600,"token_type":"Bearer","scope":"offers.read"}"#,
            ),
        )
        .expect(1)
        .mount(&server)
        .await;
    let parameters = TokenParameters::new().with_scopes(["identity:account-users.manage", "offers.read"]);
    let token = source(&server, parameters).token().await.unwrap();
    assert_eq!(token.scopes(), ["offers.read"], "what was granted, not what was asked for");
}

#[tokio::test]
async fn raw_basic_can_be_set_and_nothing_that_the_page_does_not_allow() {
    let raw = "Basic U0RYRS1TUC1TSU1QTEVBUFA6YStzZWNyZXQ=";
    for auth in ["client_secret_basic_raw", "basic-raw"] {
        let server = MockServer::start().await;
        Mock::given(header("authorization", raw))
            .and(body_string("grant_type=client_credentials"))
            .respond_with(ResponseTemplate::new(200).set_body_string(r#"{"access_token":"abc","expires_in":3600}"#))
            .expect(1)
            .mount(&server)
            .await;
        let url = format!("{}/connect/token", server.uri());
        let apaleo = Apaleo::from_settings(&Settings::new().with("token-url", url).with("auth", auth)).unwrap();
        TokenSource::new(apaleo, ClientCredentials::new("SDXE-SP-SIMPLEAPP", "a+secret"))
            .unwrap()
            .token()
            .await
            .unwrap();
    }
    for auth in ["client_secret_post", "none", "private_key_jwt", "digest"] {
        let error = Apaleo::from_settings(&Settings::new().with("auth", auth)).unwrap_err();
        assert!(error.to_string().contains("use one of client_secret_basic, client_secret_basic_raw"), "{error}");
    }
}

#[tokio::test]
async fn a_refused_secret_with_a_plus_leads_to_raw_basic() {
    let server = token_endpoint(ResponseTemplate::new(400).set_body_string(r#"{"error":"invalid_client"}"#)).await;
    let error = source(&server, TokenParameters::new()).token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialsRefused);
    assert!(error.to_string().ends_with("authenticate by `client_secret_basic_raw`"), "{error}");
}

#[tokio::test]
async fn the_claims_of_a_token_are_read() {
    // The page's token is over, and would not be handed out: this one ends in the year 2100.
    let claims = CLAIMS.replace("1591452490", "4102444800");
    let jwt = format!("{}.{}.c2lnbmF0dXJl", BASE64.encode(r#"{"alg":"RS256"}"#), BASE64.encode(claims));
    let body = format!(r#"{{"access_token":"{jwt}","expires_in":3600,"token_type":"Bearer"}}"#);
    let server = token_endpoint(ResponseTemplate::new(200).set_body_string(body)).await;
    let token = source(&server, TokenParameters::new()).token().await.unwrap();
    let claims = Apaleo::unverified_claims(&token).unwrap();
    assert_eq!(claims.account_code, "SDXE");
    assert_eq!(claims.client_id, "SDXE-SP-SIMPLEAPP");
    assert_eq!(claims.scopes, ["availability.read", "identity:account-users.manage"]);
}

#[tokio::test]
async fn a_token_that_is_not_a_jwt_has_no_claims() {
    let body = r#"{"access_token":"opaque","expires_in":3600,"token_type":"Bearer"}"#;
    let server = token_endpoint(ResponseTemplate::new(200).set_body_string(body)).await;
    let token = source(&server, TokenParameters::new()).token().await.unwrap();
    let error = Apaleo::unverified_claims(&token).unwrap_err();
    assert_eq!((error.kind(), error.provider()), (ErrorKind::BadResponse, Some("apaleo")));
}

#[tokio::test]
async fn a_second_call_is_served_from_memory() {
    let body = r#"{"access_token":"abc","expires_in":3600,"token_type":"Bearer"}"#;
    let server = token_endpoint(ResponseTemplate::new(200).set_body_string(body)).await;
    let source = source(&server, TokenParameters::new());
    for _ in 0..2 {
        assert_eq!(source.token().await.unwrap().headers()["authorization"], "Bearer abc");
    }
}

#[tokio::test]
async fn an_unknown_scope_is_refused_with_advice_on_scopes() {
    let answer = ResponseTemplate::new(400).set_body_string(r#"{"error":"invalid_scope"}"#);
    let server = token_endpoint(answer).await;
    let error = source(&server, TokenParameters::new().with_scope("no.such")).token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RequestRefused);
    assert!(error.to_string().contains("invalid_scope") && error.to_string().contains("scopes"), "{error}");
}
