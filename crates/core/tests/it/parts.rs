//! Tokens and responses made from their parts, and values that a provider of somebody else's signs.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use credentials_grant::{
    AccessToken, ClientCredentials, CredentialsGrant, Error, ErrorKind, HttpResponse, Lifetime, LifetimeSource, Policy,
    Presentation, RequestContext, RequestSeed, SignedValue, Signer, TokenParameters, TokenResponse, UnsignedRequest,
    Value, async_trait, fetch_token,
};
use credentials_grant_test_kit::{Acme, TestServer, response};
use futures_executor::block_on;

use crate::acme::credentials;

const HOUR: Duration = Duration::from_secs(3600);

fn made(response: TokenResponse, policy: &Policy) -> Result<AccessToken, Error> {
    let credentials = credentials().with_secret("key", "gateway");
    AccessToken::new(response, &TokenParameters::new().with_scope("a"), policy, &credentials, SystemTime::UNIX_EPOCH)
}

#[test]
fn a_token_made_from_parts_is_like_one_that_was_fetched() {
    let response = TokenResponse::new("abc").with_lifetime(Lifetime::For(HOUR)).with_refresh_token("r");
    let presentation = Presentation::header("X-Shop-Token").with_secret_header("x-key", "key");
    let token = made(response, &Policy::new().with_presentation(presentation)).unwrap();
    assert_eq!(token.expires_at(), SystemTime::UNIX_EPOCH + HOUR);
    assert_eq!((token.requested_at(), token.lifetime_source()), (SystemTime::UNIX_EPOCH, LifetimeSource::Response));
    assert_eq!((token.scopes(), token.refresh_token().is_some()), (&["a".to_owned()][..], true));
    let headers = token.headers();
    assert_eq!(
        (&headers["x-shop-token"], &headers["x-key"], headers.len()),
        (&"abc".parse().unwrap(), &"gateway".parse().unwrap(), 2)
    );
    assert!(headers.values().all(http::HeaderValue::is_sensitive));
    assert_eq!((token.header_name().as_str(), token.header_value()), ("x-shop-token", &"abc".parse().unwrap()));
}

#[test]
fn a_token_that_no_call_could_use_is_not_made() {
    let refused = |response| made(response, &Policy::new()).unwrap_err().to_string();
    assert!(refused(TokenResponse::new("")).contains("that is empty"));
    assert!(refused(TokenResponse::new("a b")).contains("no header can carry"));
    assert!(refused(TokenResponse::new("a").with_token_type("DPoP")).contains("no proof key was given"));
    let ended = TokenResponse::new("a").with_lifetime(Lifetime::Until(SystemTime::UNIX_EPOCH));
    assert!(refused(ended).contains("already expired"));
}

#[test]
fn debug_of_a_response_shows_neither_tokens_nor_values() {
    let response = TokenResponse::new("canary").with_refresh_token("canary").with_extra("id", Value::from("canary"));
    let shown = format!("{response:?}");
    assert!(shown.contains("has_refresh_token: true") && shown.contains("\"id\""), "{shown}");
    assert!(!shown.contains("canary"), "{shown}");
}

/// A vendor whose response is read by hand, and is checked before it is taken.
#[derive(Debug)]
struct ByHand;

impl CredentialsGrant for ByHand {
    fn name(&self) -> &'static str {
        "by-hand"
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        context.post(&Acme::endpoint()).client_credentials().build()
    }

    fn read_response(&self, response: &HttpResponse) -> Result<TokenResponse, Error> {
        let token = credentials_grant::ResponseReader::rfc6749().read(response)?;
        match token.extra("tenant").and_then(Value::as_str) {
            Some("hotel-1") if token.lifetime() == Some(Lifetime::For(HOUR)) => {
                Ok(token.with_token_type("Bearer").with_scopes(["all"]))
            }
            _ => Err(Error::new(ErrorKind::BadResponse, "the token is for another tenant")),
        }
    }
}

#[test]
fn a_provider_reads_every_part_of_a_response_and_changes_it() {
    let fetched = |body: &str| {
        let server = TestServer::in_turn([response(200, &[], body)]);
        block_on(fetch_token(&ByHand, &credentials(), &TokenParameters::new(), &server, RequestSeed::fixed()))
    };
    let token = fetched(r#"{"access_token":"abc","expires_in":3600,"tenant":"hotel-1"}"#).unwrap();
    assert_eq!((token.token_type(), token.scopes()), (Some("Bearer"), &["all".to_owned()][..]));
    let error = fetched(r#"{"access_token":"abc","expires_in":3600,"tenant":"hotel-2"}"#).unwrap_err();
    assert_eq!(error.to_string(), "by-hand: the token is for another tenant");
}

/// A key whose signature is the message backwards.
#[derive(Debug)]
struct Mirror;

#[async_trait]
impl Signer for Mirror {
    fn algorithm(&self) -> &'static str {
        "MIRROR"
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        match message {
            b"fail" => Err(Error::new(ErrorKind::Unavailable, "the key service is down")),
            message => Ok(message.iter().rev().copied().collect()),
        }
    }
}

/// A vendor that wants a signed header and a signed parameter, over these messages.
#[derive(Debug)]
struct Signing(&'static str);

impl CredentialsGrant for Signing {
    fn name(&self) -> &'static str {
        "signing"
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        #[derive(serde::Serialize)]
        struct Claims {
            z: u8,
            a: u8,
        }
        let signer = context.credentials().require_signer()?;
        let text = |signature: &[u8]| format!("Sig {}", String::from_utf8_lossy(signature));
        context
            .post(&Acme::endpoint())
            .grant_type("urn:ietf:params:oauth:grant-type:jwt-bearer")
            .signed_parameter("assertion", SignedValue::jwt(Arc::clone(&signer), &Claims { z: 1, a: 2 })?)
            .parameter("last", "1")
            .signed_header("X-Signature", SignedValue::new(signer, self.0, text))
            .build()
    }
}

fn signing() -> ClientCredentials {
    ClientCredentials::without_secret("id").with_signer(Mirror)
}

#[test]
fn a_provider_signs_a_parameter_and_a_header_of_its_own() {
    let (credentials, parameters) = (signing(), TokenParameters::new());
    let context = RequestContext::new(&credentials, &parameters, RequestSeed::fixed());
    let request = block_on(Signing("abc").token_request(&context).unwrap().sign()).unwrap();
    assert_eq!(request.headers()["x-signature"], "Sig cba");
    assert!(request.headers()["x-signature"].is_sensitive());
    // {"alg":"MIRROR","typ":"JWT"} and {"z":1,"a":2}, in this order.
    let input = "eyJhbGciOiJNSVJST1IiLCJ0eXAiOiJKV1QifQ.eyJ6IjoxLCJhIjoyfQ";
    let signature = BASE64_URL_SAFE_NO_PAD.encode(input.bytes().rev().collect::<Vec<_>>());
    let grant_type = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
    let expected = format!("{grant_type}&assertion={input}.{signature}&last=1");
    assert_eq!(String::from_utf8_lossy(request.body()), expected, "the parameter keeps its place");
}

#[test]
fn a_dry_run_asks_no_signer_and_is_the_same_every_time() {
    let (credentials, parameters) = (signing(), TokenParameters::new());
    let context = RequestContext::dry_run(&credentials, &parameters);
    let dry_run = || Signing("fail").token_request(&context).unwrap().dry_run().unwrap();
    assert_eq!(dry_run().headers()["x-signature"], "ZmFpbA.c2lnbmF0dXJl", "the message, and no signature");
    assert_eq!((dry_run().body(), dry_run().headers()), (dry_run().body(), dry_run().headers()));
}

#[test]
fn two_signed_parameters_of_one_name_keep_their_own_values_and_a_signed_header_replaces_a_plain_one() {
    let (credentials, parameters) = (signing(), TokenParameters::new());
    let context = RequestContext::new(&credentials, &parameters, RequestSeed::fixed());
    let signer = credentials.require_signer().unwrap();
    let text = |signature: &[u8]| String::from_utf8_lossy(signature).into_owned();
    let value = |message: &str| SignedValue::new(Arc::clone(&signer), message, text);
    let request =
        context.post(&Acme::endpoint()).parameter("resource", "plain").signed_parameter("resource", value("ab"));
    let request = request.signed_parameter("resource", value("cd")).header("x-a", "plain");
    let request = block_on(request.signed_header("X-A", value("ef")).build().unwrap().sign()).unwrap();
    assert_eq!(String::from_utf8_lossy(request.body()), "resource=plain&resource=ba&resource=dc");
    assert_eq!(request.headers().get_all("x-a").iter().collect::<Vec<_>>(), ["fe"]);

    let twice =
        context.post(&Acme::endpoint()).parameter("a", "1").signed_parameter("a", value("ab")).continues().build();
    assert!(twice.unwrap_err().to_string().contains("\"a\" is given twice"));
}

#[test]
fn what_was_signed_is_redacted_and_a_signer_that_fails_says_so() {
    let echo = response(400, &[], r#"{"error":"invalid_grant","error_description":"no: cba"}"#);
    let (server, parameters) = (TestServer::in_turn([echo]), TokenParameters::new());
    let fetched = |provider| block_on(fetch_token(provider, &signing(), &parameters, &server, RequestSeed::fixed()));
    let error = fetched(&Signing("abc")).unwrap_err();
    assert!(error.to_string().contains("no: [redacted]"), "{error}");

    // The signature alone, in spellings that the vendor's format does not have.
    for echo in ["no: bWVzc2FnZSB0aGF0IGlzIGxvbmc", "no: 6D:65:73:73:61:67:65:20:74:68:61:74:20:69:73:20:6C:6F:6E:67"] {
        let body = format!(r#"{{"error":"invalid_grant","error_description":"{echo}"}}"#);
        let server = TestServer::in_turn([response(400, &[], body)]);
        let error = block_on(fetch_token(
            &Signing("gnol si taht egassem"),
            &signing(),
            &parameters,
            &server,
            RequestSeed::fixed(),
        ));
        let error = error.unwrap_err();
        assert!(error.message().ends_with("invalid_grant: no: [redacted]"), "{error}");
    }

    let error = fetched(&Signing("fail")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SigningFailed);
    assert!(
        error.to_string().starts_with("signing: the value could not be signed: the key service is down"),
        "{error}"
    );
    let credentials = ClientCredentials::new("id", "secret");
    let context = RequestContext::dry_run(&credentials, &parameters);
    let error = Signing("abc").token_request(&context).unwrap_err();
    assert!(error.to_string().contains("have no signer; add the key"), "{error}");
}

#[test]
fn debug_of_an_error_begins_with_the_sentence_that_a_person_needs() {
    fn main() -> Result<(), Box<dyn std::error::Error>> {
        let server = TestServer::in_turn([response(429, &[("retry-after", "7")], "")]);
        block_on(fetch_token(&ByHand, &credentials(), &TokenParameters::new(), &server, RequestSeed::fixed()))?;
        Ok(())
    }
    let shown = format!("{:?}", main().unwrap_err());
    assert_eq!(
        shown,
        "by-hand: the server asks for fewer requests (429 Too Many Requests); try again later \
         (kind: rate_limited, status: 429, retry after: 7 s)"
    );
    let source = Error::new(ErrorKind::Unreachable, "could not connect").with_source(std::io::Error::other("refused"));
    assert_eq!(format!("{source:?}"), "could not connect (kind: unreachable, caused by: refused)");
}

#[test]
fn a_lifetime_is_believed_up_to_ten_years_and_a_token_up_to_64_kib() {
    let ten_years = Duration::from_secs(10 * 365 * 24 * 60 * 60);
    for (stated, believed) in [(ten_years, ten_years), (ten_years * 3000, Duration::from_secs(300))] {
        let token = made(TokenResponse::new("a").with_lifetime(Lifetime::For(stated)), &Policy::new()).unwrap();
        assert_eq!(token.expires_at(), SystemTime::UNIX_EPOCH + believed);
    }
    let of_length = |length| made(TokenResponse::new("a".repeat(length)), &Policy::new());
    assert!(of_length(64 * 1024).is_ok());
    assert!(of_length(64 * 1024 + 1).unwrap_err().to_string().contains("of more than 64 KiB"));
}

#[test]
fn a_jwt_names_its_key_and_a_signed_parameter_that_the_server_echoes_is_redacted() {
    #[derive(Debug)]
    struct Named;

    #[async_trait]
    impl Signer for Named {
        fn algorithm(&self) -> &'static str {
            "RS256"
        }

        fn key_id(&self) -> Option<&str> {
            Some("2026-11")
        }

        async fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Error> {
            Err(Error::new(ErrorKind::Unavailable, "the key service is down").with_remedy("wait for the key service"))
        }
    }
    let (credentials, parameters) =
        (ClientCredentials::without_secret("id").with_signer(Named), TokenParameters::new());
    let request = Signing("m").token_request(&RequestContext::dry_run(&credentials, &parameters)).unwrap();
    let body = String::from_utf8_lossy(request.dry_run().unwrap().body()).into_owned();
    let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT","kid":"2026-11"}"#);
    assert!(body.contains(&format!("assertion={header}.")), "{body}");
    let fetched =
        block_on(fetch_token(&Signing("m"), &credentials, &parameters, &TestServer::unused(), RequestSeed::fixed()));
    assert_eq!(fetched.unwrap_err().remedy(), Some("wait for the key service"), "the signer knows best");

    let jwt = "eyJhbGciOiJNSVJST1IiLCJ0eXAiOiJKV1QifQ.eyJ6IjoxLCJhIjoyfQ";
    let echo = format!(r#"{{"error":"invalid_grant","error_description":"no: {jwt}.{}"}}"#, {
        BASE64_URL_SAFE_NO_PAD.encode(jwt.bytes().rev().collect::<Vec<_>>())
    });
    let server = TestServer::always(response(400, &[], echo));
    let error = block_on(fetch_token(&Signing("m"), &signing(), &parameters, &server, RequestSeed::fixed()));
    assert!(error.unwrap_err().to_string().contains("no: [redacted]"));
}
