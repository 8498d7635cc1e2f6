//! What holds for every secret and every spelling of it.

use credentials_grant_test_kit::Spelling;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use secrecy::SecretString;

use super::{REGISTERED_CODES, Redactor};

/// The shortest beginning of a secret of this length that is redacted where a server's text ends.
fn shortest_cut(secret: &str) -> usize {
    secret.len().div_ceil(4).max(8)
}

fn redactor(secret: &str) -> Redactor {
    [SecretString::from(secret)].into_iter().collect()
}

/// Secrets as vendors issue them, and some that hold what an escape is made of.
fn secrets() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[A-Za-z0-9+/=_.~-]{8,64}",
        1 => "[A-Za-z0-9]([A-Za-z0-9 +&%\"'é€<>:/=-]{6,30})[A-Za-z0-9]".prop_filter("words are not apart", |secret| !secret.contains("  ")),
    ]
}

/// A secret, and a spelling of it.
fn spelled() -> impl Strategy<Value = (String, Spelling)> {
    (secrets(), prop::collection::vec(any::<u32>(), 64..512)).prop_map(|(secret, choices)| {
        let mut choices = choices.into_iter().cycle();
        let mut choose = |below: usize| choices.next().map_or(0, |choice| choice as usize % below);
        let spelling = Spelling::new(&secret, &mut choose);
        (secret, spelling)
    })
}

proptest! {
    // The same cases in each run.
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(20), failure_persistence: None, cases: 60, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_secret_is_found_in_every_spelling((secret, spelling) in spelled()) {
        let redacted = redactor(&secret).redact(&format!("<{}>", spelling.text));
        match spelling.beside {
            0 => prop_assert_eq!(redacted, "<[redacted]>"),
            beside => {
                prop_assert!(redacted.contains("[redacted]"), "{}", redacted);
                prop_assert!(redacted.len() <= "<[redacted]>".len() + beside, "{}", redacted);
            }
        }
    }

    #[test]
    fn a_secret_that_is_cut_short_shows_less_than_its_shortest_cut(
        (secret, spelling) in spelled(),
        place in any::<prop::sample::Index>(),
        end in prop::sample::select(vec!["", "…", "...", "***", "...\""]),
    ) {
        prop_assume!(!spelling.ends.is_empty());
        let cut = place.index(spelling.text.len() + 1);
        prop_assume!(spelling.text.is_char_boundary(cut));
        let shown = spelling.ends.iter().filter(|&&end| end <= cut).count();
        let redacted = redactor(&secret).redact(&format!("<{}{end}", &spelling.text[..cut]));
        if shown >= shortest_cut(&secret) {
            // What may be left is the escape in whose middle the text was cut.
            let begun = spelling.ends.iter().rev().find(|&&end| end <= cut).map_or("", |&end| &spelling.text[end..cut]);
            let left = redacted.strip_prefix("<[redacted]").is_some_and(|left| format!("{begun}{end}").ends_with(left));
            prop_assert!(left, "{}", redacted);
        }
    }

    #[test]
    fn two_secrets_in_one_text_are_both_found((one, first) in spelled(), (other, second) in spelled()) {
        let redactor: Redactor = [one, other].into_iter().map(SecretString::from).collect();
        let redacted = redactor.redact(&format!("<{}> <{}>", first.text, second.text));
        prop_assert_eq!(redacted.matches("[redacted]").count(), 2, "{}", redacted);
        prop_assert!(redacted.len() <= "<[redacted]> <[redacted]>".len() + first.beside + second.beside, "{}", redacted);
    }

    #[test]
    fn a_registered_code_stays_as_it_is_whatever_the_secret(
        code in prop::sample::select(REGISTERED_CODES.to_vec()),
        start in any::<prop::sample::Index>(),
        length in 1..40_usize,
    ) {
        let start = start.index(code.len());
        let secret = &code[start..(start + length).min(code.len())];
        let text = format!("\"{code}\" ({code})");
        prop_assert_eq!(redactor(secret).redact(&text), text);
    }

    #[test]
    fn text_without_the_secret_stays_as_it_is(secret in "[A-Z][a-z0-9]{9,40}", text in "[ -~é]{0,200}") {
        let is_apart = |part: &str| !text.to_lowercase().contains(&part.to_lowercase());
        prop_assume!(is_apart(&secret[..4]));
        let redacted = redactor(&secret).redact(&text);
        prop_assert_eq!(redacted, text);
    }
}

#[test]
fn the_work_is_bounded_for_each_byte_of_the_text() {
    // Six bytes under five needles, and the way back under the one that matches.
    assert_eq!(redactor("abcdef").find("abcdef").1, 6 * 5 + 6);
    let secrets = ["a".repeat(500), "%25".repeat(99), "aA".repeat(1000), "canary+Zm9v/YmFy=".to_owned()];
    let units = ["a", "%25", "\\", "\\u0061", "&#x61;", "&amp;", "YWFh", "61", "+"];
    for secret in secrets {
        let redactor = redactor(&secret);
        // A step is a word of 64 places of a needle: of the secret, its base64 at three offsets and its hex. There are
        // up to three readings of each byte in up to four layers, and the way back. What takes a part of a word takes
        // one.
        let words = (secret.len() + secret.len() * 4 + secret.len() * 2) / 64 + 20;
        for unit in units {
            let steps = |length: usize| redactor.find(&unit.repeat(length / unit.len())).1;
            let (short, long) = (steps(100), steps(1000));
            assert!(long <= words * 3 * 4 * 2 * 1000, "{long} for {unit:?}");
            assert!(long <= 30 * short, "{long} and {short} for {unit:?}: it grows faster than the text");
        }
    }
}
