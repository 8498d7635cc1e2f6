//! What becomes of a token: asking about it (RFC 7662), and having it taken back (RFC 7009).

use std::time::Duration;

use credentials_grant_oauth2::{ErrorKind, ExposeSecret as _, OAuth2, SecretString, SigningAlgorithm};

use crate::clients::{key, signing_by, with_secret};
use crate::server::{SERVER, source};

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn the_server_says_what_it_knows_of_a_token() {
    let key = key();
    let parameters = SERVER.ask_for("opaque").with_proof_key(key.clone());
    for credentials in [with_secret("basic"), signing_by(SigningAlgorithm::Ps256)] {
        let source = source(SERVER.discovered(), credentials.clone(), parameters.clone());
        let token = source.token().await.unwrap();
        let said = source.introspect(token.secret()).await.unwrap();
        assert!(said.is_active());
        assert_eq!(said.client_id(), Some(credentials.client_id().unwrap()));
        assert_eq!(said.scopes(), ["read"]);
        assert_eq!(said.member("aud").unwrap(), &format!("{}/opaque", SERVER.api));
        assert_eq!(said.member("cnf").unwrap()["jkt"], key.thumbprint());
        let apart = said.expires_at().unwrap().duration_since(token.expires_at());
        assert!(apart.unwrap_or_else(|error| error.duration()) < Duration::from_secs(60));
    }
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_token_that_is_taken_back_is_used_no_more() {
    let source = source(SERVER.discovered(), with_secret("revoked"), SERVER.ask_for("opaque"));
    SERVER.claims_seen(&source, "/opaque/revoked").await.unwrap();
    let token = source.token().await.unwrap();
    source.revoke_current().await.unwrap();
    assert!(!source.introspect(token.secret()).await.unwrap().is_active());
    SERVER.claims_seen(&source, "/opaque/revoked").await.unwrap();
    assert_eq!(SERVER.asked("/opaque/revoked").await, ["ok", "ok"]);
    assert_eq!(SERVER.asked("revoked").await, ["ok", "ok"]);
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_token_that_somebody_else_has_taken_back_is_replaced_when_the_api_rejects_it() {
    let parameters = || SERVER.ask_for("opaque");
    let cases = [
        ("robbed", "/opaque/robbed", parameters(), ["invalid_token", "ok"]),
        (
            "robbed and bound",
            "/opaque/robbed-and-bound",
            parameters().with_proof_key(key()),
            ["invalid_token, newest nonce", "ok, newest nonce"],
        ),
    ];
    for (id, path, what, outcomes) in cases {
        let victim = source(SERVER.discovered(), with_secret(id), what);
        SERVER.claims_seen(&victim, path).await.unwrap();
        let before = SERVER.asked(path).await.len();
        let other = source(SERVER.discovered(), with_secret(id), parameters());
        other.revoke(victim.token().await.unwrap().secret()).await.unwrap();
        SERVER.claims_seen(&victim, path).await.unwrap();
        assert_eq!(SERVER.asked(path).await[before..], outcomes, "{id}");
    }
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_token_that_nobody_knows_is_not_active_and_is_taken_back_all_the_same() {
    let source = source(SERVER.discovered(), with_secret("basic"), SERVER.ask_for("opaque"));
    let unknown = SecretString::from("canary");
    assert!(!source.introspect(&unknown).await.unwrap().is_active());
    source.revoke(&unknown).await.unwrap();
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn what_the_server_does_not_do_is_a_refusal_that_shows_no_token() {
    let jwts = source(SERVER.discovered(), with_secret("basic"), SERVER.ask_for("jwt"));
    let others = source(SERVER.discovered(), with_secret("detailed"), SERVER.ask_for("opaque"));
    let jwt = jwts.token().await.unwrap();
    let opaque = others.token().await.unwrap();
    let refusals = [
        (jwts.introspect(jwt.secret()).await.map(drop), "unsupported_token_type", &jwt),
        (jwts.revoke(jwt.secret()).await, "unsupported_token_type", &jwt),
        // Section 2.1 of RFC 7009: a token of another client.
        (jwts.revoke(opaque.secret()).await, "invalid_request", &opaque),
    ];
    for (refusal, code, token) in refusals {
        let error = refusal.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RequestRefused, "{error}");
        assert_eq!(error.oauth().unwrap().code.as_deref(), Some(code), "{error}");
        assert!(!format!("{error:?}").contains(token.secret().expose_secret()));
    }
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn where_to_ask_about_a_token_is_known_from_the_metadata_alone() {
    let at = OAuth2::at(format!("{}/token", SERVER.issuer).parse().unwrap());
    let source = source(at, with_secret("basic"), SERVER.ask_for("opaque"));
    let token = source.token().await.unwrap();
    let error = source.introspect(token.secret()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
}
