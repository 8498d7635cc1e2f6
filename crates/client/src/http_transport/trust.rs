//! Decides which certificates of servers are trusted.

use std::error::Error as StdError;
use std::sync::Arc;
use std::{env, fmt};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore, SignatureScheme,
};
use rustls_platform_verifier::Verifier;
use webpki::EndEntityCert;

/// Returns the cryptography that the program has chosen, or else that of aws-lc-rs, as reqwest does.
pub(super) fn cryptography() -> Arc<CryptoProvider> {
    CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(default_provider()))
}

/// Trusts the system's CA certificates.
pub(super) fn system() -> Result<Arc<dyn ServerCertVerifier>, Error> {
    Ok(Arc::new(Trust { by: Arc::new(Verifier::new(cryptography())?), given: Vec::new() }))
}

/// Returns the variables that say where the system's CA certificates are, with their values, or `None` if there are
/// none. What is wrong with them is then the likely reason for having no certificates at all.
pub(super) fn variables() -> Option<String> {
    // Elsewhere, the verifier of the operating system is used, which does not read them.
    if cfg!(any(windows, target_vendor = "apple", target_os = "android")) {
        return None;
    }
    let set = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().filter_map(|name| Some((name, env::var_os(name)?)));
    let shown = set.map(|(name, value)| match value.to_string_lossy() {
        path if path.is_empty() => format!("{name}, which is empty"),
        path => format!("{name} ({})", path.escape_debug()),
    });
    shown.reduce(|one, other| format!("{one} and {other}"))
}

/// Trusts these certificates (PEM) and no others: as CA certificates, and as servers' own.
///
/// Returns `None` if there is no certificate in it, or an invalid one.
pub(super) fn only(pem: &[u8]) -> Option<Arc<dyn ServerCertVerifier>> {
    let given: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()?;
    let mut roots = RootCertStore::empty();
    for certificate in &given {
        roots.add(certificate.clone()).ok()?;
    }
    // It refuses to trust nothing.
    let by = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), cryptography()).build().ok()?;
    Some(Arc::new(Trust { by, given }))
}

/// Decides as another verifier does, but for a server that presents the very certificate that the user gave.
#[derive(Debug)]
struct Trust {
    by: Arc<dyn ServerCertVerifier>,
    given: Vec<CertificateDer<'static>>,
}

impl Trust {
    /// Returns `true` if this certificate was given, byte by byte, and all that speaks against it is what a CA would
    /// have to vouch for: it is a CA certificate, as openssl makes them, or its issuer is unknown.
    ///
    /// webpki returns these errors once it has found the certificate to be valid now. That the server has its key is
    /// checked by the signature of the handshake, as with any other certificate.
    fn is_given(&self, certificate: &CertificateDer<'_>, error: &Error) -> bool {
        (is_authority(error) || is_of_unknown_issuer(error)) && self.given.iter().any(|given| given == certificate)
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.by.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            Err(error) if self.is_given(end_entity, &error) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            Err(error) if is_of_unknown_issuer(&error) && intermediates.is_empty() && !is_self_issued(end_entity) => {
                Err(CertificateError::Other(OtherError(Arc::new(NoIntermediate))).into())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.by.supported_verify_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.by.requires_raw_public_keys()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.by.root_hint_subjects()
    }
}

/// Returns `true` if a server presents a CA certificate.
pub(super) fn is_authority(error: &Error) -> bool {
    // The name that rustls has for this finding of webpki.
    matches!(error, Error::InvalidCertificate(CertificateError::Other(error)) if error.to_string() == "CaUsedAsEndEntity")
}

fn is_of_unknown_issuer(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::UnknownIssuer))
}

fn is_self_issued(certificate: &CertificateDer<'_>) -> bool {
    EndEntityCert::try_from(certificate).is_ok_and(|parsed| parsed.issuer() == parsed.subject())
}

/// No CA is known that signed the certificate, and the server sent no other certificate that could lead to one.
#[derive(Debug)]
pub(super) struct NoIntermediate;

impl fmt::Display for NoIntermediate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown issuer, and no intermediate certificate")
    }
}

impl StdError for NoIntermediate {}
