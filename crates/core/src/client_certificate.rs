//! The certificate by which a client is known to TLS (RFC 8705).

use std::fmt;
use std::hash::{Hash, Hasher};

use secrecy::{ExposeSecret, SecretString};

/// A certificate and its private key, to show to servers that ask for one: to prove who the client is (RFC 8705 section 2),
/// or to bind its tokens to the certificate (section 3).
///
/// It is a part of the [`ClientCredentials`](crate::ClientCredentials), so that it can be renewed under a running program. A
/// [`Transport`](crate::Transport) reads it when it is first shown. It is not printed.
///
/// ```no_run
/// use credentials_grant::{ClientCertificate, ClientCredentials};
///
/// let pem = std::fs::read_to_string("/run/secrets/acme-client.pem")?;
/// let credentials = ClientCredentials::without_secret("my-service").with_certificate(ClientCertificate::from_pem(pem));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct ClientCertificate(SecretString);

impl ClientCertificate {
    /// A text of PEM: the certificate, those that it is signed by up to the authority, and the private key (PKCS #8, or the
    /// older forms for RSA and EC), in any order.
    pub fn from_pem(pem: impl Into<SecretString>) -> Self {
        Self(pem.into())
    }

    /// The text of PEM.
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
