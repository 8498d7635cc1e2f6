//! Verification: which tokens are accepted, which are not, and when the issuer's keys are fetched.

#![cfg(test)]

mod issuer;
mod keys;
mod tokens;

use std::collections::BTreeMap;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use credentials_grant_verification::{ErrorKind, SigningAlgorithm, TokenVerifier};
use serde::Deserialize;
use serde_json::Value;

use issuer::{AUDIENCE, ISSUER, Issuer, JWKS, OAUTH, RSA, claims, good, key, signed, with};

#[derive(Debug, Deserialize, Eq, PartialEq)]
struct Claims {
    sub: String,
    client_id: String,
}

#[tokio::test]
async fn a_token_of_the_issuer_is_accepted_and_its_claims_are_the_callers() {
    let (issuer, verifier) = Issuer::with_keys();
    let token = good().await;
    let claims: Claims = verifier.verify(&token).await.unwrap();
    assert_eq!(claims, Claims { sub: "canary".to_owned(), client_id: "canary".to_owned() });
    let all: BTreeMap<String, Value> = verifier.clone().verify(&token).await.unwrap();
    assert_eq!(all["iss"], ISSUER);
    assert_eq!(issuer.asked().await, [OAUTH, JWKS], "once for both");
}

#[tokio::test]
async fn every_algorithm_of_public_keys_is_verified() {
    use SigningAlgorithm::{Ed25519, EdDsa, Es256, Es384, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
    let (issuer, verifier) = Issuer::with_keys();
    for algorithm in [Ed25519, EdDsa, Es256, Es384, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512] {
        let (kid, signer) = key(algorithm);
        let header = format!(r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":"{kid}"}}"#);
        let token = signed(&signer, &header, &claims()).await;
        verifier.verify::<Value>(&token).await.unwrap_or_else(|error| panic!("{algorithm}: {error}"));

        let others =
            issuer.verifier().with_algorithms([if algorithm == Es256 { Rs256 } else { Es256 }]).build().unwrap();
        let error = others.verify::<Value>(&token).await.unwrap_err();
        assert!(error.message().contains("not accepted"), "{error}");
    }
}

#[test]
fn algorithms_that_cannot_be_verified_are_refused_when_they_are_set() {
    use SigningAlgorithm::{Es512, Hs256, Rs256};
    for algorithms in [vec![], vec![Hs256], vec![Rs256, Es512]] {
        let error = Issuer::new().verifier().with_algorithms(algorithms).build().unwrap_err();
        assert!(error.kind() == ErrorKind::Configuration && error.remedy().is_some(), "{error}");
    }
    let error = TokenVerifier::new(ISSUER.parse().unwrap(), "").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

#[tokio::test]
async fn types_and_audiences_have_several_forms() {
    let (issuer, verifier) = Issuer::with_keys();
    let header = |typ: &str| format!(r#"{{"alg":"RS256","kid":"rsa"{typ}}}"#);
    let good = claims();
    let many = with("aud", &format!(r#"["a","{AUDIENCE}"]"#));
    let plain = [r#","typ":"JWT""#, r#","typ":"jwt""#, "", r#","typ":null"#];
    for typ in [r#","typ":"at+jwt""#, r#","typ":"AT+JWT""#, r#","typ":"application/at+jwt""#] {
        for claims in [&good, &many] {
            let token = signed(&RSA.signer(), &header(typ), claims).await;
            verifier.verify::<Value>(&token).await.expect(typ);
        }
    }
    let plainly = issuer.verifier().with_plain_jwts().build().unwrap();
    for typ in plain {
        let token = signed(&RSA.signer(), &header(typ), &good).await;
        plainly.verify::<Value>(&token).await.expect(typ);
        let error = verifier.verify::<Value>(&token).await.expect_err(typ);
        assert!(error.to_string().contains("plain JWTs"), "{error}");
    }
    let token = signed(&RSA.signer(), &header(r#","typ":"dpop+jwt""#), &good).await;
    plainly.verify::<Value>(&token).await.expect_err("it says that it is something else");
}

#[tokio::test]
async fn clocks_may_be_a_minute_apart() {
    let (issuer, verifier) = Issuer::with_keys();
    // Issued now, valid for ten minutes.
    let token = good().await;
    let cases =
        [(-61, "issued in the future"), (-60, ""), (0, ""), (659, ""), (660, "has expired"), (1_000_000, "expired")];
    for (seconds, why) in cases {
        issuer.set_clock(seconds);
        let outcome = verifier.verify::<Value>(&token).await;
        let message = outcome.map_or_else(|error| error.message().to_owned(), |_| String::new());
        assert!(message.is_empty() == why.is_empty() && message.contains(why), "{seconds}: {message}");
    }
    // Not valid for two more minutes, the last of which is within the leeway.
    let token = signed(&RSA.signer(), RSA.header, &with("nbf", &(issuer::NOW + 120).to_string())).await;
    for (seconds, good) in [(0, false), (59, false), (60, true)] {
        issuer.set_clock(seconds);
        assert_eq!(verifier.verify::<Value>(&token).await.is_ok(), good, "{seconds}");
    }
}

#[tokio::test]
async fn claims_that_do_not_fit_the_callers_type_are_an_error_of_their_own() {
    let (_, verifier) = Issuer::with_keys();
    let error = verifier.verify::<Others>(&good().await).await.unwrap_err();
    assert!(error.kind() == ErrorKind::InvalidToken && error.message().contains("claims do not fit"), "{error}");
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}

#[derive(Debug, Deserialize)]
struct Others {
    #[expect(dead_code, reason = "it is not there")]
    hash: String,
}

#[test]
fn outside_of_a_runtime_verification_is_an_error_and_not_a_panic() {
    let (issuer, verifier) = Issuer::with_keys();
    let token = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(good());
    let mut verification = pin!(verifier.verify::<Value>(&token));
    let Poll::Ready(Err(error)) = verification.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("there is nothing to wait for");
    };
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.message().contains("tokio runtime") && issuer.has_asked_nothing(), "{error}");
}

#[tokio::test]
async fn a_verifier_shows_what_it_expects_and_not_what_it_has_seen() {
    let (_, verifier) = Issuer::with_keys();
    let before = format!("{verifier:?}");
    assert!(before.contains(ISSUER) && before.contains(AUDIENCE), "{before}");
    verifier.verify::<Value>(&good().await).await.unwrap();
    assert_eq!(format!("{verifier:?}"), before);
}
