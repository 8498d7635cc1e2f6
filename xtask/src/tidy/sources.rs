//! Checks Rust sources: their length, comment lines, unfinished code and sleeping tests.

use super::finding::{finding, has_extension, numbered_lines};
use crate::checkout::{Checkout, PROVIDERS};

const MAX_LINES: usize = 500;
const MAX_PROVIDER_LINES: usize = 220;
/// The provider for any server has a setting for each way in which servers differ.
const MAX_GENERIC_PROVIDER_LINES: usize = 330;
const GENERIC_PROVIDER: &str = "/oauth2/src/lib.rs";
/// As in rustfmt.toml.
const MAX_CHARACTERS: usize = 120;

// `concat!` keeps these rules from finding this file.
const UNFINISHED: &[&str] = &[concat!("todo", "!("), concat!("unimplemented", "!(")];
const SLEEPING: &str = concat!("sleep", "(");

/// Files are short. A provider that is too long usually needs a building block that core does not have yet.
pub(super) fn are_short(checkout: &Checkout) -> Vec<String> {
    let lengths = rust_files(checkout).map(|(path, text)| (path, text.lines().count()));
    let findings = lengths.filter_map(|(path, lines)| {
        let (max, remedy) = if path.starts_with(PROVIDERS) && path.ends_with("/src/lib.rs") {
            let is_generic = path.ends_with(GENERIC_PROVIDER);
            let max = if is_generic { MAX_GENERIC_PROVIDER_LINES } else { MAX_PROVIDER_LINES };
            (max, "move what other vendors could use into core")
        } else {
            (MAX_LINES, "split it by topic")
        };
        (lines > max).then(|| finding(path, format!("has {lines} lines, the limit is {max}"), remedy))
    });
    findings.collect()
}

/// No source contains a stub. A case that is not supported is an error with a kind.
pub(super) fn are_finished(checkout: &Checkout) -> Vec<String> {
    let lines = rust_files(checkout).flat_map(numbered_lines);
    let unfinished = lines.filter(|(_, line)| UNFINISHED.iter().any(|mark| line.contains(mark)));
    unfinished.map(|(place, _)| finding(place, "contains unfinished code", "finish it or remove it")).collect()
}

/// No test sleeps: it would be slow, and would fail on a busy machine.
pub(super) fn do_not_sleep_in_tests(checkout: &Checkout) -> Vec<String> {
    let tests = rust_files(checkout).filter(|(path, _)| path.contains("/tests/") || path.ends_with("/tests.rs"));
    let sleeping = tests.flat_map(numbered_lines).filter(|(_, line)| line.contains(SLEEPING));
    sleeping.map(|(place, _)| finding(place, "a test sleeps", "use a clock that the test moves")).collect()
}

/// Comment lines fit the width of the code. rustfmt wraps only code.
pub(super) fn have_comments_that_fit(checkout: &Checkout) -> Vec<String> {
    let lines = rust_files(checkout).flat_map(numbered_lines);
    let long = lines.filter(|(_, line)| {
        let comment = line.trim_start().strip_prefix("//");
        // A comment without a space, such as a long URL, cannot be wrapped.
        let can_be_wrapped = comment.is_some_and(|text| text.trim_start_matches(['/', '!']).trim().contains(' '));
        can_be_wrapped && line.chars().count() > MAX_CHARACTERS
    });
    let wrong = format!("a comment line has more than {MAX_CHARACTERS} characters");
    long.map(|(place, _)| finding(place, &wrong, "wrap it")).collect()
}

fn rust_files(checkout: &Checkout) -> impl Iterator<Item = (&str, &str)> {
    checkout.files().filter(|(path, _)| has_extension(path, "rs"))
}
