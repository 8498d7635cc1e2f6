//! Tests the differences of this vendor over a socket.

#![cfg(test)]

use credentials_grant_{{module}}::{ClientCredentials, TokenSource, {{Type}}};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

async fn token_endpoint(response: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    let request = Mock::given(method("POST")).and(path("/oauth2/token"));
    request.respond_with(response).expect(1).mount(&server).await;
    server
}

fn source(server: &MockServer) -> TokenSource {
    let provider = {{Type}}::at(format!("{}/oauth2/token", server.uri()).parse().unwrap());
    TokenSource::builder(provider, ClientCredentials::new("id", "secret")).build().unwrap()
}

// FILL IN: keep this test, and add one for each difference of this vendor.
#[tokio::test]
async fn a_second_call_is_served_from_memory() {
    let body = r#"{"access_token":"abc","expires_in":3600,"token_type":"Bearer"}"#;
    let server = token_endpoint(ResponseTemplate::new(200).set_body_string(body)).await;
    let source = source(&server);
    for _ in 0..2 {
        assert_eq!(source.token().await.unwrap().headers()["authorization"], "Bearer abc");
    }
}
