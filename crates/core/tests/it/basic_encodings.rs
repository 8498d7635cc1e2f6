//! What a refusal says of the encodings of Basic, where they matter for the id and the secret (RFC 6749 section 2.3.1).

use credentials_grant::{
    ClientAuthentication, ClientCredentials, Error, ErrorKind, RequestSeed, TokenParameters, fetch_token,
};
use credentials_grant_test_kit::{Acme, TestServer, response};
use futures_executor::block_on;

use ClientAuthentication::{ClientSecretBasic, ClientSecretBasicRaw, ClientSecretBasicStrict, ClientSecretPost};

const INVALID_CLIENT: &str = r#"{"error":"invalid_client"}"#;

fn refused(method: ClientAuthentication, id: &str, secret: &str, status: u16, body: &str) -> Error {
    let provider = Acme::new().with_client_authentication(method);
    let server = TestServer::in_turn([response(status, &[], body)]);
    let credentials = ClientCredentials::new(id, secret);
    block_on(fetch_token(&provider, &credentials, &TokenParameters::new(), &server, RequestSeed::fixed())).unwrap_err()
}

fn remedy(method: ClientAuthentication, id: &str, secret: &str) -> String {
    let error = refused(method, id, secret, 400, INVALID_CLIENT);
    assert_eq!(error.kind(), ErrorKind::CredentialsRefused);
    error.remedy().unwrap_or_default().to_owned()
}

#[test]
fn a_refusal_of_encoded_credentials_names_the_raw_method() {
    for (id, secret) in [
        ("id", "a+b"),
        ("id", "100%"),
        ("id", "se/cret=="),
        ("id", " secret "),
        ("id", "sécret"),
        ("id", "a:b"),
        ("an id", "secret"),
    ] {
        for method in [ClientSecretBasic, ClientSecretBasicStrict] {
            let remedy = remedy(method, id, secret);
            assert!(remedy.starts_with("check the client id and secret"), "{remedy}");
            assert!(remedy.contains("authenticate by `client_secret_basic_raw`"), "{method} {id} {secret}: {remedy}");
        }
    }
    assert!(remedy(ClientSecretBasicStrict, "an-id", "secret").contains("`client_secret_basic_raw`"));
}

#[test]
fn a_refusal_of_raw_credentials_names_the_encoded_method() {
    let remedy = remedy(ClientSecretBasicRaw, "id", "a+b");
    assert!(remedy.ends_with("authenticate by `client_secret_basic`"), "{remedy}");
}

#[test]
fn a_refusal_says_nothing_of_encodings_where_they_make_no_difference() {
    let plain = [
        remedy(ClientSecretBasic, "SDXE-SP-SIMPLEAPP", "a.b_c~d-1"),
        remedy(ClientSecretBasicRaw, "id", "secret"),
        remedy(ClientSecretPost, "id", "a+b"),
        // Raw Basic cannot carry this id.
        remedy(ClientSecretBasic, "a:b", "secret"),
    ];
    for remedy in plain {
        assert!(!remedy.contains("authenticate by"), "{remedy}");
    }
}

#[test]
fn only_a_refusal_of_the_credentials_is_a_reason_to_try_another_encoding() {
    let names_raw = |status, body| {
        let error = refused(ClientSecretBasic, "id", "a+b", status, body);
        error.remedy().unwrap_or_default().contains("client_secret_basic_raw")
    };
    assert!(names_raw(401, "") && names_raw(401, r#"{"error":"unauthorized_client"}"#));
    for (status, body) in [
        (400, r#"{"error":"unauthorized_client"}"#),
        (403, r#"{"error":"access_denied"}"#),
        (400, r#"{"error":"invalid_scope"}"#),
        (429, ""),
        (503, ""),
    ] {
        assert!(!names_raw(status, body), "{status} {body}");
    }
}

#[test]
fn the_advice_on_encodings_shows_no_secret() {
    let error =
        refused(ClientSecretBasic, "id", "a+b+c", 401, r#"{"error":"invalid_client","error_description":"a+b+c"}"#);
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("client_secret_basic_raw") && !shown.contains("a+b+c"), "{shown}");
}
