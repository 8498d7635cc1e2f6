//! The store in which runs leave their tokens.

use std::env;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::ArgMatches;
use credentials_grant_client::{FileStore, Keyring};
use jiff::SignedDuration;

use crate::error::CommandError;
use crate::provider::option::FileContent;
use crate::settings::content;

/// Names the store's directory, or turns it off.
const STORE: &str = "CGRANT_STORE";

/// Names a file with a keyring.
const KEYS_FILE: &str = "CGRANT_STORE_KEYS_FILE";

/// Holds a keyring.
const KEYS: &str = "CGRANT_STORE_KEYS";

/// Which token of the store will do.
#[derive(Debug, Default)]
pub(crate) struct StoreOptions {
    /// `None` if no store is used.
    pub(crate) store: Option<FileStore>,
    /// Whether to request a new token in any case.
    pub(crate) is_fresh: bool,
    /// How long the token must still be valid, if the user says so.
    pub(crate) minimum_life: Option<Duration>,
}

impl StoreOptions {
    /// Returns the options of a command without flags for them.
    pub(super) fn of_environment() -> Result<Self, CommandError> {
        Ok(Self { store: file_store(None)?, ..Self::default() })
    }

    pub(super) fn read(flags: &ArgMatches) -> Result<Self, CommandError> {
        let minimum_life = flags.get_one::<String>("minimum-life").map(|text| duration(text)).transpose()?;
        let is_off = flags.get_flag("no-store");
        let store = if is_off { None } else { file_store(flags.get_one::<PathBuf>("store").map(PathBuf::as_path))? };
        Ok(Self { store, is_fresh: flags.get_flag("fresh"), minimum_life })
    }
}

/// Returns the store in this directory, or else the one of the environment. `None` if it is off.
pub(crate) fn file_store(named: Option<&Path>) -> Result<Option<FileStore>, CommandError> {
    let variable = env::var_os(STORE).filter(|value| !value.is_empty());
    let named = named.map(|path| ("--store", path.as_os_str().to_owned()));
    let store = match named.or(variable.map(|value| (STORE, value))) {
        Some((_, value)) if value.eq_ignore_ascii_case("off") => return Ok(None),
        Some((written, value)) if value.to_string_lossy().contains("://") => {
            return Err(CommandError::usage(format!("{written} is a URL, and the store is a directory"))
                .with_remedy("name a directory, or turn the store off (`off`)"));
        }
        Some((_, path)) => FileStore::at(path),
        None => match FileStore::new() {
            Ok(store) => store,
            Err(error) => {
                tracing::warn!(%error, "going on without a store");
                return Ok(None);
            }
        },
    };
    Ok(Some(match keyring()? {
        Some(keyring) => store.with_keyring(keyring),
        None => store,
    }))
}

fn keyring() -> Result<Option<Keyring>, CommandError> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let (written, text) = match (set(KEYS_FILE), set(KEYS)) {
        (Some(path), _) => (KEYS_FILE, content::read(KEYS_FILE, Path::new(&path), FileContent::PrivateKey)?),
        (None, Some(text)) => (KEYS, text.to_string_lossy().into_owned().into()),
        (None, None) => return Ok(None),
    };
    let refused = |error: credentials_grant::Error| {
        let remedy = error.remedy().unwrap_or_default().to_owned();
        CommandError::usage(format!("{written}: {}", error.message())).with_remedy(remedy)
    };
    Keyring::parse(&text).map(Some).map_err(refused)
}

fn duration(text: &str) -> Result<Duration, CommandError> {
    let duration = SignedDuration::from_str(text).ok().and_then(|duration| Duration::try_from(duration).ok());
    duration.ok_or_else(|| {
        CommandError::usage("--minimum-life is not a duration").with_remedy("set one such as 30s, 10m or 1h")
    })
}
