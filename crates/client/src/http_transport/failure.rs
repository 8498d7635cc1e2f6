//! Explains failed requests. reqwest's own message says little, so this looks through the causes for errors of rustls,
//! hyper and the operating system.

use std::error::Error as StdError;
use std::{io, iter};

use credentials_grant::{Error, ErrorKind};
use rustls::{AlertDescription, CertificateError, PeerIncompatible, PeerMisbehaved};

use super::trust::{self, NoIntermediate};

const CHECK_ALL: &str = "check the token URL, the network (proxies and certificates too) and the vendor's status page";
const NOT_DECOMPRESSED: &str = "answered with a body that cannot be decompressed";
const CHECK_URL: &str = "check that the token URL is the vendor's";
const CHECK_PORT: &str = "check the token URL: its port, and whether it begins with http or https";
const CHECK_PROXY: &str = "check the variable that names the proxy, and whether the proxy is up";
pub(super) const CHECK_LOGIN: &str = "add the user and the password to the variable that names the proxy, or correct \
                                      them: http://USER:PASSWORD@HOST:PORT";
const CHECK_TUNNEL: &str = "ask who runs the proxy to allow this host; if the host can be reached without it, add the \
                            host to NO_PROXY";
const CHECK_CLOCK: &str = "check this machine's clock; if it is right, the vendor has to renew the certificate";

/// Returns the error for a request without a response, or with one that cannot be read. A proxy is named so.
pub(super) fn request_failure(error: Box<dyn StdError + Send + Sync>, host: &str, proxy: Option<&str>) -> Error {
    let (kind, message, remedy) = match ProxyFailure::of(&*error) {
        None => explain(&*error, host),
        Some(failure) => of_proxy(failure, &*error, host, proxy.unwrap_or("the proxy")),
    };
    // A URL may hold secrets in its query.
    let error = match error.downcast::<reqwest::Error>() {
        Ok(error) => Box::new(error.without_url()),
        Err(error) => error,
    };
    Error::new(kind, message).with_own_words("").with_remedy(remedy).with_source(error)
}

/// Returns the error for a response that cannot be used.
pub(super) fn unusable(message: String) -> Error {
    Error::new(ErrorKind::BadResponse, message).with_own_words("").with_remedy(CHECK_URL)
}

/// Returns the error for a body that is compressed, and cannot be decompressed.
pub(super) fn not_decompressed(host: &str) -> Error {
    unusable(format!("{host} {NOT_DECOMPRESSED}"))
}

type Explanation = (ErrorKind, String, &'static str);

fn explain(error: &(dyn StdError + 'static), host: &str) -> Explanation {
    if let Some(tls) = causes(error).find_map(|cause| cause.downcast_ref()) {
        let is_connected = error.downcast_ref::<reqwest::Error>().is_some_and(|error| !error.is_connect());
        return of_tls(tls, host, is_connected);
    }
    let http = causes(error).find_map(|cause| cause.downcast_ref::<hyper::Error>());
    let io = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).last().map(io::Error::kind);
    let stage = Stage::of(error, io);
    match http {
        Some(http)
            if http.is_parse() || matches!(io, Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)) =>
        {
            (ErrorKind::BadResponse, format!("{host} sent something other than HTTP/1.1: {http}"), CHECK_PORT)
        }
        None if stage.decoding && io.is_some() => {
            (ErrorKind::BadResponse, format!("{host} {NOT_DECOMPRESSED}"), CHECK_URL)
        }
        _ => (ErrorKind::Unreachable, stage.no_answer(host, io), CHECK_ALL),
    }
}

/// What went wrong at a proxy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ProxyFailure {
    /// It could not be connected to.
    Connection,
    /// It wants a login, or refused the one that it got (407).
    Login,
    /// It does not connect to the host, for a reason that it did not say or that hyper-util does not pass on.
    Tunnel,
}

impl ProxyFailure {
    pub(super) fn of(error: &(dyn StdError + 'static)) -> Option<Self> {
        // The type is private to hyper-util.
        let words = causes(error).map(ToString::to_string).find(|words| words.starts_with("tunnel error: "))?;
        Some(match words.as_str() {
            "tunnel error: failed to create underlying connection" => Self::Connection,
            "tunnel error: proxy authorization required" => Self::Login,
            _ => Self::Tunnel,
        })
    }
}

fn of_proxy(failure: ProxyFailure, error: &(dyn StdError + 'static), host: &str, proxy: &str) -> Explanation {
    match failure {
        ProxyFailure::Connection => {
            let (_, message, _) = explain(error, proxy);
            (ErrorKind::Unreachable, message, CHECK_PROXY)
        }
        ProxyFailure::Login => (ErrorKind::Configuration, format!("{proxy} wants a login"), CHECK_LOGIN),
        ProxyFailure::Tunnel => (ErrorKind::Unreachable, format!("{proxy} does not connect to {host}"), CHECK_TUNNEL),
    }
}

/// How far a request got.
struct Stage {
    connecting: bool,
    decoding: bool,
    timed_out: bool,
}

impl Stage {
    /// For reqwest, as it says; other errors are taken to be about connections.
    fn of(error: &(dyn StdError + 'static), io: Option<io::ErrorKind>) -> Self {
        match error.downcast_ref::<reqwest::Error>() {
            Some(error) => {
                Self { connecting: error.is_connect(), decoding: error.is_decode(), timed_out: error.is_timeout() }
            }
            None => Self { connecting: true, decoding: false, timed_out: io == Some(io::ErrorKind::TimedOut) },
        }
    }

    fn no_answer(&self, host: &str, io: Option<io::ErrorKind>) -> String {
        match (self.connecting, self.timed_out) {
            (true, true) => format!("could not connect to {host} in time"),
            (true, false) if io == Some(io::ErrorKind::UnexpectedEof) => {
                format!("{host} closed the connection during the TLS handshake")
            }
            (true, false) => format!("could not connect to {host}"),
            (false, true) => format!("{host} did not answer in time"),
            (false, false) => format!("the connection to {host} broke"),
        }
    }
}

fn of_tls(error: &rustls::Error, host: &str, is_connected: bool) -> Explanation {
    let (message, remedy) = match error {
        _ if trust::is_authority(error) => (
            format!(
                "the certificate of {host} is a CA certificate, not a server certificate, as self-signed ones often are"
            ),
            "if it is the vendor's own, trust it exactly as it is: add it to the CA certificates to trust (in Rust, \
             `HttpTransport::with_root_certificates`); or ask for a server certificate: openssl makes them with -addext \
             basicConstraints=CA:FALSE",
        ),
        rustls::Error::InvalidCertificate(error) => return of_certificate(error, host),
        rustls::Error::AlertReceived(alert) if is_about_our_certificate(*alert) => {
            let message = format!("{host} requires a client certificate, and received none that it accepts");
            return (
                ErrorKind::CredentialsRefused,
                message,
                "check the client certificate, and that it is registered with the vendor",
            );
        }
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
        | rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13 | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => (
            format!("{host} supports no TLS newer than 1.1, which is not secure"),
            "ask the vendor for an endpoint with TLS 1.2 or 1.3, and check for an old proxy in between",
        ),
        rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)
        | rustls::Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedApplicationProtocol) => (
            format!("{host} does not offer HTTP/1.1, but HTTP/2 alone or another protocol (ALPN)"),
            "ask the vendor to offer http/1.1 as well, or use a host of the vendor that does; check that the port is that \
             of HTTPS",
        ),
        // rustls declines to renegotiate, and the server does not go on without.
        rustls::Error::AlertReceived(AlertDescription::HandshakeFailure | AlertDescription::NoRenegotiation)
            if is_connected =>
        {
            renegotiation(host)
        }
        rustls::Error::PeerMisbehaved(PeerMisbehaved::TooManyRenegotiationRequests) => renegotiation(host),
        rustls::Error::AlertReceived(AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity)
        | rustls::Error::PeerIncompatible(_) => (
            format!("{host} and this client have no way of TLS in common"),
            "ask the vendor for TLS 1.2 or 1.3 with ECDHE and AES-GCM or ChaCha20, and whether the host requires a client \
             certificate; check for an old proxy in between",
        ),
        rustls::Error::AlertReceived(AlertDescription::UnrecognisedName) => (
            format!("the server at the address of {host} does not serve this name"),
            "check the host in the token URL, and the address that it resolves to (/etc/hosts, DNS)",
        ),
        rustls::Error::InvalidMessage(_) => (format!("{host} does not speak TLS on this port"), CHECK_PORT),
        _ => (format!("TLS with {host} failed"), CHECK_ALL),
    };
    (ErrorKind::Unreachable, message, remedy)
}

fn renegotiation(host: &str) -> (String, &'static str) {
    (
        format!(
            "{host} ended TLS after the handshake: it wants to renegotiate, probably to ask for a client certificate"
        ),
        "ask the vendor for an endpoint that asks for the client certificate in the handshake, or that needs none: this \
         client does not renegotiate, because TLS 1.3 no longer has it",
    )
}

fn of_certificate(error: &CertificateError, host: &str) -> Explanation {
    let (what, remedy) = match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("has expired, by this machine's clock", CHECK_CLOCK)
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("is not valid yet, by this machine's clock", CHECK_CLOCK)
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            "is for another name",
            "check the host in the token URL; if it is right, something else answers in its place",
        ),
        // A bad signature means that a CA of the same name is trusted, one that was created anew.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => (
            "is not signed by a trusted CA: it is self-signed, or its CA is private or unknown",
            "if the CA is your own or the vendor's, add it to the system's CA certificates (in Rust, \
             `HttpTransport::with_root_certificates`); if not, something else answers in the vendor's place",
        ),
        CertificateError::Other(error) if error.0.is::<NoIntermediate>() => (
            "is not signed by a trusted CA, and the server sent no intermediate certificate with it",
            "if its CA is a public one, the vendor has to send the intermediate certificates as well; if the CA is your \
             own or the vendor's, add it to the system's CA certificates (in Rust, \
             `HttpTransport::with_root_certificates`); if not, something else answers in the vendor's place",
        ),
        _ => ("is not acceptable", "show the vendor this message and its cause"),
    };
    (ErrorKind::Unreachable, format!("the certificate of {host} {what}"), remedy)
}

fn is_about_our_certificate(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::AccessDenied
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRequired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::UnsupportedCertificate
    )
}

/// Returns the error, its cause, the cause of that, and so on.
pub(super) fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    iter::successors(Some(error), |&error| beneath(error))
}

fn beneath<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    // An I/O error hides the error that it wraps: its source is that error's source.
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(error: &rustls::Error, is_connected: bool) -> String {
        let (kind, message, remedy) = of_tls(error, "example.com", is_connected);
        assert_eq!(kind, ErrorKind::Unreachable);
        format!("{message}; {remedy}")
    }

    #[test]
    fn a_server_that_wants_to_renegotiate_is_told_from_one_without_a_cipher_in_common() {
        let alert = rustls::Error::AlertReceived(AlertDescription::HandshakeFailure);
        assert!(of(&alert, false).starts_with("example.com and this client have no way of TLS in common; "));
        let declined = rustls::Error::AlertReceived(AlertDescription::NoRenegotiation);
        let insisting = rustls::Error::PeerMisbehaved(PeerMisbehaved::TooManyRenegotiationRequests);
        for (error, is_connected) in [(&alert, true), (&declined, true), (&insisting, true), (&insisting, false)] {
            let words = of(error, is_connected);
            assert!(words.contains("it wants to renegotiate, probably to ask for a client certificate; "), "{words}");
            assert!(
                words.contains("ask the vendor for an endpoint that asks for the client certificate in the handshake")
            );
        }
    }
}
