//! What is wrong with a vendor file, at which line and column, and what to do about it.

use std::ops::Range;

use credentials_grant::{Error, ErrorKind};

/// The most characters of a name from the file that an error repeats.
const MAX_SHOWN: usize = 60;

/// A mistake in a file. It repeats names but no values: a value may be a secret that someone put there by mistake.
#[derive(Debug)]
pub(crate) struct Problem {
    at: usize,
    message: String,
    remedy: String,
}

impl Problem {
    pub(crate) fn new(at: &Range<usize>, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { at: at.start, message: message.into(), remedy: remedy.into() }
    }

    /// Converts the parser's error, without the values that the parser repeats.
    pub(crate) fn from_toml(error: &toml::de::Error) -> Self {
        let (message, remedy) = reword(error.message());
        Self { at: error.span().map_or(0, |span| span.start), message, remedy }
    }

    /// Converts the problem into an error about the file with this name and text.
    pub(crate) fn into_error(self, file: &str, text: &str) -> Error {
        let before = text.get(..self.at).unwrap_or(text);
        let (lines, line) = before.rsplit_once('\n').unwrap_or(("", before));
        let number = if before.contains('\n') { lines.matches('\n').count() + 2 } else { 1 };
        let column = line.chars().count() + 1;
        let message = format!("{file}, line {number}, column {column}: {}", self.message);
        Error::new(ErrorKind::Configuration, message).with_remedy(self.remedy)
    }
}

/// Returns a name from the file as an error may show it: on one line and shortened.
pub(crate) fn printable(word: &str) -> String {
    let printable: String = word.chars().take(MAX_SHOWN).flat_map(char::escape_debug).collect();
    if word.chars().nth(MAX_SHOWN).is_some() { printable + "…" } else { printable }
}

/// Returns what is wrong and what to do, in our words where the parser's own would repeat a value.
fn reword(message: &str) -> (String, String) {
    const REPEATS_THE_VALUE: [&str; 4] = ["invalid type: ", "invalid value: ", "invalid length ", "unknown variant "];
    let split = message.rsplit_once(", expected ");
    if REPEATS_THE_VALUE.iter().any(|start| message.starts_with(start)) {
        // The text after `expected` comes from this crate's types.
        let expected = match split.map(|(_, expected)| expected) {
            Some("u16" | "u32") => "a whole number",
            Some("a sequence") => "a list",
            Some("a map") => "a table",
            Some(expected) => expected,
            None => "a value that docs/vendor-files.md allows",
        };
        return ("this value has the wrong type".to_owned(), format!("write {expected}"));
    }
    let named = |start: &str| message.strip_prefix(start)?.split_once('`').map(|(name, _)| printable(name));
    if let Some(name) = named("missing field `") {
        return (format!("`{name}` is missing"), format!("add `{name}`"));
    }
    if let Some((unknown, known)) = split
        && let Some(name) = unknown.strip_prefix("unknown field `")
    {
        let name = printable(name.trim_end_matches('`'));
        return (format!("unknown key `{name}`"), format!("use {known}"));
    }
    // Any other message describes the syntax and repeats no value.
    let words: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    (format!("invalid TOML: {words}"), "correct the syntax".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_line_and_column() {
        let place = |text: &str, at: usize| {
            let error = Problem::new(&(at..at), "x", "y").into_error("the vendor file", text);
            error.to_string().replace("the vendor file, ", "")
        };
        assert_eq!(place("", 0), "line 1, column 1: x; y");
        assert_eq!(place("ab\ncd", 1), "line 1, column 2: x; y");
        assert_eq!(place("ab\ncd", 3), "line 2, column 1: x; y");
        assert_eq!(place("ab\n\né = 1", 7), "line 3, column 3: x; y");
        assert_eq!(place("é", 1), "line 1, column 2: x; y", "a position within a character counts as after it");
        assert_eq!(place("ab\n", 99), "line 2, column 1: x; y", "a position after the end counts as the end");
    }

    #[test]
    fn values_that_the_parser_repeats_are_left_out() {
        for (message, words) in [
            ("invalid type: string \"canary\", expected a boolean", "this value has the wrong type; write a boolean"),
            (
                "invalid value: string \"canary, expected canary\", expected a day",
                "this value has the wrong type; write a day",
            ),
            (
                "unknown variant `canary`, expected `POST` or `GET`",
                "this value has the wrong type; write `POST` or `GET`",
            ),
            ("invalid value: integer `4711`, expected u16", "this value has the wrong type; write a whole number"),
            ("missing field `url`", "`url` is missing; add `url`"),
            ("unknown field `a\nb`, expected `x` or `y`", "unknown key `a\\nb`; use `x` or `y`"),
            ("duplicate key", "invalid TOML: duplicate key; correct the syntax"),
        ] {
            let (message, remedy) = reword(message);
            assert_eq!(format!("{message}; {remedy}"), words);
        }
    }

    #[test]
    fn a_name_is_shown_on_one_line_and_shortened() {
        assert_eq!(printable("a\r\n\u{1b}b"), "a\\r\\n\\u{1b}b");
        assert_eq!(printable(&"é".repeat(61)), "é".repeat(60) + "…");
    }
}
