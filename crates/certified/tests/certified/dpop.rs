//! Tokens that are bound to a key (DPoP, RFC 9449), with nonces that both servers require.

use std::time::SystemTime;

use credentials_grant_oauth2::{
    ErrorKind, ExposeSecret as _, Method, ProofKey, RequestSeed, SigningAlgorithm, TokenSource, Url,
};
use serde_json::Value;

use crate::clients::{key, signatures, signer, with_secret, with_signer};
use crate::server::{SERVER, http_client, source, token_with};

/// Returns a source for this client whose tokens are bound to `key`.
fn bound_source(client_id: &str, format: &str, key: &ProofKey) -> TokenSource {
    source(SERVER.discovered(), with_secret(client_id), SERVER.parameters_for(format).with_proof_key(key.clone()))
}

const NO_NONCE: &str = "use_dpop_nonce, no nonce";
const OLD_NONCE: &str = "use_dpop_nonce, unknown nonce";
const ACCEPTED: &str = "ok, newest nonce";

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn the_token_endpoints_nonce_is_taken_from_its_refusal_and_kept_with_the_key() {
    let key = key();
    let token = bound_source("bound by nonce", "jwt", &key).token().await.unwrap();
    assert_eq!(token.token_type(), Some("DPoP"));
    let claims: Value = token.unverified_claims().unwrap();
    assert_eq!(claims["cnf"]["jkt"], key.thumbprint());
    assert_eq!(SERVER.outcomes("bound by nonce").await, ["use_dpop_nonce", "ok"]);

    bound_source("bound by nonce", "jwt", &key).token().await.unwrap();
    assert_eq!(SERVER.outcomes("bound by nonce").await, ["use_dpop_nonce", "ok", "ok"]);
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn the_request_with_the_nonce_has_a_new_assertion() {
    // This server accepts an assertion only once, and accepts that of the first request before it checks the nonce.
    let parameters = SERVER.parameters_for("jwt").with_proof_key(key());
    token_with(SERVER.discovered(), with_signer(SigningAlgorithm::Ed25519), parameters).await.unwrap();
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_client_whose_tokens_must_be_bound_is_refused_without_a_key() {
    let error = token_with(SERVER.discovered(), with_secret("bound"), SERVER.parameters_for("jwt")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RequestRefused, "{error}");
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn the_apis_nonce_is_taken_from_its_401_and_from_each_later_response() {
    for format in ["jwt", "opaque"] {
        let source = bound_source("bound", format, &key());
        let path = format!("/{format}/nonces");
        for _ in 0..3 {
            SERVER.claims_seen(&source, &path).await.unwrap();
        }
        assert_eq!(SERVER.outcomes(&path).await, [NO_NONCE, ACCEPTED, ACCEPTED, ACCEPTED]);

        SERVER.forget_nonces(&path).await;
        SERVER.claims_seen(&source, &path).await.unwrap();
        assert_eq!(SERVER.outcomes(&path).await[4..], [OLD_NONCE, ACCEPTED]);
    }
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn after_a_nonce_challenge_the_token_is_kept_and_the_body_is_sent_again() {
    let source = bound_source("bound by body", "jwt", &key());
    let client = SERVER.client(&source);
    let url = format!("{}/jwt/bodies?page=2#top", SERVER.api);
    for _ in 0..2 {
        assert_eq!(client.post(&url).body("one room").send().await.unwrap().status(), 200);
        SERVER.forget_nonces("/jwt/bodies").await;
    }
    assert_eq!(SERVER.outcomes("/jwt/bodies").await, [NO_NONCE, ACCEPTED, OLD_NONCE, ACCEPTED]);
    assert_eq!(SERVER.outcomes("bound by body").await, ["use_dpop_nonce", "ok"]);
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn concurrent_calls_have_different_proofs() {
    let source = bound_source("bound by many", "jwt", &key());
    let client = SERVER.client(&source);
    let calls = (0..20).map(|_| tokio::spawn(client.get(format!("{}/jwt/many", SERVER.api)).send()));
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(SERVER.outcomes("bound by many").await, ["use_dpop_nonce", "ok"]);
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn both_servers_accept_keys_of_every_algorithm() {
    for algorithm in signatures() {
        let key = ProofKey::new(signer(algorithm)).unwrap();
        let source = bound_source("bound", "jwt", &key);
        let claims = SERVER.claims_seen(&source, "/jwt/algorithms").await;
        let claims = claims.unwrap_or_else(|status| panic!("{algorithm}: {status}"));
        assert_eq!(claims["cnf"]["jkt"], key.thumbprint(), "{algorithm}");
    }
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_stolen_token_is_refused_without_its_key() {
    let key = key();
    let token = bound_source("bound", "jwt", &key).token().await.unwrap();
    let url: Url = format!("{}/jwt/stolen", SERVER.api).parse().unwrap();
    let secret = token.secret().expose_secret();

    let as_bearer = http_client().get(url.clone()).bearer_auth(secret).send().await.unwrap();
    assert_eq!(as_bearer.status(), 401);

    let thief = crate::clients::key();
    for (number, (key, expected)) in (0..).zip([(&thief, 401), (&thief, 401), (&key, 401), (&key, 200)]) {
        let seed = RequestSeed::new(SystemTime::now(), [number; 16]);
        let proof = key.proof(&Method::GET, &url, token.secret(), seed).await.unwrap();
        let call = http_client().get(url.clone()).header("authorization", token.header_value()).header("dpop", proof);
        let response = call.send().await.unwrap();
        assert_eq!(response.status(), expected);
        key.note_nonce(&url, response.headers());
    }
    let outcomes = ["invalid_token", NO_NONCE, "invalid_token, newest nonce", NO_NONCE, ACCEPTED];
    assert_eq!(SERVER.outcomes("/jwt/stolen").await, outcomes);
}
