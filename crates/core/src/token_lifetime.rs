//! How long a token lives, by what the response, the token itself and the provider's policy say.

use std::time::{Duration, SystemTime};

use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::Value;

use crate::lifetime::{LONGEST_AGO, LONGEST_LIFETIME, LifetimeSource};
use crate::policy::Policy;
use crate::token_response::{TokenResponse, at_unix_seconds, claims_json};

/// The lifetime of a token if neither the response, nor the token itself, nor the provider states one.
const ASSUMED_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// The most by which the `exp` of a token may come earlier and still state the lifetime of the response: it is in whole
/// seconds, and clocks differ. Of a short lifetime, a twentieth.
const LEEWAY: Duration = Duration::from_secs(10);

/// From here on, a claim counts milliseconds: as seconds, it would be a moment in the year 5138.
const IN_MILLISECONDS: f64 = 1e11;

/// Returns how long the token of this response lives from now, and who says so.
pub(crate) fn lifetime(response: &TokenResponse, policy: &Policy, now: SystemTime) -> (Duration, LifetimeSource) {
    let stated = response.lifetime().and_then(|lifetime| lifetime.length(now));
    // A moment that long ago is of another clock: of a test, say, whose server says what time it is.
    let is_meant = |times: &TokenTimes| stated.is_none() || !times.ended_long_ago(now);
    let of_token = TokenTimes::read(response).filter(is_meant).and_then(|times| times.length(now));
    match (stated, of_token) {
        // An answer from a cache states the lifetime that the token had when it was new.
        (Some(stated), Some(of_token)) if of_token + LEEWAY.min(stated / 20) < stated => {
            (of_token, LifetimeSource::Token)
        }
        (Some(stated), _) => (stated, LifetimeSource::Response),
        (None, Some(of_token)) => (of_token, LifetimeSource::Token),
        (None, None) => match policy.lifetime() {
            Some(length) => (length.min(LONGEST_LIFETIME), LifetimeSource::Policy),
            None => (ASSUMED_LIFETIME, LifetimeSource::Assumed),
        },
    }
}

/// The times in a token that is a JWT, in seconds since 1970.
struct TokenTimes {
    exp: f64,
    iat: Option<f64>,
}

impl TokenTimes {
    fn read(response: &TokenResponse) -> Option<Self> {
        #[derive(Deserialize)]
        struct Claims {
            exp: Value,
            iat: Option<Value>,
        }
        let claims: Claims = serde_json::from_slice(&claims_json(response.secret().expose_secret())?).ok()?;
        Some(Self { exp: numeric_date(&claims.exp)?, iat: claims.iat.as_ref().and_then(numeric_date) })
    }

    /// Returns the lifetime: until `exp`, but for no longer than from `iat` to `exp`, in case the clock is slow. A
    /// token may have been issued long before it was handed out, so the span alone says too much.
    fn length(&self, now: SystemTime) -> Option<Duration> {
        let left = self.end()?.duration_since(now).unwrap_or_default();
        let span = self.iat.map(|iat| Duration::try_from_secs_f64(self.exp - iat).unwrap_or_default());
        Some(span.map_or(left, |span| span.min(left))).filter(|length| *length <= LONGEST_LIFETIME)
    }

    fn ended_long_ago(&self, now: SystemTime) -> bool {
        self.end().is_some_and(|end| now.duration_since(end).is_ok_and(|past| past > LONGEST_AGO))
    }

    fn end(&self) -> Option<SystemTime> {
        at_unix_seconds(self.exp.max(0.0))
    }
}

/// Returns a time in a JWT, in seconds since 1970: a number, which may have a fraction (RFC 7519 section 2). Some
/// issuers write it as text, or count milliseconds.
fn numeric_date(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }?;
    Some(if number >= IN_MILLISECONDS { number / 1000.0 } else { number })
}
