//! What a server receives, over a socket and over a transport of the test, and what settings change.

#![cfg(test)]

use std::time::SystemTime;

use credentials_grant_oauth2::settings::{Configure, Settings};
use credentials_grant_oauth2::{
    ClientAuthentication, ClientCertificate, ClientCredentials, CredentialsGrant, Error, ErrorKind, HttpRequest,
    KeySigner, LifetimeSource, OAuth2, ProofKey, RequestContext, RequestSeed, SecretString, StatusCode,
    TokenParameters, TokenSource, fetch_token, introspect, revoke,
};
use credentials_grant_test_kit::{ReceivedRequest, TestServer, credentials, response};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const ISSUER: &str = "https://login.example.com";
const GET: &str = "GET https://login.example.com/.well-known/oauth-authorization-server";
const TOKEN: &str = r#"{"access_token":"abc","expires_in":3600,"token_type":"Bearer"}"#;

/// RFC 7515 appendix A.3.
const P256: &str = r#"{"kty":"EC","crv":"P-256","kid":"2026-11","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;

/// A server with metadata and tokens.
async fn mock_server() -> MockServer {
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
    let server = mock_server().await;
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
    let server = mock_server().await;
    let provider = OAuth2::discover(server.uri().parse().unwrap());
    let credentials = ClientCredentials::without_secret("id").with_signer(KeySigner::from_jwk(P256).unwrap());
    let before = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    for _ in 0..2 {
        TokenSource::new(provider.clone(), credentials.clone()).unwrap().token().await.unwrap();
    }

    let key: Value = serde_json::from_str(P256).unwrap();
    let key = DecodingKey::from_ec_components(key["x"].as_str().unwrap(), key["y"].as_str().unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[server.uri()]);
    validation.set_issuer(&["id"]);
    validation.sub = Some("id".to_owned());
    let mut ids = Vec::new();
    for request in requests(&server).await.iter().filter(|request| request.method == "POST") {
        let form: Vec<_> = form_urlencoded::parse(&request.body).into_owned().collect();
        let names: Vec<_> = form.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["grant_type", "client_id", "client_assertion_type", "client_assertion"]);
        let jwt = jsonwebtoken::decode::<Value>(&form[3].1, &key, &validation).unwrap();
        assert_eq!(jwt.header.kid.as_deref(), Some("2026-11"));
        let claim = |name: &str| jwt.claims[name].as_u64();
        assert_eq!(claim("exp").unwrap(), claim("iat").unwrap() + 60);
        // A server whose clock is some seconds behind refuses nothing.
        let after = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        assert!((before..=after).contains(&(claim("iat").unwrap() + 5)) && claim("nbf").is_none());
        ids.push(jwt.claims["jti"].to_string());
    }
    assert!(ids.len() == 2 && ids[0] != ids[1], "{ids:?}");
}

fn signed(settings: Settings, credentials: &ClientCredentials) -> Result<HttpRequest, Error> {
    let settings = settings.with("token-url", "https://server.example.com/token");
    let (provider, parameters) = (OAuth2::from_settings(&settings)?, TokenParameters::new());
    provider.token_request(&RequestContext::new(credentials, &parameters, RequestSeed::fixed()))?.dry_run()
}

#[test]
fn every_client_authentication_method_has_a_name_and_aliases() {
    let credentials = ClientCredentials::new("a-b c", "d.e+f").with_assertion("x.y.z");
    let cases = [
        ("client_secret_basic", Some("Basic YS1iJTIwYzpkLmUlMkJm"), "grant_type=client_credentials"),
        ("client_secret_basic_raw", Some("Basic YS1iIGM6ZC5lK2Y="), "grant_type=client_credentials"),
        ("client_secret_basic_strict", Some("Basic YSUyRGIrYzpkJTJFZSUyQmY="), "grant_type=client_credentials"),
        ("client_secret_post", None, "grant_type=client_credentials&client_id=a-b%20c&client_secret=d.e%2Bf"),
        ("basic", Some("Basic YS1iJTIwYzpkLmUlMkJm"), "grant_type=client_credentials"),
        ("basic-raw", Some("Basic YS1iIGM6ZC5lK2Y="), "grant_type=client_credentials"),
        ("basic-strict", Some("Basic YSUyRGIrYzpkJTJFZSUyQmY="), "grant_type=client_credentials"),
        ("post", None, "grant_type=client_credentials&client_id=a-b%20c&client_secret=d.e%2Bf"),
        ("body", None, "grant_type=client_credentials&client_id=a-b%20c&client_secret=d.e%2Bf"),
        ("none", None, "grant_type=client_credentials&client_id=a-b%20c"),
    ];
    for (auth, header, body) in cases {
        let request = signed(Settings::new().with("auth", auth), &credentials).unwrap();
        let sent = request.headers().get("authorization").map(|value| value.to_str().unwrap());
        assert_eq!((sent, std::str::from_utf8(request.body()).unwrap()), (header, body), "{auth}");
    }
    let endings = [
        ("private_key_jwt", "&client_assertion=x.y.z"),
        ("private-key-jwt", "&client_assertion=x.y.z"),
        ("client_secret_jwt", ".c2lnbmF0dXJl"),
        ("client-secret-jwt", ".c2lnbmF0dXJl"),
    ];
    for (auth, ending) in endings {
        let request = signed(Settings::new().with("auth", auth), &credentials).unwrap();
        assert!(std::str::from_utf8(request.body()).unwrap().ends_with(ending), "{auth}");
    }
}

#[test]
fn token_requests_are_forms_or_json() {
    let credentials = ClientCredentials::new("a-b c", "d.e+f");
    let cases = [
        ("form", "grant_type=client_credentials&client_id=a-b%20c&client_secret=d.e%2Bf"),
        ("json", r#"{"grant_type":"client_credentials","client_id":"a-b c","client_secret":"d.e+f"}"#),
    ];
    for (encoding, body) in cases {
        let settings = Settings::new().with("auth", "client_secret_post").with("encoding", encoding);
        assert_eq!(std::str::from_utf8(signed(settings, &credentials).unwrap().body()).unwrap(), body);
    }
    let error = signed(Settings::new().with("encoding", "xml"), &credentials).unwrap_err();
    assert!(error.to_string().contains("the setting `encoding` cannot be \"xml\"; use one of form, json"), "{error}");
}

#[test]
fn at_a_token_url_the_credentials_say_how_the_client_authenticates() {
    let has_header =
        |credentials| signed(Settings::new(), &credentials).unwrap().headers().contains_key("authorization");
    let body = |credentials| String::from_utf8(signed(Settings::new(), &credentials).unwrap().body().to_vec()).unwrap();
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
    assert!(
        refusal(issuer("https://a.example?x"))
            .contains("the setting `issuer`: the issuer https://a.example/ has a query")
    );
    let methods = refusal(issuer("https://a.example").with("auth", "digest"));
    assert!(methods.contains("`auth` cannot be \"digest\"; use one of client_secret_basic, client_secret_basic_raw"));
    assert!(refusal(issuer("https://a.example").with("secret", "x")).contains("no setting `secret`"));
}

#[test]
fn a_url_that_is_none_is_refused_in_the_words_of_its_setting() {
    let with = |name: &'static str, url: &str| {
        let settings = Settings::new().with(name, url);
        let settings = if name.starts_with("in") || name.starts_with("re") {
            settings.with("token-url", "https://a.example/token")
        } else {
            settings
        };
        let error = OAuth2::from_settings(&settings).unwrap_err();
        assert_eq!((error.kind(), error.provider()), (ErrorKind::Configuration, Some("oauth2")));
        assert!(error.remedy().is_some(), "{error}");
        error.message().to_owned()
    };
    for name in ["token-url", "introspection-url", "revocation-url"] {
        let why = "not a valid URL (relative URL without a base)";
        assert_eq!(with(name, "foo"), format!("the setting `{name}`: {why}"));
    }
    let why = "not a valid issuer URL (relative URL without a base)";
    assert_eq!(with("issuer", "a.example"), format!("the setting `issuer`: {why}"));
    for name in ["issuer", "token-url", "introspection-url", "revocation-url"] {
        let why = "the URL http://x.example/ would send secrets unencrypted";
        assert_eq!(with(name, "http://x.example"), format!("the setting `{name}`: {why}"));
        assert!(!with(name, "https://user:canary@a.example").contains("canary"));
    }
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

/// Makes a server with these members in its metadata.
fn server(members: Value) -> TestServer {
    server_with(members, TOKEN)
}

fn server_with(mut metadata: Value, token: &'static str) -> TestServer {
    let own = json!({"issuer": ISSUER, "token_endpoint": format!("{ISSUER}/token")});
    metadata.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    TestServer::new(move |request, _| match request.url().path() {
        "/introspect" => response(200, &[], r#"{"active":true}"#),
        "/revoke" => response(200, &[], ""),
        _ if request.method() == "GET" => response(200, &[], metadata.to_string()),
        _ => response(200, &[], token),
    })
}

/// Returns the requests since the last call: method and URL, header or body, certificate.
fn received(server: &TestServer) -> Vec<[String; 3]> {
    let shown = |request: ReceivedRequest| {
        let header = request.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        let certificate = if request.has_certificate { "shown" } else { "none" };
        [request.line(), header.unwrap_or(request.body), certificate.to_owned()]
    };
    server.take_requests().into_iter().map(shown).collect()
}

fn discovered() -> OAuth2 {
    OAuth2::discover(ISSUER.parse().unwrap())
}

fn certified() -> ClientCredentials {
    ClientCredentials::without_secret("id").with_certificate(ClientCertificate::from_pem("a certificate"))
}

fn token() -> SecretString {
    "a-token".into()
}

async fn granted(
    provider: &OAuth2,
    credentials: &ClientCredentials,
    parameters: &TokenParameters,
    server: &TestServer,
) -> Result<(), Error> {
    fetch_token(provider, credentials, parameters, server, RequestSeed::fixed()).await.map(|_| ())
}

async fn revoked(provider: &OAuth2, credentials: &ClientCredentials, server: &TestServer) -> Result<(), Error> {
    revoke(provider, credentials, &token(), server, RequestSeed::fixed()).await
}

async fn introspected(provider: &OAuth2, credentials: &ClientCredentials, server: &TestServer) -> Result<bool, Error> {
    let introspection = introspect(provider, credentials, &token(), server, RequestSeed::fixed()).await?;
    Ok(introspection.is_active())
}

#[tokio::test]
async fn the_metadata_says_where_and_how_tokens_are_introspected_and_revoked() {
    let server = server(json!({
        "introspection_endpoint": format!("{ISSUER}/introspect"),
        "revocation_endpoint": format!("{ISSUER}/revoke"),
        "revocation_endpoint_auth_methods_supported": ["client_secret_post"],
    }));
    let provider = discovered();
    assert!(introspected(&provider, &credentials(), &server).await.unwrap());
    revoked(&provider, &credentials(), &server).await.unwrap();
    let none = || "none".to_owned();
    let expected = [
        [GET.to_owned(), String::new(), none()],
        [format!("POST {ISSUER}/introspect"), "Basic aWQ6c2VjcmV0".to_owned(), none()],
        [
            format!("POST {ISSUER}/revoke"),
            "client_id=id&client_secret=secret&token=a-token&token_type_hint=access_token".to_owned(),
            none(),
        ],
    ];
    assert_eq!(received(&server), expected, "the metadata is fetched once");
}

#[tokio::test]
async fn endpoints_that_the_metadata_does_not_name_can_be_set() {
    let server = server(json!({}));
    let error = revoked(&discovered(), &credentials(), &server).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Configuration && error.message().contains("no revocation endpoint"), "{error}");
    assert_eq!(server.take_request_lines(), [GET]);
    let elsewhere = |path: &str| format!("https://other.example.com/{path}").parse().unwrap();
    let provider =
        discovered().with_introspection_endpoint(elsewhere("introspect")).with_revocation_endpoint(elsewhere("revoke"));
    revoked(&provider, &credentials(), &server).await.unwrap();
    introspected(&provider, &credentials(), &server).await.unwrap();
    assert_eq!(
        server.take_request_lines(),
        [GET, "POST https://other.example.com/revoke", "POST https://other.example.com/introspect"]
    );
}

#[tokio::test]
async fn at_a_token_url_both_endpoints_are_settings() {
    let server = server(json!({}));
    let settings = Settings::new()
        .with("token-url", "https://login.example.com/token")
        .with("auth", "post")
        .with("encoding", "json");
    let error = introspected(&OAuth2::from_settings(&settings).unwrap(), &credentials(), &server).await.unwrap_err();
    assert!(error.message().contains("only the token URL is known"), "{error}");
    let settings = settings.with("introspection-url", "https://login.example.com/introspect");
    let provider = OAuth2::from_settings(&settings.with("revocation-url", "https://login.example.com/revoke")).unwrap();
    introspected(&provider, &credentials(), &server).await.unwrap();
    revoked(&provider, &credentials(), &server).await.unwrap();
    let form = "client_id=id&client_secret=secret&token=a-token&token_type_hint=access_token";
    let asked = received(&server);
    assert!(asked.iter().all(|[_, body, _]| body == form), "never as JSON: {asked:?}");
}

#[tokio::test]
async fn assertions_are_for_the_issuer_or_else_for_the_token_url_at_every_endpoint() {
    let key = ClientCredentials::without_secret("id").with_signer(KeySigner::from_jwk(P256).unwrap());
    let endpoint = || "https://login.example.com/revoke".parse().unwrap();
    let token_url = "https://login.example.com/token";
    let methods = json!({"token_endpoint_auth_methods_supported": ["private_key_jwt"]});
    for (provider, audience) in [
        (discovered().with_revocation_endpoint(endpoint()), ISSUER),
        (OAuth2::at(token_url.parse().unwrap()).with_revocation_endpoint(endpoint()), token_url),
    ] {
        let server = server(methods.clone());
        revoked(&provider, &key, &server).await.unwrap();
        let asked = received(&server);
        let [_, body, _] = asked.last().unwrap();
        let (_, jwt) = form_urlencoded::parse(body.as_bytes()).find(|(name, _)| name == "client_assertion").unwrap();
        let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(&*jwt).unwrap().claims;
        assert_eq!(claims["aud"], audience);
    }
}

#[tokio::test]
async fn a_client_with_a_certificate_uses_the_endpoints_for_mutual_tls() {
    let metadata = json!({
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "self_signed_tls_client_auth"],
        "revocation_endpoint": format!("{ISSUER}/revoke"),
        "mtls_endpoint_aliases": {
            "token_endpoint": "https://mtls.example.com/token",
            "revocation_endpoint": "https://mtls.example.com/revoke",
        },
    });
    let (server, provider) = (server(metadata), discovered());
    granted(&provider, &certified(), &TokenParameters::new(), &server).await.unwrap();
    revoked(&provider, &certified(), &server).await.unwrap();
    let bound = credentials().with_certificate(ClientCertificate::from_pem("a certificate"));
    granted(&provider, &bound, &TokenParameters::new(), &server).await.unwrap();
    granted(&provider, &credentials(), &TokenParameters::new(), &server).await.unwrap();
    let asked: Vec<_> = received(&server).iter().map(|asked| asked.join(" | ")).collect();
    let expected = [
        format!("{GET} |  | none"),
        "POST https://mtls.example.com/token | grant_type=client_credentials&client_id=id | shown".to_owned(),
        "POST https://mtls.example.com/revoke | client_id=id&token=a-token&token_type_hint=access_token | shown"
            .to_owned(),
        "POST https://mtls.example.com/token | Basic aWQ6c2VjcmV0 | shown".to_owned(),
        format!("POST {ISSUER}/token | Basic aWQ6c2VjcmV0 | none"),
    ];
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn a_token_can_be_revoked_if_the_token_endpoint_cannot_be_used() {
    let server = server(json!({
        "revocation_endpoint": format!("{ISSUER}/revoke"),
        "mtls_endpoint_aliases": {"token_endpoint": "http://mtls.example.com/token"},
    }));
    let bound = credentials().with_certificate(ClientCertificate::from_pem("a certificate"));
    granted(&discovered(), &bound, &TokenParameters::new(), &server).await.unwrap_err();
    revoked(&discovered(), &bound, &server).await.unwrap();
}

#[tokio::test]
async fn a_certificate_alone_authenticates_the_client_if_the_server_accepts_it() {
    let by_certificate = async |provider: OAuth2, methods: Option<&str>| {
        let members = methods.map_or(json!({}), |method| json!({"token_endpoint_auth_methods_supported": [method]}));
        granted(&provider, &certified(), &TokenParameters::new(), &server(members)).await
    };
    let at = || OAuth2::at("https://login.example.com/token".parse().unwrap());
    by_certificate(at(), None).await.unwrap();
    by_certificate(discovered(), Some("tls_client_auth")).await.unwrap();
    let error = by_certificate(discovered(), Some("none")).await.unwrap_err();
    assert!(
        error.message().contains("the credentials are for tls_client_auth, self_signed_tls_client_auth"),
        "{error}"
    );
    let settings = Settings::new().with("token-url", "https://login.example.com/token").with("auth", "mtls");
    let by_mtls = OAuth2::from_settings(&settings).unwrap();
    by_certificate(by_mtls.clone(), None).await.unwrap();
    let error = granted(&by_mtls, &credentials(), &TokenParameters::new(), &server(json!({}))).await.unwrap_err();
    assert!(error.message().contains("no client certificate"), "{error}");
}

#[tokio::test]
async fn tokens_are_bound_to_keys_that_the_server_accepts() {
    let parameters = TokenParameters::new().with_proof_key(ProofKey::new(KeySigner::generate().unwrap()).unwrap());
    let listing = |algorithms: Value| {
        let members = json!({"dpop_signing_alg_values_supported": algorithms});
        server_with(members, r#"{"access_token":"abc","token_type":"DPoP","expires_in":60}"#)
    };
    for server in [listing(json!(["RS256", "ES256"])), listing(Value::Null)] {
        granted(&discovered(), &credentials(), &parameters, &server).await.unwrap();
    }
    let server = listing(json!(["RS256", "EdDSA"]));
    let error = granted(&discovered(), &credentials(), &parameters, &server).await.unwrap_err();
    assert_eq!(error.message(), "the server's metadata lists RS256, EdDSA for proofs, but the key signs by ES256");
    assert_eq!(server.take_request_lines(), [GET], "nothing is tried");
}

#[tokio::test]
async fn a_proof_equals_what_another_implementation_signs() {
    // Signed by Python's cryptography with the key of RFC 8037 appendix A.1.
    const PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVkRFNBIiwiandrIjp7ImNydiI6IkVkMjU1MTkiLCJrdHkiOiJPS1AiLCJ4IjoiMTFxWUFZS3hDcmZWU183VHlXUUhPZzdoY3ZQYXBpTWxyd0lhYVBjSFVSbyJ9fQ.eyJqdGkiOiIwMTAwMDAwMC0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDAiLCJodG0iOiJQT1NUIiwiaHR1IjoiaHR0cHM6Ly9zZXJ2ZXIuZXhhbXBsZS5jb20vdG9rZW4iLCJpYXQiOjE3NjcyMjU2MDB9.LLvpnDRC6ZUYAeketSnvyNR2bZCMwAizAxMM6Ftlnu2_Iu8CrWcJpCUXFHHeQ3uxiBGUxohadL0zcb1fwFzlDQ";
    const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let parameters =
        TokenParameters::new().with_proof_key(ProofKey::new(KeySigner::from_jwk(ED25519).unwrap()).unwrap());
    let provider = OAuth2::at("https://server.example.com/token?tenant=1".parse().unwrap());
    let credentials = credentials();
    let context = RequestContext::new(&credentials, &parameters, RequestSeed::fixed());
    let request = provider.token_request(&context).unwrap().sign().await.unwrap();
    assert_eq!(request.headers()["dpop"], PROOF);
}

#[tokio::test]
async fn a_method_that_is_set_is_used_whatever_the_metadata_lists() {
    let provider = discovered().with_client_authentication(ClientAuthentication::ClientSecretPost);
    let server = server(json!({"token_endpoint_auth_methods_supported": ["client_secret_basic"]}));
    granted(&provider, &credentials(), &TokenParameters::new(), &server).await.unwrap();
    let [_, body, _] = received(&server).pop().unwrap();
    assert_eq!(body, "grant_type=client_credentials&client_id=id&client_secret=secret");
}

#[tokio::test]
async fn after_the_token_endpoint_is_gone_the_metadata_is_fetched_again() {
    let server = server_with(json!({}), "<html>");
    let provider = discovered();
    for _ in 0..2 {
        granted(&provider, &credentials(), &TokenParameters::new(), &server).await.unwrap_err();
        assert_eq!(server.take_request_lines(), [GET.to_owned(), format!("POST {ISSUER}/token")]);
    }
}

#[tokio::test]
async fn settings_say_how_an_api_reports_an_expired_token() {
    let of = |settings: &[(&str, &str)]| {
        let given = Settings::new().with("token-url", "https://login.example.com/token");
        OAuth2::from_settings(&settings.iter().fold(given, |given, (name, value)| given.with(*name, *value)))
    };
    let policy = of(&[("expired-status", "403, 400"), ("expired-member", "/e/c"), ("expired-values", "601 602")]);
    let policy = policy.unwrap().policy();
    assert_eq!(policy.expired_statuses(), [StatusCode::FORBIDDEN, StatusCode::BAD_REQUEST]);
    let [body] = policy.expired_bodies() else { panic!("{policy:?}") };
    assert!(body.matches(StatusCode::OK, br#"{"e":{"c":602}}"#));
    let plain = of(&[]).unwrap().policy();
    assert!(plain.expired_statuses().is_empty() && plain.expired_bodies().is_empty() && !plain.extends_tokens());
    assert!(of(&[("same-token", "extended")]).unwrap().policy().extends_tokens());
    for (settings, what) in [
        (&[("expired-status", "forbidden")][..], "is not a list of statuses"),
        (&[("expired-status", "99999")], "is not a list of statuses"),
        (&[("expired-status", "200")], "the status of a success"),
        (&[("expired-member", "code")], "not `expired-values`"),
        (&[("expired-values", "601")], "not `expired-member`"),
    ] {
        let error = of(settings).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains(what), "{error}");
    }
}

#[tokio::test]
async fn a_server_whose_zero_says_nothing_can_be_described() {
    let settings = Settings::new().with("token-url", "https://login.example.com/token");
    let answer = r#"{"access_token":"abc","expires_in":0}"#;
    let parameters = TokenParameters::new();
    let plain = OAuth2::from_settings(&settings).unwrap();
    let server = TestServer::in_turn([response(200, &[], answer)]);
    let error = granted(&plain, &credentials(), &parameters, &server).await.unwrap_err();
    assert!(error.message().contains("expired"), "{error}");
    let described = OAuth2::from_settings(&settings.with("zero-lifetime", "unstated")).unwrap();
    let server = TestServer::in_turn([response(200, &[], answer)]);
    let credentials = credentials();
    let token = fetch_token(&described, &credentials, &parameters, &server, RequestSeed::fixed()).await.unwrap();
    assert_eq!(token.lifetime_source(), LifetimeSource::Assumed);
}
