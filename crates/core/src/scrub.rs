//! Takes secrets out of what a server echoes.
//!
//! A server that answers `unknown client: Basic YWJj…` repeats the secret in the form that went over the wire, so every
//! such form is learnt while the request is laid out. Text is scrubbed first and capped after, so that a cap can't cut
//! a secret into a shape that is no longer found.

use std::borrow::Cow;

use secrecy::{ExposeSecret, SecretString};

/// What stands where a secret stood.
const REDACTED: &str = "[redacted]";

/// The longest text of a server's that is kept, in bytes.
const LONGEST: usize = 512;

/// The secrets of one trip, in every form that was sent.
#[derive(Debug, Default)]
pub(crate) struct Scrubber(Vec<SecretString>);

impl Scrubber {
    pub(crate) fn learn(&mut self, forms: impl IntoIterator<Item = SecretString>) {
        for form in forms {
            // What a server said is put on one line before it is scrubbed.
            let on_one_line = one_line(form.expose_secret()).into();
            self.0.extend([form, on_one_line].into_iter().filter(|form| !form.expose_secret().is_empty()));
        }
        // The longest first: a secret within a longer one must not leave the longer one's ends behind.
        self.0.sort_by_key(|form| std::cmp::Reverse(form.expose_secret().len()));
    }

    /// The text without secrets.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let mut scrubbed = Cow::Borrowed(text);
        for form in self.0.iter().map(ExposeSecret::expose_secret) {
            if scrubbed.contains(form) {
                scrubbed = Cow::Owned(scrubbed.replace(form, REDACTED));
            }
        }
        capped(&scrubbed)
    }
}

/// The text on one line, without control characters: what a server sends must not forge lines of a log.
pub(crate) fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty());
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

    fn scrubber(forms: &[&str]) -> Scrubber {
        let mut scrubber = Scrubber::default();
        scrubber.learn(forms.iter().map(|&form| form.into()));
        scrubber
    }

    #[test]
    fn a_secret_within_a_longer_one_leaves_no_ends_behind() {
        assert_eq!(scrubber(&["cret", "a secret form"]).scrub("<a secret form> <cret>"), "<[redacted]> <[redacted]>");
    }

    #[test]
    fn a_secret_with_line_breaks_is_found_on_one_line_too() {
        let scrubber = scrubber(&["a\n secret"]);
        assert_eq!(scrubber.scrub(&one_line("<a\n secret>")), "<[redacted]>");
    }

    #[test]
    fn an_empty_secret_scrubs_nothing() {
        assert_eq!(scrubber(&[""]).scrub("as it was"), "as it was");
    }

    #[test]
    fn text_is_scrubbed_before_it_is_capped() {
        let text = format!("{}canary", "x".repeat(LONGEST - 3));
        assert_eq!(scrubber(&["canary"]).scrub(&text), format!("{}[re…", "x".repeat(LONGEST - 3)));
    }

    #[test]
    fn a_cap_falls_between_characters() {
        let text = "é".repeat(LONGEST);
        assert_eq!(scrubber(&[]).scrub(&text), format!("{}…", "é".repeat(LONGEST / 2)));
    }

    #[test]
    fn a_line_break_forges_no_line_of_a_log() {
        assert_eq!(one_line("denied\r\n2026-01-01 root logged in\u{1b}[2J"), "denied 2026-01-01 root logged in [2J");
    }
}
