//! Tokens that are bound to a key (RFC 9449): what proofs hold, which nonce, when they are made anew, what is taken for
//! bound.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use credentials_grant::{
    AccessToken, ClientAuthentication, ClientCredentials, CredentialsGrant, Error, ErrorKind, HeaderMap, HeaderValue,
    HttpResponse, Method, Presentation, ProofKey, RequestContext, RequestSeed, SecretString, Signer, TokenParameters,
    UnsignedRequest, Url, async_trait, fetch_token,
};
use credentials_grant_test_kit::{Acme, TestServer, response};
use futures_executor::block_on;
use serde_json::{Value, json};

use crate::acme::{answered, credentials};

/// The key of RFC 9449's examples, with members that must not get into a proof.
const JWK: &str = r#"{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256","kid":"k","d":"canary","use":"sig"}"#;
const BOUND: &str = r#"{"access_token":"abc","token_type":"DPoP","expires_in":3600}"#;
const USE_NONCE: &str = r#"{"error":"use_dpop_nonce","error_description":"nonce wanted"}"#;

/// Signs everything in one way.
#[derive(Debug)]
struct Key(Option<&'static str>);

#[async_trait]
impl Signer for Key {
    fn algorithm(&self) -> &'static str {
        "ES256"
    }

    fn public_key(&self) -> Option<&str> {
        self.0
    }

    async fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(vec![1, 2, 3])
    }
}

fn key() -> ProofKey {
    ProofKey::new(Key(Some(JWK))).unwrap()
}

fn url(url: &str) -> Url {
    url.parse().unwrap()
}

/// A provider whose tokens are bound to a key.
fn bound() -> Acme {
    Acme::new().with_client_authentication(ClientAuthentication::ClientSecretJwt).with_dpop()
}

/// Fetches a token. Returns also what each request proved: the claims of its proof, and its body with an assertion.
fn fetched(server: &TestServer, parameters: &TokenParameters) -> (Result<AccessToken, Error>, Vec<(Value, String)>) {
    let outcome = block_on(fetch_token(&bound(), &credentials(), parameters, server, RequestSeed::fixed()));
    let proved = server.take_requests().into_iter().map(|request| {
        let proof = request.headers.get("dpop").expect("each request has a proof");
        assert!(proof.is_sensitive());
        (parts(proof)[1].clone(), request.body)
    });
    (outcome, proved.collect())
}

/// Returns the nonce of each proof.
fn nonces(proved: &[(Value, String)]) -> Vec<Option<&str>> {
    proved.iter().map(|(claims, _)| claims.get("nonce").map(|nonce| nonce.as_str().unwrap())).collect()
}

/// The header and the claims.
fn parts(proof: &HeaderValue) -> [Value; 2] {
    let parts: Vec<_> = proof.to_str().unwrap().split('.').collect();
    assert_eq!(parts[2], "AQID");
    [parts[0], parts[1]].map(|part| serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
}

fn proof(key: &ProofKey, method: &Method, to: &str, entropy: u8) -> [Value; 2] {
    let token = SecretString::from("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");
    let seed = RequestSeed::new(RequestSeed::fixed().now, [entropy; 16]);
    parts(&block_on(key.proof(method, &url(to), &token, seed)).unwrap())
}

#[test]
fn a_proof_is_for_one_call_with_one_token_as_rfc_9449_section_7_has_it() {
    let [header, claims] =
        proof(&key(), &Method::GET, "https://u:p@resource.example.org:8443/protectedresource?q=canary#f", 0);
    let jwk = json!({
        "kty": "EC",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
        "crv": "P-256",
    });
    assert_eq!(header, json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}), "no private member, and no other");
    let expected = json!({
        "jti": "00000000-0000-4000-8000-000000000000",
        "htm": "GET",
        "htu": "https://resource.example.org:8443/protectedresource",
        "iat": 1_767_225_600,
        "ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo",
    });
    assert_eq!(claims, expected);
}

#[test]
fn a_key_is_named_by_its_thumbprint_as_rfc_9449_section_6_and_rfc_7638_have_it() {
    assert_eq!(key().thumbprint(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    let shared = ProofKey::new(std::sync::Arc::new(Key(Some(JWK)))).unwrap();
    assert_eq!(shared, key());
    let rsa = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
    assert_eq!(ProofKey::new(Key(Some(rsa))).unwrap().thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    // RFC 8037 appendix A.3.
    let ed25519 = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    assert_eq!(ProofKey::new(Key(Some(ed25519))).unwrap().thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn two_of_the_same_key_are_one_ask_and_two_keys_are_two() {
    let parameters = |key| TokenParameters::new().with_proof_key(key);
    let other = JWK.replace("9VE4", "9VE5");
    assert_eq!(parameters(key()), parameters(key()));
    assert_ne!(parameters(key()), parameters(ProofKey::new(Key(Some(other.leak()))).unwrap()));
    assert_ne!(parameters(key()), TokenParameters::new());
    let shown = format!("{:?}", parameters(key()));
    assert!(shown.contains("0ZcOCORZ") && !shown.contains("canary"), "{shown}");
}

#[test]
fn what_cannot_bind_a_token_is_refused() {
    for (jwk, why) in [
        (None, "has no public key"),
        (Some("canary"), "is not a JSON Web Key"),
        (Some("[]"), "is not a JSON Web Key"),
        (Some(r#"{"x":"a"}"#), "incomplete public key"),
        (Some(r#"{"kty":1}"#), "incomplete public key"),
        (Some(r#"{"kty":"oct","k":"canary"}"#), "is not asymmetric"),
        (Some(r#"{"kty":"EC","crv":"P-256","x":"a"}"#), "incomplete public key"),
        (Some(r#"{"kty":"RSA","e":"AQAB","n":["canary"]}"#), "incomplete public key"),
    ] {
        let error = ProofKey::new(Key(jwk)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains(why) && !format!("{error:?}").contains("canary"), "{error:?}");
    }
}

#[test]
fn a_token_request_proves_that_the_key_is_here() {
    let server = TestServer::in_turn([response(200, &[], BOUND)]);
    let (token, proved) = fetched(&server, &TokenParameters::new().with_proof_key(key()));
    let token = token.unwrap();
    assert_eq!(token.header_value(), "DPoP abc");
    assert_eq!(token.proof_key(), Some(&key()));
    let (claims, _) = &proved[0];
    let jti = claims["jti"].as_str().unwrap();
    assert!(jti.starts_with("01000000-"), "another than the assertion's: {jti}");
    assert_eq!((&claims["htm"], &claims["htu"]), (&json!("POST"), &json!("https://auth.example.com/token")));
    assert!(claims.get("ath").is_none() && claims.get("nonce").is_none(), "{claims}");
}

#[test]
fn a_server_that_wants_its_nonce_gets_it_in_a_request_that_is_new_in_all_its_parts() {
    for status in [400, 401] {
        let parameters = TokenParameters::new().with_proof_key(key());
        let server = TestServer::in_turn([
            response(status, &[("dpop-nonce", "n1")], USE_NONCE),
            response(200, &[("dpop-nonce", "n2")], BOUND),
            response(200, &[], BOUND),
        ]);
        let (token, proved) = fetched(&server, &parameters);
        token.unwrap();
        assert_eq!(nonces(&proved), [None, Some("n1")]);
        assert_ne!(proved[0].0["jti"], proved[1].0["jti"], "a fresh proof");
        assert_ne!(proved[0].1, proved[1].1, "a fresh assertion");

        let (token, proved) = fetched(&server, &parameters);
        token.unwrap();
        assert_eq!(nonces(&proved), [Some("n2")], "the one that came with the good answer");
    }
}

#[test]
fn a_nonce_is_tried_once_and_only_where_there_is_one() {
    let wants = |nonce: Option<&'static str>| {
        let headers: Vec<_> = nonce.into_iter().map(|nonce| ("dpop-nonce", nonce)).collect();
        response(400, &headers, USE_NONCE)
    };
    let long = "n".repeat(1025).leak();
    for (first, requests) in [
        (wants(Some("n1")), 2),
        (wants(None), 1),
        (wants(Some("")), 1),
        (wants(Some("a nonce")), 1),
        (wants(Some("\"n\"")), 1),
        (wants(Some(long)), 1),
        (response(400, &[("dpop-nonce", "n1")], r#"{"error":"invalid_dpop_proof"}"#), 1),
        (response(200, &[("dpop-nonce", "n1")], USE_NONCE), 1),
    ] {
        let server = TestServer::in_turn([first, wants(Some("n2")), response(200, &[], BOUND)]);
        let (token, proved) = fetched(&server, &TokenParameters::new().with_proof_key(key()));
        let error = token.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RequestRefused, "{error}");
        assert_eq!(proved.len(), requests);
    }
}

#[test]
fn without_a_key_a_nonce_is_no_reason_to_ask_again() {
    let (server, parameters) =
        (TestServer::in_turn([response(400, &[("dpop-nonce", "n1")], USE_NONCE)]), TokenParameters::new());
    let credentials = ClientCredentials::new("id", "secret");
    let error =
        block_on(fetch_token(&Acme::new(), &credentials, &parameters, &server, RequestSeed::fixed())).unwrap_err();
    assert_eq!(error.oauth().unwrap().code.as_deref(), Some("use_dpop_nonce"));
}

#[test]
fn a_step_without_a_proof_is_not_made_anew_for_a_nonce() {
    #[derive(Debug)]
    struct Steps;
    impl CredentialsGrant for Steps {
        fn name(&self) -> &'static str {
            "steps"
        }

        fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
            context.get(&Acme::endpoint()).continues().build()
        }

        fn next_request(&self, context: &RequestContext<'_>, _: &HttpResponse) -> Result<UnsignedRequest, Error> {
            bound().token_request(context)
        }
    }
    let wants = response(400, &[("dpop-nonce", "n1")], USE_NONCE);
    let server = TestServer::in_turn([wants, response(200, &[], BOUND)]);
    let (credentials, parameters) =
        (ClientCredentials::new("id", "secret"), TokenParameters::new().with_proof_key(key()));
    block_on(fetch_token(&Steps, &credentials, &parameters, &server, RequestSeed::fixed())).unwrap();
    assert_eq!(server.request_count(), 2);
}

#[test]
fn each_server_has_a_nonce_of_its_own_and_they_do_not_pile_up() {
    let key = key();
    let nonce_at = |to: &str| proof(&key, &Method::GET, to, 0)[1].get("nonce").cloned();
    let note = |to: &str, nonce: &str| {
        let headers: HeaderMap =
            [("dpop-nonce".parse().unwrap(), HeaderValue::from_str(nonce).unwrap())].into_iter().collect();
        assert!(key.note_nonce(&url(to), &headers));
    };
    note("https://a.example/x", "a");
    note("https://b.example:8443/", "b");
    note("https://a.example:443/y", "a2");
    assert_eq!(nonce_at("https://a.example/z"), Some(json!("a2")));
    assert_eq!(nonce_at("https://b.example:8443/z"), Some(json!("b")));
    for elsewhere in ["https://b.example/", "http://a.example/", "https://a.example.evil/"] {
        assert_eq!(nonce_at(elsewhere), None, "{elsewhere}");
    }
    for n in 0..99 {
        note(&format!("https://{n}.example/"), "n");
    }
    assert_eq!(nonce_at("https://b.example:8443/"), None, "the one that was not heard of for the longest");
    assert_eq!(nonce_at("https://a.example/"), Some(json!("a2")));
    assert!(!key.note_nonce(&url("https://a.example/"), &HeaderMap::new()));
}

#[test]
fn what_is_bound_is_what_was_asked_for() {
    let bearer = BOUND.replace("DPoP", "Bearer");
    let untyped = BOUND.replace(r#""token_type":"DPoP","#, "");
    let parameters = TokenParameters::new().with_proof_key(key());
    let granted = |body: &str| fetched(&TestServer::in_turn([response(200, &[], body)]), &parameters).0;
    for body in [&bearer, &untyped] {
        let error = granted(body).unwrap_err();
        assert!(error.kind() == ErrorKind::BadResponse && error.message().contains("not bound to the key"), "{error}");
    }
    assert_eq!(granted(&BOUND.replace("DPoP", "dpop")).unwrap().header_value(), "DPoP abc");
    let error = answered(&Acme::new(), &TokenParameters::new(), response(200, &[], BOUND)).unwrap_err();
    assert!(error.message().contains("bound to a key, and no proof key was given"), "{error}");
    let error = answered(&Acme::new(), &TokenParameters::new().with_proof_key(key()), response(200, &[], BOUND));
    let error = error.unwrap_err().to_string();
    assert!(error.ends_with("does not support proof keys; leave the key out, or ask the vendor for DPoP (RFC 9449)"));
}

#[test]
fn a_vendor_with_a_header_of_its_own_keeps_it() {
    #[derive(Debug)]
    struct Own(Presentation);
    impl CredentialsGrant for Own {
        fn name(&self) -> &'static str {
            "own"
        }

        fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
            bound().token_request(context)
        }

        fn policy(&self) -> credentials_grant::Policy {
            credentials_grant::Policy::new().with_presentation(self.0.clone())
        }
    }
    let parameters = TokenParameters::new().with_proof_key(key());
    for (presentation, authorization) in [
        (Presentation::header("x-token"), "abc"),
        (Presentation::header("x-token").with_scheme("Token"), "Token abc"),
        // The name of a scheme is the same in any case (RFC 9110 section 11.1).
        (Presentation::header("authorization").with_scheme("bearer"), "DPoP abc"),
    ] {
        let token = answered(&Own(presentation), &parameters, response(200, &[], BOUND)).unwrap();
        assert_eq!(token.header_value(), authorization);
    }
}

#[test]
fn a_frozen_request_shows_nothing_of_what_servers_said() {
    let (credentials, parameters) = (ClientCredentials::placeholder(), TokenParameters::new().with_proof_key(key()));
    let dry_run = || {
        let request = bound().token_request(&RequestContext::dry_run(&credentials, &parameters)).unwrap();
        request.dry_run().unwrap().headers().clone()
    };
    let before = dry_run();
    let headers: HeaderMap = [("dpop-nonce".parse().unwrap(), HeaderValue::from_static("n"))].into_iter().collect();
    parameters.proof_key().unwrap().note_nonce(Acme::endpoint().url(), &headers);
    assert_eq!(before, dry_run());
}

#[test]
fn a_proof_is_not_repeated_in_an_error() {
    let echo = TestServer::new(|request, _| {
        let shown = format!("{request:?}");
        let proof = request.headers()["dpop"].to_str().unwrap();
        assert!(!shown.contains(proof), "{shown}");
        response(400, &[], json!({"error": "invalid_dpop_proof", "error_description": proof}).to_string())
    });
    let error = fetched(&echo, &TokenParameters::new().with_proof_key(key())).0.unwrap_err();
    assert!(error.message().ends_with("invalid_dpop_proof: [redacted]"), "{error}");
    assert!(error.to_string().contains("clock"), "{error}");
}
