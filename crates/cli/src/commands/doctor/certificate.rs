//! A server's certificate, for people.

use std::net::IpAddr;

use jiff::Timestamp;
use serde_json::json;
use x509_parser::parse_x509_certificate;
use x509_parser::prelude::{GeneralName, X509Certificate};

use super::report::Step;

/// How many names are shown. Some certificates have hundreds.
const MAX_SHOWN_NAMES: usize = 5;

/// The names, the issuer and the end of a certificate.
#[derive(Debug)]
pub(super) struct Certificate {
    names: Vec<String>,
    issuer: String,
    not_after: Timestamp,
}

impl Certificate {
    /// Parses a certificate in DER, trusted or not.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = parse_x509_certificate(der).ok()?;
        let not_after = Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()?;
        Some(Self { names: names(&certificate), issuer: issuer(&certificate), not_after })
    }

    /// Describes the certificate in part of a sentence.
    pub(super) fn described(&self, now: Timestamp) -> String {
        let names = match (&self.names[..], self.names.len().saturating_sub(MAX_SHOWN_NAMES)) {
            ([], _) => "no name".to_owned(),
            (names, 0) => names.join(", "),
            (names, more) => format!("{} and {more} more", names[..MAX_SHOWN_NAMES].join(", ")),
        };
        let day = self.not_after.strftime("%Y-%m-%d");
        let hours = self.not_after.duration_since(now).as_hours();
        let until = match hours {
            ..0 => format!("expired {day}"),
            0..72 => format!("until {day}, in {hours} hours"),
            _ => format!("until {day}, in {} days", hours / 24),
        };
        format!("certificate for {names}, by {}, {until}", self.issuer)
    }

    pub(super) fn add_to(&self, step: Step) -> Step {
        let not_after = self.not_after.to_string();
        let step = step.with("certificate_names", json!(self.names)).with("certificate_issuer", json!(self.issuer));
        step.with("certificate_expires_at", json!(not_after))
    }
}

/// Returns the subject alternative names: the only ones that count (RFC 6125).
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let names = alternatives.map(|extension| &extension.value.general_names[..]).unwrap_or_default();
    names.iter().filter_map(name).collect()
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let four = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from)).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

fn issuer(certificate: &X509Certificate<'_>) -> String {
    let issuer = certificate.issuer();
    let mut common = issuer.iter_common_name().filter_map(|name| name.as_str().ok());
    let mut organization = issuer.iter_organization().filter_map(|name| name.as_str().ok());
    match (common.next(), organization.next()) {
        (Some(common), Some(organization)) => format!("{common} ({organization})"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "an unnamed issuer".to_owned(),
    }
}
