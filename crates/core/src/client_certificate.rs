//! Client certificates for mutual TLS (RFC 8705).

use std::fmt;
use std::hash::{Hash, Hasher};

use secrecy::{ExposeSecret, SecretString};

/// A client certificate and its private key, to present in TLS: to authenticate the client (RFC 8705 section 2), or to
/// bind its tokens to the certificate (section 3).
///
/// It is part of the [`ClientCredentials`](crate::ClientCredentials), so that it can be renewed while the program runs.
/// A [`Transport`](crate::Transport) parses it when it first uses it. `Debug` does not show it.
///
/// ```no_run
/// use credentials_grant::{ClientCertificate, ClientCredentials};
///
/// let pem = std::fs::read_to_string("/run/secrets/acme-client.pem")?;
/// let certificate = ClientCertificate::from_pem(pem);
/// let credentials = ClientCredentials::without_secret("my-service").with_certificate(certificate);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct ClientCertificate(SecretString);

impl ClientCertificate {
    /// Creates a certificate from PEM: the certificate, its intermediate certificates, and the private key (PKCS #8,
    /// PKCS
    /// #1 or SEC 1), in any order.
    pub fn from_pem(pem: impl Into<SecretString>) -> Self {
        Self(pem.into())
    }

    /// Returns the PEM text.
    #[must_use]
    pub fn pem(&self) -> &SecretString {
        &self.0
    }
}

impl PartialEq for ClientCertificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Eq for ClientCertificate {}

impl Hash for ClientCertificate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.expose_secret().hash(state);
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate").finish_non_exhaustive()
    }
}
