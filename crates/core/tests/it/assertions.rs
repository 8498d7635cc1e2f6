//! Assertions: what is signed, by whom, how often, and what is never signed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use credentials_grant::{
    ClientAuthentication, ClientCredentials, CredentialsGrant, Error, ErrorKind, HttpRequest, HttpResponse,
    RequestContext, RequestSeed, Retry, Signer, TokenParameters, UnsignedRequest, async_trait, fetch_token,
};
use credentials_grant_test_kit::{Acme, TestServer, response};
use futures_executor::block_on;

/// `alg`, `typ`, `kid` and `x5t#S256`, then the claims, each in this order.
const HEADER: &str = r#"{"alg":"RS256","typ":"JWT","kid":"2026-11","x5t#S256":"thumb"}"#;
const CLAIMS: &str = r#"{"iss":"CLIENT_ID","sub":"CLIENT_ID","aud":"https://auth.example.com/token","jti":"00000000-0000-4000-8000-000000000000","iat":1767225595,"exp":1767225655}"#;

/// A key in a service that counts how often it is asked, and answers as it is told to.
#[derive(Clone, Debug)]
struct KeyService {
    asked: Arc<AtomicUsize>,
    answer: Result<Vec<u8>, Error>,
}

impl KeyService {
    fn answering(answer: Result<Vec<u8>, Error>) -> Self {
        Self { asked: Arc::default(), answer }
    }
}

#[async_trait]
impl Signer for KeyService {
    fn algorithm(&self) -> &'static str {
        "RS256"
    }

    fn key_id(&self) -> Option<&str> {
        Some("2026-11")
    }

    fn certificate_thumbprint(&self) -> Option<&str> {
        Some("thumb")
    }

    async fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Error> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.answer.clone()
    }
}

/// A vendor that wants assertions, in as many steps as it says.
#[derive(Debug)]
struct Asserted {
    way: ClientAuthentication,
    audience: Option<&'static str>,
    steps: u8,
}

impl Asserted {
    fn by(way: ClientAuthentication) -> Self {
        Self { way, audience: None, steps: 1 }
    }

    fn request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        let request = context.post(&Acme::endpoint()).client_authentication(self.way);
        let request = self.audience.into_iter().fold(request, credentials_grant::RequestBuilder::assertion_audience);
        if context.step() + 1 < self.steps { request.continues().build() } else { request.build() }
    }
}

impl CredentialsGrant for Asserted {
    fn name(&self) -> &'static str {
        "asserted"
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        self.request(context)
    }

    fn next_request(&self, context: &RequestContext<'_>, _: &HttpResponse) -> Result<UnsignedRequest, Error> {
        self.request(context)
    }
}

fn signed() -> (ClientCredentials, KeyService) {
    let service = KeyService::answering(Ok(vec![1, 2, 3]));
    (ClientCredentials::without_secret("CLIENT_ID").with_signer(service.clone()), service)
}

fn sealed(provider: &Asserted, credentials: &ClientCredentials) -> Result<HttpRequest, Error> {
    let parameters = TokenParameters::new();
    block_on(provider.request(&RequestContext::new(credentials, &parameters, RequestSeed::fixed()))?.sign())
}

fn parameters(request: &HttpRequest) -> Vec<(String, String)> {
    url::form_urlencoded::parse(request.body()).into_owned().collect()
}

/// The parts of the assertion in a form, the first two as the JSON that they are.
fn assertion(form: &[u8]) -> [String; 3] {
    let (_, jwt) = url::form_urlencoded::parse(form).find(|(name, _)| name == "client_assertion").unwrap();
    let [header, claims, signature] = jwt.split('.').collect::<Vec<_>>().try_into().unwrap();
    let json = |part| String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    [json(header), json(claims), signature.to_owned()]
}

#[test]
fn a_signer_signs_the_claims_of_rfc_7523_in_our_order() {
    let request = sealed(&Asserted::by(ClientAuthentication::PrivateKeyJwt), &signed().0).unwrap();
    assert_eq!(assertion(request.body()), [HEADER, CLAIMS, "AQID"]);
    let names: Vec<_> = parameters(&request).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["client_id", "client_assertion_type", "client_assertion"]);
    assert_eq!(parameters(&request)[1].1, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    assert!(request.headers().get("authorization").is_none());
}

#[test]
fn the_audience_is_the_providers_to_say() {
    let provider =
        Asserted { audience: Some("https://auth.example.com"), ..Asserted::by(ClientAuthentication::PrivateKeyJwt) };
    let [_, claims, _] = assertion(sealed(&provider, &signed().0).unwrap().body());
    assert!(claims.contains(r#""aud":"https://auth.example.com","#), "{claims}");
}

#[test]
fn a_client_secret_signs_by_hs256_and_is_not_sent() {
    let credentials = ClientCredentials::new("CLIENT_ID", "CLIENT_SECRET");
    let request = sealed(&Asserted::by(ClientAuthentication::ClientSecretJwt), &credentials).unwrap();
    // The signature is that of Python's hmac over the same bytes.
    let signature = "kjaKV7Hxy6SLP9XbF-EMLXfOsTwHZ518NVu8ti0r8F0";
    assert_eq!(assertion(request.body()), [r#"{"alg":"HS256","typ":"JWT"}"#, CLAIMS, signature]);
    assert!(!String::from_utf8_lossy(request.body()).contains("CLIENT_SECRET"));
}

#[test]
fn an_assertion_from_elsewhere_is_sent_as_it_is() {
    let credentials = ClientCredentials::without_secret("CLIENT_ID").with_assertion("ey.from.elsewhere");
    let request = sealed(&Asserted::by(ClientAuthentication::PrivateKeyJwt), &credentials);
    assert_eq!(parameters(&request.unwrap())[2].1, "ey.from.elsewhere");
}

#[test]
fn an_assertion_beside_a_signer_is_refused_and_neither_is_preferred() {
    let (credentials, service) = signed();
    let by_key = Asserted::by(ClientAuthentication::PrivateKeyJwt);
    let error = sealed(&by_key, &credentials.with_assertion("ey.from.elsewhere")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("both a signed assertion and a key that signs"), "{error}");
    assert_eq!(service.asked.load(Ordering::Relaxed), 0);
}

#[test]
fn a_public_client_sends_its_id_and_nothing_to_prove_it() {
    let request =
        sealed(&Asserted::by(ClientAuthentication::None), &ClientCredentials::new("CLIENT_ID", "secret")).unwrap();
    assert_eq!(request.body(), b"client_id=CLIENT_ID");
    assert!(request.headers().get("authorization").is_none());
}

#[test]
fn what_cannot_be_proved_is_refused_before_anything_is_sent() {
    let by_key = Asserted::by(ClientAuthentication::PrivateKeyJwt);
    let secret = ClientCredentials::new("id", "secret");
    let refusals = [
        (sealed(&by_key, &secret), "neither a signer nor an assertion"),
        (sealed(&by_key, &secret.with_assertion("")), "the assertion is empty"),
        (sealed(&by_key, &ClientCredentials::without_secret("").with_assertion("jwt")), "client id is empty"),
        (sealed(&Asserted::by(ClientAuthentication::None), &ClientCredentials::new("", "s")), "client id is empty"),
        (sealed(&Asserted::by(ClientAuthentication::ClientSecretBasic), &signed().0), "no client secret"),
        (sealed(&Asserted::by(ClientAuthentication::ClientSecretJwt), &signed().0), "no client secret"),
    ];
    for (outcome, why) in refusals {
        let error = outcome.unwrap_err();
        assert!(error.kind() == ErrorKind::Configuration && error.message().contains(why), "{why}: {error}");
    }
}

#[test]
fn a_frozen_request_asks_no_signer_and_is_always_the_same() {
    let (credentials, service) = signed();
    let (parameters, provider) = (TokenParameters::new(), Asserted::by(ClientAuthentication::PrivateKeyJwt));
    let context = RequestContext::dry_run(&credentials, &parameters);
    let dry_run = || provider.token_request(&context).unwrap().dry_run().unwrap();
    assert_eq!(assertion(dry_run().body()), [HEADER, CLAIMS, "c2lnbmF0dXJl"]);
    assert_eq!(dry_run().body(), dry_run().body());
    assert_eq!(service.asked.load(Ordering::Relaxed), 0);

    // A placeholder can prove who it is in every way.
    let placeholder = ClientCredentials::placeholder();
    for way in ClientAuthentication::ALL {
        let request = Asserted::by(way).token_request(&RequestContext::dry_run(&placeholder, &parameters)).unwrap();
        assert!(request.dry_run().is_ok(), "{way}");
    }
}

#[test]
fn every_step_and_every_attempt_has_an_assertion_of_its_own() {
    let (credentials, service) = signed();
    let provider = Asserted { steps: 3, ..Asserted::by(ClientAuthentication::PrivateKeyJwt) };
    let sent = Arc::new(Sent::default());
    for entropy in [[1; 16], [2; 16]] {
        let seed = RequestSeed::new(RequestSeed::fixed().now, entropy);
        block_on(fetch_token(&provider, &credentials, &TokenParameters::new(), &sent, seed)).unwrap();
    }
    let mut ids: Vec<_> = sent.0.lock().unwrap().iter().map(|form| jti(form)).collect();
    assert_eq!((ids.len(), service.asked.load(Ordering::Relaxed)), (6, 6));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 6, "in the same second, too");
}

fn jti(form: &[u8]) -> String {
    let [_, claims, _] = assertion(form);
    serde_json::from_str::<serde_json::Value>(&claims).unwrap()["jti"].to_string()
}

/// Keeps what is sent, and always answers with a token.
#[derive(Debug, Default)]
struct Sent(Mutex<Vec<Vec<u8>>>);

#[async_trait]
impl credentials_grant::Transport for Sent {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Error> {
        self.0.lock().unwrap().push(request.body().to_vec());
        Ok(response(200, &[], r#"{"access_token":"abc"}"#))
    }
}

#[test]
fn a_signer_that_fails_is_a_failure_to_sign_that_says_what_to_do() {
    let wait = Retry::After(Duration::from_secs(3));
    let failures = [
        (Error::new(ErrorKind::SigningFailed, "the key is gone"), Retry::Never),
        (Error::new(ErrorKind::SigningFailed, "busy").with_retry(wait).with_remedy("wait"), wait),
        (Error::new(ErrorKind::Unreachable, "no way to the key service"), Retry::Soon),
    ];
    for (failure, retry) in failures {
        let service = KeyService::answering(Err(failure.clone()));
        let error = failed(service);
        assert_eq!((error.kind(), error.retry()), (ErrorKind::SigningFailed, retry), "{error}");
        assert!(error.message().contains(failure.message()) && error.remedy().is_some(), "{error}");
    }
    assert!(failed(KeyService::answering(Ok(Vec::new()))).message().contains("empty signature"));
}

fn failed(service: KeyService) -> Error {
    let credentials = ClientCredentials::without_secret("id").with_signer(service);
    let (provider, server) = (Asserted::by(ClientAuthentication::PrivateKeyJwt), TestServer::unused());
    let outcome =
        block_on(fetch_token(&provider, &credentials, &TokenParameters::new(), &server, RequestSeed::fixed()));
    assert!(server.request_count() == 0, "nothing is sent");
    outcome.unwrap_err()
}

#[test]
fn an_assertion_is_not_printed_and_not_repeated() {
    let credentials = ClientCredentials::without_secret("id").with_assertion("canary.canary.canary");
    let (provider, parameters) = (Asserted::by(ClientAuthentication::PrivateKeyJwt), TokenParameters::new());
    let request = provider.token_request(&RequestContext::dry_run(&credentials, &parameters)).unwrap();
    let shown = format!("{credentials:?} {request:?}");
    let shown = format!("{shown} {:?}", request.dry_run().unwrap());
    assert!(!shown.contains("canary"), "{shown}");

    let (signed, _) = signed();
    for (credentials, echo) in [(&credentials, "canary.canary.canary"), (&signed, &signed_assertion(&signed))] {
        let refusal = format!(r#"{{"error":"invalid_client","error_description":"no: {echo}"}}"#);
        let server = TestServer::in_turn([response(400, &[], refusal)]);
        let error =
            block_on(fetch_token(&provider, credentials, &parameters, &server, RequestSeed::fixed())).unwrap_err();
        assert!(error.to_string().contains("no: [redacted]"), "{error}");
        assert!(!format!("{error:?}").contains(echo), "{error:?}");
    }
}

fn signed_assertion(credentials: &ClientCredentials) -> String {
    let request = sealed(&Asserted::by(ClientAuthentication::PrivateKeyJwt), credentials).unwrap();
    parameters(&request).remove(2).1
}
