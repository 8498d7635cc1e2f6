//! Clients that authenticate with a certificate, and tokens that are bound to one (mutual TLS, RFC 8705).

use credentials_grant_oauth2::{ClientAuthentication, ClientCredentials, ErrorKind, OAuth2};

use crate::clients::{BY_AUTHORITY, Identity, SELF_SIGNED, key, with_secret};
use crate::server::{AUTHORITY, SERVER, authority, http_client_as, source, token, token_with};

fn with_certificate(identity: &Identity, id: &str) -> ClientCredentials {
    ClientCredentials::without_secret(id).with_certificate(identity.certificate())
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_certificate_authenticates_the_client_at_the_endpoint_for_mutual_tls() {
    // At the plain token endpoint, this server does not ask for a certificate.
    for (id, identity) in [("by authority", &*BY_AUTHORITY), ("self-signed", &*SELF_SIGNED)] {
        let tenant = OAuth2::discover(SERVER.tenant.parse().unwrap());
        for provider in [SERVER.discovered(), SERVER.with(ClientAuthentication::TlsClientAuth), tenant] {
            token(provider, with_certificate(identity, id)).await.unwrap();
        }
        let plain = OAuth2::at(format!("{}/token", SERVER.issuer).parse().unwrap());
        let plain = plain.with_client_authentication(ClientAuthentication::TlsClientAuth);
        let error = token(plain, with_certificate(identity, id)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsRefused, "{error}");
    }
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_certificate_that_is_not_the_registered_one_is_refused() {
    let stranger = Identity::self_signed("client.example");
    // The authority has another name, because Node sometimes resets the connection if only the signature is wrong.
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
        let error = token(SERVER.discovered(), with_certificate(identity, id)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsRefused, "{id}: {error}");
    }
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_token_is_bound_to_the_certificate_even_if_the_client_authenticates_with_a_secret() {
    let stranger = Identity::self_signed("client.example");
    for format in ["jwt", "opaque"] {
        let credentials = with_secret("bound by certificate").with_certificate(SELF_SIGNED.certificate());
        let token = token_with(SERVER.discovered(), credentials, SERVER.parameters_for(format)).await.unwrap();
        let url = format!("{}/{format}/certificates", SERVER.api);
        for (identity, expected) in [(Some(&*SELF_SIGNED), 200), (Some(&stranger), 401), (None, 401)] {
            let call = http_client_as(identity).get(&url).header("authorization", token.header_value());
            assert_eq!(call.send().await.unwrap().status(), expected, "{format}");
        }
    }
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_client_whose_tokens_must_be_bound_is_refused_without_a_certificate() {
    let error = token(SERVER.discovered(), with_secret("bound by certificate")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RequestRefused, "{error}");
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_proof_is_for_the_endpoint_for_mutual_tls() {
    let (key, credentials) = (key(), with_certificate(&BY_AUTHORITY, "by authority"));
    let source = source(SERVER.discovered(), credentials, SERVER.parameters_for("jwt").with_proof_key(key.clone()));
    let claims = SERVER.claims_seen(&source, "/jwt/certified-and-bound").await.unwrap();
    assert_eq!(claims["cnf"]["jkt"], key.thumbprint());
}

#[tokio::test]
#[ignore = "needs Node: crates/certified/README.md"]
async fn a_client_with_a_certificate_can_introspect_and_revoke_its_tokens() {
    let source =
        source(SERVER.discovered(), with_certificate(&SELF_SIGNED, "self-signed"), SERVER.parameters_for("opaque"));
    let token = source.token().await.unwrap();
    assert!(source.introspect(token.secret()).await.unwrap().is_active());
    source.revoke(token.secret()).await.unwrap();
    assert!(!source.introspect(token.secret()).await.unwrap().is_active());
}
