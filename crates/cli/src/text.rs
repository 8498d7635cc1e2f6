//! Text made safe for a terminal, a shell or a line of JSON.

use std::borrow::Cow;

/// Returns `true` for a character that can do more on a terminal than show itself: one that moves the cursor or starts
/// a command (C0, DEL, C1), ends a line, or changes the direction of text (Unicode's `Bidi_Control`), which can make it
/// read as something else.
pub(crate) fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Escapes every control character in text that somebody else wrote.
pub(crate) fn one_line(text: &str) -> String {
    escaped(text, is_control).into_owned()
}

/// Quotes any text as one word for a shell.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return text.into();
    }
    let escape = |mut line: String, c: char| {
        if is_escaped(c) {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
        line
    };
    text.chars().fold(String::with_capacity(text.len()), escape).into()
}

/// Escapes control characters in a body that arrives in parts, for a terminal. Line breaks and tabs stay.
#[derive(Default)]
pub(crate) struct TerminalText {
    /// The beginning of a character or of a line break (CR LF), whose other bytes are in the next part.
    incomplete: Vec<u8>,
}

impl TerminalText {
    /// Returns the text of this part. Bytes that are not UTF-8 become `\u{fffd}`.
    pub(crate) fn part(&mut self, part: &[u8]) -> String {
        let mut bytes = std::mem::take(&mut self.incomplete);
        bytes.extend_from_slice(part);
        let held_back = bytes.pop_if(|last| *last == b'\r');
        let mut text = String::with_capacity(bytes.len());
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            let lines = chunk.valid().replace("\r\n", "\n");
            text += &escaped(&lines, |c| is_control(c) && !matches!(c, '\n' | '\t'));
            let is_last = chunks.peek().is_none();
            if is_last && held_back.is_none() && is_incomplete(chunk.invalid()) {
                self.incomplete = chunk.invalid().to_vec();
            } else if !chunk.invalid().is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        self.incomplete.extend(held_back);
        text
    }

    /// Returns what is left when the body has ended.
    pub(crate) fn end(self) -> &'static str {
        match self.incomplete[..] {
            [] => "",
            [b'\r'] => "\\r",
            _ => "\u{fffd}",
        }
    }
}

/// Returns `true` if further bytes can make a character of these.
fn is_incomplete(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIRECTIONS: &str =
        "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";

    #[test]
    fn every_control_character_is_escaped_and_no_other() {
        for c in '\0'..=char::MAX {
            let is_harmful = c.is_control() || DIRECTIONS.contains(c) || matches!(c, '\u{2028}' | '\u{2029}');
            let shown = one_line(&c.to_string());
            assert_eq!(shown != c.to_string(), is_harmful, "{c:?}");
            assert!(!is_harmful || shown.is_ascii() && shown.starts_with('\\'), "{c:?}: {shown}");
        }
    }

    #[test]
    fn a_body_on_a_terminal_keeps_its_lines_and_nothing_else_that_a_terminal_obeys() {
        let body = "one\ttab\r\nlone\r \u{1b}[2J\u{9b}2J \u{202e}\u{e9}\u{1f600}\r";
        let expected = "one\ttab\nlone\\r \\u{1b}[2J\\u{9b}2J \\u{202e}\u{e9}\u{1f600}\\r";
        // However the body is cut into parts.
        for size in 1..body.len() {
            let mut terminal = TerminalText::default();
            let parts: String = body.as_bytes().chunks(size).map(|part| terminal.part(part)).collect();
            assert_eq!(parts + terminal.end(), expected, "{size}");
        }
    }

    #[test]
    fn bytes_that_are_not_text_are_replaced_on_a_terminal() {
        let mut terminal = TerminalText::default();
        assert_eq!(terminal.part(b"a\x9b\xffb\xe2\x82"), "a\u{fffd}\u{fffd}b");
        assert_eq!(terminal.part(b"\xac\xe2"), "\u{20ac}");
        assert_eq!(terminal.end(), "\u{fffd}");
    }
}
