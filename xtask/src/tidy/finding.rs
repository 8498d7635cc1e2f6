//! The format of a finding, and helpers that several rules use.

use std::fmt::Display;
use std::path::Path;

/// Formats a finding on one line.
pub(super) fn finding(path: impl Display, wrong: impl Display, remedy: &str) -> String {
    format!("{path}: {wrong}; {remedy}")
}

/// Returns a file's lines, each with its location: `path:number`.
pub(super) fn numbered_lines<'a>((path, text): (&'a str, &'a str)) -> impl Iterator<Item = (String, &'a str)> {
    text.lines().zip(1..).map(move |(line, number)| (format!("{path}:{number}"), line))
}

pub(super) fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}
