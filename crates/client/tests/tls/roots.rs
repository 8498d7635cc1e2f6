//! A private authority by configuration, and the machine's own.

use std::env;
use std::process::{Command, Output};
use std::sync::Arc;

use credentials_grant::{Error, ErrorKind};
use credentials_grant_client::HttpTransport;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};
use tokio::task::spawn_blocking;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::version::{TLS12, TLS13};

use crate::server::{
    Certified, Server, answered, answered_with, authority, config, demanding, parameters, params, trusting,
};

#[tokio::test]
async fn a_private_authority_is_trusted_once_it_is_configured() {
    let trusted = authority("private");
    let certified = Certified::signed_by(&trusted, &params());
    let token = answered(config(&certified), &trusting(&trusted)).await.unwrap();
    assert_eq!(token.header_value(), "Bearer abc");
}

#[tokio::test]
async fn each_of_several_certificates_is_trusted_and_so_is_a_self_signed_one() {
    let (one, other, alone) = (authority("one"), authority("other"), Certified::self_signed(&params()));
    let pem = ["the first\n", &one.pem(), "the next\n", &other.pem(), &alone.certificate.pem()].concat();
    let transport = HttpTransport::new().unwrap().with_root_certificates(pem.as_bytes()).unwrap();
    for certified in [Certified::signed_by(&one, &params()), Certified::signed_by(&other, &params()), alone] {
        answered(config(&certified), &transport).await.unwrap();
    }
}

/// A self-signed certificate as `openssl req -x509` makes it: one of a CA.
fn as_openssl_makes_it(change: impl FnOnce(&mut CertificateParams)) -> Certified {
    let mut params = as_openssl_params();
    change(&mut params);
    Certified::self_signed(&params)
}

fn given(certified: &Certified) -> HttpTransport {
    HttpTransport::new().unwrap().with_root_certificates(certified.certificate.pem().as_bytes()).unwrap()
}

#[tokio::test]
async fn a_servers_own_certificate_is_trusted_if_it_is_given_exactly() {
    let openssls = as_openssl_makes_it(|_| {});
    let of_an_unknown_authority = Certified::signed_by(&authority("unknown"), &params());
    for certified in [&openssls, &of_an_unknown_authority] {
        let token = answered(config(certified), &given(certified)).await.unwrap();
        assert_eq!(token.header_value(), "Bearer abc");
    }
    let other = authority("other");
    let both = [other.pem(), openssls.certificate.pem()].concat();
    let transport = HttpTransport::new().unwrap().with_root_certificates(both.as_bytes()).unwrap();
    answered(config(&openssls), &transport).await.unwrap();
    let tls_1_2 = demanding(&openssls, &other, &TLS12);
    let client = Certified::signed_by(&other, &params()).pem();
    answered_with(&client, tls_1_2, &transport).await.unwrap();
}

#[tokio::test]
async fn a_servers_own_certificate_must_be_valid_and_for_its_name_also_if_it_is_given_exactly() {
    let (unknown, mut expired_leaf) = (authority("unknown"), params());
    expired_leaf.not_after = date_time_ymd(2020, 1, 1);
    let other_name = CertificateParams::new(["evil.example".to_owned()]).unwrap();
    let cases = [
        (as_openssl_makes_it(|params| params.not_after = date_time_ymd(2020, 1, 1)), "has expired"),
        (as_openssl_makes_it(|params| params.not_before = date_time_ymd(2200, 1, 1)), "is not valid yet"),
        (as_openssl_makes_it(|params| params.subject_alt_names = Vec::new()), "is for another name"),
        (as_openssl_makes_it(|params| params.subject_alt_names = other_name.subject_alt_names.clone()), "another name"),
        (Certified::signed_by(&unknown, &expired_leaf), "has expired"),
        (Certified::signed_by(&unknown, &other_name), "is for another name"),
    ];
    for (certified, words) in cases {
        let error = answered(config(&certified), &given(&certified)).await.unwrap_err();
        assert!(error.message().contains(words), "{words}: {error}");
    }
}

#[tokio::test]
async fn only_the_very_certificate_that_was_given_is_trusted_as_a_servers_own() {
    let one = as_openssl_makes_it(|_| {});
    let key = KeyPair::from_pem(&one.key.serialize_pem()).unwrap();
    let renewed = Certified { certificate: as_openssl_params().self_signed(&key).unwrap(), key, others: Vec::new() };
    let error = answered(config(&renewed), &given(&one)).await.unwrap_err();
    assert!(error.message().contains("is a CA certificate, not a server certificate"), "{error}");
    // An authority that is trusted signs no CA certificates for servers.
    let trusted = authority("trusted");
    let signed = Certified::signed_by(&trusted, &as_openssl_params());
    let error = answered(config(&signed), &trusting(&trusted)).await.unwrap_err();
    assert!(error.message().contains("is a CA certificate, not a server certificate"), "{error}");
    // The certificate is public: whoever shows it must have its key.
    let thief = KeyPair::generate().unwrap();
    let provider = Arc::new(default_provider());
    let key = provider.key_provider.load_private_key(PrivatePkcs8KeyDer::from(thief.serialize_der()).into()).unwrap();
    for versions in [&[&TLS12], &[&TLS13]] {
        let stolen = SingleCertAndKey::from(CertifiedKey::new(one.chain(), Arc::clone(&key)));
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions).unwrap();
        let config = builder.with_no_client_auth().with_cert_resolver(Arc::new(stolen));
        let error = answered(config, &given(&one)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
        assert!(error.message().contains("the certificate of 127.0.0.1"), "{error}");
    }
}

fn as_openssl_params() -> CertificateParams {
    let mut params = params();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

#[test]
fn what_is_no_certificate_is_refused_before_anything_is_sent() {
    let key = KeyPair::generate().unwrap().serialize_pem();
    let good = authority("private").pem();
    let cases = [
        ("nothing", String::new()),
        ("something else", "canary".to_owned()),
        ("a key", key),
        ("cut off", good[..good.len() / 2].to_owned()),
        ("no base64", good.replace("MII", "M*I")),
        ("no certificate inside", good.replacen("MII", "AAA", 1)),
    ];
    for (what, pem) in cases {
        let refused = HttpTransport::new().unwrap().with_root_certificates(pem.as_bytes());
        assert_configuration(&refused.unwrap_err(), "the CA certificates cannot be used", what);
    }
}

#[track_caller]
fn assert_configuration(error: &Error, message: &str, what: &str) {
    assert_eq!((error.kind(), error.message()), (ErrorKind::Configuration, message), "{what}");
    assert!(error.remedy().is_some_and(|remedy| remedy.contains("PEM")), "{what}: {error}");
    assert!(!format!("{error:?}").contains("canary"), "{what}: {error:?}");
}

/// Not a test of its own: what the others run on a machine of their choosing.
#[tokio::test]
#[ignore = "is run by other tests"]
async fn asks_the_url_that_it_is_given() {
    let mut transport = HttpTransport::new().unwrap();
    if let Ok(roots) = env::var("ROOTS") {
        transport = transport.with_root_certificates(roots.as_bytes()).unwrap();
    }
    match parameters(&env::var("TOKEN_URL").unwrap(), &transport).await {
        Ok(token) => println!("token: {}", token.header_value().to_str().unwrap()),
        Err(error) => println!("{}: {error}", error.kind().name()),
    }
}

/// What a program says that runs where these certificates are the machine's.
async fn on_a_machine_with(file: &str, environment: Vec<(&'static str, String)>) -> String {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "roots::asks_the_url_that_it_is_given", "--nocapture"]);
    command.env("SSL_CERT_FILE", file).env("SSL_CERT_DIR", "/nowhere").envs(environment);
    let Output { status, stdout, .. } = spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&stdout).into_owned();
    assert!(status.success(), "{said}");
    said
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_is_configured_is_trusted_instead_of_what_the_machine_trusts() {
    use std::io::Write as _;

    let (machines, configured) = (authority("the machine's"), authority("configured"));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(machines.pem().as_bytes()).unwrap();
    let path = file.path().to_str().unwrap();
    let cases =
        [(&machines, None, true), (&machines, Some(&configured), false), (&configured, Some(&configured), true)];
    for (signer, roots, is_trusted) in cases {
        let server = Server::start().await;
        let mut environment = vec![("TOKEN_URL", server.url())];
        environment.extend(roots.map(|roots| ("ROOTS", roots.pem())));
        let certified = Certified::signed_by(signer, &params());
        let (said, ()) = tokio::join!(on_a_machine_with(path, environment), server.serve(config(&certified)));
        assert_eq!(said.contains("token: Bearer abc"), is_trusted, "{said}");
        assert_eq!(said.contains("unreachable: acme: the certificate of 127.0.0.1"), !is_trusted, "{said}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_machine_without_certificates_says_so_where_they_are_needed() {
    let environment = vec![("TOKEN_URL", "https://127.0.0.1:9/token".to_owned())];
    let said = on_a_machine_with("/nowhere", environment).await;
    assert!(said.contains("configuration: acme: no CA certificate could be read from SSL_CERT_FILE"), "{said}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_variable_that_leads_to_no_ca_certificate_is_named_and_not_the_machine() {
    let (empty, key) = (tempfile::tempdir().unwrap(), tempfile::NamedTempFile::new().unwrap());
    std::fs::write(&key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let (empty, key) = (empty.path().to_str().unwrap(), key.path().to_str().unwrap());
    let cases = [
        (Some("/nowhere"), None, "SSL_CERT_FILE (/nowhere);"),
        (Some(key), None, &format!("SSL_CERT_FILE ({key});")),
        (Some(empty), None, &format!("SSL_CERT_FILE ({empty});")),
        (Some(""), None, "SSL_CERT_FILE, which is empty;"),
        (None, Some("/nowhere"), "SSL_CERT_DIR (/nowhere);"),
        (None, Some(empty), &format!("SSL_CERT_DIR ({empty});")),
        (Some("/nowhere"), Some(empty), &format!("SSL_CERT_FILE (/nowhere) and SSL_CERT_DIR ({empty});")),
    ];
    for (file, directory, words) in cases {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "roots::asks_the_url_that_it_is_given", "--nocapture"]);
        command.env("TOKEN_URL", "https://127.0.0.1:9/token").env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
        command.envs(file.map(|file| ("SSL_CERT_FILE", file)));
        command.envs(directory.map(|directory| ("SSL_CERT_DIR", directory)));
        let output = spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains(&format!("configuration: acme: no CA certificate could be read from {words}")), "{said}");
        assert!(said.contains("unset") && !said.contains("ca-certificates"), "{said}");
    }
}

#[tokio::test]
async fn tls_1_2_is_as_good_as_1_3() {
    let trusted = authority("private");
    let certified = Certified::signed_by(&trusted, &params());
    let with_certificate = Certified::signed_by(&trusted, &params()).pem();
    for version in [&TLS12, &TLS13] {
        let config = demanding(&certified, &trusted, version);
        answered_with(&with_certificate, config, &trusting(&trusted)).await.unwrap();
    }
}
