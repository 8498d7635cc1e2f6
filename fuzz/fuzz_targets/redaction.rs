//! Has servers repeat a secret in spellings of all kinds. The input is a secret, a line break, and the choices that
//! make the spelling.

#![no_main]

use credentials_grant::{ClientCredentials, RequestSeed, TokenParameters, fetch_token};
use credentials_grant_test_kit::{Acme, Spelling, TestServer, response};
use futures_executor::block_on;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(end) = input.iter().position(|&byte| byte == b'\n') else { return };
    let Some(secret) = std::str::from_utf8(&input[..end]).ok().filter(|secret| is_secret(secret)) else { return };
    let mut choices = input[end + 1..].iter();
    let mut choose = |below: usize| choices.next().map_or(0, |&choice| usize::from(choice)) % below;
    let place = choose(5);
    let cut = choose(256);
    let spelling = Spelling::new(secret, &mut choose);

    let whole = said(secret, &spelling.text, place);
    if spelling.beside == 0 {
        assert_eq!(whole, "<[redacted]>", "{secret:?} as {}", spelling.text);
    } else {
        assert!(whole.contains("[redacted]"), "{secret:?} as {}: {whole}", spelling.text);
        assert!(whole.len() <= "<[redacted]>".len() + spelling.beside, "{secret:?} as {}: {whole}", spelling.text);
    }

    let cut = cut * spelling.text.len() / 256;
    let shown = spelling.ends.iter().filter(|&&end| end <= cut).count();
    if shown >= secret.len().div_ceil(4).max(8) && spelling.text.is_char_boundary(cut) {
        let end = ["…", "...", "***"][place % 3];
        let words = said(secret, &format!("{}{end}", &spelling.text[..cut]), place);
        // What may be left is the escape in whose middle the text was cut.
        let begun = spelling.ends.iter().rev().find(|&&end| end <= cut).map_or("", |&end| &spelling.text[end..cut]);
        let left = words.strip_prefix("<[redacted]").is_some_and(|left| format!("{begun}{end}>").ends_with(left));
        assert!(left, "{secret:?} as {}: {words}", &spelling.text[..cut]);
    }
});

/// Returns `true` for what vendors issue: 8 to 64 characters that are not an escape themselves.
fn is_secret(secret: &str) -> bool {
    let is_of_secret = |c: char| c.is_ascii_alphanumeric() || "+/=_.~:!?$@,;é€ ".contains(c);
    let is_long = (8..=64).contains(&secret.len());
    is_long && secret.chars().all(is_of_secret) && secret.trim() == secret && !secret.contains("  ")
}

/// Returns what an error shows of a server's words, `<…>`, which it sends in one of these places.
fn said(secret: &str, words: &str, place: usize) -> String {
    let words = format!("<{words}>");
    let answer = |body: serde_json::Value| response(400, &[], body.to_string());
    let answer = match place {
        0 => answer(serde_json::json!({ "error": words })),
        1 | 2 => answer(serde_json::json!({ "error": "invalid_client", "error_description": words })),
        3 => answer(serde_json::json!({ "error": "invalid_client", "error_uri": words })),
        _ if words.is_ascii() => response(401, &[("www-authenticate", &words)], ""),
        _ => answer(serde_json::json!({ "error": 7, "error_description": words })),
    };
    let credentials = ClientCredentials::new("id", secret);
    let server = TestServer::in_turn([answer]);
    let (acme, parameters) = (Acme::new(), TokenParameters::new());
    let fetched = block_on(fetch_token(&acme, &credentials, &parameters, &server, RequestSeed::fixed()));
    let error = fetched.expect_err("there is no token");
    assert!(error.to_string().starts_with("acme: the server refused the "), "{error}");
    let oauth = error.oauth().expect("the server said something");
    let texts = [&oauth.code, &oauth.description, &oauth.uri, &oauth.challenge].into_iter().flatten();
    texts.filter(|text| text.starts_with('<')).last().cloned().unwrap_or_default()
}
