//! What rules share: a finding, and the lines that it points at.

use std::fmt::Display;
use std::path::Path;

/// A finding, on one line.
pub(super) fn finding(path: impl Display, wrong: impl Display, remedy: &str) -> String {
    format!("{path}: {wrong}; {remedy}")
}

/// A file's lines, each behind its place: `path:number`.
pub(super) fn numbered_lines<'a>((path, text): (&'a str, &'a str)) -> impl Iterator<Item = (String, &'a str)> {
    text.lines().zip(1..).map(move |(line, number)| (format!("{path}:{number}"), line))
}

pub(super) fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}
