//! TLS to the servers: it trusts the CA certificates that the HTTP transport trusts, unless told others.

use std::io;
use std::sync::Arc;

use credentials_grant::{ClientCertificate, Error, ErrorKind, ExposeSecret};
use rustls::client::WantsClientCert;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How to connect by TLS.
#[derive(Debug)]
pub(crate) struct Tls {
    /// The CA certificates to trust instead of the system's.
    roots: Option<Arc<RootCertStore>>,
    certificate: Option<ClientCertificate>,
    config: OnceCell<Arc<ClientConfig>>,
}

impl Tls {
    pub(crate) fn new(roots: Option<RootCertStore>, certificate: Option<ClientCertificate>) -> Result<Self, Error> {
        let tls = Self { roots: roots.map(Arc::new), certificate, config: OnceCell::new() };
        // What the program was given is checked now, and what the system has when it is needed.
        match &tls.certificate {
            Some(certificate) => present(trusting(RootCertStore::empty().into())?, Some(certificate)).map(|_| tls),
            None => Ok(tls),
        }
    }

    /// Makes a handshake with the server of this name.
    pub(crate) async fn connect(&self, host: &str, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let config = self.config.get_or_try_init(|| self.read_config()).await?;
        TlsConnector::from(Arc::clone(config)).connect(name, stream).await
    }

    async fn read_config(&self) -> io::Result<Arc<ClientConfig>> {
        let (roots, certificate) = (self.roots.clone(), self.certificate.clone());
        // The system's CA certificates are files, and it takes a while to read them.
        let config = spawn_blocking(move || {
            let config = match roots {
                Some(roots) => trusting(roots)?,
                None => builder()?.with_platform_verifier().map_err(unusable)?,
            };
            present(config, certificate.as_ref())
        });
        Ok(Arc::new(config.await?.map_err(io::Error::other)?))
    }
}

/// Reads CA certificates from PEM.
pub(crate) fn roots(pem: &[u8]) -> Result<RootCertStore, Error> {
    let refused = || {
        Error::new(ErrorKind::Configuration, "the CA certificates cannot be used")
            .with_remedy("use PEM: blocks that begin with -----BEGIN CERTIFICATE-----")
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|source| refused().with_source(source))?;
        roots.add(certificate).map_err(|source| refused().with_source(source))?;
    }
    if roots.is_empty() { Err(refused()) } else { Ok(roots) }
}

/// Uses the process's cryptography if it has chosen one.
fn builder() -> Result<ConfigBuilder<ClientConfig, rustls::WantsVerifier>, Error> {
    let provider = CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()));
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(unusable)
}

fn trusting(roots: Arc<RootCertStore>) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, Error> {
    Ok(builder()?.with_root_certificates(roots))
}

fn present(
    config: ConfigBuilder<ClientConfig, WantsClientCert>,
    certificate: Option<&ClientCertificate>,
) -> Result<ClientConfig, Error> {
    let Some(certificate) = certificate else { return Ok(config.with_no_client_auth()) };
    let refused = || {
        Error::new(ErrorKind::Configuration, "the client certificate cannot be used")
            .with_remedy("use the certificate and its private key, both in PEM, one after the other")
    };
    let pem = certificate.pem().expose_secret().as_bytes();
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|_| refused())?;
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| refused())?;
    config.with_client_auth_cert(chain, key).map_err(|source| refused().with_source(source))
}

fn unusable(source: rustls::Error) -> Error {
    Error::new(ErrorKind::Configuration, "TLS cannot be used")
        .with_remedy("install the system's CA certificates, or pass some by `with_root_certificates`")
        .with_source(source)
}
