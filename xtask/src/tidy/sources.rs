//! Rust sources: short, finished, and tested without waiting.

use super::finding::{finding, has_extension, numbered_lines};
use crate::checkout::{Checkout, PROVIDERS};

const MOST_LINES: usize = 500;
const MOST_LINES_OF_A_PROVIDER: usize = 220;
/// As in rustfmt.toml.
const MOST_CHARACTERS: usize = 120;

// Put together here, so that these rules do not find themselves.
const UNFINISHED: &[&str] = &[concat!("todo", "!("), concat!("unimplemented", "!(")];
const SLEEPING: &str = concat!("sleep", "(");

/// A file can be read at a sitting; a provider that cannot has found a building block that the core lacks.
pub(super) fn are_short(checkout: &Checkout) -> Vec<String> {
    let lengths = rust_files(checkout).map(|(path, text)| (path, text.lines().count()));
    let findings = lengths.filter_map(|(path, lines)| {
        let (most, remedy) = if path.starts_with(PROVIDERS) && path.ends_with("/src/lib.rs") {
            (MOST_LINES_OF_A_PROVIDER, "move what another vendor could need into core")
        } else {
            (MOST_LINES, "split it by what its parts are for")
        };
        (lines > most).then(|| finding(path, format!("has {lines} lines, more than {most}"), remedy))
    });
    findings.collect()
}

/// What is not there yet is an error with a kind, or not offered.
pub(super) fn are_finished(checkout: &Checkout) -> Vec<String> {
    let lines = rust_files(checkout).flat_map(numbered_lines);
    let unfinished = lines.filter(|(_, line)| UNFINISHED.iter().any(|mark| line.contains(mark)));
    unfinished.map(|(place, _)| finding(place, "is left unfinished", "finish it or take it out")).collect()
}

/// A test that sleeps is slow on a good day and fails on a bad one.
pub(super) fn do_not_sleep_in_tests(checkout: &Checkout) -> Vec<String> {
    let tests = rust_files(checkout).filter(|(path, _)| path.contains("/tests/") || path.ends_with("/tests.rs"));
    let sleeping = tests.flat_map(numbered_lines).filter(|(_, line)| line.contains(SLEEPING));
    sleeping.map(|(place, _)| finding(place, "a test sleeps", "give the test a clock of its own")).collect()
}

/// Code is wrapped by rustfmt; comments are not.
pub(super) fn have_comments_that_fit(checkout: &Checkout) -> Vec<String> {
    let lines = rust_files(checkout).flat_map(numbered_lines);
    let long = lines.filter(|(_, line)| {
        let comment = line.trim_start().strip_prefix("//");
        // What has no space in it, such as a long address, cannot be wrapped.
        let can_be_wrapped = comment.is_some_and(|text| text.trim_start_matches(['/', '!']).trim().contains(' '));
        can_be_wrapped && line.chars().count() > MOST_CHARACTERS
    });
    let wrong = format!("a comment line has more than {MOST_CHARACTERS} characters");
    long.map(|(place, _)| finding(place, &wrong, "wrap it")).collect()
}

fn rust_files(checkout: &Checkout) -> impl Iterator<Item = (&str, &str)> {
    checkout.files().filter(|(path, _)| has_extension(path, "rs"))
}
