//! Redacts secrets from what a server echoes.
//!
//! A server that answers `unknown client: Basic YWJj…` repeats the secret as it was sent, or as the server escapes it.
//! Text is redacted first and cut off afterwards, so that the cut cannot hide a secret from the search.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::form_urlencoded;

use crate::encode::percent_encode;

/// What replaces a secret.
const REDACTED: &str = "[redacted]";

/// The longest text of a server that is kept, in bytes.
const LONGEST: usize = 512;

/// The secrets of one exchange.
#[derive(Debug)]
pub(crate) struct Redactor(Vec<SecretString>);

impl FromIterator<SecretString> for Redactor {
    fn from_iter<T: IntoIterator<Item = SecretString>>(secrets: T) -> Self {
        Self(secrets.into_iter().collect())
    }
}

impl Redactor {
    /// Returns the text with every secret replaced, in any form that it was sent or is echoed in.
    pub(crate) fn redact(&self, text: &str) -> String {
        let mut secret = vec![false; text.len()];
        let forms = self.0.iter().flat_map(|secret| forms(secret.expose_secret()));
        for form in forms.filter(|form| !form.expose_secret().is_empty()) {
            for (start, found) in text.match_indices(form.expose_secret()) {
                secret[start..start + found.len()].fill(true);
            }
        }
        let mut redacted = String::new();
        let mut after_secret = false;
        for (at, c) in text.char_indices() {
            match secret[at] {
                true if after_secret => {}
                true => redacted += REDACTED,
                false => redacted.push(c),
            }
            after_secret = secret[at];
        }
        capped(&redacted)
    }
}

/// Returns a secret as it was sent, and as servers escape it: in a URL, a form, JSON or HTML.
fn forms(secret: &str) -> Vec<SecretString> {
    let percent = percent_encode(secret);
    let json = Value::from(secret).to_string();
    let json = &json[1..json.len() - 1];
    let forms = [
        secret.to_owned(),
        lower_case_hex(&percent),
        percent,
        form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        replaced(json, &[('<', "\\u003c"), ('>', "\\u003e"), ('&', "\\u0026"), ('\'', "\\u0027"), ('+', "\\u002b")]),
        json.to_owned(),
        replaced(secret, &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;")]),
    ];
    // The server's words are put on one line before they are redacted.
    forms.into_iter().flat_map(|form| [one_line(&form).into(), form.into()]).collect()
}

/// `%2b` for `%2B`, as .NET writes it.
fn lower_case_hex(percent: &str) -> String {
    let mut parts = percent.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (hex, rest) = part.split_at(2);
        text + "%" + &hex.to_ascii_lowercase() + rest
    })
}

fn replaced(text: &str, table: &[(char, &str)]) -> String {
    let mut replaced = String::new();
    for c in text.chars() {
        match table.iter().find(|(from, _)| *from == c) {
            Some((_, to)) => replaced.push_str(to),
            None => replaced.push(c),
        }
    }
    replaced
}

/// Returns the text on one line, without control characters and bidirectional controls: what a server sends must not
/// forge log lines, nor display as something else.
pub(crate) fn one_line(text: &str) -> String {
    let turns =
        |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let words = text.split(|c: char| c.is_control() || c.is_whitespace() || turns(c)).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

fn capped(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let end = (0..=LONGEST).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubber(forms: &[&str]) -> Redactor {
        forms.iter().map(|&form| SecretString::from(form)).collect()
    }

    #[test]
    fn a_secret_within_a_longer_one_leaves_no_ends_behind() {
        assert_eq!(scrubber(&["cret", "a secret form"]).redact("<a secret form> <cret>"), "<[redacted]> <[redacted]>");
    }

    #[test]
    fn a_secret_is_found_as_servers_write_it() {
        let cases = [
            ("a\n secret", "a secret"),
            ("canary+Zm9v/YmFy=", "canary%2bZm9v%2fYmFy%3d"),
            ("canary+Zm9v/YmFy=", "canary%2BZm9v%2FYmFy%3D"),
            ("canary~ x*", "canary%7E+x*"),
            ("canary's", "canary&#39;s"),
            ("canary<b", "canary\\u003cb"),
            ("can\"ary", "can\\\"ary"),
            ("canary\"", "canary\\\""),
        ];
        for (secret, echo) in cases {
            assert_eq!(scrubber(&[secret]).redact(&format!("<{echo}>")), "<[redacted]>", "{secret:?} as {echo}");
        }
    }

    #[test]
    fn a_secret_that_is_part_of_what_stands_in_its_place_does_not_multiply() {
        for secret in ["e", "act", "[", "[redacted]"] {
            assert_eq!(scrubber(&[secret, "x"]).redact(&format!("x {secret}")), "[redacted] [redacted]", "{secret}");
        }
    }

    #[test]
    fn secrets_that_overlap_leave_nothing_of_either() {
        assert_eq!(scrubber(&["abcd", "cdefgh"]).redact("<abcdefgh>"), "<[redacted]>");
    }

    #[test]
    fn an_empty_secret_scrubs_nothing() {
        assert_eq!(scrubber(&[""]).redact("as it was"), "as it was");
    }

    #[test]
    fn text_is_scrubbed_before_it_is_capped() {
        let text = format!("{}canary", "x".repeat(LONGEST - 3));
        assert_eq!(scrubber(&["canary"]).redact(&text), format!("{}[re…", "x".repeat(LONGEST - 3)));
    }

    #[test]
    fn a_cap_falls_between_characters() {
        let text = "é".repeat(LONGEST);
        assert_eq!(scrubber(&[]).redact(&text), format!("{}…", "é".repeat(LONGEST / 2)));
    }

    #[test]
    fn what_a_server_says_forges_no_line_of_a_log_and_turns_no_text() {
        assert_eq!(one_line("denied \u{202e}yako\u{202c} and\u{2066}more"), "denied yako and more");
        assert_eq!(one_line("denied\r\n2026-01-01 root logged in\u{1b}[2J"), "denied 2026-01-01 root logged in [2J");
    }
}
