//! Tokens that are forged, broken or meant for others.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use credentials_grant_client::KeySigner;
use credentials_grant_verification::{ErrorKind, ExposeSecret, SecretString, TokenVerifier};
use serde_json::Value;

use crate::issuer::{ED25519, ISSUER, Issuer, NOW, P256, RSA, claims, good, keys, signed, with, with as with_claim};

/// Asserts that the token is refused for this reason, on one line that repeats neither the token nor its claims.
async fn assert_refused(verifier: &TokenVerifier, token: &SecretString, why: &str) {
    let error = verifier.verify::<Value>(token).await.expect_err(why);
    let shown = format!("{error} {error:?}");
    assert!(error.kind() == ErrorKind::InvalidToken && error.message().contains(why), "{why}: {error}");
    assert!(error.remedy().is_some() && error.provider().is_none(), "{error}");
    assert!(error.to_string().len() < 1200 && !error.to_string().contains(char::is_control), "{error}");
    assert!(!shown.contains("canary") && !shown.contains(token.expose_secret()), "{shown}");
}

#[tokio::test]
async fn a_token_with_other_claims_is_refused() {
    let (issuer, verifier) = Issuer::with_keys();
    let long = format!(r#""{}""#, "é".repeat(20_000));
    let cases = [
        ("iss", r#""https://evil.example""#, "from another issuer, https://evil.example,"),
        ("iss", r#""https://login.example.com/t/""#, "from another issuer"),
        ("iss", r#""https://LOGIN.example.com/t""#, "from another issuer"),
        ("iss", r#""evil\u001b[2J\r\n2026-01-01 root logged in""#, "from another issuer, evil\\u{1b}[2J"),
        ("iss", &*long, "from another issuer"),
        ("iss", "", "invalid claims"),
        ("iss", r#"["https://login.example.com/t"]"#, "invalid claims"),
        ("aud", r#""https://other.example.com""#, "is not for https://api.example.com"),
        ("aud", r#""https://api.example.com/""#, "is not for"),
        ("aud", r#"["a","https://API.example.com"]"#, "is not for"),
        ("aud", "[]", "is not for"),
        ("aud", "", "invalid claims"),
        ("aud", "7", "invalid claims"),
        ("exp", "", "invalid claims"),
        ("exp", "null", "invalid claims"),
        ("exp", r#""1767229200""#, "invalid claims"),
        ("exp", "1e999", "invalid claims"),
        ("exp", "1767225540", "has expired"),
        ("exp", "1767225540.0", "has expired"),
        ("exp", "0", "has expired"),
        ("exp", "-1e300", "has expired"),
        ("nbf", "1767225661", "not valid yet"),
        ("nbf", "1e300", "not valid yet"),
        ("nbf", r#""soon""#, "invalid claims"),
        ("iat", "1767225661", "issued in the future"),
        ("iat", "true", "invalid claims"),
    ];
    for (claim, value, why) in cases {
        let token = signed(&RSA.signer(), RSA.header, &with(claim, value)).await;
        assert_refused(&verifier, &token, why).await;
    }
    assert!(issuer.asked().await.is_empty(), "no key is looked for that would change nothing");
    for (claim, value) in [("iat", ""), ("exp", "1767225541"), ("exp", "1e300"), ("nbf", "1767225660"), ("nbf", "null")]
    {
        let token = signed(&RSA.signer(), RSA.header, &with(claim, value)).await;
        verifier.verify::<Value>(&token).await.expect(value);
    }
}

#[tokio::test]
async fn claims_that_are_not_an_object_or_have_a_member_twice_are_refused() {
    let (_, verifier) = Issuer::with_keys();
    let twice = claims().replacen('{', r#"{"aud":"https://api.example.com","#, 1);
    let sequence = format!(r#"["{ISSUER}","https://api.example.com",{},null,null]"#, NOW + 600);
    let deep = format!(r#"{{"a":{}"#, "[".repeat(30_000));
    let form_feed = format!("\u{c}{}", claims());
    let twice_again = claims().replacen('{', r#"{"scope":"a","s\u0063ope":"a","#, 1);
    let nested = claims().replacen('{', r#"{"act":[{"sub":"a","sub":"b"}],"#, 1);
    for claims in
        [&*twice, &twice_again, &nested, &sequence, &form_feed, &deep, "", "null", "{", "\"canary\"", &claims()[1..]]
    {
        let token = signed(&RSA.signer(), RSA.header, claims).await;
        assert_refused(&verifier, &token, "invalid claims (RFC 9068").await;
    }
}

#[tokio::test]
async fn a_header_that_leads_elsewhere_is_refused_or_ignored() {
    let (issuer, verifier) = Issuer::with_keys();
    let typed = |typ: &str| format!(r#"{{"alg":"RS256","kid":"rsa","typ":{typ}}}"#);
    let algorithm = |name: &str| format!(r#"{{"alg":{name},"kid":"rsa","typ":"at+jwt"}}"#);
    let with = |member: &str| RSA.header.replacen('{', &format!("{{{member},"), 1);
    let huge = format!(r#""{}""#, "\\u0007".repeat(5000));
    let cases = [
        (typed(r#""JWT""#), "of the type JWT, but must be at+jwt"),
        (typed(r#""""#), "of the type , but"),
        (typed("null"), "does not have a type"),
        (typed(r#""at+jwt ""#), "must be at+jwt"),
        (typed(&huge), "of the type \\u{7}"),
        (typed("7"), "an invalid header"),
        (algorithm(r#""none""#), "signed by none, which is not accepted"),
        (algorithm(r#""None""#), "not accepted"),
        (algorithm(r#""HS256""#), "signed by HS256, which is not accepted"),
        (algorithm(r#""rs256""#), "not accepted"),
        (algorithm(r#""RS1""#), "not accepted"),
        (algorithm(r#""ES512""#), "not accepted"),
        (algorithm(r#""ES256K""#), "not accepted"),
        (algorithm(r#""""#), "not accepted"),
        (algorithm(&huge), "not accepted"),
        (algorithm("null"), "an invalid header"),
        (with(r#""crit":["exp"]"#), "critical"),
        (with(r#""crit":[]"#), "critical"),
        (with(r#""crit":null"#), "critical"),
        (with(r#""crit":null,"crit":null"#), "an invalid header"),
        (with(r#""x5t":"a","x5t":"a""#), "an invalid header"),
        (with(r#""jwk":{"e":"AQAB","e":"AQAB"}"#), "an invalid header"),
        (with(r#""crit":["b64"],"b64":false"#), "critical"),
        (with(r#""alg":"RS256""#), "an invalid header"),
        (with(r#""kid":"rsa""#), "an invalid header"),
        (with(r#""typ":"JWT""#), "an invalid header"),
        (with(r#""kid":7"#), "an invalid header"),
        (r#"["RS256","at+jwt","rsa",null]"#.to_owned(), "an invalid header"),
        ("7".to_owned(), "an invalid header"),
        (format!("\u{c}{}", RSA.header), "an invalid header"),
        (String::new(), "an invalid header"),
        ("{".repeat(10_000), "an invalid header"),
    ];
    for (header, why) in cases {
        let token = signed(&RSA.signer(), &header, &claims()).await;
        assert_refused(&verifier, &token, why).await;
    }
    assert!(issuer.asked().await.is_empty());

    let evil =
        format!(r#""jku":"https://evil.example/keys","x5u":"http://evil.example/","jwk":{}"#, P256.public("rsa"));
    let token = signed(&RSA.signer(), &with(&evil), &claims()).await;
    verifier.verify::<Value>(&token).await.expect("what the header says about keys is ignored");
    let token = signed(&P256.signer(), &P256.header.replacen('{', &format!("{{{evil},"), 1), &claims()).await;
    verifier.verify::<Value>(&token).await.unwrap();
    assert!(!issuer.asked().await.iter().any(|asked| asked.contains("evil")));
}

#[tokio::test]
async fn a_signature_by_another_key_is_refused() {
    let (_, verifier) = Issuer::with_keys();
    let header = |algorithm: &str, kid: &str| format!(r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":"{kid}"}}"#);
    let public = include_str!("../../../client/tests/it/keys/rsa-public.pem");
    let modulus = serde_json::from_str::<Value>(&RSA.public("")).unwrap()["n"].as_str().unwrap().to_owned();
    let secrets = [public.to_owned(), public.trim().to_owned(), modulus, RSA.public("rsa")];
    for secret in secrets {
        let token = signed(&KeySigner::from_secret(secret).unwrap(), &header("HS256", "rsa"), &claims()).await;
        assert_refused(&verifier, &token, "HS256, which is not accepted").await;
        let token = signed(&KeySigner::from_secret(public).unwrap(), RSA.header, &claims()).await;
        assert_refused(&verifier, &token, "not signed with the key that it names").await;
    }
    let cases = [
        (&P256, header("ES256", "rsa"), "an algorithm that its key is not for"),
        (&RSA, header("RS256", "p256"), "an algorithm that its key is not for"),
        (&P256, header("ES384", "p256"), "an algorithm that its key is not for"),
        (&ED25519, header("ES256", "p256"), "not signed with the key"),
        (&RSA, header("PS256", "rsa"), "not signed with the key"),
        (&RSA, header("RS512", "rsa"), "not signed with the key"),
        (&RSA, header("RS256", "no such"), "a key that https://login.example.com/t does not publish"),
        (&RSA, header("RS256", "RSA"), "a key that https"),
        (&RSA, header("RS256", ""), "a key that https"),
        (&RSA, header("RS256", &"x".repeat(40_000)), "a key that https"),
    ];
    for (pair, header, why) in cases {
        let token = signed(&pair.signer(), &header, &claims()).await;
        assert_refused(&verifier, &token, why).await;
    }
}

#[tokio::test]
async fn a_token_that_was_changed_is_refused() {
    let (_, verifier) = Issuer::with_keys();
    for (pair, signature_length) in [(&RSA, 342), (&P256, 86), (&ED25519, 86)] {
        let token = signed(&pair.signer(), pair.header, &claims()).await.expose_secret().to_owned();
        let parts: Vec<_> = token.split('.').collect();
        assert_eq!(parts[2].len(), signature_length);
        let with = |claims: &str, signature: &str| format!("{}.{claims}.{signature}", parts[0]);
        let others = BASE64.encode(claims().replace("canary", "sparrow"));
        let mut flipped = BASE64.decode(parts[2]).unwrap();
        flipped[0] ^= 1;
        let short = BASE64.encode(&flipped[1..]);
        for changed in [
            with(&others, parts[2]),
            with(parts[1], &BASE64.encode(&flipped)),
            with(parts[1], &short),
            with(parts[1], &BASE64.encode([0; 64])),
            with(parts[1], &BASE64.encode([0; 256])),
            with(parts[1], ""),
        ] {
            assert_refused(&verifier, &changed.into(), "not signed with the key that it names").await;
        }
        verifier.verify::<Value>(&token.into()).await.unwrap();
    }
}

#[tokio::test]
async fn a_token_that_is_not_a_signed_jwt_is_refused() {
    let (issuer, verifier) = Issuer::with_keys();
    let token = good().await.expose_secret().to_owned();
    let parts: Vec<_> = token.split('.').collect();
    let cut = token.len() - 1;
    let cases = [
        String::new(),
        "opaque".to_owned(),
        ".".to_owned(),
        "..".to_owned(),
        format!("{}.{}", parts[0], parts[1]),
        format!("{token}.e30.e30"),
        format!("{token}."),
        format!("{token}="),
        format!("{token}\n"),
        format!(" {token}"),
        format!("Bearer {token}"),
        token[..cut].to_owned(),
        token.replace('.', ".."),
        token.replacen('e', "é", 1),
    ];
    for case in cases {
        assert_refused_alike(&verifier, case.into()).await;
    }
    let huge = format!("{}.{}.{}", parts[0], "a".repeat(64 * 1024), parts[2]);
    assert_refused(&verifier, &huge.into(), "longer than 64 KiB").await;
    assert_refused(&verifier, &"a".repeat(64 * 1024 + 1).into(), "longer than 64 KiB").await;
    assert_refused(&verifier, &"a".repeat(64 * 1024).into(), "is not a signed JWT").await;
    assert!(issuer.asked().await.is_empty());
}

async fn assert_refused_alike(verifier: &TokenVerifier, token: SecretString) {
    let error = verifier.verify::<Value>(&token).await.expect_err(token.expose_secret());
    let why = ["not a signed JWT", "an invalid header"];
    assert!(error.kind() == ErrorKind::InvalidToken, "{error}");
    assert!(why.iter().any(|why| error.message().contains(why)), "{error}");
}

#[tokio::test]
async fn keys_that_are_for_something_else_are_ignored() {
    let with = |member: &str| RSA.public("rsa").replacen('{', &format!("{{{member},"), 1);
    let ignored = [
        with(r#""use":"enc""#),
        with(r#""use":7"#),
        with(r#""key_ops":["sign","encrypt"]"#),
        with(r#""key_ops":[]"#),
        with(r#""alg":"RS512""#),
        with(r#""alg":"RSA-OAEP""#),
        with(r#""alg":"HS256""#),
        with(r#""kid":"rsa""#),
        with(r#""x5t":"a","x5t":"a""#),
        with(r#""oth":[{"r":"a","r":"b"}]"#),
        RSA.public("rsa").replace(r#""kty":"RSA""#, r#""kty":"oct","k":"c2VjcmV0""#),
        RSA.public("rsa").replace(r#""kty":"RSA""#, r#""kty":"EC","crv":"P-256""#),
        RSA.public("rsa").replace(r#""n":""#, r#""n":"!"#),
        RSA.public("rsa").replace(r#""e":"AQAB""#, r#""e":"AAAA""#),
        RSA.public("rsa").replace(r#""e":"AQAB""#, r#""f":"AQAB""#),
        RSA.public("other"),
        r#""rsa""#.to_owned(),
        "[]".to_owned(),
    ];
    let good = with(r#""use":"sig","key_ops":["verify"],"alg":"RS256""#);
    let token = signed(&RSA.signer(), RSA.header, &with_claim("exp", "1e11")).await;
    for key in ignored {
        let (issuer, verifier) = Issuer::with_keys();
        issuer.lists(std::slice::from_ref(&key));
        let error = verifier.verify::<Value>(&token).await.expect_err(&key);
        assert_eq!(error.kind(), ErrorKind::InvalidToken, "{error}");
        issuer.set_clock(3600);
        // Beside a valid key, it does no harm.
        issuer.lists(&[key, r#"{"kty":"AKP","kid":"new"}"#.to_owned(), good.clone()]);
        // The old keys serve, while new ones are fetched.
        let _ = verifier.verify::<Value>(&token).await;
        issuer.asked().await;
        verifier.verify::<Value>(&token).await.unwrap();
    }
}

#[tokio::test]
async fn a_key_of_less_than_2048_bits_is_not_used() {
    let (issuer, verifier) = Issuer::with_keys();
    // Signed by `openssl dgst -sha256 -sign rsa-1024.pem`, and its modulus.
    let token = "eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6InNtYWxsIn0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tL3QiLCJhdWQiOiJodHRwczovL2FwaS5leGFtcGxlLmNvbSIsImV4cCI6MTc2NzIyNjIwMH0.xJF-S8jVjextSThYenoWqXu_kJItjNpJ7v5dZPPjJbkhtsjwe9BmV_ExLJahVSc9SqEVSmrxl0qkWjOdZdFAz7T5pzU1QGID_l5_q_xcQalrF1BhYYvGioSy2ZJ7gsoRsbRJuDNUBmrDcmsbDcOR5HilypYGYZ77M3w5U2rIky0";
    let small = r#"{"kty":"RSA","kid":"small","e":"AQAB","n":"2FWoA9TRekD66ZukMjA5Yvz2d30jrE1oqo0mvASnH2fyU6Baz87-ntmQburgLzCmpnXo0k36SrcveH6sp5SZkvH8cddvofi1WKs-cy1qBDzb_npyk69JtGQklIHqtMUZ2fpnatVkk5bmRs0hckDRfwSYVF-EUfYarYsEFG6iXBk"}"#;
    issuer.lists(&[keys(), vec![small.to_owned()]].concat());
    assert_refused(&verifier, &token.into(), "not signed with the key that it names").await;
}
