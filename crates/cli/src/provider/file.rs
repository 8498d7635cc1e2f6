//! The provider that `--provider-file` describes.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use credentials_grant::settings::Settings;
use credentials_grant_vendor_file::{FileProvider, VendorFile};

use crate::error::CommandError;
use crate::provider::{CredentialKind, Provider};

pub(crate) const FLAG: &str = "--provider-file";

// The settings in the file become flags, so it is loaded before the command line is parsed, and lives as long as those.
static FILE: OnceLock<VendorFile> = OnceLock::new();
static PROVIDER: OnceLock<Provider> = OnceLock::new();

/// Returns the provider of the file, if one was loaded.
pub(crate) fn provider() -> Option<&'static Provider> {
    PROVIDER.get()
}

/// Returns `true` for the provider of the file.
pub(crate) fn is_from_file(provider: &Provider) -> bool {
    PROVIDER.get().is_some_and(|other| other.name == provider.name)
}

/// Loads the file and returns the name of its provider.
pub(crate) fn load(path: &Path) -> Result<&'static str, CommandError> {
    let file = VendorFile::read(path).map_err(|error| CommandError::from(error).about(FLAG))?;
    let file = FILE.get_or_init(|| file);
    PROVIDER.get_or_init(|| Provider::from_file(file, |settings| Ok(Arc::new(vendor(settings)?)), credential_kind));
    Ok(file.name())
}

fn vendor(settings: &Settings) -> Result<FileProvider, credentials_grant::Error> {
    match FILE.get() {
        Some(file) => file.provider(settings),
        None => unreachable!("the provider is made from the file"),
    }
}

/// Returns `None` if the settings are wrong; building the provider reports that.
fn credential_kind(settings: &Settings) -> Option<CredentialKind> {
    let vendor = vendor(settings).ok()?;
    Some(match vendor.client_authentication() {
        Some(method) => CredentialKind::of(method),
        None if !vendor.places_client_secret() => CredentialKind::None,
        None => CredentialKind::Secret,
    })
}
