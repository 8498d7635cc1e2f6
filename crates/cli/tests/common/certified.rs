//! Authorities of a test's own, and servers that they vouch for.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{ALL_VERSIONS, RootCertStore, ServerConfig};

pub(crate) type Authority = CertifiedIssuer<'static, KeyPair>;

/// An authority with this name.
pub(crate) fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// What a server with this name, or at this address, needs.
pub(crate) fn params(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).unwrap()
}

/// How a server sets up TLS that this authority vouches for.
pub(crate) fn vouched_for_by(authority: &Authority, params: &CertificateParams) -> ServerConfig {
    config(authority, params, None)
}

/// The same, for a server that lets in only clients that the authority vouches for as well.
pub(crate) fn demanding(authority: &Authority, params: &CertificateParams) -> ServerConfig {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider()));
    config(authority, params, Some(verifier.build().unwrap()))
}

/// A client's certificate and its key, as PEM.
pub(crate) fn client(authority: &Authority) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    (params("client").signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
}

fn config(
    authority: &Authority,
    params: &CertificateParams,
    clients: Option<Arc<dyn ClientCertVerifier>>,
) -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_protocol_versions(ALL_VERSIONS).unwrap();
    let builder = match clients {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    builder.with_single_cert(vec![certificate.der().clone()], key).unwrap()
}
