//! What a failed exchange means. reqwest itself tells little of it, so this looks through the causes to the first that
//! rustls, hyper or the system name.

use std::error::Error as StdError;
use std::{io, iter};

use credentials_grant::{Error, ErrorKind};
use rustls::{AlertDescription, CertificateError, PeerIncompatible};

const CHECK_ALL: &str = "check the token URL, the network (proxies and certificates too) and the vendor's status page";
const CHECK_URL: &str = "check that the token URL is the vendor's";
const CHECK_PORT: &str = "check the token URL: its port, and whether it begins with http or https";
const CHECK_CLOCK: &str = "check this machine's clock; if it is right, the vendor has to renew the certificate";

/// Why there is no answer, or none that can be read.
pub(super) fn failure(error: Box<dyn StdError + Send + Sync>, host: &str) -> Error {
    let (kind, message, remedy) = meaning(&*error, host);
    // A URL may hold secrets in its query.
    let error = match error.downcast::<reqwest::Error>() {
        Ok(error) => Box::new(error.without_url()),
        Err(error) => error,
    };
    Error::new(kind, message).with_remedy(remedy).with_source(error)
}

/// An answer that cannot be read.
pub(super) fn unusable(message: String) -> Error {
    Error::new(ErrorKind::BadResponse, message).with_remedy(CHECK_URL)
}

type ErrorMapping = (ErrorKind, String, &'static str);

fn meaning(error: &(dyn StdError + 'static), host: &str) -> ErrorMapping {
    if let Some(tls) = causes(error).find_map(|cause| cause.downcast_ref()) {
        return of_tls(tls, host);
    }
    let http = causes(error).find_map(|cause| cause.downcast_ref::<hyper::Error>());
    let io = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).last().map(io::Error::kind);
    let stage = Stage::of(error, io);
    match http {
        Some(http)
            if http.is_parse() || matches!(io, Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)) =>
        {
            (ErrorKind::BadResponse, format!("{host} sent no HTTP/1.1 that can be read: {http}"), CHECK_PORT)
        }
        None if stage.decoding && io.is_some() => {
            (ErrorKind::BadResponse, format!("{host} answered with a body that cannot be decompressed"), CHECK_URL)
        }
        _ => (ErrorKind::Unreachable, stage.no_answer(host, io), CHECK_ALL),
    }
}

/// How far an exchange came.
struct Stage {
    connecting: bool,
    decoding: bool,
    timed_out: bool,
}

impl Stage {
    /// As reqwest says; what others hand over is about connections.
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
                format!("{host} hung up before TLS was set up")
            }
            (true, false) => format!("could not connect to {host}"),
            (false, true) => format!("{host} did not answer in time"),
            (false, false) => format!("the connection to {host} broke"),
        }
    }
}

fn of_tls(error: &rustls::Error, host: &str) -> ErrorMapping {
    let (message, remedy) = match error {
        rustls::Error::InvalidCertificate(error) => return of_certificate(error, host),
        rustls::Error::AlertReceived(alert) if is_about_our_certificate(*alert) => {
            let message = format!("{host} wants a client certificate that it knows, and got another or none");
            return (
                ErrorKind::CredentialsRefused,
                message,
                "check the client certificate, and that the vendor knows it",
            );
        }
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
        | rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13 | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => (
            format!("{host} speaks no TLS newer than 1.1, which is not safe"),
            "ask the vendor for an endpoint with TLS 1.2 or 1.3, and check for an old proxy in between",
        ),
        rustls::Error::InvalidMessage(_) => (format!("{host} does not speak TLS on this port"), CHECK_PORT),
        _ => (format!("TLS with {host} failed"), CHECK_ALL),
    };
    (ErrorKind::Unreachable, message, remedy)
}

fn of_certificate(error: &CertificateError, host: &str) -> ErrorMapping {
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
        // The signature is bad if an authority of the same name is trusted: one that was made anew.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => (
            "is not signed by anybody trusted: it is self-signed, or its authority is private or unknown",
            "if the authority is your own or the vendor's, add it to the machine's certificates (in Rust, \
             `HttpTransport::with_root_certificates`); if not, something else answers in the vendor's place",
        ),
        // As rustls names what webpki found.
        CertificateError::Other(error) if error.to_string() == "CaUsedAsEndEntity" => (
            "is one for an authority and not for a server, as self-signed ones often are",
            "ask for one for a server: openssl makes them with -addext basicConstraints=CA:FALSE",
        ),
        _ => ("is not acceptable", "show the vendor this message and its cause"),
    };
    (ErrorKind::Unreachable, format!("the certificate of {host} {what}"), remedy)
}

fn is_about_our_certificate(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRequired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::UnsupportedCertificate
    )
}

/// The error, what caused it, what caused that.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    iter::successors(Some(error), |&error| beneath(error))
}

fn beneath<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    // An I/O error stands in the place of what it wraps: its source is the source of that.
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}
