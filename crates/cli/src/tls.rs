//! How TLS is set up for connections of the command's own, as `HttpTransport` does it.

use std::sync::Arc;

use credentials_grant::{ClientCertificate, ExposeSecret};
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, Error, OtherError};

/// Trusts what this verifier does, and presents this certificate.
pub(crate) fn client_config(
    trust: Arc<dyn ServerCertVerifier>,
    certificate: Option<&ClientCertificate>,
) -> Result<ClientConfig, Error> {
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let config = config.with_safe_default_protocol_versions()?.dangerous().with_custom_certificate_verifier(trust);
    let mut config = match certificate {
        None => config.with_no_client_auth(),
        Some(certificate) => {
            let pem = certificate.pem().expose_secret().as_bytes();
            let chain = CertificateDer::pem_slice_iter(pem).flatten().collect();
            let key = PrivateKeyDer::from_pem_slice(pem).map_err(|error| Error::Other(OtherError(Arc::new(error))))?;
            config.with_client_auth_cert(chain, key)?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
