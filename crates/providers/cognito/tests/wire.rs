//! What is special about Cognito, over a socket.

#![cfg(test)]

use credentials_grant_cognito::settings::{Configure, Settings};
use credentials_grant_cognito::{
    ClientCredentials, Cognito, CredentialsGrant, ErrorKind, RequestContext, TokenParameters, TokenSource,
};
use credentials_grant_test_kit::{Acme, check_client_authentication_names};
use wiremock::matchers::body_string;
use wiremock::{Mock, MockServer, ResponseTemplate};

fn source(server: &MockServer, parameters: TokenParameters) -> TokenSource {
    let cognito = Cognito::at(format!("{}/oauth2/token", server.uri()).parse().unwrap());
    TokenSource::builder(cognito, ClientCredentials::new("id", "secret")).with_parameters(parameters).build().unwrap()
}

fn token_url(cognito: &Cognito) -> String {
    let credentials = ClientCredentials::new("id", "secret");
    let parameters = TokenParameters::new();
    let context = RequestContext::dry_run(&credentials, &parameters);
    cognito.token_request(&context).unwrap().dry_run().unwrap().shown_url()
}

#[test]
fn each_partition_has_its_own_url() {
    let urls = [
        ("eu-south-2", "https://pms.auth.eu-south-2.amazoncognito.com/oauth2/token"),
        ("us-gov-west-1", "https://pms.auth-fips.us-gov-west-1.amazoncognito.com/oauth2/token"),
        ("US-Gov-East-1", "https://pms.auth-fips.us-gov-east-1.amazoncognito.com/oauth2/token"),
        ("cn-north-1", "https://pms.auth.cn-north-1.amazoncognito.com.cn/oauth2/token"),
    ];
    for (region, url) in urls {
        assert_eq!(token_url(&Cognito::new("pms", region).unwrap()), url);
    }
    let own = Cognito::at_custom_domain("auth.example.com".parse().unwrap());
    assert_eq!(token_url(&own), "https://auth.example.com/oauth2/token");
}

#[test]
fn settings_that_contradict_each_other_are_refused_by_name() {
    let refusal = |settings| Cognito::from_settings(&settings).unwrap_err().to_string();
    let both = Settings::new().with("domain", "auth.example.com").with("prefix", "pms").with("region", "eu-south-2");
    assert!(refusal(both.clone()).contains("`domain` and `prefix`"), "{}", refusal(both));
    let hostile = refusal(Settings::new().with("domain", "evil.com/x?"));
    assert_eq!(hostile.matches("`domain`").count(), 2, "once in the message, once in the remedy: {hostile}");
    let half = Settings::new().with("prefix", "pms");
    assert!(refusal(half.clone()).contains("`region` is missing"), "{}", refusal(half));
}

#[tokio::test]
async fn a_scope_whose_resource_server_is_a_url_is_sent_and_counts_as_granted() {
    let server = MockServer::start().await;
    let body = "grant_type=client_credentials&scope=https%3A%2F%2Fphotos.example.com%2Fphotos.read%20pms%2Fcheckin";
    let answer = r#"{"access_token":"abc","token_type":"Bearer","expires_in":3600}"#;
    Mock::given(body_string(body))
        .respond_with(ResponseTemplate::new(200).set_body_string(answer))
        .expect(1)
        .mount(&server)
        .await;
    let scopes = ["https://photos.example.com/photos.read", "pms/checkin"];
    let token = source(&server, TokenParameters::new().with_scopes(scopes)).token().await.unwrap();
    assert_eq!(token.scopes(), scopes, "the answer never names scopes, so RFC 6749 section 5.1 applies");
    assert!(token.extras().is_empty() && token.refresh_token().is_none());
}

#[tokio::test]
async fn id_and_secret_are_joined_as_the_page_does_it() {
    let server = MockServer::start().await;
    // «Base64Encode(client_id:client_secret)», of `id` and `a+secret_1`.
    Mock::given(wiremock::matchers::header("authorization", "Basic aWQ6YStzZWNyZXRfMQ=="))
        .respond_with(ResponseTemplate::new(200).set_body_string(r#"{"access_token":"abc","expires_in":3600}"#))
        .expect(1)
        .mount(&server)
        .await;
    let cognito = Cognito::at(format!("{}/oauth2/token", server.uri()).parse().unwrap());
    TokenSource::new(cognito, ClientCredentials::new("id", "a+secret_1")).unwrap().token().await.unwrap();
}

#[tokio::test]
async fn every_refusal_is_a_400_with_a_single_member() {
    let refusals = [
        ("invalid_client", ErrorKind::CredentialsRefused),
        ("unauthorized_client", ErrorKind::CredentialsRefused),
        ("invalid_scope", ErrorKind::RequestRefused),
        ("invalid_grant", ErrorKind::RequestRefused),
        ("unsupported_grant_type", ErrorKind::RequestRefused),
    ];
    for (code, kind) in refusals {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(400)
            .set_body_raw(format!(r#"{{"error":"{code}"}}"#), "application/json;charset=UTF-8");
        Mock::given(wiremock::matchers::any()).respond_with(answer).mount(&server).await;
        let error = source(&server, TokenParameters::new()).token().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.oauth().and_then(|oauth| oauth.code.as_deref()), Some(code));
        assert_eq!(error.oauth().and_then(|oauth| oauth.description.as_deref()), None);
    }
}

#[tokio::test]
async fn an_audience_is_refused_before_anything_is_sent() {
    let cognito = Cognito::new("pms", "eu-south-2").unwrap();
    let parameters = TokenParameters::new().with_audience("https://api.example.com");
    let error = TokenSource::builder(cognito, ClientCredentials::new("id", "secret"))
        .with_parameters(parameters)
        .build()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("audience"), "{error}");
}

#[test]
fn every_name_and_alias_of_a_client_authentication_method_is_accepted() {
    check_client_authentication_names(|method| Cognito::at(Acme::endpoint()).with_client_authentication(method));
}
