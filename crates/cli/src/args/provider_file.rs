//! Replaces `--provider-file PATH` with the provider's name, before clap parses the command line: the settings in the
//! file become flags.

use std::ffi::OsString;
use std::path::Path;

use super::provider_command::PROVIDER_COMMANDS;
use crate::error::CommandError;
use crate::provider::file::{self, FLAG};
use crate::registry;

/// Loads the provider file, if the command line names one, and puts its provider's name after the command.
pub(super) fn replace(mut words: Vec<OsString>) -> Result<Vec<OsString>, CommandError> {
    let is_command = |word: &OsString| PROVIDER_COMMANDS.iter().any(|(name, _)| word == name);
    let Some(command) = words.iter().skip(1).position(is_command).map(|at| at + 1) else { return Ok(words) };
    let last = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let Some((at, path)) = (command + 1..last).find_map(|at| Some((at, path(&words, at)?))) else { return Ok(words) };
    let (path, length) = path?;
    words.drain(at..at + length);
    if let Some(named) = words.get(command + 1).and_then(|word| word.to_str()).and_then(registry::find) {
        return Err(CommandError::usage(format!("{FLAG} and {} each name a provider", named.name))
            .with_remedy("remove one of them"));
    }
    words.insert(command + 1, file::load(Path::new(&path))?.into());
    Ok(words)
}

/// Returns the path if the flag is at this word, and how many words the two take.
fn path(words: &[OsString], at: usize) -> Option<Result<(OsString, usize), CommandError>> {
    let word = words[at].to_str()?;
    let (path, length) = match word.strip_prefix(FLAG)? {
        "" => (words.get(at + 1).cloned().unwrap_or_default(), 2),
        rest => (OsString::from(rest.strip_prefix('=')?), 1),
    };
    if path.is_empty() || path.to_str().is_some_and(|path| path.starts_with("--")) {
        let message = format!("{FLAG} needs a path");
        return Some(Err(CommandError::usage(message).with_remedy(format!("give {FLAG} the path of a TOML file"))));
    }
    Some(Ok((path, length)))
}
