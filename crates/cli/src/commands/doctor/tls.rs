//! A TLS handshake as the client makes it, which also keeps the server's certificate.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use credentials_grant::{ClientCertificate, Error, ExposeSecret, SecretString};
use credentials_grant_client::HttpTransport;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{self, DigitallySignedStruct, ProtocolVersion, SignatureScheme};

use super::certificate::Certificate;
use crate::tls::client_config;

/// The trusted CAs.
#[derive(Debug)]
pub(super) struct Tls(Arc<dyn ServerCertVerifier>);

/// The outcome of a handshake, and the server's certificate if it got that far.
pub(super) struct Handshake {
    pub(super) outcome: io::Result<&'static str>,
    pub(super) certificate: Option<Certificate>,
}

impl Tls {
    /// Trusts these CA certificates, or else the system's, as the transport does.
    pub(super) fn new(root_certificates: Option<&SecretString>) -> Result<Self, Error> {
        let pem = root_certificates.map(|pem| pem.expose_secret().as_bytes());
        HttpTransport::certificate_verifier(pem).map(Self)
    }

    /// Makes a handshake with the server of this name, and closes the connection.
    pub(super) async fn shake_hands(
        &self,
        host: &str,
        socket: impl AsyncRead + AsyncWrite + Unpin,
        certificate: Option<&ClientCertificate>,
    ) -> Handshake {
        let seen = Arc::new(Seen { trust: Arc::clone(&self.0), certificate: Mutex::default() });
        // `Seen` decides as the verifier in it does; it only keeps the certificate.
        let outcome = connect(host, socket, certificate, Arc::clone(&seen)).await;
        let certificate = seen.certificate.lock().unwrap_or_else(PoisonError::into_inner).take();
        Handshake { outcome, certificate }
    }
}

async fn connect(
    host: &str,
    socket: impl AsyncRead + AsyncWrite + Unpin,
    certificate: Option<&ClientCertificate>,
    seen: Arc<Seen>,
) -> io::Result<&'static str> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let config = client_config(seen, certificate).map_err(io::Error::other)?;
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await?;
    let version = stream.get_ref().1.protocol_version();
    // A courtesy to the server. It does not matter whether it arrives.
    let _ = stream.shutdown().await;
    Ok(match version {
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS 1.3",
    })
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
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.certificate.lock().unwrap_or_else(PoisonError::into_inner) = Certificate::read(end_entity);
        self.trust.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trust.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trust.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.supported_verify_schemes()
    }
}
