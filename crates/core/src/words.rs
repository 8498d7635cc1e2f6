//! A text of an error, in which our words and a server's are kept apart.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use crate::redact::{Redactor, one_line};

/// A text of an error. What a server wrote is redacted, and our own words stay as they are: a secret that is an
/// ordinary word would be spelled out by what is missing from them.
#[derive(Clone)]
pub(crate) struct Words {
    text: Cow<'static, str>,
    origin: Origin,
}

#[derive(Clone)]
enum Origin {
    /// Constant, or put together elsewhere: then it may hold a server's words anywhere.
    Unknown,
    /// Ours, apart from these parts.
    Known { quoted: Vec<Range<usize>> },
}

impl Words {
    /// Words of an unknown origin, unless they are constant.
    pub(crate) fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), origin: Origin::Unknown }
    }

    /// Declares that all words so far are our own.
    pub(crate) fn own(mut self) -> Self {
        if let Origin::Unknown = self.origin {
            self.origin = Origin::Known { quoted: Vec::new() };
        }
        self
    }

    /// Appends words of our own.
    pub(crate) fn with_own(self, words: &str) -> Self {
        let mut all = self.own();
        if !words.is_empty() {
            all.text.to_mut().push_str(words);
        }
        all
    }

    /// Appends a server's words, on one line.
    pub(crate) fn with_quoted(self, words: &str) -> Self {
        let Self { text, origin } = self.own();
        let mut text = text.into_owned();
        let start = text.len();
        text += &one_line(words);
        let mut quoted = match origin {
            Origin::Unknown => Vec::new(),
            Origin::Known { quoted } => quoted,
        };
        quoted.push(start..text.len());
        Self { text: text.into(), origin: Origin::Known { quoted } }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the words with every secret taken out of what is not our own.
    pub(crate) fn redacted(self, redactor: &Redactor) -> Self {
        match (self.text, self.origin) {
            (Cow::Owned(text), Origin::Unknown) => Self::new(redactor.redact(&text)),
            (Cow::Owned(text), Origin::Known { quoted }) => {
                let (mut words, mut end) = (Self::new("").own(), 0);
                for Range { start, end: quoted_end } in quoted {
                    words = words.with_own(&text[end..start]).with_quoted(&redactor.redact(&text[start..quoted_end]));
                    end = quoted_end;
                }
                words.with_own(&text[end..])
            }
            (text @ Cow::Borrowed(_), origin) => Self { text, origin },
        }
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    fn redacted(words: Words) -> String {
        words.redacted(&["client"].map(SecretString::from).into_iter().collect()).as_str().to_owned()
    }

    #[test]
    fn a_secret_is_redacted_from_a_servers_words_and_not_from_our_own() {
        let ours = Words::new(format!("the {} was refused: ", "client"));
        assert_eq!(
            redacted(ours.clone().with_quoted("no\nclient").with_own(" (client)")),
            "the client was refused: no [redacted] (client)"
        );
        assert_eq!(redacted(ours.clone().own()), "the client was refused: ");
        assert_eq!(redacted(ours), "the [redacted] was refused: ", "they may be a server's");
        assert_eq!(redacted(Words::new("the client")), "the client", "a constant holds no server's words");
    }
}
