//! The store in which runs leave their tokens.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::ArgMatches;
use credentials_grant::{SecretString, Url};
use credentials_grant_client::{FileStore, Keyring, TokenStore};
use credentials_grant_redis::RedisStore;
use jiff::SignedDuration;

use crate::error::CommandError;
use crate::provider::option::FileContent;
use crate::settings::content;

/// Names the store, or turns it off.
const STORE: &str = "CGRANT_STORE";

/// A keyring.
const KEYS: Secret =
    Secret { variable: "CGRANT_STORE_KEYS", file_variable: "CGRANT_STORE_KEYS_FILE", content: FileContent::Keyring };

/// The password of a Redis.
const PASSWORD: Secret = Secret {
    variable: "CGRANT_STORE_PASSWORD",
    file_variable: "CGRANT_STORE_PASSWORD_FILE",
    content: FileContent::Secret,
};

/// Which token of the store will do.
#[derive(Debug, Default)]
pub(crate) struct StoreOptions {
    /// `None` if no store is used.
    pub(crate) store: Option<Arc<dyn TokenStore>>,
    /// Whether to request a new token in any case.
    pub(crate) is_fresh: bool,
    /// How long the token must still be valid, if the user says so.
    pub(crate) minimum_life: Option<Duration>,
}

impl StoreOptions {
    /// Returns the options of a command without flags for them.
    pub(super) fn of_environment() -> Result<Self, CommandError> {
        Ok(Self { store: store(None)?, ..Self::default() })
    }

    pub(super) fn read(flags: &ArgMatches) -> Result<Self, CommandError> {
        let minimum_life = flags.get_one::<String>("minimum-life").map(|text| duration(text)).transpose()?;
        let store = if flags.get_flag("no-store") { None } else { store(flags.get_one::<String>("store"))? };
        Ok(Self { store, is_fresh: flags.get_flag("fresh"), minimum_life })
    }

    /// Returns the flag that says which tokens will do, if there is one.
    pub(super) fn demand(&self) -> Option<&'static str> {
        match self {
            Self { is_fresh: true, .. } => Some("--fresh"),
            Self { minimum_life: Some(_), .. } => Some("--minimum-life"),
            _ => None,
        }
    }
}

/// Where the store is.
enum Place {
    Off,
    Directory(FileStore),
    Url { written: &'static str, url: String },
}

impl Place {
    /// Returns what the flag says, or else the environment.
    fn find(flag: Option<&String>) -> Result<Self, CommandError> {
        let flag = flag.map(|named| ("--store", OsString::from(named)));
        Ok(match flag.or_else(|| variable(STORE).map(|value| (STORE, value))) {
            Some((_, value)) if value.eq_ignore_ascii_case("off") => Self::Off,
            Some((written, value)) if value.to_string_lossy().contains("://") => {
                Self::Url { written, url: value.to_string_lossy().into_owned() }
            }
            Some((written, value)) if looks_like_a_server(&value.to_string_lossy()) => {
                return Err(CommandError::usage(format!("{written} looks like the address of a server")).with_remedy(
                    "write it as a URL, such as rediss://user@host:6379; put ./ before a directory's name",
                ));
            }
            Some((_, path)) => Self::Directory(with_keyring(FileStore::at(path))?),
            None => match FileStore::new() {
                Ok(store) => Self::Directory(with_keyring(store)?),
                Err(error) => {
                    tracing::warn!(%error, "going on without a store");
                    Self::Off
                }
            },
        })
    }
}

/// Returns `true` for `host:6379` and `redis:/host`, which would make a directory of that name.
fn looks_like_a_server(value: &str) -> bool {
    let Some((start, rest)) = value.split_once(':') else { return false };
    let is_scheme = ["redis", "rediss", "unix", "valkey", "valkeys"].iter().any(|it| it.eq_ignore_ascii_case(start));
    let port = rest.split('/').next().unwrap_or_default();
    is_scheme || (!start.contains(['/', '\\']) && port.parse::<u16>().is_ok())
}

/// Returns the directory in which runs leave their tokens.
pub(super) fn file_store() -> Result<FileStore, CommandError> {
    match Place::find(None)? {
        Place::Directory(store) => Ok(store),
        Place::Off => Err(CommandError::usage("there is no store: CGRANT_STORE is off, or there is no home directory")
            .with_remedy("set CGRANT_STORE to a directory")),
        Place::Url { written, .. } => Err(CommandError::usage(format!(
            "{written} is a URL, and `cgrant store` looks into directories only"
        ))
        .with_remedy(
            "as an administrator, list the keys by `redis-cli --scan --pattern 'cg1:*'`; each expires by itself",
        )),
    }
}

/// Returns the store that the flag names, or else the environment. `None` if it is off.
fn store(flag: Option<&String>) -> Result<Option<Arc<dyn TokenStore>>, CommandError> {
    Ok(match Place::find(flag)? {
        Place::Off => None,
        Place::Directory(store) => Some(Arc::new(store)),
        Place::Url { written, url } => Some(Arc::new(redis_store(written, url)?)),
    })
}

/// Makes the store at a URL. Nothing is connected yet.
fn redis_store(written: &str, url: String) -> Result<RedisStore, CommandError> {
    if written == "--store" && Url::parse(&url).is_ok_and(|url| url.password().is_some()) {
        return Err(CommandError::usage(
            "--store: the URL has a password, and every user of this machine can read command lines",
        )
        .with_remedy(format!(
            "put it in a file that {} names, or set the whole URL as {STORE}",
            PASSWORD.file_variable
        )));
    }
    let keyring = keyring()?.ok_or_else(|| {
        CommandError::usage(format!("{written}: a store in Redis needs a keyring, the same on all machines"))
            .with_remedy(format!("make one by `cgrant store key --keyring`, and set {}", KEYS.file_variable))
    })?;
    let mut builder = RedisStore::builder(url, keyring);
    if let Some((_, password)) = PASSWORD.read()? {
        builder = builder.with_password(password);
    }
    builder.build().map_err(|error| {
        CommandError::usage(format!("{written}: {}", error.message())).with_remedy(format!(
            "write it as rediss://user@host:6379/0, or redis://localhost on this machine, and set {} to the password",
            PASSWORD.file_variable
        ))
    })
}

fn with_keyring(store: FileStore) -> Result<FileStore, CommandError> {
    Ok(match keyring()? {
        Some(keyring) => store.with_keyring(keyring),
        None => store,
    })
}

fn keyring() -> Result<Option<Keyring>, CommandError> {
    let Some((written, text)) = KEYS.read()? else { return Ok(None) };
    let refused = |error: credentials_grant::Error| {
        let remedy = error.remedy().unwrap_or_default().to_owned();
        CommandError::usage(format!("{written}: {}", error.message())).with_remedy(remedy)
    };
    Keyring::parse(&text).map(Some).map_err(refused)
}

/// A secret in a variable, or in a file that another one names.
struct Secret {
    variable: &'static str,
    file_variable: &'static str,
    content: FileContent,
}

impl Secret {
    /// Returns the variable that is set, and the secret.
    fn read(&self) -> Result<Option<(&'static str, SecretString)>, CommandError> {
        let Self { variable: itself, file_variable, content } = *self;
        if let Some(path) = variable(file_variable) {
            return content::read(file_variable, Path::new(&path), content).map(|text| Some((file_variable, text)));
        }
        Ok(variable(itself).map(|text| (itself, text.to_string_lossy().into_owned().into())))
    }
}

fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn duration(text: &str) -> Result<Duration, CommandError> {
    let duration = SignedDuration::from_str(text).ok().and_then(|duration| Duration::try_from(duration).ok());
    duration.ok_or_else(|| {
        CommandError::usage("--minimum-life is not a duration").with_remedy("set one such as 30s, 10m or 1h")
    })
}
