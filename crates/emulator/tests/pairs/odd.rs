//! Client ids and secrets that some encoding, somewhere on the way, may change.

/// Returns the texts. Each is an id and a secret.
pub(crate) fn texts() -> Vec<String> {
    let texts = [
        ":",
        "a:b",
        "%",
        "100%",
        "a%b",
        "%2B",
        "%2b%25",
        "%zz",
        "%C3",
        "+",
        "a+b+c",
        "/path/to/it",
        "base64==",
        "a=b&c=d",
        "a?b#c;d,e",
        " ",
        " in spaces ",
        "two words",
        "\"quoted\"",
        "'single'",
        "back\\slash",
        "C:\\path\\new",
        "é",
        "müller",
        "Ωmega",
        "日本語",
        "🦀",
        "e\u{301}",
        "tab\tbed",
        "two\nlines",
        "~tilde-dash_dot.",
        "(brackets)[]{}<>",
        "$HOME `id` *!@^|",
        "x",
    ];
    texts.into_iter().map(str::to_owned).chain([100, 512].map(|length| "L".repeat(length))).collect()
}

/// Returns `true` if every encoding of Basic sends the text as it is (RFC 3986 section 2.3).
pub(crate) fn is_unreserved(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c))
}

/// Returns `true` if the text has a `%` and two hexadecimal digits.
pub(crate) fn has_escape(text: &str) -> bool {
    text.split('%').skip(1).any(|rest| rest.chars().take(2).filter(char::is_ascii_hexdigit).count() == 2)
}
