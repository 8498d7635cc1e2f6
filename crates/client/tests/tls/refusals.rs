//! Servers that are not trusted, or with which there is no safe TLS: which, and what to do.

use std::error::Error as _;
use std::time::Duration;

use credentials_grant::{Error, ErrorKind, Retry};
use credentials_grant_client::HttpTransport;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use crate::server::{
    Certified, Server, answered, authority, config, drain, parameters, params, read_request, trusting,
};

#[track_caller]
fn assert_unreachable(error: &Error, message: &str, remedy: &str, what: &str) {
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unreachable, Retry::Soon), "{what}: {error}");
    assert_eq!(error.message(), message, "{what}");
    assert!(error.remedy().is_some_and(|words| words.contains(remedy)), "{what}: {error}");
    assert!(error.source().is_some(), "{what}: the cause is there for whoever wants to know more");
}

#[tokio::test]
async fn a_certificate_that_is_not_acceptable_is_refused_and_the_message_says_why() {
    let (trusted, unknown, imitator) = (authority("trusted"), authority("unknown"), authority("trusted"));
    let with = |change: fn(&mut CertificateParams)| {
        let mut params = params();
        change(&mut params);
        params
    };
    let expired = with(|params| params.not_after = date_time_ymd(2020, 1, 1));
    let early = with(|params| params.not_before = date_time_ymd(2200, 1, 1));
    let for_clients = with(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    let as_authority = with(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let other_name = CertificateParams::new(["evil.example".to_owned()]).unwrap();
    let nameless = CertificateParams::new([]).unwrap();
    let cases = [
        ("expired", Certified::signed_by(&trusted, &expired), "has expired, by this machine's clock", "clock"),
        ("early", Certified::signed_by(&trusted, &early), "is not valid yet, by this machine's clock", "clock"),
        (
            "of another host",
            Certified::signed_by(&trusted, &other_name),
            "is for another name",
            "host in the token URL",
        ),
        ("of no host", Certified::signed_by(&trusted, &nameless), "is for another name", "host in the token URL"),
        ("for clients", Certified::signed_by(&trusted, &for_clients), "is not acceptable", "show the vendor"),
        (
            "of an unknown authority",
            Certified::signed_by(&unknown, &params()),
            NO_INTERMEDIATE,
            "send the intermediate certificates",
        ),
        (
            "of an unknown authority, sent with it",
            Certified::signed_by(&unknown, &params()).sent_with(unknown.der()),
            NOT_TRUSTED,
            "with_root_certificates",
        ),
        (
            "of an authority that bears the name",
            Certified::signed_by(&imitator, &params()),
            NOT_TRUSTED,
            "in the vendor's place",
        ),
        ("self-signed", Certified::self_signed(&params()), NOT_TRUSTED, "with_root_certificates"),
        (
            "self-signed as openssl does it",
            Certified::self_signed(&as_authority),
            AN_AUTHORITYS,
            "ask for a server certificate",
        ),
    ];
    let transport = trusting(&trusted);
    for (what, certified, why, remedy) in cases {
        let error = answered(config(&certified), &transport).await.unwrap_err();
        assert_unreachable(&error, &format!("the certificate of 127.0.0.1 {why}"), remedy, what);
    }
}

const NOT_TRUSTED: &str = "is not signed by a trusted CA: it is self-signed, or its CA is private or unknown";
const NO_INTERMEDIATE: &str = "is not signed by a trusted CA, and the server sent no intermediate certificate with it";
const AN_AUTHORITYS: &str = "is a CA certificate, not a server certificate, as self-signed ones often are";

#[tokio::test]
async fn the_machine_does_not_trust_whom_nobody_knows() {
    let certified = Certified::signed_by(&authority("private"), &params());
    let error = answered(config(&certified), &HttpTransport::new().unwrap()).await.unwrap_err();
    assert_unreachable(
        &error,
        &format!("the certificate of 127.0.0.1 {NO_INTERMEDIATE}"),
        "add it to the system's",
        "",
    );
}

/// A `ServerHello` that agrees to this version and to `TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA`, as older servers answer.
fn server_hello(version: [u8; 2]) -> Vec<u8> {
    let hello = [&version[..], &[7; 32], &[0, 0xc0, 0x13, 0]].concat();
    let length = u8::try_from(hello.len()).unwrap();
    [&[22], &version[..], &[0, length + 4, 2, 0, 0, length], &hello].concat()
}

#[tokio::test]
async fn what_is_no_safe_tls_is_told_from_what_is_none_at_all() {
    let (old, newer) = ("127.0.0.1 supports no TLS newer than 1.1, which is not secure", "TLS 1.2 or 1.3");
    let (none, port) = ("127.0.0.1 does not speak TLS on this port", "port");
    let hung_up = "127.0.0.1 closed the connection during the TLS handshake";
    let (nothing_in_common, ciphers) = ("127.0.0.1 and this client have no way of TLS in common", "ECDHE and AES-GCM");
    let other_name = "the server at the address of 127.0.0.1 does not serve this name";
    let alpn = "127.0.0.1 does not offer HTTP/1.1, but HTTP/2 alone or another protocol (ALPN)";
    let cases = [
        ("SSL 3.0", server_hello([3, 0]), old, newer),
        ("TLS 1.0", server_hello([3, 1]), old, newer),
        ("TLS 1.1", server_hello([3, 2]), old, newer),
        ("an alert about the version", b"\x15\x03\x01\x00\x02\x02\x46".to_vec(), old, newer),
        ("plain HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), none, port),
        ("SSH", b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(), none, port),
        ("an alert about the ciphers", b"\x15\x03\x01\x00\x02\x02\x28".to_vec(), nothing_in_common, ciphers),
        ("an alert about their strength", b"\x15\x03\x03\x00\x02\x02\x47".to_vec(), nothing_in_common, ciphers),
        ("an alert about the name", b"\x15\x03\x03\x00\x02\x02\x70".to_vec(), other_name, "/etc/hosts"),
        ("an alert about the protocol", b"\x15\x03\x03\x00\x02\x02\x78".to_vec(), alpn, "offer http/1.1"),
        ("a decode error", b"\x15\x03\x03\x00\x02\x02\x32".to_vec(), "TLS with 127.0.0.1 failed", "network"),
        ("nothing", vec![], hung_up, "network"),
    ];
    for (what, answer, message, remedy) in cases {
        let server = Server::start().await;
        let url = server.url();
        let serving = async {
            let mut socket = server.connection().await;
            socket.read_u8().await.unwrap();
            socket.write_all(&answer).await.unwrap();
            drain(socket).await;
        };
        let transport = trusting(&authority("private"));
        let (outcome, ()) = tokio::join!(parameters(&url, &transport), serving);
        assert_unreachable(&outcome.unwrap_err(), message, remedy, what);
    }
}

#[tokio::test]
async fn a_handshake_that_hangs_is_given_up_on() {
    // The system accepts, and nobody ever reads.
    let server = Server::start().await;
    let transport = HttpTransport::new().unwrap().with_timeout(Duration::from_millis(200));
    let error = parameters(&server.url(), &transport).await.unwrap_err();
    assert_unreachable(&error, "127.0.0.1 did not answer in time", "network", "a handshake that hangs");
}

#[tokio::test]
async fn an_answer_that_somebody_may_have_cut_short_is_not_taken_for_whole() {
    let trusted = authority("private");
    let certified = Certified::signed_by(&trusted, &params());
    for says_goodbye in [true, false] {
        let server = Server::start().await;
        let url = server.url();
        let serving = async {
            let acceptor = TlsAcceptor::from(std::sync::Arc::new(config(&certified)));
            let mut stream = acceptor.accept(server.connection().await).await.unwrap();
            assert!(read_request(&mut stream).await);
            // It ends where the connection does.
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"access_token\":\"abc\"}").await.unwrap();
            if says_goodbye {
                stream.shutdown().await.unwrap();
            }
            drain(stream.into_inner().0).await;
        };
        let transport = trusting(&trusted);
        let (outcome, ()) = tokio::join!(parameters(&url, &transport), serving);
        match outcome {
            Ok(token) => assert_eq!((token.header_value().to_str().unwrap(), says_goodbye), ("Bearer abc", true)),
            Err(error) => {
                assert!(!says_goodbye, "{error}");
                assert_unreachable(&error, "the connection to 127.0.0.1 broke", "network", "cut short");
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_speaks_http_2_alone_is_named_so() {
    let trusted = authority("private");
    let mut config = config(&Certified::signed_by(&trusted, &params()));
    config.alpn_protocols = vec![b"h2".to_vec()];
    let error = answered(config, &trusting(&trusted)).await.unwrap_err();
    let message = "127.0.0.1 does not offer HTTP/1.1, but HTTP/2 alone or another protocol (ALPN)";
    assert_unreachable(&error, message, "ask the vendor to offer http/1.1", "h2 alone");
}

#[tokio::test]
async fn a_missing_intermediate_certificate_is_named_as_the_cause() {
    let root = authority("root");
    let mut params_of_intermediate = CertificateParams::new([]).unwrap();
    params_of_intermediate.distinguished_name.push(DnType::CommonName, "intermediate");
    params_of_intermediate.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let intermediate = CertifiedIssuer::signed_by(params_of_intermediate, KeyPair::generate().unwrap(), &root).unwrap();
    let alone = Certified::signed_by(&intermediate, &params());
    let error = answered(config(&alone), &trusting(&root)).await.unwrap_err();
    let message = format!("the certificate of 127.0.0.1 {NO_INTERMEDIATE}");
    assert_unreachable(&error, &message, "the vendor has to send the intermediate certificates", "leaf alone");
    let whole = Certified::signed_by(&intermediate, &params()).sent_with(intermediate.der());
    answered(config(&whole), &trusting(&root)).await.unwrap();
}
