//! API calls with tokens that are bound to a key (RFC 9449): the proofs, the API's nonces, what is sent once more.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use credentials_grant::{
    AccessToken, ClientCredentials, Error, ErrorKind, HeaderMap, HeaderName, HeaderValue, ProofKey, Retry, Signer,
    StatusCode, TokenParameters, async_trait,
};
use credentials_grant_client::{Authorizer, KeySigner, ProvideToken, TokenOptions, TokenPool, TokenSource, blocking};
use credentials_grant_test_kit::{Acme, TestServer, clock, response};
use http::{Request, Response};
use reqwest_middleware::ClientBuilder;
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::acme::SECOND;

/// A provider that binds tokens to keys.
fn bound() -> Acme {
    Acme::new().with_name("bound").with_dpop()
}

/// Issues `token-1`, `token-2` …, each bound to the key of the proof.
fn issuer() -> TestServer {
    TestServer::new(|request, number| {
        verified(&request.headers()["dpop"]);
        let body = json!({"access_token": format!("token-{number}"), "token_type": "DPoP", "expires_in": 3600});
        response(200, &[], body.to_string())
    })
}

/// The header and the claims of a proof that its own key has signed.
fn verified(proof: &HeaderValue) -> [Value; 2] {
    let proof = proof.to_str().unwrap();
    let (input, signature) = proof.rsplit_once('.').unwrap();
    let decoded = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
    let (header, claims) = input.split_once('.').unwrap();
    let [header, claims] = [header, claims].map(|part| serde_json::from_slice::<Value>(&decoded(part)).unwrap());
    let jwk = &header["jwk"];
    let point = [vec![4], decoded(jwk["x"].as_str().unwrap()), decoded(jwk["y"].as_str().unwrap())].concat();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(input.as_bytes(), &decoded(signature)).unwrap();
    [header, claims]
}

fn parameters() -> TokenParameters {
    TokenParameters::new().with_proof_key(ProofKey::new(KeySigner::generate().unwrap()).unwrap())
}

fn credentials() -> ClientCredentials {
    ClientCredentials::new("id", "a-client-secret")
}

fn authorizer(issuer: &TestServer, host: &str) -> Authorizer {
    let source =
        TokenSource::builder(bound(), credentials()).with_parameters(parameters()).with_transport(issuer.clone());
    let source = source.with_clock(clock()).build().unwrap();
    Authorizer::builder(source).with_host(host.to_owned()).build().unwrap()
}

fn call() -> Request<String> {
    Request::post("https://api.example.com/v1/bookings?secret=canary").body("the body".to_owned()).unwrap()
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}

const USE_NONCE: (&str, &str) = ("www-authenticate", r#"DPoP error="use_dpop_nonce", algs="ES256""#);

#[tokio::test]
async fn each_call_has_a_proof_of_its_own_by_the_key_of_its_token() {
    let issuer = issuer();
    let authorizer = authorizer(&issuer, "api.example.com");
    let (mut ids, mut token_requests) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let mut request = call();
        let authorization = authorizer.authorize(&mut request).await.unwrap();
        token_requests.extend(issuer.take_requests());
        assert!(!format!("{authorization:?}").contains("canary"), "the query is nobody's to print: {authorization:?}");
        assert_eq!(request.headers()["authorization"], "DPoP token-1");
        let proof = &request.headers()["dpop"];
        assert!(proof.is_sensitive());
        let [header, claims] = verified(proof);
        let [key, _] = verified(&token_requests[0].headers["dpop"]);
        assert_eq!((&header["typ"], &header["jwk"]), (&json!("dpop+jwt"), &key["jwk"]));
        assert_eq!((&claims["htm"], &claims["htu"]), (&json!("POST"), &json!("https://api.example.com/v1/bookings")));
        // The SHA-256 of `token-1`, by Python's hashlib.
        assert_eq!(claims["ath"], "PwiqzhIu4jaEMsHKI6BJvGQLr78A_fM6UkKfOLoS2_k");
        assert_eq!(claims["iat"], 1_767_225_600);
        ids.push(claims["jti"].to_string());
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_nonce_that_the_api_sends_goes_into_its_next_proof_and_into_no_other_servers() {
    let issuer = issuer();
    let authorizer = authorizer(&issuer, "*.example.com");
    let nonce = async |url: &str| {
        let mut request = Request::get(url).body(()).unwrap();
        let authorization = authorizer.authorize(&mut request).await.unwrap();
        (authorization, verified(&request.headers()["dpop"])[1].get("nonce").cloned())
    };
    let (authorization, first) = nonce("https://api.example.com/a").await;
    assert_eq!(first, None);
    assert!(
        authorizer.check_response(&authorization, StatusCode::OK, &headers(&[("dpop-nonce", "n1")])).is_none(),
        "a good answer"
    );
    assert_eq!(nonce("https://api.example.com/b").await.1, Some(json!("n1")));
    assert_eq!(nonce("https://other.example.com/b").await.1, None);

    let (authorization, _) = nonce("https://api.example.com/c").await;
    let wants = headers(&[USE_NONCE, ("dpop-nonce", "n2")]);
    assert!(authorizer.check_response(&authorization, StatusCode::UNAUTHORIZED, &wants).is_some(), "worth another try");
    let (authorization, second) = nonce("https://api.example.com/c").await;
    assert_eq!(second, Some(json!("n2")));
    assert!(
        authorizer.check_response(&authorization, StatusCode::UNAUTHORIZED, &headers(&[USE_NONCE])).is_none(),
        "no nonce to try"
    );
    assert_eq!(issuer.request_count(), 1, "the token stays");
}

#[tokio::test]
async fn a_bound_token_that_is_rejected_is_renewed_as_any_other() {
    let issuer = issuer();
    let authorizer = authorizer(&issuer, "api.example.com");
    authorizer.authorize(&mut call()).await.unwrap();
    for (challenge, is_given_up) in [
        (r#"DPoP error="invalid_dpop_proof""#, false),
        (r#"DPoP error="insufficient_scope", Bearer"#, false),
        (r#"DPoP error="invalid_token""#, true),
    ] {
        let authorization = authorizer.authorize(&mut call()).await.unwrap();
        let answer = headers(&[("www-authenticate", challenge), ("dpop-nonce", "n1")]);
        assert_eq!(
            authorizer.check_response(&authorization, StatusCode::UNAUTHORIZED, &answer).is_some(),
            is_given_up,
            "{challenge}"
        );
    }
    let mut request = call();
    authorizer.authorize(&mut request).await.unwrap();
    assert_eq!(request.headers()["authorization"], "DPoP token-2");
    assert_eq!(verified(&request.headers()["dpop"])[1]["nonce"], "n1");
}

#[tokio::test]
async fn a_proof_is_for_the_url_without_query_and_fragment() {
    let mut request =
        reqwest::Request::new(reqwest::Method::PUT, "https://api.example.com/v1?canary=1#canary".parse().unwrap());
    let authorization = authorizer(&issuer(), "api.example.com").authorize(&mut request).await.unwrap();
    let [_, claims] = verified(&request.headers()["dpop"]);
    assert_eq!((&claims["htm"], &claims["htu"]), (&json!("PUT"), &json!("https://api.example.com/v1")));
    assert!(!format!("{authorization:?}").contains("canary"), "{authorization:?}");
}

#[test]
fn in_a_blocking_program_a_proof_is_for_the_method_and_the_url_as_well() {
    let authorizer = blocking::Authorizer::from_async(authorizer(&issuer(), "api.example.com")).unwrap();
    for method in ["POST", "DELETE"] {
        let mut request = call();
        *request.method_mut() = method.parse().unwrap();
        authorizer.authorize(&mut request).unwrap();
        let [_, claims] = verified(&request.headers()["dpop"]);
        assert_eq!((&claims["htm"], &claims["htu"]), (&json!(method), &json!("https://api.example.com/v1/bookings")));
    }
}

const INVALID_TOKEN: (&str, &str) = ("www-authenticate", r#"DPoP error="invalid_token""#);

#[tokio::test]
async fn after_a_new_nonce_it_is_still_known_that_the_token_was_fetched_for_the_call() {
    let authorizer = authorizer(&issuer(), "api.example.com");
    let mut request = call();
    let authorization = authorizer.authorize(&mut request).await.unwrap();
    let retry = authorizer.check_response(
        &authorization,
        StatusCode::UNAUTHORIZED,
        &headers(&[USE_NONCE, ("dpop-nonce", "n")]),
    );
    let authorization = authorizer.authorize_again(&mut request, retry.unwrap()).await.unwrap();
    let answer = authorizer.check_response(&authorization, StatusCode::UNAUTHORIZED, &headers(&[INVALID_TOKEN]));
    assert!(answer.is_none(), "another new token would be no better");
}

#[tokio::test]
async fn after_a_new_nonce_it_is_still_known_that_the_token_is_a_renewal() {
    let issuer = issuer();
    let authorizer = authorizer(&issuer, "api.example.com");
    authorizer.authorize(&mut call()).await.unwrap();
    let rejected =
        |authorization, answer| authorizer.check_response(authorization, StatusCode::UNAUTHORIZED, &headers(answer));
    let mut request = call();
    let authorization = authorizer.authorize(&mut request).await.unwrap();
    let retry = rejected(&authorization, &[INVALID_TOKEN]).unwrap();
    let authorization = authorizer.authorize_again(&mut request, retry).await.unwrap();
    let retry = rejected(&authorization, &[USE_NONCE, ("dpop-nonce", "n")]).unwrap();
    let authorization = authorizer.authorize_again(&mut request, retry).await.unwrap();
    // The API accepts the new token for another call, so that the pauses end, and then rejects it for this one.
    let other = authorizer.authorize(&mut call()).await.unwrap();
    assert!(authorizer.check_response(&other, StatusCode::OK, &HeaderMap::new()).is_none());
    assert!(rejected(&authorization, &[INVALID_TOKEN]).is_none());
    authorizer.authorize(&mut call()).await.unwrap();
    assert_eq!(issuer.request_count(), 2, "the renewal was in vain, so the token stays for a while");
}

/// An API that wants its nonce in every proof, and tells how often it was asked, with which tokens and nonces.
async fn api() -> MockServer {
    let server = MockServer::start().await;
    let answer = |request: &wiremock::Request| match verified(&request.headers["dpop"])[1].get("nonce") {
        Some(_) => ResponseTemplate::new(200).insert_header("dpop-nonce", "n2"),
        None => ResponseTemplate::new(401).insert_header(USE_NONCE.0, USE_NONCE.1).insert_header("dpop-nonce", "n1"),
    };
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

#[tokio::test]
async fn reqwest_sends_a_request_once_more_with_the_nonce_and_the_same_token() {
    let (issuer, server) = (issuer(), api().await);
    let authorizer = authorizer(&issuer, &server.address().to_string());
    let client = ClientBuilder::new(reqwest::Client::new()).with(authorizer).build();
    for _ in 0..2 {
        let call = client.post(format!("{}/v1", server.uri())).body("the body");
        assert_eq!(call.send().await.unwrap().status(), 200);
    }
    let seen = server.received_requests().await.unwrap();
    let nonces: Vec<_> = seen.iter().map(|call| verified(&call.headers["dpop"])[1].get("nonce").cloned()).collect();
    assert_eq!(nonces, [None, Some(json!("n1")), Some(json!("n2"))]);
    assert!(seen.iter().all(|call| call.body == b"the body" && call.headers["authorization"] == "DPoP token-1"));
    assert_eq!(issuer.request_count(), 1);
}

/// What an API has against a call that wants its nonce, and has had `token-1` revoked.
fn complaint_of_both(headers: &HeaderMap) -> Option<(&'static str, &'static str)> {
    match verified(&headers["dpop"])[1].get("nonce") {
        None => Some(USE_NONCE),
        Some(_) if headers["authorization"] == "DPoP token-1" => {
            Some(("www-authenticate", r#"DPoP error="invalid_token""#))
        }
        Some(_) => None,
    }
}

#[tokio::test]
async fn a_nonce_that_is_missing_and_a_token_that_was_revoked_are_each_made_good() {
    let (issuer, server) = (issuer(), MockServer::start().await);
    let answer = |request: &wiremock::Request| match complaint_of_both(&request.headers) {
        Some(complaint) => ResponseTemplate::new(401).insert_header(complaint.0, complaint.1),
        None => ResponseTemplate::new(200),
    };
    let answer = move |request: &wiremock::Request| answer(request).insert_header("dpop-nonce", "n");
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let authorizer = authorizer(&issuer, &server.address().to_string());
    // As a program that has had its token for a while.
    authorizer.authorize(&mut Request::get(server.uri()).body(()).unwrap()).await.unwrap();
    let client = ClientBuilder::new(reqwest::Client::new()).with(authorizer).build();
    assert_eq!(client.post(server.uri()).body("the body").send().await.unwrap().status(), 200);
    let seen = server.received_requests().await.unwrap();
    let shown: Vec<_> =
        seen.iter().map(|call| (call.headers["authorization"].to_str().unwrap(), &*call.body)).collect();
    let body: &[u8] = b"the body";
    assert_eq!(shown, [("DPoP token-1", body), ("DPoP token-1", body), ("DPoP token-2", body)]);
}

#[tokio::test]
async fn a_tower_service_is_called_anew_for_each_of_both() {
    let issuer = issuer();
    let authorizer = authorizer(&issuer, "api.example.com");
    authorizer.authorize(&mut call()).await.unwrap();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let api = service_fn(move |request: Request<String>| {
        let mut response = Response::new(String::new());
        response.headers_mut().insert("dpop-nonce", HeaderValue::from_static("n"));
        if let Some(complaint) = complaint_of_both(request.headers()) {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            response.headers_mut().extend(headers(&[complaint]));
        }
        seen.lock().unwrap().push(request.into_body());
        async { Ok::<_, std::convert::Infallible>(response) }
    });
    let mut service = authorizer.layer().with_body_copy(|body: &String| Some(body.clone())).layer(api);
    assert_eq!(service.ready().await.unwrap().call(call()).await.unwrap().status(), 200);
    assert_eq!(*calls.lock().unwrap(), ["the body", "the body", "the body"]);
    assert_eq!(issuer.request_count(), 2);
}

#[tokio::test]
async fn an_api_that_is_never_content_with_a_nonce_is_asked_twice() {
    let (issuer, server) = (issuer(), MockServer::start().await);
    let answer = ResponseTemplate::new(401).insert_header(USE_NONCE.0, USE_NONCE.1).insert_header("dpop-nonce", "n");
    Mock::given(any()).respond_with(answer).expect(2).mount(&server).await;
    let authorizer = authorizer(&issuer, &server.address().to_string());
    let client = ClientBuilder::new(reqwest::Client::new()).with(authorizer).build();
    assert_eq!(client.get(server.uri()).send().await.unwrap().status(), 401);
    assert_eq!(issuer.request_count(), 1);
}

#[tokio::test]
async fn what_is_said_behind_a_redirect_of_a_proof_for_another_url_means_nothing_for_the_token() {
    let (issuer, server) = (issuer(), MockServer::start().await);
    let answer = |request: &wiremock::Request| {
        let proved = verified(&request.headers["dpop"])[1]["htu"].clone();
        match request.url.path() {
            "/old" => ResponseTemplate::new(307).insert_header("location", "/new"),
            path if proved.as_str().unwrap().ends_with(path) => ResponseTemplate::new(200),
            _ => ResponseTemplate::new(401).insert_header("www-authenticate", r#"DPoP error="invalid_token""#),
        }
    };
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let client = ClientBuilder::new(reqwest::Client::new());
    let client = client.with(authorizer(&issuer, &server.address().to_string())).build();
    for (path, status) in [("new", 200), ("old", 401), ("new", 200)] {
        assert_eq!(client.get(format!("{}/{path}", server.uri())).send().await.unwrap().status(), status);
    }
    assert_eq!(issuer.request_count(), 1, "the token stays");
}

#[tokio::test]
async fn a_token_that_came_with_the_new_proof_is_not_replaced_by_yet_another() {
    let (issuer, clock) = (issuer(), clock());
    let source =
        TokenSource::builder(bound(), credentials()).with_parameters(parameters()).with_transport(issuer.clone());
    let source = source.with_clock(clock.clone()).build().unwrap();
    let authorizer = Authorizer::builder(source).with_host("api.example.com").build().unwrap();
    authorizer.authorize(&mut call()).await.unwrap();
    // The token expires while the API asks for its nonce, and no other is good enough.
    let api = service_fn(move |request: Request<String>| {
        clock.advance(SECOND * 3600);
        let nonce = verified(&request.headers()["dpop"])[1].get("nonce").cloned();
        let complaint = nonce.map_or(USE_NONCE, |_| ("www-authenticate", r#"DPoP error="invalid_token""#));
        let mut response = Response::new(String::new());
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        *response.headers_mut() = headers(&[complaint, ("dpop-nonce", "n")]);
        async { Ok::<_, std::convert::Infallible>(response) }
    });
    let mut service = authorizer.layer().with_body_copy(|body: &String| Some(body.clone())).layer(api);
    assert_eq!(service.ready().await.unwrap().call(call()).await.unwrap().status(), 401);
    assert_eq!(issuer.request_count(), 2);
}

#[tokio::test]
async fn an_api_that_is_content_with_neither_in_turn_is_asked_three_times() {
    let (issuer, server) = (issuer(), MockServer::start().await);
    let calls = AtomicUsize::new(0);
    let answer = move |_: &wiremock::Request| {
        let complaint = match calls.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => USE_NONCE,
            _ => ("www-authenticate", r#"DPoP error="invalid_token""#),
        };
        ResponseTemplate::new(401).insert_header(complaint.0, complaint.1).insert_header("dpop-nonce", "n")
    };
    Mock::given(any()).respond_with(answer).expect(3).mount(&server).await;
    let authorizer = authorizer(&issuer, &server.address().to_string());
    authorizer.authorize(&mut Request::get(server.uri()).body(()).unwrap()).await.unwrap();
    let client = ClientBuilder::new(reqwest::Client::new()).with(authorizer).build();
    assert_eq!(client.get(server.uri()).send().await.unwrap().status(), 401);
    assert_eq!(issuer.request_count(), 2);
}

#[tokio::test]
async fn a_tower_service_is_called_once_more_with_the_nonce() {
    let issuer = issuer();
    let authorizer = authorizer(&issuer, "api.example.com");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let calls = Arc::clone(&seen);
    let api = service_fn(move |request: Request<String>| {
        let nonce = verified(&request.headers()["dpop"])[1].get("nonce").cloned();
        let mut response = Response::new(String::new());
        if nonce.is_none() {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            *response.headers_mut() = headers(&[USE_NONCE, ("dpop-nonce", "n1")]);
        }
        calls.lock().unwrap().push((nonce, request.into_body()));
        async { Ok::<_, std::convert::Infallible>(response) }
    });
    let mut service = authorizer.layer().with_body_copy(|body: &String| Some(body.clone())).layer(api);
    assert_eq!(service.ready().await.unwrap().call(call()).await.unwrap().status(), 200);
    let body = "the body".to_owned();
    assert_eq!(*seen.lock().unwrap(), [(None, body.clone()), (Some(json!("n1")), body)]);
}

/// Signs the first time, as for a token, and then fails or never answers.
#[derive(Debug)]
struct Forgetful {
    signer: KeySigner,
    signed: AtomicBool,
    answers: bool,
}

#[async_trait]
impl Signer for Forgetful {
    fn algorithm(&self) -> &str {
        self.signer.algorithm()
    }

    fn public_key(&self) -> Option<&str> {
        self.signer.public_key()
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        match self.signed.swap(true, Ordering::Relaxed) {
            false => self.signer.sign(message).await,
            true if self.answers => Err(Error::new(ErrorKind::SigningFailed, "gone")),
            true => std::future::pending().await,
        }
    }
}

/// A source with a timeout of seven seconds, whose key signs once.
fn forgetful(answers: bool) -> TokenSource {
    let key = Forgetful { signer: KeySigner::generate().unwrap(), signed: AtomicBool::default(), answers };
    let parameters = TokenParameters::new().with_proof_key(ProofKey::new(key).unwrap());
    let source = TokenSource::builder(bound(), credentials()).with_parameters(parameters).with_timeout(7 * SECOND);
    source.with_transport(issuer()).build().unwrap()
}

/// Why a call is not authorized whose proof that key should sign.
async fn unsigned(source: impl ProvideToken) -> Error {
    let authorizer = Authorizer::builder(source).with_host("api.example.com").build().unwrap();
    let mut request = call();
    let error = authorizer.authorize(&mut request).await.unwrap_err();
    assert_eq!((error.kind(), error.provider()), (ErrorKind::SigningFailed, Some("bound")), "{error}");
    assert!(request.headers().is_empty(), "the request is as it was");
    error
}

#[tokio::test]
async fn a_key_that_does_not_sign_sends_no_call() {
    assert_eq!(unsigned(forgetful(true)).await.message(), "gone");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_never_signs_keeps_no_call_waiting_for_ever() {
    let error = unsigned(forgetful(false)).await;
    assert_eq!((error.message(), error.retry()), ("the key did not sign within 7 s", Retry::Soon));
}

/// A provider of tokens that implements what it must.
#[derive(Debug)]
struct Minimal(TokenSource);

#[async_trait]
impl ProvideToken for Minimal {
    fn name(&self) -> &'static str {
        "bound"
    }

    fn cached(&self, _: TokenOptions) -> Option<Arc<AccessToken>> {
        self.0.cached().map(|token| token.to_arc())
    }

    async fn token(&self, _: TokenOptions) -> Result<Arc<AccessToken>, Error> {
        self.0.token().await
    }

    fn invalidate(&self, _: &AccessToken) {}
}

#[tokio::test(start_paused = true)]
async fn without_a_timeout_of_the_providers_own_a_key_has_30_seconds_to_sign() {
    let began = Instant::now();
    let error = unsigned(Minimal(forgetful(false))).await;
    assert_eq!(error.message(), "the key did not sign within 30 s");
    assert_eq!(began.elapsed().as_secs(), 30);
    let behind_a_pointer = Arc::new(forgetful(false));
    assert_eq!(unsigned(behind_a_pointer).await.message(), "the key did not sign within 7 s");
}

#[tokio::test]
async fn a_pool_keeps_the_tokens_of_two_keys_apart() {
    let pool = TokenPool::builder().with_transport(issuer()).build().unwrap();
    let (one, other) = (parameters(), parameters());
    let mut tokens = Vec::new();
    for parameters in
        [&one, &other, &one.clone(), &TokenParameters::new().with_proof_key(one.proof_key().unwrap().clone())]
    {
        let token = pool.source(&bound(), &credentials(), parameters).unwrap().token().await.unwrap();
        assert_eq!(token.proof_key(), parameters.proof_key());
        tokens.push(token.header_value().to_str().unwrap().to_owned());
    }
    assert_eq!(tokens, ["DPoP token-1", "DPoP token-2", "DPoP token-1", "DPoP token-1"]);
}
