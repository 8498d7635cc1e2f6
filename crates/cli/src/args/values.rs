//! Values that begin with a dash, before clap parses the command line: it would take them for flags.
//!
//! Client ids and scopes are often random, or come from a script: a value that begins with a dash once in a while would
//! break such a script once in a while.

use std::ffi::OsString;
use std::mem;

use clap::{Arg, Command};

/// Joins each flag that takes a value with the word behind it, if that begins with one dash and is no flag itself:
/// `--client-id -x1` becomes `--client-id=-x1`.
pub(super) fn join_to_flags(command: &Command, words: Vec<OsString>) -> Vec<OsString> {
    let (mut joined, mut levels, mut is_over) = (Vec::with_capacity(words.len()), vec![command], false);
    let mut words = words.into_iter().peekable();
    while let Some(mut word) = words.next() {
        is_over |= word == "--";
        let text = word.to_str().filter(|_| !is_over).unwrap_or_default();
        let is_value = |next: &OsString| is_dashed_value(next, &levels);
        if let Some(next) = words.next_if(|next| takes_value(text, &levels) && is_value(next)) {
            word.push("=");
            word.push(next);
        } else if let Some(subcommand) = levels.last().and_then(|level| level.find_subcommand(text)) {
            levels.push(subcommand);
        }
        joined.push(mem::take(&mut word));
    }
    joined
}

/// Returns `true` for a flag that takes one value, and that clap would not give one with a dash.
fn takes_value(word: &str, levels: &[&Command]) -> bool {
    let Some(name) = word.strip_prefix("--").filter(|name| !name.is_empty()) else { return false };
    let is_named = |arg: &&Arg| arg.get_long() == Some(name);
    let flag = levels.iter().rev().find_map(|level| level.get_arguments().find(is_named));
    flag.is_some_and(|flag| flag.get_action().takes_values() && !flag.is_allow_hyphen_values_set())
}

/// Returns `true` for a word that begins with one dash and cannot be meant as flags (`-v`, `-vv`).
fn is_dashed_value(word: &OsString, levels: &[&Command]) -> bool {
    let is_flag = |name: char| {
        let has_it = |level: &&Command| level.get_arguments().any(|arg| arg.get_short() == Some(name));
        matches!(name, 'h' | 'V') || levels.iter().any(has_it)
    };
    // A dash alone stands for standard input, and is left to clap as well.
    word.to_string_lossy()
        .strip_prefix('-')
        .is_some_and(|names| !names.is_empty() && !names.starts_with('-') && !names.chars().all(is_flag))
}
