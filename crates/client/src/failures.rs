//! Remembers failures, so that what was refused is not sent over and over, and who asked to be left alone is.
//!
//! Some vendors block the address of whoever keeps failing (PTV: "continuous failed login attempts from the same IP").

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use credentials_grant::{ClientCredentials, Error, ErrorKind, Retry};
use retry_policies::policies::ExponentialBackoff;
use retry_policies::{Jitter, RetryDecision, RetryPolicy};

use crate::life::Reading;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// The bounds between which the pause before another try is drawn; the upper one doubles up to the second.
const PAUSE_BOUNDS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

/// The most credentials that one fetch tries, and that are remembered, however many their source has to offer.
pub(crate) const MOST_CREDENTIALS: usize = 8;

/// How often the credentials are looked at while a refusal of them stands.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What was done for one token, however that ended.
#[derive(Debug, Default)]
pub(crate) struct Tried {
    /// Whether anything was sent.
    pub(crate) sent: bool,
    /// The credentials that were refused.
    pub(crate) refused: Vec<ClientCredentials>,
}

impl Tried {
    pub(crate) fn lock(tried: &Mutex<Self>) -> MutexGuard<'_, Self> {
        tried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The failures since the last token. What it holds of them stands apart, so that it is small where there are none: a pool
/// has one for each tenant.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    count: u32,
    /// Whether a refusal is among them.
    refused: bool,
    of_credentials: u32,
    last: Option<Box<Failure>>,
    /// The credentials that were refused, and when they were last compared with those of the source.
    refused_credentials: Option<Box<(Vec<ClientCredentials>, Reading)>>,
}

#[derive(Debug)]
struct Failure {
    error: Error,
    at: Reading,
    /// The pause after which those who have time try again, drawn once for all of them.
    breath: Duration,
}

/// What a request would be for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    /// A caller waits.
    Caller,
    /// The token in memory is still good: there is time.
    Renewal,
}

impl Failures {
    /// The failure that stands in the way of a request at this time.
    ///
    /// A refusal does, for a pause of one second that doubles to five minutes; so does an outage after a refusal, which may
    /// be the vendor's way to block an address, and a server that asks for fewer requests. One that says how long to wait
    /// is left alone for that long at least. Any other outage stands in the way of renewals only, for the same pause.
    pub(crate) fn standing(&self, purpose: Purpose, now: Reading) -> Option<Error> {
        let left = self.pause_left(purpose, now)?;
        let error = self.last()?.clone();
        Some(match error.retry() {
            Retry::After(_) => error.with_retry(Retry::After(left)),
            _ => error,
        })
    }

    /// For how long it stands yet.
    pub(crate) fn pause_left(&self, purpose: Purpose, now: Reading) -> Option<Duration> {
        let Failure { error, at, .. } = self.last.as_deref()?;
        let pauses = self.refused || purpose == Purpose::Renewal || error.kind() == ErrorKind::RateLimited;
        let pause = match error.retry() {
            Retry::After(wait) if pauses => wait.max(pause_after(self.count)),
            Retry::After(wait) => wait,
            _ if pauses => pause_after(self.count),
            _ => return None,
        };
        pause.checked_sub(now.since(*at)).filter(|left| !left.is_zero())
    }

    /// How long those who have time wait before they try again.
    pub(crate) fn until_retry(&self, now: Reading) -> Duration {
        let breath = self.last.as_ref().map(|last| last.breath.saturating_sub(now.since(last.at)));
        self.pause_left(Purpose::Caller, now).max(breath).unwrap_or_default()
    }

    /// Why the last request brought no token.
    pub(crate) fn last(&self) -> Option<&Error> {
        self.last.as_ref().map(|last| &last.error)
    }

    /// The credentials that were refused, if it is time to see whether the source has others by now. Who asked to be left
    /// alone is left alone by others too.
    pub(crate) fn look(&mut self, now: Reading) -> Option<Vec<ClientCredentials>> {
        if self.last().is_some_and(|error| matches!(error.retry(), Retry::After(_))) {
            return None;
        }
        let (refused, looked_at) = self.refused_credentials.as_deref_mut()?;
        if now.since(*looked_at) < LOOK_EVERY {
            return None;
        }
        *looked_at = now;
        Some(refused.clone())
    }

    /// How many of them were refusals of the credentials, and not of what was asked for.
    pub(crate) fn of_credentials(&self) -> u32 {
        self.of_credentials
    }

    /// Whether a refusal is among them.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused
    }

    /// Takes notice of how a fetch ended, and of what was tried.
    pub(crate) fn note<T>(&mut self, outcome: &Result<T, Error>, tried: Tried, now: Reading) {
        let Err(error) = outcome else {
            *self = Self::default();
            return;
        };
        let refusals = u32::try_from(tried.refused.len()).unwrap_or(u32::MAX);
        // The same request would end in the same way. Of what is wrong on this side, the vendor knows nothing.
        let is_refusal = refusals > 0 || (tried.sent && error.retry() == Retry::Never);
        let before = if is_refusal && !self.refused { 0 } else { self.count };
        self.refused |= is_refusal;
        self.count = before.saturating_add(refusals.max(1));
        self.of_credentials = self.of_credentials.saturating_add(refusals);
        self.last = Some(Box::new(Failure { error: error.clone(), at: now, breath: breath(self.count - 1) }));
        if refusals > 0 {
            let mut known = self.refused_credentials.take().map_or_else(Vec::new, |known| known.0);
            let new: Vec<_> = tried.refused.into_iter().filter(|refused| !known.contains(refused)).collect();
            known.extend(new);
            known.drain(..known.len().saturating_sub(MOST_CREDENTIALS));
            self.refused_credentials = Some(Box::new((known, now)));
        }
    }
}

/// The pause after so many failures: one second, doubling to five minutes.
pub(crate) fn pause_after(failures: u32) -> Duration {
    let doubled = 2u32.saturating_pow(failures.saturating_sub(1));
    FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE)
}

/// A pause after so many failures before the last, with full jitter.
fn breath(failures: u32) -> Duration {
    let (shortest, longest) = PAUSE_BOUNDS;
    let bounds = ExponentialBackoff::builder().retry_bounds(shortest, longest).jitter(Jitter::Full);
    let now = SystemTime::now();
    match bounds.build_with_max_retries(u32::MAX).should_retry(now, failures) {
        RetryDecision::Retry { execute_after } => execute_after.duration_since(now).unwrap_or_default(),
        RetryDecision::DoNotRetry => longest,
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn error(kind: ErrorKind) -> Error {
        Error::new(kind, "no token")
    }

    fn failed(times: u32, error: &Error, clock: &ManualClock) -> Failures {
        let mut failures = Failures::default();
        (0..times).for_each(|_| note(&mut failures, error, clock));
        failures
    }

    /// Notes that a request was sent, and failed.
    fn note(failures: &mut Failures, error: &Error, clock: &ManualClock) {
        let refused = match error.kind() {
            ErrorKind::CredentialsRefused => vec![ClientCredentials::new("id", "wrong")],
            _ => Vec::new(),
        };
        failures.note(&Err::<(), _>(error.clone()), Tried { sent: true, refused }, Reading::of(clock));
    }

    fn clock() -> ManualClock {
        ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000))
    }

    /// For how long the failure stands in the way, to the second.
    fn stands(failures: &Failures, purpose: Purpose, clock: &ManualClock) -> u64 {
        let second_by_second = (0..1000).find(|_| {
            let stands = failures.standing(purpose, Reading::of(clock)).is_some();
            clock.advance(Duration::from_secs(u64::from(stands)));
            !stands
        });
        second_by_second.unwrap()
    }

    #[test]
    fn a_refusal_stands_for_a_second_doubling_to_five_minutes() {
        for kind in [ErrorKind::CredentialsRefused, ErrorKind::RequestRefused, ErrorKind::BadResponse] {
            for (times, seconds) in [(1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (40, 300)] {
                for purpose in [Purpose::Caller, Purpose::Renewal] {
                    let clock = clock();
                    assert_eq!(stands(&failed(times, &error(kind), &clock), purpose, &clock), seconds, "{times}");
                }
            }
        }
    }

    #[test]
    fn an_outage_stands_in_the_way_of_renewals_only() {
        for kind in [ErrorKind::Unreachable, ErrorKind::Unavailable] {
            let clock = clock();
            let failures = failed(3, &error(kind), &clock);
            assert_eq!(stands(&failures, Purpose::Caller, &clock), 0, "{kind:?}");
            assert_eq!(stands(&failures, Purpose::Renewal, &clock), 4, "{kind:?}");
        }
    }

    #[test]
    fn what_is_wrong_on_this_side_stands_in_the_way_of_renewals_only() {
        for kind in [ErrorKind::Configuration, ErrorKind::SigningFailed] {
            let (clock, mut failures) = (clock(), Failures::default());
            failures.note(&Err::<(), _>(error(kind)), Tried::default(), Reading::of(&clock));
            assert_eq!(stands(&failures, Purpose::Caller, &clock), 0, "{kind:?}");
            assert_eq!(stands(&failures, Purpose::Renewal, &clock), 1, "{kind:?}");
        }
    }

    #[test]
    fn a_server_that_asks_for_fewer_requests_gets_them_and_no_word_of_it_shortens_a_pause() {
        let now = error(ErrorKind::RateLimited).with_retry(Retry::After(Duration::ZERO));
        for (told, seconds) in [(error(ErrorKind::RateLimited), 4), (now, 4)] {
            let clock = clock();
            assert_eq!(stands(&failed(3, &told, &clock), Purpose::Caller, &clock), seconds);
        }
        let clock = clock();
        let mut failures = failed(3, &error(ErrorKind::CredentialsRefused), &clock);
        note(&mut failures, &error(ErrorKind::Unavailable).with_retry(Retry::After(Duration::from_secs(1))), &clock);
        assert_eq!(stands(&failures, Purpose::Caller, &clock), 8);
    }

    #[test]
    fn an_outage_after_a_refusal_is_not_hammered_either() {
        let clock = clock();
        let mut failures = failed(5, &error(ErrorKind::Unreachable), &clock);
        for (kind, seconds) in [(ErrorKind::CredentialsRefused, 1), (ErrorKind::Unreachable, 2)] {
            note(&mut failures, &error(kind), &clock);
            assert_eq!(stands(&failures, Purpose::Caller, &clock), seconds, "{kind:?}");
        }
    }

    #[test]
    fn a_server_that_says_how_long_to_wait_is_left_alone_for_that_long_and_the_error_says_how_much_is_left() {
        let clock = clock();
        let told = error(ErrorKind::RateLimited).with_retry(Retry::After(Duration::from_secs(120)));
        let failures = failed(1, &told, &clock);
        clock.advance(Duration::from_secs(20));
        let standing = failures.standing(Purpose::Caller, Reading::of(&clock)).unwrap();
        assert_eq!(standing.retry(), Retry::After(Duration::from_secs(100)));
        assert_eq!(stands(&failures, Purpose::Caller, &clock), 100);
    }

    #[test]
    fn refused_credentials_are_looked_at_once_a_second_and_not_while_the_server_wants_to_be_left_alone() {
        let clock = clock();
        let mut failures = failed(1, &error(ErrorKind::CredentialsRefused), &clock);
        for second in 1..=2 {
            assert!(failures.look(Reading::of(&clock)).is_none());
            clock.advance(Duration::from_secs(1));
            assert!(failures.look(Reading::of(&clock)).is_some(), "{second}");
        }
        clock.advance(Duration::from_secs(1));
        let told = error(ErrorKind::RateLimited).with_retry(Retry::After(Duration::from_secs(120)));
        note(&mut failures, &told, &clock);
        assert!(failures.look(Reading::of(&clock)).is_none());
    }

    #[test]
    fn a_wall_clock_that_is_set_back_makes_no_pause_longer() {
        let clock = clock();
        let failures = failed(1, &error(ErrorKind::CredentialsRefused), &clock);
        clock.set(SystemTime::UNIX_EPOCH);
        assert_eq!(stands(&failures, Purpose::Caller, &clock), 1);
    }

    #[test]
    fn a_token_ends_the_memory_and_only_refusals_of_credentials_count_as_such() {
        let clock = clock();
        let mut failures = failed(3, &error(ErrorKind::CredentialsRefused), &clock);
        for other in [ErrorKind::Unreachable, ErrorKind::RequestRefused] {
            note(&mut failures, &error(other), &clock);
        }
        assert_eq!(failures.of_credentials(), 3);
        failures.note(&Ok(()), Tried::default(), Reading::of(&clock));
        assert_eq!(failures.of_credentials(), 0);
        assert!(failures.standing(Purpose::Renewal, Reading::of(&clock)).is_none());
    }
}
