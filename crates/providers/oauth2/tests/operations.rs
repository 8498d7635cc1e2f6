//! What else a server is asked than for tokens, what a certificate changes, and which keys tokens are bound to.

#![cfg(test)]

use std::sync::Mutex;

use credentials_grant_oauth2::settings::{Configure, Settings};
use credentials_grant_oauth2::{
    ClientCertificate, ClientCredentials, CredentialsGrant, Error, ErrorKind, HeaderMap, HttpRequest, HttpResponse,
    KeySigner, OAuth2, ProofKey, RequestContext, RequestSeed, SecretString, StatusCode, TokenParameters, Transport,
    async_trait, fetch_token, introspect, revoke,
};
use serde_json::{Value, json};

const ISSUER: &str = "https://login.example.com";
const GET: &str = "GET https://login.example.com/.well-known/oauth-authorization-server";
const TOKEN: &str = r#"{"access_token":"abc","expires_in":3600}"#;

/// A server with these members in its metadata. It keeps what it was asked: method and URL, header or body, certificate.
#[derive(Debug)]
struct Server {
    metadata: Value,
    token: &'static str,
    asked: Mutex<Vec<[String; 3]>>,
}

impl Server {
    fn with(mut members: Value) -> Self {
        let own = json!({"issuer": ISSUER, "token_endpoint": format!("{ISSUER}/token")});
        members.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        Self { metadata: members, token: TOKEN, asked: Mutex::default() }
    }

    /// Where it was asked since this was asked last.
    fn places(&self) -> Vec<String> {
        self.asked.lock().unwrap().drain(..).map(|[place, ..]| place).collect()
    }
}

#[async_trait]
impl Transport for Server {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Error> {
        let place = format!("{} {}", request.method(), request.url());
        let body = String::from_utf8(request.body().to_vec()).unwrap();
        let header = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
        let certificate = request.client_certificate().map_or("none", |_| "shown").to_owned();
        self.asked.lock().unwrap().push([place.clone(), header.unwrap_or(body), certificate]);
        let answer = match place.rsplit('/').next() {
            Some("introspect") => r#"{"active":true}"#.to_owned(),
            Some("revoke") => String::new(),
            _ if place.starts_with("GET") => self.metadata.to_string(),
            _ => self.token.to_owned(),
        };
        Ok(HttpResponse::new(StatusCode::OK, HeaderMap::new(), answer.into_bytes()))
    }
}

fn discovered() -> OAuth2 {
    OAuth2::discover(ISSUER.parse().unwrap())
}

fn secret() -> ClientCredentials {
    ClientCredentials::new("id", "secret")
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
    server: &Server,
) -> Result<(), Error> {
    fetch_token(provider, credentials, parameters, server, RequestSeed::fixed()).await.map(|_| ())
}

async fn revoked(provider: &OAuth2, credentials: &ClientCredentials, server: &Server) -> Result<(), Error> {
    revoke(provider, credentials, &token(), server, RequestSeed::fixed()).await
}

async fn introspected(provider: &OAuth2, credentials: &ClientCredentials, server: &Server) -> Result<bool, Error> {
    let introspection = introspect(provider, credentials, &token(), server, RequestSeed::fixed()).await?;
    Ok(introspection.is_active())
}

#[tokio::test]
async fn metadata_say_where_and_how_tokens_are_asked_about_and_taken_back() {
    let server = Server::with(json!({
        "introspection_endpoint": format!("{ISSUER}/introspect"),
        "revocation_endpoint": format!("{ISSUER}/revoke"),
        "revocation_endpoint_auth_methods_supported": ["client_secret_post"],
    }));
    let provider = discovered();
    assert!(introspected(&provider, &secret(), &server).await.unwrap());
    revoked(&provider, &secret(), &server).await.unwrap();
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
    assert_eq!(*server.asked.lock().unwrap(), expected, "the metadata are read once");
}

#[tokio::test]
async fn what_the_metadata_do_not_name_can_be_set() {
    let server = Server::with(json!({}));
    let error = revoked(&discovered(), &secret(), &server).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Configuration && error.message().contains("no revocation endpoint"), "{error}");
    assert_eq!(server.places(), [GET]);
    let elsewhere = |path: &str| format!("https://other.example.com/{path}").parse().unwrap();
    let provider =
        discovered().with_introspection_endpoint(elsewhere("introspect")).with_revocation_endpoint(elsewhere("revoke"));
    revoked(&provider, &secret(), &server).await.unwrap();
    introspected(&provider, &secret(), &server).await.unwrap();
    assert_eq!(
        server.places(),
        [GET, "POST https://other.example.com/revoke", "POST https://other.example.com/introspect"]
    );
}

#[tokio::test]
async fn at_a_token_url_both_are_settings() {
    let server = Server::with(json!({}));
    let settings = Settings::new().with("token-url", "https://login.example.com/token").with("auth", "json");
    let error = introspected(&OAuth2::from_settings(&settings).unwrap(), &secret(), &server).await.unwrap_err();
    assert!(error.message().contains("only the token URL is known"), "{error}");
    let settings = settings.with("introspection-url", "https://login.example.com/introspect");
    let provider = OAuth2::from_settings(&settings.with("revocation-url", "https://login.example.com/revoke")).unwrap();
    introspected(&provider, &secret(), &server).await.unwrap();
    revoked(&provider, &secret(), &server).await.unwrap();
    let form = "client_id=id&client_secret=secret&token=a-token&token_type_hint=access_token";
    let asked = server.asked.lock().unwrap();
    assert!(asked.iter().all(|[_, body, _]| body == form), "never as JSON: {asked:?}");

    let refused =
        OAuth2::from_settings(&Settings::new().with("issuer", ISSUER).with("revocation-url", "http://x.example"));
    assert!(refused.unwrap_err().to_string().contains("`revocation-url`"));
}

#[tokio::test]
async fn assertions_are_for_the_issuer_or_else_for_the_token_url_wherever_they_go() {
    const P256: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;
    let key = ClientCredentials::without_secret("id").with_signer(KeySigner::from_jwk(P256).unwrap());
    let endpoint = || "https://login.example.com/revoke".parse().unwrap();
    let token_url = "https://login.example.com/token";
    let methods = json!({"token_endpoint_auth_methods_supported": ["private_key_jwt"]});
    for (provider, audience) in [
        (discovered().with_revocation_endpoint(endpoint()), ISSUER),
        (OAuth2::at(token_url.parse().unwrap()).with_revocation_endpoint(endpoint()), token_url),
    ] {
        let server = Server::with(methods.clone());
        revoked(&provider, &key, &server).await.unwrap();
        let asked = server.asked.lock().unwrap();
        let [_, body, _] = asked.last().unwrap();
        let (_, jwt) = form_urlencoded::parse(body.as_bytes()).find(|(name, _)| name == "client_assertion").unwrap();
        let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(&*jwt).unwrap().claims;
        assert_eq!(claims["aud"], audience);
    }
}

#[tokio::test]
async fn a_client_with_a_certificate_goes_to_the_endpoints_for_mutual_tls() {
    let metadata = json!({
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "self_signed_tls_client_auth"],
        "revocation_endpoint": format!("{ISSUER}/revoke"),
        "mtls_endpoint_aliases": {
            "token_endpoint": "https://mtls.example.com/token",
            "revocation_endpoint": "https://mtls.example.com/revoke",
        },
    });
    let (server, provider) = (Server::with(metadata), discovered());
    granted(&provider, &certified(), &TokenParameters::new(), &server).await.unwrap();
    revoked(&provider, &certified(), &server).await.unwrap();
    let bound = secret().with_certificate(ClientCertificate::from_pem("a certificate"));
    granted(&provider, &bound, &TokenParameters::new(), &server).await.unwrap();
    granted(&provider, &secret(), &TokenParameters::new(), &server).await.unwrap();
    let asked: Vec<_> = server.asked.lock().unwrap().iter().map(|asked| asked.join(" | ")).collect();
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
async fn a_token_is_taken_back_where_no_new_one_could_be_had() {
    let server = Server::with(json!({
        "revocation_endpoint": format!("{ISSUER}/revoke"),
        "mtls_endpoint_aliases": {"token_endpoint": "http://mtls.example.com/token"},
    }));
    let bound = secret().with_certificate(ClientCertificate::from_pem("a certificate"));
    granted(&discovered(), &bound, &TokenParameters::new(), &server).await.unwrap_err();
    revoked(&discovered(), &bound, &server).await.unwrap();
}

#[tokio::test]
async fn a_certificate_alone_proves_who_the_client_is_where_the_server_takes_one() {
    let by_certificate = async |provider: OAuth2, methods: Option<&str>| {
        let members = methods.map_or(json!({}), |method| json!({"token_endpoint_auth_methods_supported": [method]}));
        granted(&provider, &certified(), &TokenParameters::new(), &Server::with(members)).await
    };
    let at = || OAuth2::at("https://login.example.com/token".parse().unwrap());
    by_certificate(at(), None).await.unwrap();
    by_certificate(discovered(), Some("tls_client_auth")).await.unwrap();
    let error = by_certificate(discovered(), Some("none")).await.unwrap_err();
    assert!(error.message().contains("the credentials can do tls_client_auth, self_signed_tls_client_auth"), "{error}");
    let settings = Settings::new().with("token-url", "https://login.example.com/token").with("auth", "mtls");
    let by_mtls = OAuth2::from_settings(&settings).unwrap();
    by_certificate(by_mtls.clone(), None).await.unwrap();
    let error = granted(&by_mtls, &secret(), &TokenParameters::new(), &Server::with(json!({}))).await.unwrap_err();
    assert!(error.message().contains("no client certificate"), "{error}");
}

#[tokio::test]
async fn tokens_are_bound_to_keys_that_the_server_takes() {
    let parameters = TokenParameters::new().with_proof_key(ProofKey::new(KeySigner::generate().unwrap()).unwrap());
    let listing = |algorithms: Value| {
        let members = json!({"dpop_signing_alg_values_supported": algorithms});
        Server { token: r#"{"access_token":"abc","token_type":"DPoP","expires_in":60}"#, ..Server::with(members) }
    };
    for server in [listing(json!(["RS256", "ES256"])), listing(Value::Null)] {
        granted(&discovered(), &secret(), &parameters, &server).await.unwrap();
    }
    let server = listing(json!(["RS256", "EdDSA"]));
    let error = granted(&discovered(), &secret(), &parameters, &server).await.unwrap_err();
    assert_eq!(error.message(), "the server's metadata list RS256, EdDSA for proofs, and the key signs by ES256");
    assert_eq!(server.places(), [GET], "nothing is tried");
}

#[tokio::test]
async fn a_proof_equals_what_another_implementation_signs() {
    // Signed by Python's cryptography with the key of RFC 8037 appendix A.1.
    const PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVkRFNBIiwiandrIjp7ImNydiI6IkVkMjU1MTkiLCJrdHkiOiJPS1AiLCJ4IjoiMTFxWUFZS3hDcmZWU183VHlXUUhPZzdoY3ZQYXBpTWxyd0lhYVBjSFVSbyJ9fQ.eyJqdGkiOiIwMTAwMDAwMC0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDAiLCJodG0iOiJQT1NUIiwiaHR1IjoiaHR0cHM6Ly9zZXJ2ZXIuZXhhbXBsZS5jb20vdG9rZW4iLCJpYXQiOjE3NjcyMjU2MDB9.LLvpnDRC6ZUYAeketSnvyNR2bZCMwAizAxMM6Ftlnu2_Iu8CrWcJpCUXFHHeQ3uxiBGUxohadL0zcb1fwFzlDQ";
    const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let parameters =
        TokenParameters::new().with_proof_key(ProofKey::new(KeySigner::from_jwk(ED25519).unwrap()).unwrap());
    let provider = OAuth2::at("https://server.example.com/token?tenant=1".parse().unwrap());
    let credentials = secret();
    let context = RequestContext::new(&credentials, &parameters, RequestSeed::fixed());
    let request = provider.token_request(&context).unwrap().sign().await.unwrap();
    assert_eq!(request.headers()["dpop"], PROOF);
}
