//! Introspection (RFC 7662) and revocation (RFC 7009).

use std::time::Duration;

use credentials_grant_oauth2::{ErrorKind, ExposeSecret as _, OAuth2, SecretString, SigningAlgorithm};

use crate::clients::{key, with_secret, with_signer};
use crate::server::{SERVER, source};

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn introspection_returns_what_the_server_knows_about_a_token() {
    let key = key();
    let parameters = SERVER.parameters_for("opaque").with_proof_key(key.clone());
    for credentials in [with_secret("basic"), with_signer(SigningAlgorithm::Ps256)] {
        let source = source(SERVER.discovered(), credentials.clone(), parameters.clone());
        let token = source.token().await.unwrap();
        let introspection = source.introspect(token.secret()).await.unwrap();
        assert!(introspection.is_active());
        assert_eq!(introspection.client_id(), Some(credentials.client_id().unwrap()));
        assert_eq!(introspection.scopes(), ["read"]);
        assert_eq!(introspection.member("aud").unwrap(), &format!("{}/opaque", SERVER.api));
        assert_eq!(introspection.member("cnf").unwrap()["jkt"], key.thumbprint());
        let difference = introspection.expires_at().unwrap().duration_since(token.expires_at());
        assert!(difference.unwrap_or_else(|error| error.duration()) < Duration::from_secs(60));
    }
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_revoked_token_is_not_used_again() {
    let source = source(SERVER.discovered(), with_secret("revoked"), SERVER.parameters_for("opaque"));
    SERVER.claims_seen(&source, "/opaque/revoked").await.unwrap();
    let token = source.token().await.unwrap();
    source.revoke_current().await.unwrap();
    assert!(!source.introspect(token.secret()).await.unwrap().is_active());
    SERVER.claims_seen(&source, "/opaque/revoked").await.unwrap();
    assert_eq!(SERVER.outcomes("/opaque/revoked").await, ["ok", "ok"]);
    assert_eq!(SERVER.outcomes("revoked").await, ["ok", "ok"]);
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_token_that_was_revoked_elsewhere_is_replaced_when_the_api_rejects_it() {
    let parameters = || SERVER.parameters_for("opaque");
    let cases = [
        ("revoked elsewhere", "/opaque/revoked-elsewhere", parameters(), ["invalid_token", "ok"]),
        (
            "revoked elsewhere and bound",
            "/opaque/revoked-elsewhere-and-bound",
            parameters().with_proof_key(key()),
            ["invalid_token, newest nonce", "ok, newest nonce"],
        ),
    ];
    for (id, path, victim_parameters, outcomes) in cases {
        let victim = source(SERVER.discovered(), with_secret(id), victim_parameters);
        SERVER.claims_seen(&victim, path).await.unwrap();
        let before = SERVER.outcomes(path).await.len();
        let other = source(SERVER.discovered(), with_secret(id), parameters());
        other.revoke(victim.token().await.unwrap().secret()).await.unwrap();
        SERVER.claims_seen(&victim, path).await.unwrap();
        assert_eq!(SERVER.outcomes(path).await[before..], outcomes, "{id}");
    }
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn an_unknown_token_is_not_active_and_revoking_it_succeeds() {
    let source = source(SERVER.discovered(), with_secret("basic"), SERVER.parameters_for("opaque"));
    let unknown = SecretString::from("canary");
    assert!(!source.introspect(&unknown).await.unwrap().is_active());
    source.revoke(&unknown).await.unwrap();
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_refused_operation_shows_no_token() {
    let jwts = source(SERVER.discovered(), with_secret("basic"), SERVER.parameters_for("jwt"));
    let others = source(SERVER.discovered(), with_secret("detailed"), SERVER.parameters_for("opaque"));
    let jwt = jwts.token().await.unwrap();
    let opaque = others.token().await.unwrap();
    let refusals = [
        (jwts.introspect(jwt.secret()).await.map(drop), "unsupported_token_type", &jwt),
        (jwts.revoke(jwt.secret()).await, "unsupported_token_type", &jwt),
        // RFC 7009 section 2.1: the token belongs to another client.
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
async fn introspection_needs_discovery() {
    let at = OAuth2::at(format!("{}/token", SERVER.issuer).parse().unwrap());
    let source = source(at, with_secret("basic"), SERVER.parameters_for("opaque"));
    let token = source.token().await.unwrap();
    let error = source.introspect(token.secret()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
}
