//! Mutual TLS (RFC 8705): the certificate by which a client is known.

use credentials_grant::{Error, ErrorKind, Retry, SecretString};
use credentials_grant_client::HttpTransport;
use rcgen::KeyPair;
use tokio_rustls::rustls::version::{TLS12, TLS13};

use crate::server::{Certified, answered, authority, config, demanding, params, trusting};

#[tokio::test]
async fn a_server_that_demands_a_certificate_gets_it() {
    let (authority, clients) = (authority("servers"), authority("clients"));
    let server = Certified::signed_by(&authority, &params());
    let client = Certified::signed_by(&clients, &params());
    for pem in [client.pem(), client.key.serialize_pem() + &client.certificate.pem()] {
        let transport = trusting(&authority).with_client_certificate(&pem.into()).unwrap();
        for version in [&TLS12, &TLS13] {
            let token = answered(demanding(&server, &clients, version), &transport).await.unwrap();
            assert_eq!(token.authorization(), "Bearer abc");
        }
        answered(config(&server), &transport).await.expect("who does not ask for it does not mind");
    }
}

#[tokio::test]
async fn a_server_that_does_not_know_the_certificate_refuses_the_client() {
    let (authority, clients) = (authority("servers"), authority("clients"));
    let server = Certified::signed_by(&authority, &params());
    let unknown = Certified::signed_by(&authority, &params()).pem().into();
    let transports = [trusting(&authority), trusting(&authority).with_client_certificate(&unknown).unwrap()];
    for transport in transports {
        for version in [&TLS12, &TLS13] {
            let error = answered(demanding(&server, &clients, version), &transport).await.unwrap_err();
            assert_eq!((error.kind(), error.retry()), (ErrorKind::CredentialsRefused, Retry::Never), "{error}");
            assert_eq!(error.message(), "127.0.0.1 wants a client certificate that it knows, and got another or none");
        }
    }
}

#[tokio::test]
async fn roots_and_certificate_are_configured_in_any_order() {
    let authority = authority("private");
    let server = Certified::signed_by(&authority, &params());
    let client = Certified::signed_by(&authority, &params()).pem().into();
    let transport = HttpTransport::new().unwrap().with_client_certificate(&client).unwrap();
    let transport = transport.with_root_certificates(authority.pem().as_bytes()).unwrap();
    answered(demanding(&server, &authority, &TLS13), &transport).await.unwrap();
}

#[test]
fn what_is_no_certificate_with_its_key_is_refused_before_anything_is_sent() {
    let authority = authority("private");
    let client = Certified::signed_by(&authority, &params());
    let stranger = KeyPair::generate().unwrap().serialize_pem();
    let cases = [
        ("nothing", String::new()),
        ("something else", "canary".to_owned()),
        ("no key", client.certificate.pem()),
        ("no certificate", client.key.serialize_pem()),
        ("the key of another", client.certificate.pem() + &stranger),
        ("a key that is cut off", client.pem().replace("-----END PRIVATE KEY-----", "")),
    ];
    for (what, pem) in cases {
        let refused = trusting(&authority).with_client_certificate(&SecretString::from(pem.clone()));
        assert_refused(&refused.unwrap_err(), &pem, what);
    }
}

#[track_caller]
fn assert_refused(error: &Error, pem: &str, what: &str) {
    assert_eq!(error.kind(), ErrorKind::Configuration, "{what}: {error}");
    assert_eq!(error.message(), "the client certificate cannot be used", "{what}");
    assert!(error.remedy().is_some_and(|remedy| remedy.contains("PEM")), "{what}: {error}");
    for line in pem.lines().filter(|line| !line.is_empty() && !line.starts_with("-----")) {
        assert!(!format!("{error:?}").contains(line), "{what}: {error:?}");
    }
}
