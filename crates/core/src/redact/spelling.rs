//! How servers spell a text that they repeat: as it is, or escaped for a URL, JSON, a program or HTML, also twice.

/// A byte of a text, and the part of the text that spells it.
#[derive(Clone, Copy)]
pub(super) struct Spelled {
    pub(super) byte: u8,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What an escape stands for, and how many bytes spell it.
struct Escape {
    means: Means,
    length: usize,
}

enum Means {
    Byte(u8),
    Char(char),
}

/// Where reading can go on after a byte: it was read as this byte, and this many bytes spell it.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    pub(super) byte: u8,
    pub(super) length: usize,
}

/// The longest escape: `&#x000010FFFF;`, with a few more zeros.
const LONGEST_ESCAPE: usize = 16;

/// The longest part of an escape that is left where a text was cut short. Its own characters may be escaped.
const LONGEST_CUT_ESCAPE: usize = 64;

const NAMED: [(&str, char); 40] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("plus", '+'),
    ("sol", '/'),
    ("equals", '='),
    ("num", '#'),
    ("percnt", '%'),
    ("nbsp", ' '),
    ("bsol", '\\'),
    ("colon", ':'),
    ("semi", ';'),
    ("comma", ','),
    ("period", '.'),
    ("excl", '!'),
    ("quest", '?'),
    ("lowbar", '_'),
    ("dollar", '$'),
    ("commat", '@'),
    ("ast", '*'),
    ("midast", '*'),
    ("lpar", '('),
    ("rpar", ')'),
    ("lsqb", '['),
    ("lbrack", '['),
    ("rsqb", ']'),
    ("rbrack", ']'),
    ("lcub", '{'),
    ("lbrace", '{'),
    ("rcub", '}'),
    ("rbrace", '}'),
    ("verbar", '|'),
    ("vert", '|'),
    ("grave", '`'),
    ("hat", '^'),
    ("tab", ' '),
    ("newline", ' '),
    ("dash", '-'),
];

/// Returns `true` for what `one_line` takes out: white space, control characters and bidirectional controls.
pub(super) fn is_blank(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || c.is_control() || c.is_whitespace()
}

/// Returns the bytes of a text as it stands.
pub(super) fn raw(text: &str) -> Vec<Spelled> {
    let mut bytes = Vec::with_capacity(text.len());
    for (start, c) in text.char_indices() {
        push(&mut bytes, c, start, start + c.len_utf8());
    }
    bytes
}

/// Returns the bytes with every escape decoded once, or `None` if there is no escape.
pub(super) fn decoded(bytes: &[Spelled]) -> Option<Vec<Spelled>> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let (mut at, mut has_escapes) = (0, false);
    while at < bytes.len() {
        let Some(Escape { means, length }) = escape(bytes, at).filter(|escape| is_plain(bytes, at, escape)) else {
            decoded.push(bytes[at]);
            at += 1;
            continue;
        };
        has_escapes = true;
        let (start, end) = (bytes[at].start, bytes[at + length - 1].end);
        match means {
            Means::Byte(byte) => decoded.push(Spelled { byte: blanked(byte), start, end }),
            Means::Char(c) => push(&mut decoded, c, start, end),
        }
        at += length;
    }
    has_escapes.then_some(decoded)
}

/// Returns every way to read what stands here as one byte: as it is, as an escape, or as a quoted character. An escape
/// that stands for several bytes is left to [`decoded`].
pub(super) fn readings(bytes: &[Spelled], at: usize) -> [Option<Reading>; 3] {
    let byte = bytes[at].byte;
    let escape = escape(bytes, at).and_then(|Escape { means, length }| match means {
        Means::Byte(byte) => Some(Reading { byte: blanked(byte), length }),
        Means::Char(c) if is_blank(c) => Some(Reading { byte: b' ', length }),
        Means::Char(c) => u8::try_from(c).ok().filter(u8::is_ascii).map(|byte| Reading { byte, length }),
    });
    let quoted =
        bytes.get(at + 1).filter(|next| byte == b'\\' && (next.byte.is_ascii_alphanumeric() || next.byte == b' '));
    [Some(Reading { byte, length: 1 }), escape, quoted.map(|next| Reading { byte: next.byte, length: 2 })]
}

/// Returns, for every place between two bytes, where a text that was cut short there ends: at the end, at an ellipsis,
/// or before an escape that was cut short itself.
pub(super) fn cuts(bytes: &[Spelled]) -> Vec<Option<usize>> {
    let mut cuts: Vec<Option<usize>> = vec![None; bytes.len() + 1];
    cuts[bytes.len()] = Some(bytes.len());
    for at in (0..bytes.len()).rev() {
        let starts =
            |mark: &[u8]| bytes[at..].iter().map(|spelled| spelled.byte).take(mark.len()).eq(mark.iter().copied());
        if starts("…".as_bytes()) || starts(b"...") || starts(b"***") {
            cuts[at] = Some(at);
        } else if matches!(bytes[at].byte, b'%' | b'\\' | b'&') {
            let is_in_escape = |byte: u8| byte.is_ascii_alphanumeric() || b"#{}\\%&;".contains(&byte);
            let rest = bytes[at + 1..].iter().take(LONGEST_CUT_ESCAPE).take_while(|spelled| is_in_escape(spelled.byte));
            cuts[at] = cuts[at + 1 + rest.count()];
        }
    }
    cuts
}

/// Returns `false` for what may be something else, and is left to [`readings`]: `\n`, whose backslash may itself be
/// what was escaped, and an entity without a semicolon before an escape, which may be that of the semicolon, or where
/// the text was cut short.
fn is_plain(bytes: &[Spelled], at: usize, escape: &Escape) -> bool {
    let last = bytes[at + escape.length - 1].byte;
    let next = bytes.get(at + escape.length).map(|spelled| spelled.byte);
    match bytes[at].byte {
        b'\\' => escape.length > 2 || last.is_ascii_punctuation(),
        b'&' => last == b';' || next.is_some_and(|next| next.is_ascii() && !b"%\\&.*".contains(&next)),
        _ => true,
    }
}

/// Reads an escape.
fn escape(bytes: &[Spelled], at: usize) -> Option<Escape> {
    let reader = Reader { bytes, at };
    match bytes[at].byte {
        b'%' => reader.percent(),
        b'\\' => reader.backslash(),
        b'&' => reader.entity(),
        _ => None,
    }
}

struct Reader<'a> {
    bytes: &'a [Spelled],
    at: usize,
}

impl Reader<'_> {
    fn byte(&self, offset: usize) -> Option<u8> {
        self.bytes.get(self.at + offset).map(|spelled| spelled.byte)
    }

    /// Reads this many digits.
    fn number(&self, offset: usize, digits: usize, radix: u32) -> Option<u32> {
        let mut number = 0_u32;
        for digit in offset..offset + digits {
            let digit = char::from(self.byte(digit)?).to_digit(radix)?;
            number = number.checked_mul(radix)?.checked_add(digit)?;
        }
        Some(number)
    }

    /// Counts the digits from here on, as many as an escape may have.
    fn digits(&self, offset: usize, radix: u32) -> usize {
        let is_digit = |at: &usize| self.byte(*at).is_some_and(|byte| char::from(byte).is_digit(radix));
        (offset..LONGEST_ESCAPE).take_while(is_digit).count()
    }

    /// `%2B`, and `%u002B` as JavaScript's `escape` writes it.
    fn percent(&self) -> Option<Escape> {
        if matches!(self.byte(1), Some(b'u' | b'U')) {
            let c = self.number(2, 4, 16).and_then(char::from_u32)?;
            return Some(Escape { means: Means::Char(c), length: 6 });
        }
        let byte = u8::try_from(self.number(1, 2, 16)?).ok()?;
        Some(Escape { means: Means::Byte(byte), length: 3 })
    }

    /// `\/`, `\n`, `\u002B`, `\u{2b}`, `\x2B` and `\053`.
    fn backslash(&self) -> Option<Escape> {
        match self.byte(1)? {
            b'u' | b'U' => self.unicode(),
            b'x' | b'X' => {
                let byte = u8::try_from(self.number(2, 2, 16)?).ok()?;
                Some(Escape { means: Means::Byte(byte), length: 4 })
            }
            b'0'..=b'7' => {
                let byte = u8::try_from(self.number(1, 3, 8)?).ok()?;
                Some(Escape { means: Means::Byte(byte), length: 4 })
            }
            b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'B' | b'F' | b'N' | b'R' | b'T' | b'V' => {
                Some(Escape { means: Means::Char(' '), length: 2 })
            }
            byte if byte.is_ascii_punctuation() => Some(Escape { means: Means::Byte(byte), length: 2 }),
            _ => None,
        }
    }

    fn unicode(&self) -> Option<Escape> {
        if self.byte(2) == Some(b'{') {
            let digits = self.digits(3, 16);
            let c = self.number(3, digits, 16).and_then(char::from_u32)?;
            return (self.byte(3 + digits)? == b'}').then_some(Escape { means: Means::Char(c), length: 4 + digits });
        }
        let long = self.number(2, 8, 16).filter(|_| self.byte(1) == Some(b'U')).and_then(char::from_u32);
        if let Some(c) = long {
            return Some(Escape { means: Means::Char(c), length: 10 });
        }
        let code = self.number(2, 4, 16)?;
        if let Some(c) = char::from_u32(code) {
            return Some(Escape { means: Means::Char(c), length: 6 });
        }
        // Half of a character: the other half must follow.
        let is_escape = self.byte(6) == Some(b'\\') && matches!(self.byte(7), Some(b'u' | b'U'));
        let low = self.number(8, 4, 16).filter(|low| is_escape && (0xdc00..0xe000).contains(low))?;
        let c = code.checked_sub(0xd800).and_then(|high| char::from_u32(0x1_0000 + (high << 10) + (low - 0xdc00)))?;
        Some(Escape { means: Means::Char(c), length: 12 })
    }

    /// `&amp;`, `&#43;` and `&#x2B;`, with any zeros; also without the semicolon, which browsers do not need.
    fn entity(&self) -> Option<Escape> {
        if self.byte(1)? != b'#' {
            let matches = |name: &str| name.bytes().enumerate().all(|(at, letter)| self.folded(1 + at) == Some(letter));
            let (name, c) = NAMED.into_iter().find(|(name, _)| {
                let ends = self.byte(1 + name.len()) == Some(b';');
                matches(name) && (ends || matches!(*name, "amp" | "lt" | "gt" | "quot"))
            })?;
            let ends = self.byte(1 + name.len()) == Some(b';');
            return Some(Escape { means: Means::Char(c), length: 1 + name.len() + usize::from(ends) });
        }
        let (first, radix) = if matches!(self.byte(2), Some(b'x' | b'X')) { (3, 16) } else { (2, 10) };
        let digits = self.digits(first, radix);
        let c = self.number(first, digits, radix).filter(|_| digits > 0).and_then(char::from_u32)?;
        let ends = self.byte(first + digits) == Some(b';');
        Some(Escape { means: Means::Char(c), length: first + digits + usize::from(ends) })
    }

    fn folded(&self, offset: usize) -> Option<u8> {
        self.byte(offset).map(|byte| byte.to_ascii_lowercase())
    }
}

fn push(bytes: &mut Vec<Spelled>, c: char, start: usize, end: usize) {
    let c = if is_blank(c) { ' ' } else { c };
    bytes.extend(c.encode_utf8(&mut [0; 4]).bytes().map(|byte| Spelled { byte, start, end }));
}

fn blanked(byte: u8) -> u8 {
    if byte.is_ascii_control() { b' ' } else { byte }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the bytes between `<` and `>` after one decoding, or `None` if there is nothing to decode.
    fn decoded_once(text: &str) -> Option<Vec<u8>> {
        let bytes = decoded(&raw(&format!("<{text}>")))?;
        let [Spelled { byte: b'<', .. }, between @ .., Spelled { byte: b'>', start, .. }] = &bytes[..] else {
            panic!("the text beside it has changed");
        };
        assert_eq!(*start, 1 + text.len());
        Some(between.iter().map(|spelled| spelled.byte).collect())
    }

    #[test]
    fn every_kind_of_escape_is_decoded() {
        for (escape, means) in [
            ("%2B", "+"),
            ("%0A", " "),
            ("%C3%A9", "é"),
            ("%u002B", "+"),
            ("%U00e9", "é"),
            ("\\/", "/"),
            ("\\u002B", "+"),
            ("\\u{2b}", "+"),
            ("\\u{00002b}", "+"),
            ("\\U0000002B", "+"),
            ("\\U0001F600", "😀"),
            ("\\uD83D\\uDE00", "😀"),
            ("\\uDBFF\\uDFFF", "\u{10ffff}"),
            ("\\x2B", "+"),
            ("\\053", "+"),
            ("\\176", "~"),
            ("&amp;", "&"),
            ("&amp x", "& x"),
            ("&quotx", "\"x"),
            ("&PLUS;", "+"),
            ("&Tab;", " "),
            ("&nbsp;", " "),
            ("&#43;", "+"),
            ("&#43x", "+x"),
            ("&#x2B;", "+"),
            ("&#X000002b;", "+"),
        ] {
            assert_eq!(decoded_once(escape).as_deref(), Some(means.as_bytes()), "{escape}");
        }
    }

    #[test]
    fn what_is_no_escape_stays() {
        for text in [
            "%",
            "%2",
            "%2G",
            "%u00",
            "%u00G0",
            "%uD83D",
            "\\u{2b",
            "\\u{110000}",
            "\\u00",
            "\\x2",
            "\\400",
            "\\08",
            "\\q",
            "\\é",
            "&",
            "&plus",
            "&foo;",
            "&#;",
            "&#x;",
            "&#x",
            "&#x110000;",
            "&#xD83D;",
        ] {
            assert_eq!(decoded_once(text), None, "{text}");
        }
        // The other half of the character is missing.
        for text in
            ["\\uD83D", "\\uD83D\\u0041", "\\uD83Dx\\uDE00", "\\uD83D/uDE00", "\\uD83D\\xDE00", "\\uDE00\\uDE00"]
        {
            let bytes = decoded_once(text).unwrap_or_default();
            assert!(!String::from_utf8_lossy(&bytes).contains(|c| c > '\u{ffff}'), "{text}");
        }
    }

    #[test]
    fn what_may_be_something_else_is_not_decoded_and_read_both_ways() {
        for (text, ways) in [
            ("a", &[(b'a', 1)][..]),
            ("\\n", &[(b'\\', 1), (b' ', 2), (b'n', 2)]),
            ("\\q", &[(b'\\', 1), (b'q', 2)]),
            ("\\ ", &[(b'\\', 1), (b' ', 2)]),
            ("&amp", &[(b'&', 1), (b'&', 4)]),
            ("&#65", &[(b'&', 1), (b'A', 4)]),
            ("&amp%3B", &[(b'&', 1), (b'&', 4)]),
            ("&lt\\u003b", &[(b'&', 1), (b'<', 3)]),
        ] {
            let bytes = raw(text);
            let readings = readings(&bytes, 0).into_iter().flatten().map(|Reading { byte, length }| (byte, length));
            assert_eq!(readings.collect::<Vec<_>>(), ways, "{text}");
            let first = decoded(&bytes).map(|bytes| bytes[0].byte);
            assert!(first.is_none_or(|byte| byte == bytes[0].byte), "{text}");
        }
    }

    #[test]
    fn an_escape_for_white_space_or_for_one_byte_is_read_as_that_byte() {
        for (text, escape) in [
            ("%41", Some((b'A', 3))),
            ("%0A", Some((b' ', 3))),
            ("%E9", Some((0xe9, 3))),
            ("&#9;", Some((b' ', 4))),
            ("&#160;", Some((b' ', 6))),
            ("\\u2028", Some((b' ', 6))),
            // Of several bytes in UTF-8.
            ("&#233;", None),
        ] {
            let read = readings(&raw(text), 0)[1].map(|Reading { byte, length }| (byte, length));
            assert_eq!(read, escape, "{text}");
        }
    }
}
