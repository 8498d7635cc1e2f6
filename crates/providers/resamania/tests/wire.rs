//! What is special about Resamania, over a socket.

#![cfg(test)]

use credentials_grant_resamania::settings::{Configure, Settings};
use credentials_grant_resamania::{
    ClientCredentials, CredentialsGrant, Error, ErrorKind, ExposeSecret, Grant, Resamania, TokenSource,
};
use wiremock::matchers::{any, header, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const TOKEN: &str =
    r#"{"access_token":"abc","expires_in":3600,"token_type":"bearer","scope":null,"refresh_token":"r"}"#;

fn at(server: &MockServer) -> Resamania {
    Resamania::new(&format!("{}/resa2-staging", server.uri()), Some("demoapi")).unwrap()
}

async fn refused(status: u16, body: &str) -> Error {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(status).set_body_string(body)).mount(&server).await;
    let source = TokenSource::new(at(&server), ClientCredentials::new("1_abc", "secret")).unwrap();
    source.token().await.unwrap_err()
}

#[tokio::test]
async fn the_gateway_key_is_sent_with_the_token_request_and_with_every_call() {
    let server = MockServer::start().await;
    Mock::given(path("/resa2-staging/demoapi/oauth/v2/token"))
        .and(header("x-gravitee-api-key", "gateway-key"))
        .respond_with(ResponseTemplate::new(200).set_body_string(TOKEN))
        .expect(1)
        .mount(&server)
        .await;
    let credentials = Resamania::credentials("1_abc", "secret", "gateway-key");
    let token = TokenSource::new(at(&server), credentials).unwrap().token().await.unwrap();
    let headers: Vec<_> = token.header_pairs().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(headers, [("authorization", "Bearer abc"), ("x-gravitee-api-key", "gateway-key")]);
    assert!(token.header_pairs().all(|(_, value)| value.is_sensitive()));
}

#[test]
fn the_api_has_the_host_and_port_of_the_token_endpoint() {
    let hosts = |base_url| Resamania::new(base_url, None).unwrap().policy().hosts().to_vec();
    assert_eq!(hosts(Resamania::STAGING), ["gateway.prod.gravitee.stadline.tech"]);
    assert_eq!(hosts("http://127.0.0.1:8080/resa2-staging"), ["127.0.0.1:8080"]);
}

#[tokio::test]
async fn without_a_gateway_key_there_is_no_header_for_one() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_string(TOKEN)).mount(&server).await;
    let source = TokenSource::new(at(&server), ClientCredentials::new("1_abc", "secret")).unwrap();
    let token = source.token().await.unwrap();
    assert_eq!(token.headers().len(), 1);
    let requests = server.received_requests().await.unwrap();
    assert!(!requests[0].headers.contains_key("x-gravitee-api-key"));
}

#[tokio::test]
async fn lower_case_bearer_a_null_scope_and_a_refresh_token_are_read() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_string(TOKEN)).mount(&server).await;
    let source = TokenSource::new(at(&server), ClientCredentials::new("1_abc", "secret")).unwrap();
    let token = source.token().await.unwrap();
    assert_eq!(token.token_type(), Some("bearer"));
    assert_eq!(token.headers()["authorization"], "Bearer abc");
    assert!(token.scopes().is_empty());
    assert_eq!(token.refresh_token().map(ExposeSecret::expose_secret), Some("r"));
}

#[tokio::test]
async fn a_401_comes_from_the_gateway_and_a_400_from_the_oauth_server() {
    let gateway = refused(401, r#"{"message":"Unauthorized","http_status_code":401}"#).await;
    assert_eq!(gateway.kind(), ErrorKind::CredentialsRefused);
    assert!(gateway.to_string().contains("gateway") && gateway.to_string().contains("`api-key`"), "{gateway}");

    let body = r#"{"error":"invalid_client","error_description":"The client credentials are invalid"}"#;
    for status in [400, 401] {
        let oauth = refused(status, body).await;
        assert_eq!(oauth.kind(), ErrorKind::CredentialsRefused);
        let shown = oauth.to_string();
        assert!(
            shown.contains("client id and secret") && !shown.contains("gateway"),
            "an error code comes from the OAuth server: {oauth}"
        );
    }
}

#[tokio::test]
async fn a_description_may_be_null() {
    let error = refused(400, r#"{"error":"invalid_grant","error_description":null}"#).await;
    assert_eq!(error.kind(), ErrorKind::RequestRefused);
    assert_eq!(error.oauth().and_then(|oauth| oauth.description.as_deref()), None);
}

#[test]
fn the_address_of_a_member_is_not_shown() {
    let grant = Grant::Contact("member@example.com".to_owned());
    let resamania = Resamania::new(Resamania::STAGING, None).unwrap().with_grant(grant);
    assert!(!format!("{resamania:?}").contains("member"), "{resamania:?}");
}

#[test]
fn a_token_acts_for_a_club_or_for_a_member_and_not_for_both() {
    let settings = Settings::new().with("base-url", Resamania::STAGING).with("club", "/demoapi/clubs/1");
    assert!(Resamania::from_settings(&settings).is_ok());
    let error = Resamania::from_settings(&settings.with("contact", "member@example.com")).unwrap_err();
    assert!(error.to_string().contains("`club` and `contact`"), "{error}");
}
