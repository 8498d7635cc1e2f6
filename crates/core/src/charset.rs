//! Text in the charsets that servers send: UTF-8, UTF-16, Latin-1, or something broken.
//!
//! What counts in a response (JSON, member names, tokens, error codes) is ASCII in all of them. So no byte that cannot
//! be read may cost a token or an error: it becomes U+FFFD.

use std::borrow::Cow;

/// The characters that Windows has where Latin-1 has control characters (0x80 to 0x9F). Nobody sends those, so
/// `iso-8859-1` means `windows-1252`, as in browsers (WHATWG Encoding section 4.2).
const WINDOWS_1252: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{2c6}', '\u{2030}',
    '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}', '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}',
    '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}',
    '\u{17e}', '\u{178}',
];

/// Decodes a text without its byte-order mark. The bytes decide, and what they leave open, the charset of the content
/// type: text that is valid as UTF-8 is never anything else by accident.
pub(crate) fn decode<'a>(bytes: &'a [u8], content_type: Option<&str>) -> Cow<'a, str> {
    match bytes {
        [0xef, 0xbb, 0xbf, text @ ..] => return utf8(text, None),
        [0xff, 0xfe, text @ ..] => return utf16(text, u16::from_le_bytes),
        [0xfe, 0xff, text @ ..] => return utf16(text, u16::from_be_bytes),
        // Without a mark: a response begins with an ASCII character, and that has one zero byte.
        [1..=255, 0, ..] => return utf16(bytes, u16::from_le_bytes),
        [0, 1..=255, ..] => return utf16(bytes, u16::from_be_bytes),
        _ => {}
    }
    utf8(bytes, content_type.and_then(charset).as_deref())
}

fn utf8<'a>(bytes: &'a [u8], charset: Option<&str>) -> Cow<'a, str> {
    match (str::from_utf8(bytes), charset) {
        (Ok(text), _) => Cow::Borrowed(text),
        (Err(_), Some("iso-8859-1" | "iso8859-1" | "latin1" | "l1" | "windows-1252" | "cp1252" | "us-ascii")) => {
            bytes.iter().map(|&byte| windows_1252(byte)).collect()
        }
        // One character for each byte, so that a secret has the same length in it.
        (Err(_), _) => {
            let mut text = String::with_capacity(bytes.len());
            for chunk in bytes.utf8_chunks() {
                text += chunk.valid();
                text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
            }
            Cow::Owned(text)
        }
    }
}

fn windows_1252(byte: u8) -> char {
    match byte {
        0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Cow<'_, str> {
    let (units, rest) = bytes.as_chunks::<2>();
    let text = char::decode_utf16(units.iter().map(|&pair| unit(pair)));
    let text = text.map(|read| read.unwrap_or(char::REPLACEMENT_CHARACTER));
    text.chain(rest.iter().map(|_| char::REPLACEMENT_CHARACTER)).collect()
}

/// Returns the charset of a content type, in lower case.
fn charset(content_type: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches(['"', '\'']).to_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn utf_16_is_read_with_and_without_a_mark_and_lone_surrogates_are_replaced() {
        let text = "{\"é\u{1f600}\":1}";
        for bytes in [units(text, u16::to_le_bytes), units(text, u16::to_be_bytes)] {
            assert_eq!(decode(&bytes, None), text);
        }
        assert_eq!(decode(&[b"\xff\xfe", &*units(text, u16::to_le_bytes)].concat(), None), text);
        assert_eq!(
            decode(&[b"\xfe\xff", &*units(text, u16::to_be_bytes)].concat(), Some("text/x; charset=utf-8")),
            text
        );
        assert_eq!(decode(b"a\0\0\xd8b\0", None), "a\u{fffd}b");
        assert_eq!(decode(b"a\0b\0c", None), "ab\u{fffd}");
    }

    #[test]
    fn latin_1_is_read_where_it_is_named_and_what_is_valid_as_utf_8_is_utf_8() {
        let latin = b"refus\xe9 \x80\xff\x9f";
        for named in ["text/html;charset=ISO-8859-1", "a/b; x=y; Charset = \"windows-1252\"", "a/b;charset='latin1'"] {
            assert_eq!(decode(latin, Some(named)), "refusé €ÿŸ", "{named}");
        }
        for unnamed in [None, Some("application/json"), Some("a/b;charset=utf-8"), Some("a/b;charset=x-unknown")] {
            assert_eq!(decode(latin, unnamed), "refus\u{fffd} \u{fffd}\u{fffd}\u{fffd}", "{unnamed:?}");
        }
        assert_eq!(decode("refusé".as_bytes(), Some("a/b;charset=iso-8859-1")), "refusé");
        assert!(matches!(decode(b"plain", None), Cow::Borrowed("plain")), "nothing is copied");
    }

    #[test]
    fn a_mark_is_no_part_of_the_text_and_nothing_is_lost_after_a_broken_byte() {
        assert_eq!(decode(b"\xef\xbb\xbfa\xe9b", Some("a/b;charset=latin1")), "a\u{fffd}b");
        assert_eq!(decode(b"a\xf0\x9f\x98b", None), "a\u{fffd}\u{fffd}\u{fffd}b");
        for short in [&b""[..], b"a", b"\0", b"\0\0", b"\xff", b"\xff\xfe"] {
            assert!(decode(short, None).chars().count() <= 2, "{short:?}");
        }
    }
}
