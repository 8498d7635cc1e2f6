//! When the issuer's keys are fetched, how long they are used, and which are refused.

use std::time::Duration;

use credentials_grant::Signer as _;
use credentials_grant_client::KeySigner;
use credentials_grant_test_kit::{Answer, TestServer, settle};
use credentials_grant_verification::{ErrorKind, SecretString, TokenVerifier};
use serde_json::Value;
use tokio::time::Instant;

use crate::issuer::{ISSUER, Issuer, JWKS, METADATA, OAUTH, OIDC, P256, RSA, good, keys, signed, with};

/// A token that never expires, signed by this key pair.
async fn lasting(pair: &crate::issuer::Pair) -> SecretString {
    signed(&pair.signer(), pair.header, &with("exp", "1e11")).await
}

fn set(keys: &[String]) -> String {
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

#[tokio::test]
async fn a_new_key_is_found_by_fetching_the_keys_again() {
    let (issuer, verifier) = Issuer::with_keys();
    issuer.lists(&[RSA.public("rsa")]);
    let (old, new) = (lasting(&RSA).await, lasting(&P256).await);
    verifier.verify::<Value>(&old).await.unwrap();
    assert_eq!(issuer.asked().await, [OAUTH, JWKS]);

    issuer.lists(&[P256.public("p256")]);
    issuer.set_clock(60);
    verifier.verify::<Value>(&new).await.unwrap();
    assert_eq!(issuer.asked().await, [JWKS]);
    let error = verifier.verify::<Value>(&old).await.expect_err("its key is gone");
    assert!(error.kind() == ErrorKind::InvalidToken && error.message().contains("does not publish"), "{error}");
    assert!(issuer.asked().await.is_empty(), "the keys have just been read");
}

/// The public key without an id.
fn anonymous(pair: &crate::issuer::Pair) -> String {
    pair.public("x").replace(r#""kid":"x","#, "")
}

#[tokio::test]
async fn a_key_that_replaces_another_under_its_id_or_without_one_is_found_by_fetching_the_keys_again() {
    let cases = [
        // The same id: another kind of key, and another key of the same kind.
        (RSA.public("1"), P256.public("1"), signed_by(&RSA, ONE).await, signed_by(&P256, ONE).await),
        (P256.public("1"), other_p256("1"), signed_by(&P256, ONE).await, signed_by_other_p256(ONE).await),
        // No id at all.
        (anonymous(&RSA), anonymous(&P256), signed_by(&RSA, "").await, signed_by(&P256, "").await),
        (anonymous(&P256), other_p256(""), signed_by(&P256, "").await, signed_by_other_p256("").await),
    ];
    for (place, (before, after, old, new)) in cases.into_iter().enumerate() {
        let (issuer, verifier) = Issuer::with_keys();
        issuer.lists(&[before]);
        verifier.verify::<Value>(&old).await.unwrap();
        issuer.asked().await;
        issuer.lists(&[after]);
        assert_eq!(verifier.verify::<Value>(&new).await.unwrap_err().kind(), ErrorKind::InvalidToken, "{place}");
        assert!(issuer.asked().await.is_empty(), "{place}: within a minute");
        issuer.set_clock(60);
        verifier.verify::<Value>(&new).await.unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(issuer.asked().await, [JWKS], "{place}");
        assert_eq!(verifier.verify::<Value>(&old).await.unwrap_err().kind(), ErrorKind::InvalidToken, "{place}");
        assert!(issuer.asked().await.is_empty(), "{place}: once a minute");
    }
}

#[tokio::test]
async fn every_key_is_tried_that_a_token_without_an_id_may_be_of() {
    let (issuer, verifier) = Issuer::with_keys();
    issuer.lists(&[other_p256(""), anonymous(&P256), RSA.public("rsa"), P256.public("again")]);
    for token in [signed_by(&P256, "").await, signed_by_other_p256("").await, signed_by(&RSA, "").await] {
        verifier.verify::<Value>(&token).await.unwrap();
    }
    issuer.asked().await;
    let stranger = signed_by(&crate::issuer::ED25519, "").await;
    assert_eq!(verifier.verify::<Value>(&stranger).await.unwrap_err().kind(), ErrorKind::InvalidToken);
}

#[tokio::test]
async fn a_wrong_signature_is_an_invalid_token_also_while_the_keys_cannot_be_fetched() {
    let (issuer, verifier) = Issuer::with_keys();
    issuer.lists(&[P256.public("1")]);
    verifier.verify::<Value>(&signed_by(&P256, ONE).await).await.unwrap();
    issuer.answers_keys(Some((503, "", String::new())));
    issuer.set_clock(60);
    let forged = signed_by_other_p256(ONE).await;
    assert_eq!(verifier.verify::<Value>(&forged).await.unwrap_err().kind(), ErrorKind::InvalidToken);
}

/// A token that never expires, signed by this pair. `kid` is the end of its header.
async fn signed_by(pair: &crate::issuer::Pair, kid: &str) -> SecretString {
    let signer = pair.signer();
    let header = format!(r#"{{"alg":"{}","typ":"at+jwt"{kid}}}"#, signer.algorithm());
    signed(&signer, &header, &with("exp", "1e11")).await
}

/// The end of a header.
const ONE: &str = r#","kid":"1""#;

/// RFC 7517 appendix A.2.
const OTHER_P256: &str = r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}"#;

async fn signed_by_other_p256(kid: &str) -> SecretString {
    let header = format!(r#"{{"alg":"ES256","typ":"at+jwt"{kid}}}"#);
    signed(&KeySigner::from_jwk(OTHER_P256).unwrap(), &header, &with("exp", "1e11")).await
}

/// Its public half, with this id if there is one.
fn other_p256(id: &str) -> String {
    let kid = if id.is_empty() { String::new() } else { format!(r#""kid":"{id}","#) };
    let (public, _) = OTHER_P256.split_once(r#","d""#).unwrap();
    format!("{{{kid}{}}}", public.strip_prefix('{').unwrap())
}

#[tokio::test]
async fn unknown_keys_cost_one_request_a_minute_however_many_there_are() {
    let (issuer, verifier) = Issuer::with_keys();
    let good = lasting(&RSA).await;
    verifier.verify::<Value>(&good).await.unwrap();
    issuer.asked().await;
    for (seconds, asked) in [(0, 0), (59, 0), (60, 1), (61, 0), (119, 0), (120, 1), (3000, 1)] {
        issuer.set_clock(seconds);
        for kid in 0..10 {
            let header = RSA.header.replace(r#""rsa""#, &format!(r#""{kid}""#));
            let token = signed(&RSA.signer(), &header, &with("exp", "1e11")).await;
            assert_eq!(verifier.verify::<Value>(&token).await.unwrap_err().kind(), ErrorKind::InvalidToken);
        }
        verifier.verify::<Value>(&good).await.unwrap();
        assert_eq!(issuer.asked().await, vec![JWKS; asked], "after {seconds} s");
    }
}

#[tokio::test]
async fn while_the_keys_cannot_be_fetched_an_unknown_key_is_not_an_invalid_token() {
    let (issuer, verifier) = Issuer::with_keys();
    issuer.lists(&[RSA.public("rsa")]);
    let (known, unknown) = (lasting(&RSA).await, lasting(&P256).await);
    verifier.verify::<Value>(&known).await.unwrap();
    issuer.set_clock(60);
    issuer.answers_keys(None);
    issuer.asked().await;
    for _ in 0..3 {
        assert_eq!(verifier.verify::<Value>(&unknown).await.unwrap_err().kind(), ErrorKind::Unreachable);
        verifier.verify::<Value>(&known).await.unwrap();
    }
    assert_eq!(issuer.asked().await, [JWKS], "once a minute");
    issuer.set_clock(120);
    issuer.lists(&keys());
    verifier.verify::<Value>(&unknown).await.unwrap();
}

#[tokio::test]
async fn keys_are_fetched_again_when_they_are_stale() {
    let cases = [
        ("max-age=600", 600),
        ("max-age=1", 300),
        ("no-store", 300),
        ("no-cache, must-revalidate", 300),
        ("max-age=99999999", 86_400),
        ("", 3600),
    ];
    for (cache_control, lifetime) in cases {
        let (issuer, verifier) = Issuer::with_keys();
        issuer.answers_keys(Some((200, cache_control, set(&keys()))));
        let token = lasting(&RSA).await;
        for (seconds, asked) in [(0, 1), (lifetime - 1, 0), (lifetime, 1)] {
            issuer.set_clock(seconds);
            verifier.verify::<Value>(&token).await.unwrap();
            let asked_keys = issuer.asked().await.into_iter().filter(|asked| asked == JWKS).count();
            assert_eq!(asked_keys, asked, "{cache_control} after {seconds} s");
        }
    }
}

#[tokio::test]
async fn old_keys_are_used_for_a_day_if_they_cannot_be_fetched() {
    let absent = [
        None,
        Some((503, "", String::new())),
        Some((429, "", String::new())),
        Some((404, "", String::new())),
        Some((200, "", "<html>".to_owned())),
        Some((302, "", String::new())),
        Some((500, "", set(&[]))),
    ];
    for absent in absent {
        let (issuer, verifier) = Issuer::with_keys();
        let token = lasting(&RSA).await;
        verifier.verify::<Value>(&token).await.unwrap();
        issuer.answers_keys(absent.clone());
        issuer.asked().await;
        for (seconds, asked) in [(3600, 1), (3659, 0), (3660, 1), (3600 + 86_399, 1)] {
            issuer.set_clock(seconds);
            verifier.verify::<Value>(&token).await.unwrap();
            let asked_keys = issuer.asked().await.into_iter().filter(|asked| asked == JWKS).count();
            assert_eq!(asked_keys, asked, "{absent:?} after {seconds} s");
        }
        issuer.set_clock(3600 + 86_400 + 60);
        let error = verifier.verify::<Value>(&token).await.unwrap_err();
        assert_ne!(error.kind(), ErrorKind::InvalidToken, "{error}");
    }
}

#[tokio::test]
async fn keys_are_fetched_though_the_metadata_cannot_be() {
    let (issuer, verifier) = Issuer::with_keys();
    verifier.verify::<Value>(&lasting(&RSA).await).await.unwrap();
    issuer.answers_metadata(None);
    issuer.set_clock(3600);
    issuer.lists(&[P256.public("p256")]);
    issuer.asked().await;
    verifier.verify::<Value>(&lasting(&P256).await).await.unwrap();
    assert_eq!(issuer.asked().await, [JWKS, OAUTH]);
}

#[tokio::test]
async fn keys_that_have_moved_are_found_by_fetching_the_metadata_again() {
    let (issuer, verifier) = Issuer::with_keys();
    let token = lasting(&RSA).await;
    issuer.answers_metadata(Some((200, "max-age=86400", METADATA.to_owned())));
    verifier.verify::<Value>(&token).await.unwrap();
    issuer.answers_keys(Some((404, "", String::new())));
    issuer.set_clock(3599);
    let unknown = signed(&RSA.signer(), &RSA.header.replace(r#""rsa""#, r#""new""#), &with("exp", "1e11")).await;
    verifier.verify::<Value>(&unknown).await.unwrap_err();
    issuer.answers_metadata(Some((503, "", String::new())));
    issuer.set_clock(3660);
    verifier.verify::<Value>(&token).await.expect("known keys serve");
    issuer.asked().await;
    issuer.answers_metadata(Some((200, "", METADATA.replace("/t/keys", "/t/moved"))));
    issuer.lists(&keys());
    issuer.set_clock(3720);
    verifier.verify::<Value>(&token).await.unwrap();
    assert_eq!(issuer.asked().await, [OAUTH, "GET https://login.example.com/t/moved"]);
}

#[tokio::test]
async fn keys_come_from_where_new_metadata_says_though_the_old_place_still_has_some() {
    let (issuer, verifier) = Issuer::with_keys();
    let token = lasting(&RSA).await;
    verifier.verify::<Value>(&token).await.unwrap();
    issuer.asked().await;
    issuer.answers_metadata(Some((200, "", METADATA.replace("/t/keys", "/t/moved"))));
    issuer.set_clock(3600);
    verifier.verify::<Value>(&token).await.unwrap();
    assert_eq!(issuer.asked().await, [JWKS, OAUTH, "GET https://login.example.com/t/moved"]);
}

#[tokio::test]
async fn an_issuer_may_have_a_hundred_keys() {
    let (issuer, verifier) = Issuer::with_keys();
    issuer.lists(&vec![RSA.public("rsa"); 100]);
    verifier.verify::<Value>(&good().await).await.unwrap();
}

#[tokio::test]
async fn invalid_keys_are_an_error_and_the_old_ones_are_forgotten() {
    let many = set(&vec![RSA.public("rsa"); 101]);
    let wrong = [
        "{}",
        "{",
        r#"{"keys":{}}"#,
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":7}"#,
        r#"{"keys":[],"a":1,"a":1}"#,
        r#"{"keys":[],"a":{"b":1,"b":1}}"#,
        &*many,
    ];
    for wrong in wrong {
        let (issuer, verifier) = Issuer::with_keys();
        let token = lasting(&RSA).await;
        verifier.verify::<Value>(&token).await.unwrap();
        issuer.set_clock(3600);
        issuer.answers_keys(Some((200, "", wrong.to_owned())));
        verifier.verify::<Value>(&token).await.expect("known keys serve while new ones are fetched");
        issuer.asked().await;
        for seconds in [3600, 3610] {
            issuer.set_clock(seconds);
            let error = verifier.verify::<Value>(&token).await.unwrap_err();
            assert!(error.kind() == ErrorKind::BadResponse && error.message().contains("the JWKS of"), "{error}");
            assert!(error.message().contains(ISSUER) && error.remedy().is_some(), "{error}");
        }
        issuer.set_clock(3620);
        issuer.lists(&keys());
        verifier.verify::<Value>(&token).await.unwrap();
    }
}

#[tokio::test]
async fn metadata_leads_to_keys_over_https_only() {
    let jwks_uri = |url: &str| METADATA.replace("https://login.example.com/t/keys", url);
    let cases = [
        (jwks_uri("http://login.example.com/t/keys"), ErrorKind::BadResponse),
        (jwks_uri("http://127.0.0.1/keys"), ErrorKind::BadResponse),
        (jwks_uri("file:///etc/passwd"), ErrorKind::BadResponse),
        (jwks_uri("https://u:canary@login.example.com/"), ErrorKind::BadResponse),
        (METADATA.replace("jwks_uri", "jwks"), ErrorKind::Configuration),
        (METADATA.replacen(ISSUER, "https://evil.example", 1), ErrorKind::BadResponse),
    ];
    for (metadata, kind) in cases {
        let (issuer, verifier) = Issuer::with_keys();
        issuer.answers_metadata(Some((200, "", metadata.clone())));
        let error = verifier.verify::<Value>(&good().await).await.unwrap_err();
        assert_eq!((error.kind(), issuer.asked().await), (kind, vec![OAUTH.to_owned()]), "{metadata}: {error}");
        assert!(error.message().contains(ISSUER) && !format!("{error:?}").contains("canary"), "{error:?}");
    }
    let (issuer, verifier) = Issuer::with_keys();
    let token = lasting(&RSA).await;
    verifier.verify::<Value>(&token).await.unwrap();
    issuer.answers_metadata(Some((200, "", METADATA.replacen(ISSUER, "https://evil.example", 1))));
    issuer.set_clock(3600);
    verifier.verify::<Value>(&token).await.expect("known keys serve while new ones are fetched");
    issuer.asked().await;
    verifier.verify::<Value>(&token).await.expect_err("what contradicts the keys makes them forgotten");
    issuer.answers_metadata(None);
    issuer.set_clock(3605);
    assert_eq!(verifier.verify::<Value>(&token).await.unwrap_err().kind(), ErrorKind::Unreachable);

    let (issuer, verifier) = Issuer::with_keys();
    issuer.answers_metadata(Some((404, "", String::new())));
    verifier.verify::<Value>(&good().await).await.unwrap_err();
    assert_eq!(issuer.asked().await, [OAUTH, OIDC]);
}

#[tokio::test]
async fn an_issuer_that_is_down_is_asked_every_five_seconds_and_says_so() {
    // A server that fails is asked at both URLs.
    for (status, kind, urls) in [(None, ErrorKind::Unreachable, 1), (Some(503), ErrorKind::Unavailable, 2)] {
        let (issuer, verifier) = Issuer::with_keys();
        issuer.answers_metadata(status.map(|status| (status, "", r#"{"error_description":"\u001b[2J"}"#.repeat(9999))));
        let token = good().await;
        for (seconds, asked) in [(0, 1), (1, 0), (4, 0), (5, 1), (6, 0)] {
            issuer.set_clock(seconds);
            let error = verifier.verify::<Value>(&token).await.unwrap_err();
            let expected = (kind, asked * urls);
            assert_eq!((error.kind(), issuer.asked().await.len()), expected, "after {seconds} s: {error}");
            assert!(error.to_string().len() < 600 && !error.to_string().contains(char::is_control), "{error}");
        }
        issuer.set_clock(10);
        issuer.answers_metadata(Some((200, "", METADATA.to_owned())));
        verifier.verify::<Value>(&token).await.unwrap();
    }
}

#[tokio::test]
async fn retry_after_is_kept() {
    let (issuer, verifier) = Issuer::with_keys();
    let token = lasting(&RSA).await;
    issuer.answers_keys(Some((429, "retry-after: 120", String::new())));
    for (seconds, asked) in [(0, 2), (119, 0), (120, 1)] {
        issuer.set_clock(seconds);
        let error = verifier.verify::<Value>(&token).await.unwrap_err();
        assert_eq!((error.kind(), issuer.asked().await.len()), (ErrorKind::RateLimited, asked), "after {seconds} s");
    }
    issuer.set_clock(240);
    issuer.lists(&keys());
    verifier.verify::<Value>(&token).await.unwrap();
    issuer.answers_keys(Some((503, "retry-after: 600", String::new())));
    issuer.asked().await;
    for (seconds, asked) in [(3840, 2), (4439, 0), (4440, 1)] {
        issuer.set_clock(seconds);
        verifier.verify::<Value>(&token).await.expect("known keys serve");
        assert_eq!(issuer.asked().await.len(), asked, "after {seconds} s");
    }
}

#[tokio::test]
async fn any_number_of_calls_fetch_the_keys_once() {
    let (issuer, verifier) = Issuer::with_keys();
    let token = good().await;
    issuer.hold_back();
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let (verifier, token) = (verifier.clone(), token.clone());
            tokio::spawn(async move { verifier.verify::<Value>(&token).await })
        })
        .collect();
    while issuer.asked().await.is_empty() {
        tokio::task::yield_now().await;
    }
    issuer.release();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(issuer.asked().await, [JWKS]);
}

#[tokio::test]
async fn a_caller_that_is_dropped_does_not_cancel_the_fetch_of_the_others() {
    let (issuer, verifier) = Issuer::with_keys();
    let token = good().await;
    issuer.hold_back();
    let call = tokio::spawn({
        let (verifier, token) = (verifier.clone(), token.clone());
        async move { verifier.verify::<Value>(&token).await }
    });
    let mut asked = issuer.asked().await;
    while asked.is_empty() {
        tokio::task::yield_now().await;
        asked = issuer.asked().await;
    }
    call.abort();
    call.await.unwrap_err();
    issuer.release();
    verifier.verify::<Value>(&token).await.unwrap();
    assert_eq!([asked, issuer.asked().await].concat(), [OAUTH, JWKS]);
}

#[tokio::test]
async fn a_transport_that_panics_is_an_error() {
    let server = TestServer::new(|_, _| -> Answer { panic!("canary") });
    let verifier = Issuer::new().verifier().with_transport(server).build().unwrap();
    for _ in 0..2 {
        let error = verifier.verify::<Value>(&good().await).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains("panicked") && !format!("{error:?}").contains("canary"), "{error:?}");
    }
}

/// An issuer whose keys are known and stale, and whose responses no longer come: its token, and one of an unknown key.
async fn hanging() -> (Issuer, TokenVerifier, SecretString, SecretString) {
    let (issuer, verifier) = Issuer::with_keys();
    issuer.lists(&[RSA.public("rsa")]);
    let (known, unknown) = (lasting(&RSA).await, lasting(&P256).await);
    verifier.verify::<Value>(&known).await.unwrap();
    issuer.set_clock(3600);
    issuer.hold_back();
    issuer.asked().await;
    (issuer, verifier, known, unknown)
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_hangs_delays_no_token_of_a_known_key() {
    let (issuer, verifier, known, _) = hanging().await;
    let start = Instant::now();
    for seconds in [3600, 3600 + 120, 3600 + 86_399] {
        issuer.set_clock(seconds);
        for _ in 0..20 {
            verifier.verify::<Value>(&known).await.unwrap();
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        settle().await;
    }
    assert_eq!(issuer.asked().await, [JWKS], "one task waits for all");
}

#[tokio::test(start_paused = true)]
async fn a_token_of_an_unknown_key_waits_for_ten_seconds_in_all_while_the_issuer_hangs() {
    let (issuer, verifier, known, unknown) = hanging().await;
    let start = Instant::now();
    for waited in [10, 10, 10] {
        let error = verifier.verify::<Value>(&unknown).await.unwrap_err();
        assert_eq!((error.kind(), start.elapsed()), (ErrorKind::Unreachable, Duration::from_secs(waited)), "{error}");
        assert!(error.message().contains(ISSUER) && error.remedy().is_some(), "{error}");
        verifier.verify::<Value>(&known).await.unwrap();
    }
    assert_eq!(issuer.asked().await, [JWKS]);

    issuer.lists(&keys());
    issuer.release();
    settle().await;
    verifier.verify::<Value>(&unknown).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_keys_a_call_waits_ten_seconds_for_an_issuer_that_hangs() {
    let (issuer, verifier) = Issuer::with_keys();
    let token = good().await;
    issuer.hold_back();
    let start = Instant::now();
    for _ in 0..2 {
        assert_eq!(verifier.verify::<Value>(&token).await.unwrap_err().kind(), ErrorKind::Unreachable);
        assert_eq!(start.elapsed(), Duration::from_secs(10));
    }
    assert_eq!(issuer.asked().await, [OAUTH]);
    tokio::time::advance(Duration::from_secs(120)).await;
    settle().await;
    issuer.release();
    issuer.set_clock(6);
    verifier.verify::<Value>(&token).await.expect("a fetch that never ends is given up");
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_though_the_metadata_hangs_and_what_it_says_in_the_end_counts() {
    let (issuer, verifier, known, unknown) = hanging().await;
    issuer.hold_back_metadata_only();
    issuer.lists(&keys());
    let start = Instant::now();
    verifier.verify::<Value>(&unknown).await.unwrap();
    assert_eq!((start.elapsed(), issuer.asked().await), (Duration::ZERO, vec![JWKS.to_owned(), OAUTH.to_owned()]));

    issuer.answers_metadata(Some((200, "", METADATA.replacen(ISSUER, "https://evil.example", 1))));
    issuer.release();
    settle().await;
    assert!(verifier.verify::<Value>(&known).await.is_err(), "it contradicts the keys");
}
