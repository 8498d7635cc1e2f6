//! `--provider-file`: a vendor that a file describes, in the place of a provider's name.

use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use clap::{Arg, value_parser};
use credentials_grant::ClientAuthentication;
use credentials_grant::settings::Settings;
use credentials_grant_vendor_file::{FileProvider, VendorFile};

use crate::exit::Failure;
use crate::provider::{Proof, Provider};

pub(crate) const FLAG: &str = "--provider-file";

/// What the file says, and the provider that it makes. The settings in it are flags of the command line, so it is read before
/// that is.
static FILE: OnceLock<VendorFile> = OnceLock::new();
static PROVIDER: OnceLock<Provider> = OnceLock::new();

/// For the help alone: it is taken from the command line before clap sees that.
pub(crate) fn arg() -> Arg {
    Arg::new("provider-file")
        .long("provider-file")
        .value_name("PATH")
        .value_parser(value_parser!(OsString))
        .help("Instead of a provider's name, the file that describes the vendor (TOML); its settings are flags as well")
}

/// The vendor of the file, if one was named.
pub(crate) fn provider() -> Option<&'static Provider> {
    PROVIDER.get()
}

pub(crate) fn is_of_file(provider: &Provider) -> bool {
    PROVIDER.get().is_some_and(|described| described.name == provider.name)
}

/// Reads the file, whose vendor is a provider from now on. Says its name.
pub(crate) fn describe(path: &Path) -> Result<&'static str, Failure> {
    let file = VendorFile::read(path).map_err(|error| Failure::from(error).about(FLAG))?;
    let file = FILE.get_or_init(|| file);
    PROVIDER.get_or_init(|| Provider::described(file, |settings| Ok(Arc::new(vendor(settings)?)), proof));
    Ok(file.name())
}

fn vendor(settings: &Settings) -> Result<FileProvider, credentials_grant::Error> {
    match FILE.get() {
        Some(file) => file.provider(settings),
        None => unreachable!("the provider is made of the file"),
    }
}

/// By what the client is to prove who it is. What is wrong with the settings is said where the provider is built.
fn proof(settings: &Settings) -> Option<Proof> {
    let vendor = vendor(settings).ok()?;
    Some(match vendor.client_authentication() {
        Some(ClientAuthentication::TlsClientAuth) => Proof::Certificate,
        Some(ClientAuthentication::None) => Proof::Nothing,
        Some(ClientAuthentication::PrivateKeyJwt) => Proof::Key,
        None if !vendor.places_client_secret() => Proof::Nothing,
        Some(_) | None => Proof::Secret,
    })
}
