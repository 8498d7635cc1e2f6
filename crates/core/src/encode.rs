//! The one percent-encoder, for Basic, forms, queries and paths alike.
//!
//! RFC 3986 section 2.3: unreserved characters stay as they are, everything else is encoded, a space as `%20`.
//! Every server that decodes accepts this; `+` for a space fails on half of them inside Basic, and encoding `-`, `_`
//! and `.` (the strict reading of RFC 6749 Appendix B) fails on those that do not decode at all.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(crate) fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// RFC 6749 Appendix B to the letter: `+` for a space, and everything else but letters and digits encoded.
pub(crate) fn strictly_encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string().replace("%20", "+")
}

/// `name=value&name=value`, in the order given.
pub(crate) fn form_encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pairs = pairs.into_iter().map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vector_of_rfc_6749_appendix_b_is_encoded_with_a_space_as_percent_20() {
        assert_eq!(percent_encode(" %&+£€"), "%20%25%26%2B%C2%A3%E2%82%AC");
    }

    #[test]
    fn the_vectors_of_the_strict_encoding_have_nothing_but_letters_digits_percent_and_plus() {
        assert_eq!(strictly_encode(" %&+£€"), "+%25%26%2B%C2%A3%E2%82%AC");
        assert_eq!(strictly_encode("client %&+-_.!~*'()"), "client+%25%26%2B%2D%5F%2E%21%7E%2A%27%28%29");
    }

    #[test]
    fn unreserved_characters_stay_as_they_are() {
        let unreserved = "AZaz09-._~";
        assert_eq!(percent_encode(unreserved), unreserved);
    }
}
