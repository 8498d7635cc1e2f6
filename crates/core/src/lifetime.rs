//! How long a token lives, as a server states it.

use std::time::{Duration, SystemTime};

/// The longest lifetime that is believed: ten years, five times that of the longest-lived token known (Hostaway's).
pub(crate) const LONGEST_LIFETIME: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// How long ago a moment may be that a server sends in place of a lifetime. What is older is no moment around now.
pub(crate) const LONGEST_AGO: Duration = Duration::from_secs(24 * 60 * 60);

/// How far this machine's clock and the server's may differ before the server's is used to read the server's moments.
const TOLERANCE: Duration = Duration::from_secs(60);

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
