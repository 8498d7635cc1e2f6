//! A TLS handshake as the client makes it, which also keeps the server's certificate.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use credentials_grant::{ClientCertificate, ExposeSecret, SecretString};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, OtherError, ProtocolVersion, RootCertStore, SignatureScheme,
};

use super::certificate::Certificate;

/// The trusted CAs and the cryptography.
#[derive(Debug)]
pub(super) struct Tls {
    provider: Arc<CryptoProvider>,
    trust: Arc<dyn ServerCertVerifier>,
}

/// The outcome of a handshake, and the server's certificate if it got that far.
pub(super) struct Handshake {
    pub(super) outcome: io::Result<&'static str>,
    pub(super) certificate: Option<Certificate>,
}

impl Tls {
    /// Trusts these CA certificates, or else the system's, as the transport does.
    pub(super) fn new(root_certificates: Option<&SecretString>) -> Result<Self, Error> {
        let provider = Arc::new(default_provider());
        let trust: Arc<dyn ServerCertVerifier> = match root_certificates {
            None => Arc::new(Verifier::new(Arc::clone(&provider))?),
            Some(pem) => {
                let mut roots = RootCertStore::empty();
                for certificate in CertificateDer::pem_slice_iter(pem.expose_secret().as_bytes()).flatten() {
                    roots.add(certificate)?;
                }
                let trust = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
                trust.build().map_err(|error| Error::Other(OtherError(Arc::new(error))))?
            }
        };
        Ok(Self { provider, trust })
    }

    /// Makes a handshake with the server of this name, and closes the connection.
    pub(super) async fn shake_hands(
        &self,
        host: &str,
        socket: impl AsyncRead + AsyncWrite + Unpin,
        certificate: Option<&ClientCertificate>,
    ) -> Handshake {
        let seen = Arc::new(Seen { trust: Arc::clone(&self.trust), certificate: Mutex::default() });
        let outcome = self.connect(host, socket, certificate, Arc::clone(&seen)).await;
        let certificate = seen.certificate.lock().unwrap_or_else(PoisonError::into_inner).take();
        Handshake { outcome, certificate }
    }

    async fn connect(
        &self,
        host: &str,
        socket: impl AsyncRead + AsyncWrite + Unpin,
        certificate: Option<&ClientCertificate>,
        seen: Arc<Seen>,
    ) -> io::Result<&'static str> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let config = self.config(certificate, seen).map_err(io::Error::other)?;
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await?;
        let version = stream.get_ref().1.protocol_version();
        // A courtesy to the server. It does not matter whether it arrives.
        let _ = stream.shutdown().await;
        Ok(match version {
            Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
            _ => "TLS 1.3",
        })
    }

    fn config(&self, certificate: Option<&ClientCertificate>, seen: Arc<Seen>) -> Result<ClientConfig, Error> {
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider));
        // `Seen` decides as the verifier in it does; it only keeps the certificate.
        let config = config.with_safe_default_protocol_versions()?.dangerous().with_custom_certificate_verifier(seen);
        let mut config = match certificate {
            None => config.with_no_client_auth(),
            Some(certificate) => {
                let pem = certificate.pem().expose_secret().as_bytes();
                let chain = CertificateDer::pem_slice_iter(pem).flatten().collect();
                let key =
                    PrivateKeyDer::from_pem_slice(pem).map_err(|error| Error::Other(OtherError(Arc::new(error))))?;
                config.with_client_auth_cert(chain, key)?
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// Decides as another verifier does, and keeps the server's certificate.
#[derive(Debug)]
struct Seen {
    trust: Arc<dyn ServerCertVerifier>,
    certificate: Mutex<Option<Certificate>>,
}

impl ServerCertVerifier for Seen {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.certificate.lock().unwrap_or_else(PoisonError::into_inner) = Certificate::read(end_entity);
        self.trust.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.trust.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.trust.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.supported_verify_schemes()
    }
}
