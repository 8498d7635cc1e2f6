//! How long a token lives: what the answer says, what the token says, what the provider says, and when nobody says.

use std::time::Duration;

use crate::acme::answered;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use credentials_grant::{
    Error, ErrorKind, ExpiryUnit, LifetimeSource, Policy, RequestSeed, ResponseReader, TokenParameters,
};
use credentials_grant_test_kit::{Acme, response};

const YEAR: u64 = 365 * 24 * 60 * 60;

/// The seconds until the token expires, and who said so.
fn life(provider: &Acme, body: &str) -> Result<(f64, LifetimeSource), Error> {
    let token = answered(provider, &TokenParameters::new(), response(200, &[], body))?;
    let life = token.expires_at().duration_since(RequestSeed::fixed().now).unwrap();
    assert_eq!(token.requested_at(), RequestSeed::fixed().now);
    Ok((life.as_secs_f64(), token.lifetime_source()))
}

fn stated(expires_in: &str) -> Result<(f64, LifetimeSource), Error> {
    life(&Acme::new(), &format!(r#"{{"access_token":"abc","expires_in":{expires_in}}}"#))
}

fn jwt(claims: &str) -> String {
    format!(r#"{{"access_token":"{}.{}.c2ln"}}"#, BASE64.encode("{}"), BASE64.encode(claims))
}

#[test]
fn expires_in_is_a_number_a_numeric_string_or_a_float() {
    for (expires_in, seconds) in [
        ("3600", 3600.0),
        ("\"3600\"", 3600.0),
        ("\" 14399 \"", 14399.0),
        ("3599.5", 3599.5),
        ("\"86400.5\"", 86400.5),
        ("1", 1.0),
    ] {
        assert_eq!(stated(expires_in).unwrap(), (seconds, LifetimeSource::Response), "{expires_in}");
    }
}

#[test]
fn an_absurd_life_is_cut_to_ten_years_and_two_years_are_believed() {
    #[allow(clippy::cast_precision_loss)]
    let years = |years: u64| ((years * YEAR) as f64, LifetimeSource::Response);
    assert_eq!(stated("63072000").unwrap(), years(2));
    for absurd in ["99999999999", "18446744073709551615", "1e300", "\"99999999999999999999999999\""] {
        assert_eq!(stated(absurd).unwrap(), years(10), "{absurd}");
    }
}

#[test]
fn nothing_and_zero_are_no_life() {
    for nothing in ["null", "\"\"", "0", "\"0\"", "0.0"] {
        assert_eq!(stated(nothing).unwrap(), (300.0, LifetimeSource::Assumed), "{nothing}");
    }
    let absent = life(&Acme::new(), r#"{"access_token":"abc"}"#).unwrap();
    assert_eq!(absent, (300.0, LifetimeSource::Assumed));
}

#[test]
fn a_negative_life_is_a_token_that_has_expired() {
    for negative in ["-1", "\"-3600\"", "-0.5"] {
        let error = stated(negative).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadResponse, "{negative}: {error}");
        assert!(error.to_string().contains("expired"), "{error}");
    }
}

#[test]
fn what_is_no_number_is_refused_by_name() {
    for garbage in ["false", "{}", "[]", "\"zzz\"", "\"300abc\"", "\"NaN\"", "\"inf\"", "\"1h\""] {
        let error = stated(garbage).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadResponse, "{garbage}");
        assert!(error.to_string().contains("`expires_in` is not a number"), "{garbage}: {error}");
    }
}

#[test]
fn the_unit_is_the_vendors() {
    let reading = |unit| Acme::new().with_reader(ResponseReader::rfc6749().expires_in("validity", unit));
    let body = r#"{"access_token":"abc","validity":1440}"#;
    for (unit, seconds) in
        [(ExpiryUnit::Seconds, 1440.0), (ExpiryUnit::Milliseconds, 1.44), (ExpiryUnit::Minutes, 86400.0)]
    {
        assert_eq!(life(&reading(unit), body).unwrap(), (seconds, LifetimeSource::Response));
    }
}

#[test]
fn an_absolute_expiry_is_rfc_3339_or_seconds_since_1970() {
    // The frozen time is 2026-01-01T00:00:00Z.
    let octorate = Acme::new().with_reader(ResponseReader::rfc6749().expires_at("expireDate"));
    for end in ["\"2026-01-01T01:00:00Z\"", "\"2026-01-01T02:00:00.000+01:00\"", "1767229200", "\"1767229200\""] {
        let body = format!(r#"{{"access_token":"abc","expireDate":{end}}}"#);
        assert_eq!(life(&octorate, &body).unwrap(), (3600.0, LifetimeSource::Response), "{end}");
    }
    for unsaid in ["null", "\"\""] {
        let body = format!(r#"{{"access_token":"abc","expireDate":{unsaid}}}"#);
        assert_eq!(life(&octorate, &body).unwrap().1, LifetimeSource::Assumed);
    }
    for bad in ["\"tomorrow\"", "{}", "\"2025-12-31T23:59:59Z\""] {
        let body = format!(r#"{{"access_token":"abc","expireDate":{bad}}}"#);
        assert_eq!(life(&octorate, &body).unwrap_err().kind(), ErrorKind::BadResponse, "{bad}");
    }
}

#[test]
fn an_absolute_expiry_counts_what_the_vendor_counts() {
    let reading = |unit| Acme::new().with_reader(ResponseReader::rfc6749().expires_at_in("expires", unit));
    let ends = [
        (ExpiryUnit::Milliseconds, "1767229200000"),
        (ExpiryUnit::Milliseconds, "\"1767229200000\""),
        (ExpiryUnit::Milliseconds, "\"2026-01-01T01:00:00Z\""),
        (ExpiryUnit::Minutes, "29453820"),
    ];
    for (unit, end) in ends {
        let body = format!(r#"{{"access_token":"abc","expires":{end}}}"#);
        assert_eq!(life(&reading(unit), &body).unwrap(), (3600.0, LifetimeSource::Response), "{end}");
    }
    let far = r#"{"access_token":"abc","expires":1e300}"#;
    assert_eq!(life(&reading(ExpiryUnit::Minutes), far).unwrap_err().kind(), ErrorKind::BadResponse);
}

/// The frozen time, 2026-01-01T00:00:00Z, as claims have it.
const NOW: u64 = 1_767_225_600;

#[test]
fn a_jwt_says_when_it_expires_and_is_not_believed_for_longer_than_its_span() {
    let cases = [
        (format!(r#"{{"exp":{}}}"#, NOW + 600), 600.0),
        (format!(r#"{{"iat":{},"exp":{}}}"#, NOW, NOW + 900), 900.0),
        (format!(r#"{{"iat":{},"exp":{}}}"#, NOW - 85_800, NOW + 600), 600.0),
        (format!(r#"{{"iat":{},"exp":{}}}"#, NOW + 7200, NOW + 8100), 900.0),
    ];
    for (claims, seconds) in cases {
        assert_eq!(life(&Acme::new(), &jwt(&claims)).unwrap(), (seconds, LifetimeSource::Token), "{claims}");
    }
}

#[test]
fn a_jwt_that_has_expired_is_never_taken_for_a_good_token() {
    for claims in [r#"{"exp":1000}"#, r#"{"iat":1000,"exp":1000}"#, r#"{"iat":2000,"exp":1000}"#, r#"{"exp":-1}"#] {
        let error = life(&Acme::new(), &jwt(claims)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadResponse, "{claims}");
        assert!(error.to_string().contains("expired") && error.to_string().contains("clock"), "{error}");
    }
}

#[test]
fn the_answer_beats_the_token_and_the_token_beats_the_provider() {
    let acme = Acme::new().with_policy(Policy::new().with_lifetime(Duration::from_secs(7200)));
    let claims = format!(r#"{{"exp":{}}}"#, NOW + 900);
    let with_both = jwt(&claims).replace('}', r#","expires_in":60}"#);
    assert_eq!(life(&acme, &with_both).unwrap(), (60.0, LifetimeSource::Response));
    assert_eq!(life(&acme, &jwt(&claims)).unwrap(), (900.0, LifetimeSource::Token));
    assert_eq!(life(&acme, r#"{"access_token":"abc"}"#).unwrap(), (7200.0, LifetimeSource::Policy));
    for opaque in [jwt("{}"), jwt(r#"{"exp":"soon"}"#), jwt("not json"), r#"{"access_token":"a.b.c"}"#.to_owned()] {
        assert_eq!(life(&acme, &opaque).unwrap().1, LifetimeSource::Policy, "{opaque}");
    }
}
