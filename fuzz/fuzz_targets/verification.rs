//! Verifies arbitrary tokens with arbitrary keys. The input is four lines: a header and claims, which are signed with a
//! valid key; a token as it is; and the issuer's keys.

#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use credentials_grant::Signer as _;
use credentials_grant_client::KeySigner;
use credentials_grant_test_kit::{TestServer, clock, response};
use credentials_grant_verification::{ErrorKind, SecretString, TokenVerifier};
use futures_executor::block_on;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tokio::runtime::Runtime;

const ISSUER: &str = "https://login.example.com/t";
const AUDIENCE: &str = "https://api.example.com";
const METADATA: &str = r#"{"issuer":"https://login.example.com/t","token_endpoint":"https://login.example.com/t/token","jwks_uri":"https://login.example.com/t/keys"}"#;
const NOW: u64 = 1_767_225_600;

/// RFC 8037 appendix A.1.
const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fuzz_target!(|input: &str| {
    let mut lines = input.splitn(4, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (header, claims, token, keys) = (line(), line(), line(), line());
    let message = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
    let signature = block_on(SIGNER.sign(message.as_bytes())).expect("it signs");
    let signed = format!("{message}.{}", BASE64.encode(signature));

    let builder = TokenVerifier::builder(ISSUER.parse().expect("it is an issuer"), AUDIENCE);
    let builder = builder.with_clock(clock());
    let verifier = builder.with_transport(issuer(keys.to_owned())).build().expect("it is set up");
    RUNTIME.block_on(async {
        if verified(&verifier, &signed).await {
            assert_good(header, claims, keys);
        }
        if verified(&verifier, token).await {
            let part = |number| BASE64.decode(token.split('.').nth(number).expect("three parts")).expect("base64url");
            let (header, claims) = (String::from_utf8(part(0)), String::from_utf8(part(1)));
            assert_good(&header.expect("UTF-8"), &claims.expect("UTF-8"), keys);
        }
    });
});

static SIGNER: LazyLock<KeySigner> = LazyLock::new(|| KeySigner::from_jwk(ED25519).expect("it is a key"));

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_time().build().expect("there is a runtime"));

/// Returns `true` if the token is accepted. Checks that the error for any other is one short line that says what to do.
async fn verified(verifier: &TokenVerifier, token: &str) -> bool {
    let error = match verifier.verify::<Value>(&SecretString::from(token)).await {
        Ok(claims) => return claims.is_object() || panic!("{claims}"),
        Err(error) => error,
    };
    let shown = error.to_string();
    assert!(matches!(error.kind(), ErrorKind::InvalidToken | ErrorKind::BadResponse), "{shown}");
    assert!(error.remedy().is_some() && shown.len() < 1500 && !shown.contains(char::is_control), "{shown:?}");
    false
}

/// Checks what must be true of an accepted token, by other code than the verifier's.
fn assert_good(header: &str, claims: &str, keys: &str) {
    let parsed = |json: &str| json.parse::<Value>().expect("it is JSON");
    let (header, claims, keys) = (parsed(header), parsed(claims), parsed(keys));
    let typ = header["typ"].as_str().expect("it has a type").to_ascii_lowercase();
    assert!(typ == "at+jwt" || typ == "application/at+jwt", "{typ}");
    assert!(header.get("crit").is_none(), "{header}");
    assert_eq!(claims["iss"], ISSUER);
    let audience = &claims["aud"];
    assert!(audience == AUDIENCE || audience.as_array().is_some_and(|all| all.iter().any(|one| one == AUDIENCE)));
    let time = |claim: &str| claims[claim].as_f64();
    let now = Duration::from_secs(NOW).as_secs_f64();
    assert!(time("exp").expect("it expires") + 60.0 > now, "{claims}");
    assert!(["nbf", "iat"].iter().all(|claim| time(claim).is_none_or(|time| time <= now + 60.0)), "{claims}");
    let algorithm = header["alg"].as_str().expect("it has an algorithm");
    assert!(!algorithm.starts_with("HS") && !algorithm.eq_ignore_ascii_case("none"), "{algorithm}");
    if algorithm.starts_with("Ed") {
        let is_signer = |key: &Value| key["x"] == PUBLIC && (header["kid"].is_null() || key["kid"] == header["kid"]);
        assert!(keys["keys"].as_array().is_some_and(|keys| keys.iter().any(is_signer)), "{keys}");
    }
}

/// Makes an issuer with these keys.
fn issuer(keys: String) -> TestServer {
    TestServer::new(move |request, _| {
        assert_eq!((request.method().as_str(), request.url().scheme()), ("GET", "https"));
        response(200, &[], if request.url().path().contains("/.well-known/") { METADATA } else { &keys })
    })
}
