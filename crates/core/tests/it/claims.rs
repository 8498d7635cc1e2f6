//! What a token says of itself: read, bounded, and never verified.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use credentials_grant::{AccessToken, ErrorKind, Value};
use serde::Deserialize;

use crate::acme::read;

#[derive(Debug, Deserialize)]
struct Claims {
    client_id: String,
}

fn token(token: &str) -> AccessToken {
    read(format!(r#"{{"access_token":"{token}","expires_in":60}}"#)).unwrap()
}

fn jwt(claims: impl AsRef<[u8]>) -> AccessToken {
    token(&format!("e30.{}.c2ln", BASE64.encode(claims)))
}

#[test]
fn claims_are_read_in_the_callers_shape_whoever_signed_them() {
    let jwt = jwt(r#"{"client_id":"canary","roles":["a","b"]}"#);
    assert_eq!(jwt.unverified_claims::<Claims>().unwrap().client_id, "canary");
    let all: BTreeMap<String, Value> = jwt.unverified_claims().unwrap();
    assert_eq!(all["roles"][1], "b");
}

#[test]
fn a_token_that_is_not_a_jwt_has_no_claims() {
    for opaque in ["abc", "a.b", "a.!!.c", "a.e30=.c", "a.e30.c.d", "a.e30.c.d.e"] {
        let error = token(opaque).unverified_claims::<Value>().expect_err(opaque);
        assert_eq!(error.kind(), ErrorKind::BadResponse, "{opaque}");
        assert!(error.message().contains("is not a JWT") && error.remedy().is_some(), "{error}");
    }
}

#[test]
fn claims_of_another_shape_are_refused_and_not_repeated() {
    let deep = "[".repeat(40_000);
    let hostile: [&[u8]; 9] = [
        b"",
        b"canary",
        b"[]",
        b"null",
        br#"{"client_id":7}"#,
        br#"{"client":"canary"}"#,
        br#"{"client_id":"canary","client_id":"b"}"#,
        b"{\"client_id\":\"canary\xff\"}",
        deep.as_bytes(),
    ];
    for claims in hostile {
        let error = jwt(claims).unverified_claims::<Claims>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadResponse);
        assert!(error.remedy().is_some() && !format!("{error:?}").contains("canary"), "{error:?}");
    }
}
