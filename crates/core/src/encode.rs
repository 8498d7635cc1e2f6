//! The one percent-encoder, for Basic, forms, queries and paths alike.
//!
//! RFC 3986 section 2.3: unreserved characters stay as they are, everything else is encoded, a space as `%20`.
//! Every server that decodes accepts this; `+` for a space fails on half of them inside Basic, and encoding `-`, `_`
//! and `.` (the strict reading of RFC 6749 Appendix B) fails on those that do not decode at all.
//!
//! What is encoded may be a secret. So each text is written once, with exactly the memory that it needs: a string that
//! grows leaves copies behind, which nobody wipes.

use std::iter::once;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(crate) fn percent_encode(text: &str) -> String {
    concat(percent_encoded(text))
}

/// Percent-encodes a text, in parts.
pub(crate) fn percent_encoded(text: &str) -> impl Iterator<Item = &str> + Clone {
    utf8_percent_encode(text, RESERVED)
}

/// RFC 6749 Appendix B to the letter, in parts: `+` for a space, and everything else but letters and digits encoded.
pub(crate) fn strictly_encoded(text: &str) -> impl Iterator<Item = &str> + Clone {
    utf8_percent_encode(text, NON_ALPHANUMERIC).map(|part| if part == "%20" { "+" } else { part })
}

/// `name=value&name=value`, in the order given. It may hold a secret, so its owner wipes it.
pub(crate) fn form_encode<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> String {
    let parts = pairs.enumerate().flat_map(|(index, (name, value))| {
        let separator = if index == 0 { "" } else { "&" };
        once(separator).chain(percent_encoded(name)).chain(once("=")).chain(percent_encoded(value))
    });
    concat(parts)
}

/// Joins the parts in memory of exactly their length.
pub(crate) fn concat<'a>(parts: impl Iterator<Item = &'a str> + Clone) -> String {
    let mut text = String::with_capacity(parts.clone().map(str::len).sum());
    text.extend(parts);
    text
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
        let strictly_encode = |text| concat(strictly_encoded(text));
        assert_eq!(strictly_encode(" %&+£€"), "+%25%26%2B%C2%A3%E2%82%AC");
        assert_eq!(strictly_encode("client %&+-_.!~*'()"), "client+%25%26%2B%2D%5F%2E%21%7E%2A%27%28%29");
    }

    #[test]
    fn unreserved_characters_stay_as_they_are() {
        let unreserved = "AZaz09-._~";
        assert_eq!(percent_encode(unreserved), unreserved);
    }

    #[test]
    fn a_form_takes_the_memory_that_it_needs() {
        let pairs = [("grant_type", "client_credentials"), ("secret", " %&+£€"), ("", "")];
        let form = form_encode(pairs.into_iter());
        assert_eq!(form, "grant_type=client_credentials&secret=%20%25%26%2B%C2%A3%E2%82%AC&=");
        assert_eq!(form.capacity(), form.len());
        let text = percent_encode(" %&+£€ and more");
        assert_eq!(text.capacity(), text.len());
    }
}
