//! `--provider-file`: a vendor that a file describes, in the place of a provider's name.

use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use clap::{Arg, value_parser};
use credentials_grant::{ClientAuthentication, Settings};
use credentials_grant_vendor_file::{Vendor, VendorFile};

use crate::exit::Failure;
use crate::registry::{Proof, Provider};
use crate::source::COMMANDS;

const FLAG: &str = "--provider-file";

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

/// The words of the command line with the vendor's name in the place of its file.
pub(crate) fn take_from(mut words: Vec<OsString>) -> Result<Vec<OsString>, Failure> {
    let is_command = |word: &OsString| COMMANDS.iter().any(|(name, _)| word == name);
    let Some(command) = words.iter().skip(1).position(is_command).map(|at| at + 1) else { return Ok(words) };
    let last = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let Some((at, path)) = (command + 1..last).find_map(|at| Some((at, path(&words, at)?))) else { return Ok(words) };
    let (path, length) = path?;
    words.drain(at..at + length);
    if let Some(named) = words.get(command + 1).and_then(|word| word.to_str()).and_then(Provider::find) {
        return Err(Failure::usage(format!("{FLAG} and {} each name a provider", named.name))
            .with_remedy("leave one of them out"));
    }
    let file = VendorFile::read(Path::new(&path)).map_err(|error| Failure::from(error).about(FLAG))?;
    let file = FILE.get_or_init(|| file);
    PROVIDER.get_or_init(|| Provider::described(file, |settings| Ok(Arc::new(vendor(settings)?)), proof));
    words.insert(command + 1, file.name().into());
    Ok(words)
}

/// The path that the flag at this word names, and how many words it takes.
fn path(words: &[OsString], at: usize) -> Option<Result<(OsString, usize), Failure>> {
    let word = words[at].to_str()?;
    let (path, length) = match word.strip_prefix(FLAG)? {
        "" => (words.get(at + 1).cloned().unwrap_or_default(), 2),
        rest => (OsString::from(rest.strip_prefix('=')?), 1),
    };
    if path.is_empty() || path.to_str().is_some_and(|path| path.starts_with("--")) {
        let message = format!("{FLAG} names no file");
        return Some(Err(Failure::usage(message).with_remedy(format!("give {FLAG} the path of a TOML file"))));
    }
    Some(Ok((path, length)))
}

fn vendor(settings: &Settings) -> Result<Vendor, credentials_grant::Error> {
    match FILE.get() {
        Some(file) => file.provider(settings),
        None => unreachable!("the provider is made of the file"),
    }
}

/// By what the client is to prove who it is. What is wrong with the settings is said where the provider is built.
fn proof(settings: &Settings) -> Option<Proof> {
    let vendor = vendor(settings).ok()?;
    Some(match vendor.client_authentication() {
        Some(ClientAuthentication::Mtls) => Proof::Certificate,
        Some(ClientAuthentication::None) => Proof::Nothing,
        Some(ClientAuthentication::PrivateKeyJwt) => Proof::Key,
        None if !vendor.places_client_secret() => Proof::Nothing,
        Some(_) | None => Proof::Secret,
    })
}
