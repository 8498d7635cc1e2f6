//! Mutual TLS (RFC 8705): the certificate by which a client is known.

use credentials_grant::{ClientCertificate, ClientCredentials, Error, ErrorKind, Retry};
use rcgen::KeyPair;
use tokio_rustls::rustls::version::{TLS12, TLS13};

use crate::server::{Certified, answered, answered_with, ask_by, authority, config, demanding, params, trusting};

#[tokio::test]
async fn a_server_that_demands_a_certificate_gets_it() {
    let (authority, clients) = (authority("servers"), authority("clients"));
    let server = Certified::signed_by(&authority, &params());
    let client = Certified::signed_by(&clients, &params());
    let transport = trusting(&authority);
    for pem in [client.pem(), client.key.serialize_pem() + &client.certificate.pem()] {
        for version in [&TLS12, &TLS13] {
            let token = answered_with(&pem, demanding(&server, &clients, version), &transport).await.unwrap();
            assert_eq!(token.header_value(), "Bearer abc");
        }
        answered_with(&pem, config(&server), &transport).await.expect("who does not ask for it does not mind");
    }
}

#[tokio::test]
async fn a_server_that_does_not_know_the_certificate_refuses_the_client() {
    let (authority, clients) = (authority("servers"), authority("clients"));
    let server = Certified::signed_by(&authority, &params());
    let unknown = Certified::signed_by(&authority, &params()).pem();
    let transport = trusting(&authority);
    for version in [&TLS12, &TLS13] {
        for outcome in [
            answered(demanding(&server, &clients, version), &transport).await,
            answered_with(&unknown, demanding(&server, &clients, version), &transport).await,
        ] {
            let error = outcome.unwrap_err();
            assert_eq!((error.kind(), error.retry()), (ErrorKind::CredentialsRefused, Retry::Never), "{error}");
            assert_eq!(error.message(), "127.0.0.1 requires a client certificate, and received none that it accepts");
        }
    }
}

#[tokio::test]
async fn each_client_of_one_transport_shows_its_own_certificate() {
    let (authority, ours, theirs) = (authority("servers"), authority("ours"), authority("theirs"));
    let server = Certified::signed_by(&authority, &params());
    let client = Certified::signed_by(&ours, &params()).pem();
    let transport = trusting(&authority);
    answered_with(&client, demanding(&server, &ours, &TLS13), &transport).await.unwrap();
    answered(demanding(&server, &ours, &TLS13), &transport).await.expect_err("who has none shows none");
    let other = Certified::signed_by(&theirs, &params()).pem();
    answered_with(&other, demanding(&server, &ours, &TLS13), &transport).await.expect_err("and not another's");
    answered_with(&other, demanding(&server, &theirs, &TLS13), &transport).await.unwrap();
    answered_with(&client, demanding(&server, &ours, &TLS13), &transport).await.unwrap();
}

#[tokio::test]
async fn whom_a_transport_trusts_holds_for_connections_with_a_certificate_too() {
    let (authority, other, clients) = (authority("ours"), authority("other"), authority("clients"));
    let server = Certified::signed_by(&authority, &params());
    let client = Certified::signed_by(&clients, &params()).pem();
    let transport = trusting(&authority);
    answered_with(&client, demanding(&server, &clients, &TLS13), &transport).await.unwrap();
    let elsewhere = transport.clone().with_root_certificates(other.pem().as_bytes()).unwrap();
    let error = answered_with(&client, demanding(&server, &clients, &TLS13), &elsewhere).await.unwrap_err();
    assert!(error.message().contains("not signed by a trusted CA"), "{error}");
    answered_with(&client, demanding(&server, &clients, &TLS13), &transport).await.unwrap();
}

#[tokio::test]
async fn what_is_no_certificate_with_its_key_is_refused_before_anything_is_sent() {
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
        // Nobody listens there: whoever got so far would say that there is no connection.
        let credentials = ClientCredentials::new("id", "canary").with_certificate(ClientCertificate::from_pem(&*pem));
        let refused = ask_by(&credentials, "https://127.0.0.1:9/token", &trusting(&authority)).await;
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
