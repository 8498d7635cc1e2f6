//! Asking about tokens (RFC 7662), and having them taken back (RFC 7009).

use std::time::{Duration, SystemTime};

use credentials_grant::{
    ClientAuthentication, ClientCredentials, CredentialsGrant, Endpoint, Error, ErrorKind, HttpResponse, Introspection,
    RequestContext, RequestSeed, Retry, SecretString, TokenOperation, TokenParameters, UnsignedRequest, introspect,
    revoke,
};
use credentials_grant_test_kit::{Acme, TestServer, response};
use futures_executor::block_on;

use crate::acme::received;

/// A vendor with both endpoints, which says where they are after a first question if it is told to.
#[derive(Debug)]
struct Managed {
    steps: u8,
}

impl Managed {
    fn request(context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        let endpoint = match context.operation() {
            Some(TokenOperation::Introspection(_)) => "https://auth.example.com/introspect",
            Some(TokenOperation::Revocation(_)) => "https://auth.example.com/revoke",
            _ => return Err(Error::new(ErrorKind::Configuration, "a new token was asked for")),
        };
        let endpoint = Endpoint::from_static(endpoint);
        context.post(&endpoint).client_authentication(ClientAuthentication::ClientSecretPost).token().build()
    }
}

impl CredentialsGrant for Managed {
    fn name(&self) -> &'static str {
        "managed"
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        context.post(&Acme::endpoint()).client_credentials().token().build()
    }

    fn operation_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        if self.steps > 1 { context.get(&Acme::endpoint()).continues().build() } else { Self::request(context) }
    }

    fn next_request(&self, context: &RequestContext<'_>, _: &HttpResponse) -> Result<UnsignedRequest, Error> {
        Self::request(context)
    }
}

const INTROSPECT: &str = "POST https://auth.example.com/introspect \
                          client_id=id&client_secret=s3cret&token=canary&token_type_hint=access_token";
const REVOKE: &str =
    "POST https://auth.example.com/revoke client_id=id&client_secret=s3cret&token=canary&token_type_hint=access_token";

fn credentials() -> ClientCredentials {
    ClientCredentials::new("id", "s3cret")
}

fn token() -> SecretString {
    "canary".into()
}

fn introspected(answer: HttpResponse) -> Result<Introspection, Error> {
    let server = TestServer::in_turn([answer]);
    let outcome = block_on(introspect(&Managed { steps: 1 }, &credentials(), &token(), &server, RequestSeed::fixed()));
    assert_eq!(received(&server), [INTROSPECT]);
    outcome
}

fn revoked(answer: HttpResponse) -> Result<(), Error> {
    let server = TestServer::in_turn([answer]);
    let outcome = block_on(revoke(&Managed { steps: 1 }, &credentials(), &token(), &server, RequestSeed::fixed()));
    assert_eq!(received(&server), [REVOKE]);
    outcome
}

#[test]
fn an_active_token_is_described_as_rfc_7662_section_2_2_has_it() {
    let body = r#"{"active":true,"client_id":"l238j323ds-23ij4","username":"jdoe","scope":"read write dolphin",
        "sub":"Z5O3upPC88QrAjx00dis","aud":"https://protected.example.net/resource","iss":"https://server.example.com/",
        "exp":1419356238,"iat":1419350238,"extension_field":"twenty-seven"}"#;
    let introspection = introspected(response(200, &[], body)).unwrap();
    assert!(introspection.is_active());
    assert_eq!(introspection.scopes(), ["read", "write", "dolphin"]);
    assert_eq!(introspection.client_id(), Some("l238j323ds-23ij4"));
    assert_eq!(introspection.expires_at(), Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_419_356_238)));
    assert_eq!(introspection.member("extension_field").unwrap(), "twenty-seven");
    assert_eq!(introspection.members().len(), 10);
    let shown = format!("{introspection:?}");
    assert!(shown.contains("username") && !shown.contains("jdoe"), "{shown}");
}

#[test]
fn a_token_that_is_not_active_is_just_that() {
    let introspection = introspected(response(200, &[], r#"{"active":false}"#)).unwrap();
    assert!(!introspection.is_active() && introspection.expires_at().is_none());
    assert!(introspection.scopes().is_empty());
}

#[test]
fn an_introspection_that_does_not_say_is_an_error_and_no_answer() {
    let cases = [
        (response(200, &[], "{}"), ErrorKind::BadResponse),
        (response(200, &[], r#"{"active":"true"}"#), ErrorKind::BadResponse),
        (response(200, &[], "[true]"), ErrorKind::BadResponse),
        (response(200, &[], ""), ErrorKind::BadResponse),
        (response(200, &[], "<html>"), ErrorKind::BadResponse),
        (response(302, &[("location", "https://evil.example")], ""), ErrorKind::BadResponse),
        (response(401, &[], r#"{"error":"invalid_client"}"#), ErrorKind::CredentialsRefused),
        (response(401, &[], r#"{"active":true}"#), ErrorKind::CredentialsRefused),
        (response(500, &[], ""), ErrorKind::Unavailable),
    ];
    for (answer, kind) in cases {
        let error = introspected(answer).unwrap_err();
        assert_eq!((error.kind(), error.provider()), (kind, Some("managed")), "{error}");
        assert!(error.remedy().is_some(), "{error}");
    }
}

#[test]
fn a_token_is_taken_back_whatever_the_answer_says_beside_its_status() {
    for answer in [response(200, &[], ""), response(200, &[], "{}"), response(204, &[], ""), response(200, &[], "ok")] {
        revoked(answer).unwrap();
    }
}

#[test]
fn a_token_that_was_not_taken_back_is_an_error() {
    let busy = response(503, &[("retry-after", "7")], "");
    let unsupported = response(400, &[], r#"{"error":"unsupported_token_type"}"#);
    let cases = [
        (unsupported, ErrorKind::RequestRefused, Retry::Never),
        (busy, ErrorKind::Unavailable, Retry::After(Duration::from_secs(7))),
        (response(401, &[], ""), ErrorKind::CredentialsRefused, Retry::Never),
        (response(302, &[], ""), ErrorKind::BadResponse, Retry::Never),
    ];
    for (answer, kind, retry) in cases {
        let error = revoked(answer).unwrap_err();
        assert_eq!((error.kind(), error.retry()), (kind, retry), "{error}");
    }
}

#[test]
fn an_answer_that_is_not_the_vendors_is_a_reason_to_look_at_the_url_that_was_asked() {
    for (status, body) in [(302, ""), (404, "{}"), (404, "<html>"), (200, "<html>")] {
        let remedy = |error: Error| error.remedy().unwrap().to_owned();
        let error = introspected(response(status, &[("location", "https://evil.example")], body)).unwrap_err();
        assert_eq!(remedy(error), "check that the introspection URL is the vendor's");
        if status != 200 {
            let error = revoked(response(status, &[("location", "https://evil.example")], body)).unwrap_err();
            assert_eq!(remedy(error), "check that the revocation URL is the vendor's");
        }
    }
}

#[test]
fn a_provider_that_is_shared_is_asked_the_same() {
    let server = TestServer::in_turn([response(200, &[], "")]);
    let shared = std::sync::Arc::new(Managed { steps: 1 });
    block_on(revoke(&shared, &credentials(), &token(), &server, RequestSeed::fixed())).unwrap();
    assert_eq!(received(&server), [REVOKE]);
}

#[test]
fn a_server_that_echoes_the_token_is_scrubbed() {
    let body = r#"{"error":"invalid_request","error_description":"canary? s3cret!"}"#;
    let error = revoked(response(400, &[], body)).unwrap_err();
    assert!(error.message().ends_with("invalid_request: [redacted]? [redacted]!"), "{error}");
    let (credentials, token, parameters) = (credentials(), token(), TokenParameters::new());
    let shown = format!("{:?}", TokenOperation::Revocation(&token));
    assert!(!shown.contains("canary"), "{shown} {credentials:?} {parameters:?}");
}

#[test]
fn where_the_endpoint_is_may_be_asked_first() {
    let server = TestServer::in_turn([response(200, &[], "{}"), response(200, &[], "")]);
    block_on(revoke(&Managed { steps: 2 }, &credentials(), &token(), &server, RequestSeed::fixed())).unwrap();
    assert_eq!(received(&server), ["GET https://auth.example.com/token ", REVOKE]);
}

#[test]
fn a_vendor_without_introspection_or_revocation_says_so_and_nothing_is_sent() {
    let server = TestServer::unused();
    let (acme, credentials, token) = (Acme::new(), credentials(), token());
    let introspection = block_on(introspect(&acme, &credentials, &token, &server, RequestSeed::fixed())).unwrap_err();
    let message = introspection.to_string();
    assert!(message.starts_with("acme: this provider does not support introspection; ask the vendor"), "{message}");
    let revocation = block_on(revoke(&acme, &credentials, &token, &server, RequestSeed::fixed())).unwrap_err();
    assert_eq!(revocation.kind(), ErrorKind::Configuration);
    assert!(revocation.message().contains("does not support revocation"), "{revocation}");
}

#[test]
fn a_request_for_a_new_token_holds_no_other_token() {
    let (credentials, parameters) = (credentials(), TokenParameters::new());
    let error = Managed { steps: 1 }.token_request(&RequestContext::dry_run(&credentials, &parameters)).unwrap_err();
    assert!(error.message().contains("only a request for introspection or revocation"), "{error}");
}

#[test]
fn an_introspection_is_read_in_every_charset() {
    let body = r#"{"active":true,"username":"Rene"}"#;
    let utf16 = body.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
    let broken = body.replace("Rene", "~").into_bytes();
    let broken = broken.into_iter().map(|byte| if byte == b'~' { 0xe9 } else { byte }).collect::<Vec<_>>();
    for body in [utf16, broken] {
        let server = TestServer::in_turn([response(200, &[], body)]);
        let managed = Managed { steps: 1 };
        let introspected = block_on(introspect(&managed, &credentials(), &token(), &server, RequestSeed::fixed()));
        assert!(introspected.unwrap().is_active());
    }
}
