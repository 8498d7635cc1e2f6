//! How long a token lives, by what the response, the token itself and the provider's policy say.

use std::time::{Duration, SystemTime};

use secrecy::ExposeSecret;
use serde::Deserialize;

use crate::policy::Policy;
use crate::token_response::{TokenResponse, at_unix_seconds, claims_json};

/// The lifetime of a token if neither the response, nor the token itself, nor the provider states one.
const ASSUMED_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// The longest lifetime that is believed: ten years, five times that of the longest-lived token known (Hostaway's).
pub(crate) const LONGEST_LIFETIME: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// How long ago a moment may be that a server sends in place of a lifetime. What is older is no moment around now.
const LONGEST_AGO: Duration = Duration::from_secs(24 * 60 * 60);

/// How far this machine's clock and the server's may differ before the server's is used to read the server's moments.
const TOLERANCE: Duration = Duration::from_secs(60);

/// The most by which the `exp` of a token may come earlier and still state the lifetime of the response: it is in whole
/// seconds, and clocks differ. Of a short lifetime, a twentieth.
const LEEWAY: Duration = Duration::from_secs(10);

/// From here on, a claim counts milliseconds: as seconds, it would be a moment in the year 5138.
const IN_MILLISECONDS: f64 = 1e11;

/// How long a token lives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a lifetime is a duration or an end; there is no third way to state one")]
pub enum Lifetime {
    /// For this long, counted from the moment the request was sent. More than ten years are not believed: if it reads
    /// as a moment around now, in seconds or milliseconds since 1970, it is that moment, and else it is ignored.
    For(Duration),
    /// Until a point in time.
    Until(SystemTime),
}

/// Where a token's lifetime comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LifetimeSource {
    /// The server's response (`expires_in`, or what the vendor sends in its place).
    Response,
    /// The `exp` claim of the token itself: the response states no lifetime, or one that would end later.
    Token,
    /// The provider's policy.
    Policy,
    /// Nothing states it: five minutes are assumed, which deserves a warning.
    Assumed,
}

/// Returns how long the token of this response lives from now, and who says so.
pub(crate) fn lifetime(response: &TokenResponse, policy: &Policy, now: SystemTime) -> (Duration, LifetimeSource) {
    let stated = response.lifetime().and_then(|lifetime| lifetime.length(now));
    match (stated, length_in_token(response, now)) {
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

/// Returns the time by which to read the moments of a server whose clock shows this time.
///
/// A wrong clock on this machine must not make every token an expired one, nor one of ten years. Where the two clocks
/// agree, ours is used: it has no Date header that a proxy could have kept from another day.
pub(crate) fn time_of_server(ours: SystemTime, theirs: Option<SystemTime>) -> SystemTime {
    let is_far = |theirs: &SystemTime| {
        let ahead = theirs.duration_since(ours).unwrap_or_default();
        ahead.max(ours.duration_since(*theirs).unwrap_or_default()) > TOLERANCE
    };
    theirs.filter(is_far).unwrap_or(ours)
}

impl Lifetime {
    /// Returns how long this is from now: zero if it is over, `None` if it cannot be meant.
    pub(crate) fn length(self, now: SystemTime) -> Option<Duration> {
        let stated = match self {
            Self::For(length) if length <= LONGEST_LIFETIME => return Some(length),
            Self::For(length) => length,
            Self::Until(end) => {
                let (left, ago) = (end.duration_since(now), now.duration_since(end));
                let left = left.unwrap_or_default();
                if left <= LONGEST_LIFETIME && ago.unwrap_or_default() <= LONGEST_LIFETIME {
                    return Some(left);
                }
                end.duration_since(SystemTime::UNIX_EPOCH).ok()?
            }
        };
        let units = [Some(stated), Some(stated / 1000), stated.checked_mul(1000)];
        units.into_iter().flatten().find_map(|since_1970| left_until(since_1970, now))
    }
}

/// Returns the time until a moment around now.
fn left_until(since_1970: Duration, now: SystemTime) -> Option<Duration> {
    let end = SystemTime::UNIX_EPOCH.checked_add(since_1970)?;
    let left = end.duration_since(now).unwrap_or_default();
    let is_around_now = left <= LONGEST_LIFETIME && now.duration_since(end).unwrap_or_default() <= LONGEST_AGO;
    is_around_now.then_some(left)
}

/// Reads the lifetime from a token that is a JWT: until `exp`, but for no longer than from `iat` to `exp`, in case the
/// clock is slow. A token may have been issued long before it was handed out, so the span alone says too much.
fn length_in_token(response: &TokenResponse, now: SystemTime) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Claims {
        exp: f64,
        iat: Option<f64>,
    }
    let claims: Claims = serde_json::from_slice(&claims_json(response.secret().expose_secret())?).ok()?;
    let unit = |moment: f64| if moment >= IN_MILLISECONDS { 1000.0 } else { 1.0 };
    let exp = claims.exp / unit(claims.exp);
    let left = at_unix_seconds(exp.max(0.0))?.duration_since(now).unwrap_or_default();
    let span = claims.iat.map(|iat| Duration::try_from_secs_f64(exp - iat / unit(iat)).unwrap_or_default());
    Some(span.map_or(left, |span| span.min(left))).filter(|length| *length <= LONGEST_LIFETIME)
}
