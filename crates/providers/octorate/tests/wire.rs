//! What is special about Octotable, over a socket.

#![cfg(test)]

use std::time::Duration;

use credentials_grant_octorate::settings::{Configure, Settings};
use credentials_grant_octorate::{
    ClientCredentials, CredentialsGrant, Error, ErrorKind, ExpiryUnit, Octorate, TokenParameters, TokenSource,
};
use wiremock::matchers::{any, body_string, header};
use wiremock::{Mock, MockServer, ResponseTemplate};

const TOKEN: &str = r#"{"access_token":"YOUR_ACCESS_TOKEN","expires_in":1440,"type":"Bearer"}"#;

fn at(server: &MockServer) -> Octorate {
    Octorate::at_base_url(&format!("{}/octotable-pms/api/v2", server.uri())).unwrap()
}

fn source(octorate: Octorate) -> TokenSource {
    TokenSource::new(octorate, ClientCredentials::new("id", "se\"cret")).unwrap()
}

async fn refused(status: u16, body: &str) -> Error {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(status).set_body_string(body)).mount(&server).await;
    source(at(&server)).token().await.unwrap_err()
}

#[tokio::test]
async fn the_request_is_json_and_a_quote_in_the_secret_survives_it() {
    let server = MockServer::start().await;
    Mock::given(header("content-type", "application/json"))
        .and(header("accept", "application/json"))
        .and(body_string(r#"{"grant_type":"client_credentials","client_id":"id","client_secret":"se\"cret"}"#))
        .respond_with(ResponseTemplate::new(200).set_body_string(TOKEN))
        .expect(1)
        .mount(&server)
        .await;
    let token = source(at(&server)).token().await.unwrap();
    assert_eq!(token.token_type(), Some("Bearer"));
    assert_eq!(token.headers()["authorization"], "Bearer YOUR_ACCESS_TOKEN");
}

#[tokio::test]
async fn expires_in_is_in_seconds_unless_set() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_string(TOKEN)).mount(&server).await;
    let units = [(at(&server), 1440), (at(&server).with_expiry_unit(ExpiryUnit::Minutes), 1440 * 60)];
    for (octorate, seconds) in units {
        let token = source(octorate).token().await.unwrap();
        let life = token.expires_at().duration_since(token.requested_at()).unwrap();
        assert_eq!(life, Duration::from_secs(seconds));
    }
}

#[tokio::test]
async fn an_error_in_the_vendors_envelope_is_read() {
    let body = r#"{"success":false,"error":{"code":"UNAUTHORIZED","message":"Bad credentials","class_name":"X"}}"#;
    let error = refused(401, body).await;
    assert_eq!(error.kind(), ErrorKind::CredentialsRefused);
    let oauth = error.oauth().unwrap();
    assert_eq!((oauth.code.as_deref(), oauth.description.as_deref()), (Some("UNAUTHORIZED"), Some("Bad credentials")));
}

#[tokio::test]
async fn the_status_decides_the_kind_of_an_error_in_the_envelope() {
    let envelope = |code| format!(r#"{{"success":false,"error":{{"code":"{code}","message":"m"}}}}"#);
    assert_eq!(refused(400, &envelope("BAD_REQUEST")).await.kind(), ErrorKind::RequestRefused);
    assert_eq!(refused(403, &envelope("FORBIDDEN")).await.kind(), ErrorKind::CredentialsRefused);
    assert_eq!(refused(404, &envelope("RESOURCE_NOT_FOUND")).await.kind(), ErrorKind::RequestRefused);
    assert_eq!(refused(503, &envelope("UNAVAILABLE")).await.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn an_error_of_rfc_6749_is_read_as_well() {
    let error = refused(400, r#"{"error":"invalid_client","error_description":"no such client"}"#).await;
    assert_eq!(error.kind(), ErrorKind::CredentialsRefused);
    assert_eq!(error.oauth().unwrap().description.as_deref(), Some("no such client"));
}

#[test]
fn there_are_no_scopes() {
    let builder = TokenSource::builder(Octorate::new(), ClientCredentials::new("id", "secret"));
    let error = builder.with_parameters(TokenParameters::new().with_scope("read")).build().unwrap_err();
    assert!(error.to_string().contains("scope"), "{error}");
}

#[test]
fn the_token_endpoint_and_the_host_of_the_api_are_set_separately() {
    assert_eq!(Octorate::new().policy().hosts(), ["api.octotable.com", "api.octorate.com"]);
    let settings = Settings::new().with("base-url", "https://api.octotable.com/api/v2").with("api-host", "pms.example");
    let octorate = Octorate::from_settings(&settings.with("expiry-unit", "minutes")).unwrap();
    assert_eq!(octorate.policy().hosts(), ["pms.example", "api.octotable.com"]);
    for (name, value) in [("expiry-unit", "days"), ("expiry-unit", "milliseconds"), ("api-host", "http://foo/")] {
        let error = Octorate::from_settings(&Settings::new().with(name, value)).unwrap_err();
        assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
    }
}
