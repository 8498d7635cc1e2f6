//! Clients that are known by a certificate, and tokens that are bound to one (mutual TLS, RFC 8705).

use credentials_grant_oauth2::{ClientAuthentication, ClientCredentials, ErrorKind, OAuth2};

use crate::clients::{BY_AUTHORITY, Identity, SELF_SIGNED, key, with_secret};
use crate::server::{AUTHORITY, SERVER, authority, http_client_as, source, token, token_with};

fn known_by(identity: &Identity, id: &str) -> ClientCredentials {
    ClientCredentials::without_secret(id).with_certificate(identity.certificate())
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_certificate_proves_who_the_client_is_where_the_metadata_have_a_place_for_it() {
    // At the token endpoint itself, this server asks nobody for a certificate.
    for (id, identity) in [("by authority", &*BY_AUTHORITY), ("self-signed", &*SELF_SIGNED)] {
        let tenant = OAuth2::discover(SERVER.tenant.parse().unwrap());
        for provider in [SERVER.discovered(), SERVER.with(ClientAuthentication::TlsClientAuth), tenant] {
            token(provider, known_by(identity, id)).await.unwrap();
        }
        let there = OAuth2::at(format!("{}/token", SERVER.issuer).parse().unwrap());
        let there = there.with_client_authentication(ClientAuthentication::TlsClientAuth);
        let error = token(there, known_by(identity, id)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsRefused, "{error}");
    }
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_certificate_that_is_not_the_registered_one_is_refused() {
    let stranger = Identity::self_signed("client.example");
    // Of an authority with another name: where only the signature is wrong, Node resets the connection now and then.
    let imposter = Identity::signed_by(&authority("others"), "client.example");
    let namesake = Identity::signed_by(&AUTHORITY, "other.example");
    let cases = [
        ("by authority", &stranger),
        ("by authority", &imposter),
        ("by authority", &namesake),
        ("by authority", &*SELF_SIGNED),
        ("self-signed", &stranger),
        ("self-signed", &*BY_AUTHORITY),
    ];
    for (id, identity) in cases {
        let error = token(SERVER.discovered(), known_by(identity, id)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsRefused, "{id}: {error}");
    }
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_token_is_bound_to_the_certificate_whatever_else_proves_who_the_client_is() {
    let stranger = Identity::self_signed("client.example");
    for format in ["jwt", "opaque"] {
        let credentials = with_secret("bound by certificate").with_certificate(SELF_SIGNED.certificate());
        let token = token_with(SERVER.discovered(), credentials, SERVER.ask_for(format)).await.unwrap();
        let url = format!("{}/{format}/certificates", SERVER.api);
        for (identity, expected) in [(Some(&*SELF_SIGNED), 200), (Some(&stranger), 401), (None, 401)] {
            let call = http_client_as(identity).get(&url).header("authorization", token.header_value());
            assert_eq!(call.send().await.unwrap().status(), expected, "{format}");
        }
    }
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_client_whose_tokens_must_be_bound_gets_none_without_a_certificate() {
    let error = token(SERVER.discovered(), with_secret("bound by certificate")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RequestRefused, "{error}");
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_proof_is_for_the_place_where_the_certificate_is_shown() {
    let (key, credentials) = (key(), known_by(&BY_AUTHORITY, "by authority"));
    let source = source(SERVER.discovered(), credentials, SERVER.ask_for("jwt").with_proof_key(key.clone()));
    let claims = SERVER.claims_seen(&source, "/jwt/certified-and-bound").await.unwrap();
    assert_eq!(claims["cnf"]["jkt"], key.thumbprint());
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn what_is_known_by_a_certificate_asks_about_its_tokens_and_gives_them_back_as_well() {
    let source = source(SERVER.discovered(), known_by(&SELF_SIGNED, "self-signed"), SERVER.ask_for("opaque"));
    let token = source.token().await.unwrap();
    assert!(source.introspect(token.secret()).await.unwrap().is_active());
    source.revoke(token.secret()).await.unwrap();
    assert!(!source.introspect(token.secret()).await.unwrap().is_active());
}
