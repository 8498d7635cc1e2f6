//! Finds the value of each option: the flag if it is given, else the environment variable, else the default.
//!
//! This is the one file that knows the places where a value can be, and their precedence.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::ArgMatches;
use clap::parser::ValueSource;

use crate::error::CommandError;
use crate::provider::Provider;
use crate::provider::option::{ProviderOption, ValueKind};

/// Where a value comes from.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// This flag.
    Flag(String),
    /// The environment variable of this name, which holds the value.
    Variable(String),
    /// The environment variable of this name, which holds the path of a file.
    PathVariable(String),
    /// The option's default.
    Default,
}

/// A value as it was found.
#[derive(Debug)]
pub(super) enum Value {
    Text(String),
    List(Vec<String>),
    /// A switch that is given.
    On,
    /// The path of the file that holds the value, or `-`. It is read when the value is needed.
    Path(PathBuf),
    /// The content of an environment variable. It is checked when the value is needed, because variables may be there
    /// for other commands.
    Raw(OsString),
}

/// A value and where it comes from.
pub(super) type Resolved = (Value, Origin);

impl Origin {
    /// Returns `true` if a value from here takes precedence over one from there.
    pub(super) fn overrides(&self, other: &Self) -> bool {
        self.rank() < other.rank()
    }

    /// Returns the flag or the variable.
    pub(super) fn written(&self) -> Option<&str> {
        match self {
            Self::Flag(name) | Self::Variable(name) | Self::PathVariable(name) => Some(name),
            Self::Default => None,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Flag(_) => 0,
            Self::Variable(_) | Self::PathVariable(_) => 1,
            Self::Default => 2,
        }
    }
}

/// Finds the values of these options, by name. Reads no file and no standard input.
pub(super) fn resolve(
    provider: &'static Provider,
    options: &[ProviderOption],
    matches: &ArgMatches,
) -> Result<BTreeMap<&'static str, Resolved>, CommandError> {
    refuse_exposed(provider, options, matches)?;
    let mut values = BTreeMap::new();
    for option in options {
        let value = match from_flag(option, matches) {
            Some(value) => Some(value),
            None => from_variable(provider, option)?,
        };
        values.extend(value.or_else(|| default(option)).map(|value| (option.name, value)));
    }
    Ok(values)
}

/// Returns how to set an option, in words.
pub(super) fn ways_to_set(provider: &Provider, option: &ProviderOption) -> String {
    let path = if option.is_file() { " PATH (- for standard input)" } else { "" };
    format!("{}{path} or the environment variable {}", option.flag(), provider.variable(option.name))
}

/// Returns an option's name, where it is not set.
pub(super) fn unset_name(provider: &Provider, option: &ProviderOption) -> String {
    if option.has_variable { format!("{} or {}", option.flag(), provider.variable(option.name)) } else { option.flag() }
}

/// Refuses a secret on the command line, whatever else is wrong.
fn refuse_exposed(provider: &Provider, options: &[ProviderOption], matches: &ArgMatches) -> Result<(), CommandError> {
    let is_exposed = |option: &&ProviderOption| option.is_file() && matches.contains_id(&option.exposed_id());
    let Some(option) = options.iter().find(is_exposed) else { return Ok(()) };
    let why = if option.is_secret() { ": every user of this machine can read command lines" } else { "" };
    Err(CommandError::usage(format!("there is no --{}{why}", option.name))
        .with_remedy(format!("use {}", ways_to_set(provider, option)))
        .with_provider(provider.name))
}

fn from_flag(option: &ProviderOption, matches: &ArgMatches) -> Option<Resolved> {
    if matches.value_source(option.name) != Some(ValueSource::CommandLine) {
        return None;
    }
    let words = || matches.get_many::<String>(option.name).into_iter().flatten().cloned();
    let value = match option.kind {
        ValueKind::Text => Value::Text(words().next()?),
        ValueKind::List => Value::List(words().collect()),
        ValueKind::Switch => Value::On,
        ValueKind::File(_) | ValueKind::Path(_) => Value::Path(matches.get_one::<PathBuf>(option.name)?.clone()),
    };
    Some((value, Origin::Flag(option.flag())))
}

fn from_variable(provider: &Provider, option: &ProviderOption) -> Result<Option<Resolved>, CommandError> {
    if !option.has_variable {
        return Ok(None);
    }
    let (name, path_name) = (provider.variable(option.name), provider.path_variable(option.name));
    let path = if option.is_file() { variable(&path_name) } else { None };
    match (variable(&name), path) {
        (Some(_), Some(_)) => Err(CommandError::usage(format!("{name} and {path_name} contradict each other"))
            .with_remedy("set one of them")
            .with_provider(provider.name)),
        (Some(path), None) if matches!(option.kind, ValueKind::Path(_)) => {
            let path = utf8(provider, &name, path)?;
            Ok(Some((Value::Path(PathBuf::from(path.trim())), Origin::PathVariable(name))))
        }
        (Some(raw), None) => Ok(Some((Value::Raw(raw), Origin::Variable(name)))),
        (None, Some(path)) => {
            let path = utf8(provider, &path_name, path)?;
            Ok(Some((Value::Path(PathBuf::from(path.trim())), Origin::PathVariable(path_name))))
        }
        (None, None) => Ok(None),
    }
}

fn default(option: &ProviderOption) -> Option<Resolved> {
    option.default.map(|text| (Value::Text(text.to_owned()), Origin::Default))
}

/// Returns the text of an environment variable.
pub(super) fn utf8(provider: &Provider, name: &str, raw: OsString) -> Result<String, CommandError> {
    raw.into_string().map_err(|_| {
        CommandError::usage(format!("{name} is not UTF-8 text"))
            .with_remedy(format!("set {name} to UTF-8 text"))
            .with_provider(provider.name)
    })
}

/// Returns an environment variable. A blank one counts as not set.
fn variable(name: &str) -> Option<OsString> {
    let value = env::var_os(name)?;
    let is_blank = value.to_str().is_some_and(|value| value.trim().is_empty());
    (!is_blank).then_some(value)
}
