//! Spells a secret as servers do when they repeat it, for tests of redaction.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};

/// A secret as a server spells it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Spelling {
    /// What the server writes.
    pub text: String,
    /// Where the spelling of each byte of the secret ends, if each has a spelling of its own.
    pub ends: Vec<usize>,
    /// How many characters are not made from the secret: what base64 holds beside it.
    pub beside: usize,
}

impl Spelling {
    /// Spells a secret as these choices say: each returns a number below the one that it is given.
    pub fn new(secret: &str, choose: &mut dyn FnMut(usize) -> usize) -> Self {
        match choose(6) {
            0 => Self::base64(secret, choose),
            1 => Self::hex(secret, choose),
            _ => Self::escaped(secret, choose),
        }
    }

    /// Escapes characters, up to three times, each in a way of its own, and changes their case.
    fn escaped(secret: &str, choose: &mut dyn FnMut(usize) -> usize) -> Self {
        let (times, case) = (choose(4), choose(4));
        let (mut text, mut ends) = (String::new(), Vec::new());
        for c in secret.chars() {
            let mut spelled = c.to_string();
            for time in 0..times {
                spelled = if time == 0 { escaped(c, choose) } else { escaped_again(&spelled, choose) };
            }
            text += &match case {
                0 => spelled.to_ascii_uppercase(),
                1 => spelled.to_ascii_lowercase(),
                _ => spelled,
            };
            ends.extend(vec![text.len(); c.len_utf8()]);
        }
        Self { text, ends, beside: 0 }
    }

    /// Encodes the secret in base64, alone or between others.
    fn base64(secret: &str, choose: &mut dyn FnMut(usize) -> usize) -> Self {
        let (before, after) = (["", "i", "id:", "some-id:"][choose(4)], ["", ":", "\n", "; and more"][choose(4)]);
        let engine = [&BASE64_STANDARD, &BASE64_STANDARD_NO_PAD, &BASE64_URL_SAFE, &BASE64_URL_SAFE_NO_PAD][choose(4)];
        let mut text = engine.encode(format!("{before}{secret}{after}"));
        if before.is_empty() && after.is_empty() && !text.ends_with('=') && choose(2) == 1 {
            text = escaped_again(&text, choose);
        }
        Self { text, ends: Vec::new(), beside: (before.len() + after.len()) * 8 / 6 + 4 }
    }

    fn hex(secret: &str, choose: &mut dyn FnMut(usize) -> usize) -> Self {
        let (separator, is_upper) = (["", ":", " ", "-"][choose(4)], choose(2) == 1);
        let bytes = secret.bytes().map(|byte| if is_upper { format!("{byte:02X}") } else { format!("{byte:02x}") });
        Self { text: bytes.collect::<Vec<_>>().join(separator), ends: Vec::new(), beside: 0 }
    }
}

/// Escapes an escape: its letters and digits stay as they are, and the rest is escaped in one way.
fn escaped_again(text: &str, choose: &mut dyn FnMut(usize) -> usize) -> String {
    let way = choose(WAYS);
    let again = |c: char| if c.is_ascii_alphanumeric() { c.to_string() } else { escaped_by(way, c, choose) };
    text.chars().map(again).collect()
}

/// Returns a character as it is, or escaped.
fn escaped(c: char, choose: &mut dyn FnMut(usize) -> usize) -> String {
    match choose(WAYS + 1) {
        // A form has `+` for a space.
        WAYS if c == ' ' => "+".to_owned(),
        way => escaped_by(way, c, choose),
    }
}

/// How many ways there are to write a character.
const WAYS: usize = 11;

fn escaped_by(way: usize, c: char, choose: &mut dyn FnMut(usize) -> usize) -> String {
    let bytes = |format: fn(u8) -> String| c.encode_utf8(&mut [0; 4]).bytes().map(format).collect::<String>();
    match way {
        0 => bytes(|byte| format!("%{byte:02X}")),
        1 => bytes(|byte| format!("%{byte:02x}")),
        2 => c.encode_utf16(&mut [0; 2]).iter().fold(String::new(), |mut text, unit| {
            let _ = write!(text, "\\u{unit:04X}");
            text
        }),
        3 => format!("\\u{{{:x}}}", u32::from(c)),
        4 if c.is_ascii() => format!("\\x{:02x}", u32::from(c)),
        5 => format!("&#{:0zeros$};", u32::from(c), zeros = choose(6)),
        6 => format!("&#x{:0zeros$X};", u32::from(c), zeros = choose(6)),
        7 => match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            '\'' => "&apos;".to_owned(),
            '+' => "&plus;".to_owned(),
            '/' => "&sol;".to_owned(),
            '=' => "&equals;".to_owned(),
            c => c.to_string(),
        },
        8 if c.is_ascii_punctuation() => format!("\\{c}"),
        _ => c.to_string(),
    }
}
