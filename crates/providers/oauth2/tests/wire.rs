//! What any server sees, over a socket, and what settings make of it.

#![cfg(test)]

use credentials_grant_oauth2::settings::{Configure, Settings};
use credentials_grant_oauth2::{
    ClientCredentials, CredentialsGrant, Error, ErrorKind, HttpRequest, KeySigner, OAuth2, RequestContext, RequestSeed,
    TokenParameters, TokenSource,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const TOKEN: &str = r#"{"access_token":"abc","expires_in":3600,"token_type":"Bearer"}"#;

/// RFC 7515 appendix A.3.
const P256: &str = r#"{"kty":"EC","crv":"P-256","kid":"2026-11","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;

/// A server that discovery finds, and that gives tokens.
async fn server() -> MockServer {
    let server = MockServer::start().await;
    let metadata = serde_json::json!({
        "issuer": server.uri(),
        "token_endpoint": format!("{}/oauth2/token", server.uri()),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
    });
    let discovery = Mock::given(method("GET")).and(path("/.well-known/oauth-authorization-server"));
    discovery.respond_with(ResponseTemplate::new(200).set_body_json(metadata)).mount(&server).await;
    let token = Mock::given(method("POST")).and(path("/oauth2/token"));
    token.respond_with(ResponseTemplate::new(200).set_body_string(TOKEN)).mount(&server).await;
    server
}

async fn requests(server: &MockServer) -> Vec<Request> {
    server.received_requests().await.unwrap()
}

#[tokio::test]
async fn an_issuer_and_a_secret_are_all_that_is_needed() {
    let server = server().await;
    let provider = OAuth2::discover(server.uri().parse().unwrap());
    for _ in 0..2 {
        let source = TokenSource::new(provider.clone(), ClientCredentials::new("id", "secret")).unwrap();
        for _ in 0..2 {
            assert_eq!(source.token().await.unwrap().header_value(), "Bearer abc");
        }
    }
    let methods: Vec<_> = requests(&server).await.iter().map(|request| request.method.to_string()).collect();
    assert_eq!(methods, ["GET", "POST", "POST"], "one discovery for two sources, and one token for each");
}

#[tokio::test]
async fn a_client_with_a_key_sends_an_assertion_that_others_verify() {
    let server = server().await;
    let provider = OAuth2::discover(server.uri().parse().unwrap());
    let credentials = ClientCredentials::without_secret("id").with_signer(KeySigner::from_jwk(P256).unwrap());
    for _ in 0..2 {
        TokenSource::new(provider.clone(), credentials.clone()).unwrap().token().await.unwrap();
    }

    let key: Value = serde_json::from_str(P256).unwrap();
    let key = DecodingKey::from_ec_components(key["x"].as_str().unwrap(), key["y"].as_str().unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[server.uri()]);
    validation.set_issuer(&["id"]);
    validation.validate_nbf = true;
    validation.sub = Some("id".to_owned());
    let mut ids = Vec::new();
    for request in requests(&server).await.iter().filter(|request| request.method == "POST") {
        let form: Vec<_> = form_urlencoded::parse(&request.body).into_owned().collect();
        let names: Vec<_> = form.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["grant_type", "client_id", "client_assertion_type", "client_assertion"]);
        let jwt = jsonwebtoken::decode::<Value>(&form[3].1, &key, &validation).unwrap();
        assert_eq!(jwt.header.kid.as_deref(), Some("2026-11"));
        assert_eq!(jwt.claims["exp"].as_u64().unwrap(), jwt.claims["iat"].as_u64().unwrap() + 60);
        ids.push(jwt.claims["jti"].to_string());
    }
    assert!(ids.len() == 2 && ids[0] != ids[1], "{ids:?}");
}

fn sealed(settings: Settings, credentials: &ClientCredentials) -> Result<HttpRequest, Error> {
    let settings = settings.with("token-url", "https://server.example.com/token");
    let (provider, parameters) = (OAuth2::from_settings(&settings)?, TokenParameters::new());
    provider.token_request(&RequestContext::new(credentials, &parameters, RequestSeed::fixed()))?.dry_run()
}

#[test]
fn every_way_to_authenticate_has_a_name() {
    let credentials = ClientCredentials::new("a-b c", "d.e+f").with_assertion("x.y.z");
    let cases = [
        ("basic", Some("Basic YS1iJTIwYzpkLmUlMkJm"), "grant_type=client_credentials"),
        ("basic-raw", Some("Basic YS1iIGM6ZC5lK2Y="), "grant_type=client_credentials"),
        ("basic-strict", Some("Basic YSUyRGIrYzpkJTJFZSUyQmY="), "grant_type=client_credentials"),
        ("post", None, "grant_type=client_credentials&client_id=a-b%20c&client_secret=d.e%2Bf"),
        ("json", None, r#"{"grant_type":"client_credentials","client_id":"a-b c","client_secret":"d.e+f"}"#),
        ("none", None, "grant_type=client_credentials&client_id=a-b%20c"),
    ];
    for (auth, header, body) in cases {
        let request = sealed(Settings::new().with("auth", auth), &credentials).unwrap();
        let sent = request.headers().get("authorization").map(|value| value.to_str().unwrap());
        assert_eq!((sent, std::str::from_utf8(request.body()).unwrap()), (header, body), "{auth}");
    }
    for (auth, ending) in [("private-key-jwt", "&client_assertion=x.y.z"), ("client-secret-jwt", ".c2lnbmF0dXJl")] {
        let request = sealed(Settings::new().with("auth", auth), &credentials).unwrap();
        assert!(std::str::from_utf8(request.body()).unwrap().ends_with(ending), "{auth}");
    }
}

#[test]
fn at_a_token_url_the_credentials_say_how_the_client_authenticates() {
    let has_header =
        |credentials| sealed(Settings::new(), &credentials).unwrap().headers().contains_key("authorization");
    let body = |credentials| String::from_utf8(sealed(Settings::new(), &credentials).unwrap().body().to_vec()).unwrap();
    assert!(has_header(ClientCredentials::new("id", "secret")));
    assert_eq!(body(ClientCredentials::without_secret("id")), "grant_type=client_credentials&client_id=id");
    assert!(body(ClientCredentials::new("id", "secret").with_assertion("x.y.z")).ends_with("client_assertion=x.y.z"));
}

#[test]
fn settings_that_make_no_server_are_refused_by_name() {
    let refusal = |settings: Settings| {
        let error = OAuth2::from_settings(&settings).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        error.to_string()
    };
    let issuer = |issuer: &str| Settings::new().with("issuer", issuer);
    assert!(refusal(Settings::new()).contains("neither `issuer` nor `token-url`"));
    let both = issuer("https://a.example").with("token-url", "https://a.example/token");
    assert!(refusal(both).contains("`issuer` and `token-url`"));
    assert!(refusal(issuer("a.example")).contains("`issuer`: the issuer is not a URL"));
    assert!(refusal(issuer("https://a.example?x")).contains("has a query"));
    assert!(refusal(issuer("https://a.example").with("auth", "body")).contains("basic, basic-raw"));
    assert!(refusal(issuer("https://a.example").with("secret", "x")).contains("no setting `secret`"));
}

#[test]
fn a_parameter_is_given_once() {
    let credentials = ClientCredentials::new("id", "secret");
    let provider = OAuth2::at("https://server.example.com/token".parse().unwrap());
    let request = |parameters: TokenParameters| {
        provider.token_request(&RequestContext::dry_run(&credentials, &parameters)).map(|_| ())
    };
    let with = |name: &str, value: &str| TokenParameters::new().with_audience("a").with_extra_parameter(name, value);
    assert!(request(with("audience", "a")).is_ok(), "twice the same is once");
    for parameters in [
        with("audience", "b"),
        with("scope", "a"),
        with("client_assertion", "x"),
        with("x", "1").with_extra_parameter("x", "2"),
    ] {
        assert_eq!(request(parameters).unwrap_err().kind(), ErrorKind::Configuration);
    }
}
