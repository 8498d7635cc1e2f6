//! Redacts secrets from what a server echoes.
//!
//! A server that answers `unknown client: Basic YWJj…` repeats a secret in a spelling of its own: escaped once or
//! twice, in base64, in capitals, cut short. So the text is decoded and compared, in place of a list of spellings. It
//! is redacted first and cut off afterwards, so that the cut cannot hide a secret from the search.

mod needle;
#[cfg(test)]
mod properties;
mod spelling;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use needle::{Class, Gaps, Layer, Needle};
use spelling::{Spelled, decoded, is_blank, raw};

/// What replaces a secret.
const REDACTED: &str = "[redacted]";

/// The longest text of a server that is kept, in bytes.
const LONGEST: usize = 512;

/// The longest text of a server that is read, in bytes. What follows is dropped before the search.
const LONGEST_READ: usize = 8 * 1024;

/// How many times a text is decoded at most: `%25252B` takes three.
const MOST_LAYERS: usize = 4;

/// The length, in bytes, from which a secret is also found in other case, in base64 and in hex. A shorter one could be
/// part of any word.
const SHORTEST_ENCODED: usize = 6;

/// The error codes that RFCs register. They are words of ours as much as of the server's, and stay as they are: where
/// the secret is `client`, `invalid_[redacted]` would spell it out.
const REGISTERED_CODES: [&str; 43] = [
    // RFC 6749 sections 4.1.2.1 and 5.2.
    "access_denied",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
    // RFC 6750 section 3.1, RFC 9470 section 3.
    "insufficient_scope",
    "insufficient_user_authentication",
    "invalid_token",
    // RFC 7009 section 2.2.1, RFC 7591 section 3.2.2.
    "invalid_client_metadata",
    "invalid_redirect_uri",
    "invalid_software_statement",
    "unapproved_software_statement",
    "unsupported_token_type",
    // RFC 8628 section 3.5.
    "authorization_pending",
    "expired_token",
    "slow_down",
    // RFC 8707 section 2, RFC 9101 section 7, RFC 9396 section 5, RFC 9449 sections 5 and 8.
    "invalid_authorization_details",
    "invalid_dpop_proof",
    "invalid_request_object",
    "invalid_request_uri",
    "invalid_target",
    "request_not_supported",
    "request_uri_not_supported",
    "use_dpop_nonce",
    // OpenID Connect Core section 3.1.2.6, CIBA sections 11 and 13, UMA section 3.3.6, RFC 9635 section 3.6.
    "account_selection_required",
    "consent_required",
    "expired_login_hint_token",
    "interaction_required",
    "invalid_binding_message",
    "invalid_user_code",
    "login_required",
    "missing_user_code",
    "need_info",
    "registration_not_supported",
    "request_denied",
    "request_submitted",
    "unknown_user_id",
    "unmet_authentication_requirements",
];

/// The secrets of one exchange, each as the needles that find it.
pub(crate) struct Redactor(Vec<Vec<Needle>>);

impl FromIterator<SecretString> for Redactor {
    fn from_iter<T: IntoIterator<Item = SecretString>>(secrets: T) -> Self {
        let mut secrets: Vec<_> = secrets.into_iter().collect();
        secrets.sort_by(|one, other| one.expose_secret().cmp(other.expose_secret()));
        secrets.dedup_by(|one, other| one.expose_secret() == other.expose_secret());
        Self(secrets.iter().map(|secret| needles(secret.expose_secret())).collect())
    }
}

impl Redactor {
    /// Returns a server's text with every secret replaced, however it is spelled, and cut off if it is long.
    pub(crate) fn redact(&self, text: &str) -> String {
        let read = beginning(text, LONGEST_READ);
        let (secret, _) = self.find(read);
        let mut redacted = String::new();
        let mut after_secret = false;
        for (at, c) in read.char_indices() {
            match secret[at] {
                true if after_secret => {}
                true => redacted += REDACTED,
                false => redacted.push(c),
            }
            after_secret = secret[at];
        }
        if read.len() == text.len() && redacted.len() <= LONGEST {
            return redacted;
        }
        format!("{}…", beginning(&redacted, LONGEST))
    }

    /// Returns for every byte whether it spells a secret, and how many steps it took to find that out.
    fn find(&self, text: &str) -> (Vec<bool>, usize) {
        let layers = layers(text);
        let codes = registered_codes(text);
        let mut secret = vec![false; text.len()];
        let mut steps = 0;
        for needles in &self.0 {
            let mut marks = vec![false; text.len()];
            for layer in &layers {
                steps += needles.iter().map(|needle| needle.search(layer, &mut marks)).sum::<usize>();
            }
            for &(start, end) in &codes {
                let is_marked = |at: Option<usize>| at.and_then(|at| marks.get(at)).is_some_and(|&marked| marked);
                // What a match of the whole secret goes beyond is no word of its own.
                if !is_marked(start.checked_sub(1)) && !is_marked(Some(end)) {
                    marks[start..end].fill(false);
                }
            }
            secret.iter_mut().zip(marks).for_each(|(secret, marked)| *secret |= marked);
        }
        (secret, steps)
    }
}

/// Returns the needles that find a secret: as it is, and in base64 and hex.
fn needles(secret: &str) -> Vec<Needle> {
    let secret = Zeroizing::new(one_line(secret));
    if secret.len() < SHORTEST_ENCODED {
        let exactly = |byte| if byte == b' ' { Class::Blank } else { Class::Exactly(byte) };
        return Needle::all(&secret.bytes().map(exactly).collect::<Vec<_>>(), Gaps::Blank);
    }
    let any_case = |byte| if byte == b' ' { Class::Blank } else { Class::AnyCase(byte) };
    let plain = |bytes: &[u8]| Needle::all(&bytes.iter().copied().map(any_case).collect::<Vec<_>>(), Gaps::Blank);
    let mut needles = plain(secret.as_bytes());
    // As it is after every escape is decoded, those that it holds itself too.
    let normal: Zeroizing<Vec<_>> = Zeroizing::new(normal(&secret));
    if normal.len() >= SHORTEST_ENCODED && *normal != secret.as_bytes() {
        needles.extend(plain(&normal));
    }
    // In Latin-1, as old servers have it.
    let latin: Option<Vec<_>> = secret.chars().map(|c| u8::try_from(c).ok()).collect();
    if let Some(latin) = latin.map(Zeroizing::new).filter(|_| !secret.is_ascii()) {
        needles.extend(plain(&latin));
        // And where its bytes could not be read.
        let replaced = secret.chars().map(|c| if c.is_ascii() { c } else { char::REPLACEMENT_CHARACTER });
        needles.extend(plain(Zeroizing::new(replaced.collect::<String>()).as_bytes()));
    }
    for offset in 0..3 {
        needles.extend(Needle::all(&base64_within(secret.as_bytes(), offset), Gaps::Of(b" ")));
    }
    let hex: Vec<_> = secret.bytes().flat_map(|byte| [byte >> 4, byte & 15]).map(hex_digit).collect();
    needles.extend(Needle::all(&hex, Gaps::Of(b" :-")));
    needles
}

/// Returns what base64 makes of a secret that begins at this byte of a group of three. The first and the last character
/// also depend on what stands beside the secret.
fn base64_within(secret: &[u8], offset: usize) -> Vec<Class> {
    let padded = Zeroizing::new([&[0; 2][..offset], secret].concat());
    let encoded = Zeroizing::new(BASE64_STANDARD_NO_PAD.encode(&*padded));
    let (first, last) = ((offset * 8).div_ceil(6), padded.len() * 8 / 6);
    let known = encoded[first..last].bytes().map(Class::Base64);
    let before = (offset > 0).then_some(Class::AnyBase64);
    let after = (padded.len() % 3 > 0).then_some(Class::AnyBase64);
    before.into_iter().chain(known).chain(after).collect()
}

fn hex_digit(digit: u8) -> Class {
    Class::AnyCase(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 })
}

/// Returns the text as it is, decoded, decoded twice, and so on while there is something to decode.
fn layers(text: &str) -> Vec<Layer> {
    let mut layers = vec![Layer::new(raw(text))];
    while let Some(next) = layers.last().and_then(|layer| decoded(layer.bytes())).filter(|_| layers.len() < MOST_LAYERS)
    {
        layers.push(Layer::new(next));
    }
    layers
}

/// Returns the bytes of a text after every escape is decoded, as often as a server's text is.
fn normal(text: &str) -> Vec<u8> {
    let mut bytes = raw(text);
    for _ in 1..MOST_LAYERS {
        let Some(next) = decoded(&bytes) else { break };
        bytes = next;
    }
    bytes.iter().map(|Spelled { byte, .. }| *byte).collect()
}

/// Returns where the registered error codes stand.
fn registered_codes(text: &str) -> Vec<(usize, usize)> {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let mut codes = Vec::new();
    let mut start = 0;
    for word in text.split_inclusive(|c| !is_of_word(c)) {
        let code = word.trim_end_matches(|c| !is_of_word(c));
        if REGISTERED_CODES.contains(&code) {
            codes.push((start, start + code.len()));
        }
        start += word.len();
    }
    codes
}

/// Returns the text on one line, without control characters and bidirectional controls: what a server sends must not
/// forge log lines, nor display as something else.
pub(crate) fn one_line(text: &str) -> String {
    let words = text.split(is_blank).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// Returns as much of a text as fits into this many bytes.
fn beginning(text: &str, longest: usize) -> &str {
    let end = (0..=longest.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    &text[..end]
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
            ("canary x", "canary\\ x"),
            // What is escaped here and not there, in one text.
            ("a\\nbcdef+g", "a\\nbcdef%252Bg"),
            ("canary&9", "canary&amp%3B9"),
            ("canary&9xyz", "canary&ampamp9xyz"),
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
    fn a_secret_of_six_bytes_is_found_in_other_case_and_encoded_and_a_shorter_one_as_it_is() {
        for echo in ["ab+/12", "AB+/12", "YWIrLzEy", "61622b2f3132"] {
            assert_eq!(scrubber(&["ab+/12"]).redact(&format!("<{echo}>")), "<[redacted]>", "{echo}");
        }
        assert_eq!(scrubber(&["ab+/1"]).redact("<ab+/1> <AB+/1> <YWIrLzE>"), "<[redacted]> <AB+/1> <YWIrLzE>");
    }

    #[test]
    fn a_secret_that_holds_escapes_is_found_where_a_server_decoded_them() {
        for (secret, echo) in
            [("canary%2Bx9", "canary+x9"), ("canary&amp;x9", "canary%26x9"), ("a\\u0062cdef", "abcdef")]
        {
            assert_eq!(scrubber(&[secret]).redact(&format!("<{echo}>")), "<[redacted]>", "{secret:?} as {echo}");
        }
        assert_eq!(scrubber(&["%61%62"]).redact("<%61%62> about"), "<[redacted]> about", "too short when decoded");
    }

    #[test]
    fn a_secret_that_is_not_ascii_is_found_in_latin_1() {
        assert_eq!(scrubber(&["canary\u{e9}9"]).redact("<canary%E99>"), "<[redacted]>");
    }

    #[test]
    fn a_secret_that_is_not_ascii_is_found_where_its_bytes_could_not_be_read() {
        assert_eq!(scrubber(&["canary\u{e9}\u{e8}9"]).redact("<canary\u{fffd}\u{fffd}9>"), "<[redacted]>");
    }

    #[test]
    fn base64_shows_what_stands_beside_the_secret_and_nothing_of_the_secret() {
        let (secret, beside) = ("canary-7f3", "0123");
        for (before, after) in (0..=3).flat_map(|before| (0..=3).map(move |after| (before, after))) {
            let text = BASE64_STANDARD_NO_PAD.encode([&beside[..before], secret, &beside[..after]].concat());
            // A character stands for six bits.
            let (start, end) = (before * 8 / 6, ((before + secret.len()) * 8).div_ceil(6));
            let shown = format!("{}[redacted]{}", &text[..start], &text[end..]);
            assert_eq!(scrubber(&[secret]).redact(&text), shown, "{before} and {after} beside it");
        }
    }

    #[test]
    fn a_secret_of_any_length_is_found_in_every_part() {
        for length in [65, 513, 1025] {
            let secret: String =
                (0..length).map(|place| char::from(b"cdeghijklmopqswyz"[place * place % 17])).collect();
            let redactor = scrubber(&[&secret]);
            assert_eq!(redactor.redact(&format!("<{secret}>")), "<[redacted]>", "{length}");
            // A backslash before an ordinary letter is no escape that could be decoded first.
            let quoted: String = secret.chars().flat_map(|c| ['\\', c]).collect();
            assert_eq!(redactor.redact(&format!("<{quoted}>")), "<[redacted]>", "{length}, quoted");
            for cut in [length / 3, length / 2, length * 3 / 4, length - 1] {
                let redacted = redactor.redact(&format!("<{}…", &secret[..cut]));
                // Of a long secret's later parts, a few characters may be shown.
                let left = redacted.strip_prefix("<[redacted]").and_then(|rest| rest.strip_suffix('…'));
                assert!(left.is_some_and(|left| left.len() < 8), "{cut} of {length}: {redacted}");
            }
        }
    }

    #[test]
    fn what_begins_like_a_secret_stays_as_it_is_beside_one() {
        assert_eq!(scrubber(&["canary"]).redact("6 apples, 63616e617279"), "6 apples, [redacted]");
        assert_eq!(scrubber(&["one canary"]).redact("one dog, one  canary, one"), "one dog, [redacted], one");
    }

    #[test]
    fn a_registered_code_that_is_part_of_a_secret_is_redacted_with_the_rest() {
        for secret in ["key:invalid_client", "invalid_client:key", "a:invalid_client:b"] {
            assert_eq!(scrubber(&[secret]).redact(&format!("<{secret}>")), "<[redacted]>", "{secret}");
        }
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
