//! How long a token lives: what the answer says, what the token says, what the provider says, and when nobody says.

use std::time::Duration;

use crate::acme::answered;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use credentials_grant::{
    Error, ErrorKind, ExpiryUnit, LifetimeSource, Policy, RequestSeed, ResponseProblem, ResponseReader, Retry,
    TokenParameters,
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
fn two_years_are_believed_and_an_absurd_life_is_unknown() {
    #[allow(clippy::cast_precision_loss)]
    let years = |years: u64| ((years * YEAR) as f64, LifetimeSource::Response);
    assert_eq!(stated("63072000").unwrap(), years(2));
    assert_eq!(stated("315360000").unwrap(), years(10));
    for absurd in ["315360001", "99999999999", "18446744073709551615", "1e300", "\"99999999999999999999999999\""] {
        assert_eq!(stated(absurd).unwrap(), (300.0, LifetimeSource::Assumed), "{absurd}");
        let body = format!(r#"{{"access_token":"abc","expires_in":{absurd}}}"#);
        let token = answered(&Acme::new(), &TokenParameters::new(), response(200, &[], &body)).unwrap();
        assert!(token.lifetime_warning().unwrap().contains("unusable lifetime"), "{absurd}");
    }
}

#[test]
fn an_absurd_life_gives_way_to_what_the_token_or_the_policy_says_and_is_still_warned_of() {
    let acme = Acme::new().with_policy(Policy::new().with_lifetime(Duration::from_secs(7200)));
    let of_token = jwt(&format!(r#"{{"exp":{}}}"#, NOW + 900)).replace('}', r#","expires_in":1e18}"#);
    for (body, length, source) in [
        (of_token.as_str(), 900.0, LifetimeSource::Token),
        (r#"{"access_token":"abc","expires_in":1e18}"#, 7200.0, LifetimeSource::Policy),
    ] {
        assert_eq!(life(&acme, body).unwrap(), (length, source));
        let token = answered(&acme, &TokenParameters::new(), response(200, &[], body)).unwrap();
        assert!(token.lifetime_warning().is_some(), "{body}");
    }
}

#[test]
fn a_life_that_reads_as_a_moment_around_now_is_that_moment() {
    for moment in [
        "1767229200",
        "\"1767229200\"",
        "1767229200.0",
        "1767229200000",
        "\"1767229200000\"",
        "\"2026-01-01T01:00:00Z\"",
        "\"2026-01-01T02:00:00+01:00\"",
        "\"Thu, 01 Jan 2026 01:00:00 GMT\"",
    ] {
        assert_eq!(stated(moment).unwrap(), (3600.0, LifetimeSource::Response), "{moment}");
    }
    for over in ["1767225600", "1767225000", "1767225000000", "\"2025-12-31T23:59:59Z\""] {
        let error = stated(over).unwrap_err();
        assert!(error.to_string().contains("expired"), "{over}: {error}");
    }
    // A year ago, in twenty years.
    for far in ["1734567890", "1734567890000", "2400000000"] {
        assert_eq!(stated(far).unwrap(), (300.0, LifetimeSource::Assumed), "{far}");
    }
}

#[test]
fn a_moment_is_read_also_where_minutes_or_milliseconds_are_the_unit() {
    let reading = |unit| Acme::new().with_reader(ResponseReader::rfc6749().expires_in("expires_in", unit));
    for (unit, moment) in [
        (ExpiryUnit::Minutes, "1767229200"),
        (ExpiryUnit::Minutes, "1767229200000"),
        (ExpiryUnit::Milliseconds, "1767229200000"),
    ] {
        let body = format!(r#"{{"access_token":"abc","expires_in":{moment}}}"#);
        assert_eq!(life(&reading(unit), &body).unwrap(), (3600.0, LifetimeSource::Response), "{unit:?} {moment}");
    }
}

#[test]
fn an_end_in_another_unit_than_declared_is_read_and_an_absurd_one_is_unknown() {
    let reading = |unit| Acme::new().with_reader(ResponseReader::rfc6749().expires_at_in("expires", unit));
    let ending = |unit, end: &str| life(&reading(unit), &format!(r#"{{"access_token":"abc","expires":{end}}}"#));
    for (unit, end) in [
        (ExpiryUnit::Seconds, "1767229200000"),
        (ExpiryUnit::Milliseconds, "1767229200"),
        (ExpiryUnit::Seconds, "\"Thu, 01 Jan 2026 01:00:00 GMT\""),
    ] {
        assert_eq!(ending(unit, end).unwrap(), (3600.0, LifetimeSource::Response), "{end}");
    }
    for absurd in ["3600", "0", "1e12", "1e17", "1e300", "-1", "\"9999-12-31T23:59:59Z\""] {
        assert_eq!(ending(ExpiryUnit::Seconds, absurd).unwrap(), (300.0, LifetimeSource::Assumed), "{absurd}");
    }
}

#[test]
fn nothing_is_no_life() {
    for nothing in ["null", "\"\"", "\" \""] {
        assert_eq!(stated(nothing).unwrap(), (300.0, LifetimeSource::Assumed), "{nothing}");
    }
    let body = r#"{"access_token":"abc"}"#;
    assert_eq!(life(&Acme::new(), body).unwrap(), (300.0, LifetimeSource::Assumed));
    let token = answered(&Acme::new(), &TokenParameters::new(), response(200, &[], body)).unwrap();
    assert!(token.lifetime_warning().unwrap().contains("no lifetime"));
    let token =
        answered(&Acme::new(), &TokenParameters::new(), response(200, &[], r#"{"access_token":"a","expires_in":9}"#));
    assert_eq!(token.unwrap().lifetime_warning(), None);
}

#[test]
fn a_token_that_the_server_says_is_over_is_not_handed_out_and_worth_another_try() {
    for over in ["0", "\"0\"", "0.0", "-0.0", "-1", "\"-3600\"", "-1e300", "1e-12"] {
        let error = stated(over).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadResponse, "{over}: {error}");
        assert_eq!(error.response_problem(), Some(ResponseProblem::ExpiredToken));
        assert_eq!(error.retry(), Retry::Soon, "{over}: {error}");
        assert!(error.to_string().contains("expired"), "{error}");
    }
    let claims = format!(r#"{{"exp":{}}}"#, NOW + 900);
    assert!(life(&Acme::new(), &jwt(&claims).replace('}', r#","expires_in":0}"#)).is_err(), "whatever its `exp`");
}

#[test]
fn a_vendor_may_mean_by_zero_that_it_states_no_lifetime() {
    let acme = Acme::new().with_reader(ResponseReader::rfc6749().zero_is_unstated());
    let of = |expires_in: &str| life(&acme, &format!(r#"{{"access_token":"abc","expires_in":{expires_in}}}"#));
    for zero in ["0", "\"0\"", "0.0"] {
        assert_eq!(of(zero).unwrap(), (300.0, LifetimeSource::Assumed), "{zero}");
    }
    assert!(of("-1").is_err());
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
fn a_jwt_may_have_its_times_as_text_with_a_fraction_or_in_milliseconds() {
    let (end, start) = (NOW + 600, NOW - 300);
    for claims in [
        format!(r#"{{"exp":"{end}"}}"#),
        format!(r#"{{"iat":"{start}","exp":"{end}"}}"#),
        format!(r#"{{"iat":"{start}.528239","exp":"{end}.0"}}"#),
        format!(r#"{{"iat":{start}.25,"exp":{end}.0}}"#),
        format!(r#"{{"exp":{}e1}}"#, end / 10),
        format!(r#"{{"iat":{start}000,"exp":{end}000}}"#),
        format!(r#"{{"iat":"{start}000","exp":"{end}000"}}"#),
        format!(r#"{{"iat":{start},"exp":{end}000}}"#),
        format!(r#"{{"iat":"today","exp":{end}}}"#),
        format!(r#"{{"iat":null,"exp":{end}}}"#),
    ] {
        let (seconds, source) = life(&Acme::new(), &jwt(&claims)).expect(&claims);
        assert_eq!((seconds, source), (600.0, LifetimeSource::Token), "{claims}");
    }
    for opaque in
        [jwt(r#"{"exp":"2026-11-29"}"#), jwt(r#"{"exp":"NaN"}"#), jwt(r#"{"exp":"inf"}"#), jwt(r#"{"exp":[1]}"#)]
    {
        let (_, source) = life(&Acme::new(), &opaque).expect(&opaque);
        assert_ne!(source, LifetimeSource::Token, "{opaque}");
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
fn the_earlier_of_the_two_ends_counts_and_then_the_provider() {
    let acme = Acme::new().with_policy(Policy::new().with_lifetime(Duration::from_secs(7200)));
    let claims = format!(r#"{{"exp":{}}}"#, NOW + 900);
    let stating = |stated: &str| jwt(&claims).replace('}', &format!(r#","expires_in":{stated}}}"#));
    assert_eq!(life(&acme, &stating("60")).unwrap(), (60.0, LifetimeSource::Response));
    assert_eq!(life(&acme, &stating("3600")).unwrap(), (900.0, LifetimeSource::Token));
    // A second is what clocks differ by.
    assert_eq!(life(&acme, &stating("901")).unwrap(), (901.0, LifetimeSource::Response));
    assert_eq!(life(&acme, &jwt(&claims)).unwrap(), (900.0, LifetimeSource::Token));
    assert_eq!(life(&acme, r#"{"access_token":"abc"}"#).unwrap(), (7200.0, LifetimeSource::Policy));
    for opaque in [jwt("{}"), jwt(r#"{"exp":"soon"}"#), jwt("not json"), r#"{"access_token":"a.b.c"}"#.to_owned()] {
        assert_eq!(life(&acme, &opaque).unwrap().1, LifetimeSource::Policy, "{opaque}");
    }
}

#[test]
fn an_answer_from_a_cache_lengthens_no_tokens_life() {
    let cached = |claims: &str| jwt(claims).replace('}', r#","expires_in":3600}"#);
    let claims = format!(r#"{{"iat":{},"exp":{}}}"#, NOW - 3510, NOW + 90);
    assert_eq!(life(&Acme::new(), &cached(&claims)).unwrap(), (90.0, LifetimeSource::Token));
    let over = format!(r#"{{"iat":{},"exp":{}}}"#, NOW - 3700, NOW - 100);
    assert!(life(&Acme::new(), &cached(&over)).unwrap_err().to_string().contains("clock"));
    let milliseconds = format!(r#"{{"iat":{}000,"exp":{}000}}"#, NOW - 3510, NOW + 90);
    assert_eq!(life(&Acme::new(), &cached(&milliseconds)).unwrap(), (90.0, LifetimeSource::Token));
}

#[test]
fn a_token_of_another_clock_altogether_lives_as_the_response_states() {
    // As in a test with a clock of its own, whose server says what time it is. The times are those of 1970.
    let claims = r#"{"iat":0,"exp":3600}"#;
    let stated = jwt(claims).replace('}', r#","expires_in":3600}"#);
    assert_eq!(life(&Acme::new(), &stated).unwrap(), (3600.0, LifetimeSource::Response));
    assert!(life(&Acme::new(), &jwt(claims)).unwrap_err().to_string().contains("clock"), "nothing else states it");
}

#[test]
fn a_local_clock_that_is_wrong_neither_ends_nor_lengthens_a_token() {
    // The server's clock says 2026-01-01T12:00:00Z: half a day ahead of ours. Then half a day behind.
    for (date, server) in
        [("Thu, 01 Jan 2026 12:00:00 GMT", NOW + 43_200), ("Wed, 31 Dec 2025 12:00:00 GMT", NOW - 43_200)]
    {
        let claims = format!(r#"{{"iat":{},"exp":{}}}"#, server, server + 300);
        let bodies = [jwt(&claims).replace('}', r#","expires_in":300}"#), jwt(&claims)];
        for body in bodies {
            let token =
                answered(&Acme::new(), &TokenParameters::new(), response(200, &[("date", date)], &body)).unwrap();
            let left = token.expires_at().duration_since(RequestSeed::fixed().now).unwrap();
            assert_eq!(left, Duration::from_secs(300), "{date}");
        }
        let octorate = Acme::new().with_reader(ResponseReader::rfc6749().expires_at("expires"));
        let body = format!(r#"{{"access_token":"abc","expires":{}}}"#, server + 300);
        let token = answered(&octorate, &TokenParameters::new(), response(200, &[("date", date)], &body)).unwrap();
        assert_eq!(token.expires_at(), RequestSeed::fixed().now + Duration::from_secs(300), "{date}");
    }
}

#[test]
fn a_cache_that_says_how_old_the_answer_is_is_believed() {
    // Issued and answered at 11:00, and kept by a cache for 3510 s; our clock is twelve hours behind.
    let claims = format!(r#"{{"iat":{},"exp":{}}}"#, NOW + 39_600, NOW + 43_200);
    let headers = [("date", "Thu, 01 Jan 2026 11:00:00 GMT"), ("age", "3510")];
    let body = jwt(&claims).replace('}', r#","expires_in":3600}"#);
    let token = answered(&Acme::new(), &TokenParameters::new(), response(200, &headers, &body)).unwrap();
    assert_eq!(token.expires_at(), RequestSeed::fixed().now + Duration::from_secs(90));
}
