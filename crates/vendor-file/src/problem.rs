//! What is wrong with a vendor file, where, and what to do about it.

use std::ops::Range;

use credentials_grant::{Error, ErrorKind};

/// The most characters of somebody else's word that an error repeats.
const LONGEST_WORD: usize = 60;

/// Something wrong at a place of the file. It repeats names and no values: one may be a secret that somebody wrote there.
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

    /// What the parser says, without the values that it repeats.
    pub(crate) fn of_toml(error: &toml::de::Error) -> Self {
        let (message, remedy) = said(error.message());
        Self { at: error.span().map_or(0, |span| span.start), message, remedy }
    }

    /// The error about the file of this name and text.
    pub(crate) fn into_error(self, file: &str, text: &str) -> Error {
        let before = text.get(..self.at).unwrap_or(text);
        let (lines, line) = before.rsplit_once('\n').unwrap_or(("", before));
        let number = if before.contains('\n') { lines.matches('\n').count() + 2 } else { 1 };
        let column = line.chars().count() + 1;
        let message = format!("{file}, line {number}, column {column}: {}", self.message);
        Error::new(ErrorKind::Configuration, message).with_remedy(self.remedy)
    }
}

/// A name out of a file as an error may show it: on one line, and not at length.
pub(crate) fn shown(word: &str) -> String {
    let shown: String = word.chars().take(LONGEST_WORD).flat_map(char::escape_debug).collect();
    if word.chars().nth(LONGEST_WORD).is_some() { shown + "…" } else { shown }
}

/// What is wrong, and what to do, in our words where the parser's own repeat a value.
fn said(message: &str) -> (String, String) {
    const REPEATS_THE_VALUE: [&str; 4] = ["invalid type: ", "invalid value: ", "invalid length ", "unknown variant "];
    let split = message.rsplit_once(", expected ");
    if REPEATS_THE_VALUE.iter().any(|start| message.starts_with(start)) {
        // What the parser expects are words of this crate's.
        let expected = match split.map(|(_, expected)| expected) {
            Some("u16" | "u32") => "a whole number",
            Some("a sequence") => "a list",
            Some("a map") => "a table",
            Some(expected) => expected,
            None => "what the book's page has",
        };
        return ("something else must stand here".to_owned(), format!("write {expected}"));
    }
    let named = |start: &str| message.strip_prefix(start)?.split_once('`').map(|(name, _)| shown(name));
    if let Some(name) = named("missing field `") {
        return (format!("`{name}` is missing"), format!("add `{name}`"));
    }
    if let Some((unknown, known)) = split
        && let Some(name) = unknown.strip_prefix("unknown field `")
    {
        let name = shown(name.trim_end_matches('`'));
        return (format!("there is no `{name}` here"), format!("use {known}"));
    }
    // Words of the parser's own, about what it expects.
    let words: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    (format!("this is no TOML: {words}"), "correct what stands there".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_by_line_and_column() {
        let place = |text: &str, at: usize| {
            let error = Problem::new(&(at..at), "x", "y").into_error("the vendor file", text);
            error.to_string().replace("the vendor file, ", "")
        };
        assert_eq!(place("", 0), "line 1, column 1: x; y");
        assert_eq!(place("ab\ncd", 1), "line 1, column 2: x; y");
        assert_eq!(place("ab\ncd", 3), "line 2, column 1: x; y");
        assert_eq!(place("ab\n\né = 1", 7), "line 3, column 3: x; y");
        assert_eq!(place("é", 1), "line 1, column 2: x; y", "a place within a character is behind it");
        assert_eq!(place("ab\n", 99), "line 2, column 1: x; y", "a place behind the end is the end");
    }

    #[test]
    fn what_the_parser_repeats_is_not_repeated() {
        for (message, words) in [
            ("invalid type: string \"canary\", expected a boolean", "something else must stand here; write a boolean"),
            (
                "invalid value: string \"canary, expected canary\", expected a day",
                "something else must stand here; write a day",
            ),
            (
                "unknown variant `canary`, expected `POST` or `GET`",
                "something else must stand here; write `POST` or `GET`",
            ),
            ("invalid value: integer `4711`, expected u16", "something else must stand here; write a whole number"),
            ("missing field `url`", "`url` is missing; add `url`"),
            ("unknown field `a\nb`, expected `x` or `y`", "there is no `a\\nb` here; use `x` or `y`"),
            ("duplicate key", "this is no TOML: duplicate key; correct what stands there"),
        ] {
            let (message, remedy) = said(message);
            assert_eq!(format!("{message}; {remedy}"), words);
        }
    }

    #[test]
    fn a_name_is_shown_on_one_line_and_not_at_length() {
        assert_eq!(shown("a\r\n\u{1b}b"), "a\\r\\n\\u{1b}b");
        assert_eq!(shown(&"é".repeat(61)), "é".repeat(60) + "…");
    }
}
