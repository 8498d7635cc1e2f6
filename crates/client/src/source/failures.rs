//! Remembers failures, so that refused credentials are not sent again and again, and `Retry-After` is obeyed.
//!
//! Some vendors block the address of whoever keeps failing (PTV: "continuous failed login attempts from the same IP").

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use credentials_grant::{ClientCredentials, Error, ErrorKind, Retry};

use super::validity::Reading;
use crate::backoff::{jittered_pause, pause_after};
use crate::random::random_number;

/// The most credentials that one fetch tries, and that are remembered, however many their source offers.
pub(crate) const MOST_CREDENTIALS: usize = 8;

/// How often the source of credentials is asked for others, while a refusal prevents requests.
const COMPARE_EVERY: Duration = Duration::from_secs(1);

/// What one fetch did, however it ended.
#[derive(Debug, Default)]
pub(crate) struct FetchRecord {
    /// Whether a request was sent.
    pub(crate) sent: bool,
    /// The credentials that were refused.
    pub(crate) refused: Vec<ClientCredentials>,
    /// Whether there are other credentials than those that were refused, so that another client's refusal does not
    /// prevent them.
    pub(crate) has_others: bool,
    /// For how much longer an earlier failure, which is shared, prevents the last request. It was not sent.
    pub(crate) withheld: Option<Duration>,
}

impl FetchRecord {
    pub(crate) fn lock(record: &Mutex<Self>) -> MutexGuard<'_, Self> {
        record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The failures since the last token. Details are boxed, so that it is small while there are none: a pool has one for
/// each tenant.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    count: u32,
    /// Whether a refusal is among them.
    refused: bool,
    refused_logins: u32,
    last: Option<Box<LastFailure>>,
    /// The credentials that were refused, and when they were last compared with those of the source.
    refused_credentials: Option<Box<(Vec<ClientCredentials>, Reading)>>,
}

#[derive(Debug)]
struct LastFailure {
    error: Error,
    at: Reading,
    /// The pause before callers with a deadline retry, the same for all of them.
    retry_pause: Duration,
    /// The pause that a shared failure prescribes, in the place of one of its own.
    withheld: Option<Duration>,
}

/// Why a token is to be fetched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    /// A caller waits for it.
    Caller,
    /// The token in memory is still valid, and due for renewal.
    Renewal,
}

impl Failures {
    /// Returns the failure that prevents a request at this time.
    ///
    /// A refusal does, for a pause of one second that doubles to five minutes. So does an outage after a refusal, since
    /// some vendors block addresses that way, and a 429. `Retry-After` makes the pause longer. Any other outage
    /// prevents renewals only, for the same pause.
    pub(crate) fn preventing(&self, purpose: Purpose, now: Reading) -> Option<Error> {
        let left = self.pause_left(purpose, now)?;
        let error = self.last()?.clone();
        Some(match error.retry() {
            Retry::After(_) => error.with_retry(Retry::After(left)),
            _ => error,
        })
    }

    /// Returns how much longer requests are prevented.
    pub(crate) fn pause_left(&self, purpose: Purpose, now: Reading) -> Option<Duration> {
        let LastFailure { error, at, withheld, .. } = self.last.as_deref()?;
        let pauses = self.refused || purpose == Purpose::Renewal || error.kind() == ErrorKind::RateLimited;
        let pause = match (withheld, error.retry()) {
            (Some(pause), _) => *pause,
            (None, Retry::After(wait)) if pauses => wait.max(pause_after(self.count)),
            (None, Retry::After(wait)) => wait,
            (None, _) if pauses => pause_after(self.count),
            (None, _) => return None,
        };
        at.left_of(pause, now)
    }

    /// Returns how long callers with a deadline wait before they retry.
    pub(crate) fn until_retry(&self, now: Reading) -> Duration {
        let jittered = self.last.as_ref().map(|last| last.retry_pause.saturating_sub(now.since(last.at)));
        self.pause_left(Purpose::Caller, now).max(jittered).unwrap_or_default()
    }

    /// Returns why the last fetch failed.
    pub(crate) fn last(&self) -> Option<&Error> {
        self.last.as_ref().map(|last| &last.error)
    }

    /// Returns the credentials that were refused, if it is time to compare them with those of their source. Not while
    /// `Retry-After` lasts, which is meant for any credentials.
    pub(crate) fn refused_to_compare(&mut self, now: Reading) -> Option<Vec<ClientCredentials>> {
        if self.last().is_some_and(|error| matches!(error.retry(), Retry::After(_))) {
            return None;
        }
        let (refused, compared_at) = self.refused_credentials.as_deref_mut()?;
        if now.since(*compared_at) < COMPARE_EVERY {
            return None;
        }
        *compared_at = now;
        Some(refused.clone())
    }

    /// Returns how often the credentials were refused, as opposed to the request.
    pub(crate) fn refused_logins(&self) -> u32 {
        self.refused_logins
    }

    /// Returns `true` if a refusal is among them.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused
    }

    /// Records how a fetch ended, and what it did.
    pub(crate) fn note<T>(&mut self, outcome: &Result<T, Error>, record: FetchRecord, now: Reading) {
        let Err(error) = outcome else {
            *self = Self::default();
            return;
        };
        let refusals = u32::try_from(record.refused.len()).unwrap_or(u32::MAX);
        // The same request would be refused again. An error on this side never reached the vendor, so it is not a
        // refusal.
        let is_refusal = refusals > 0 || (record.sent && error.retry() == Retry::Never);
        let before = if is_refusal && !self.refused { 0 } else { self.count };
        self.refused |= is_refusal;
        if record.withheld.is_some() {
            // Nothing was sent, so nothing is counted.
            self.count = self.count.max(1);
        } else {
            self.count = before.saturating_add(refusals.max(1));
            self.refused_logins = self.refused_logins.saturating_add(refusals);
        }
        self.last = Some(Box::new(LastFailure {
            error: error.clone(),
            at: now,
            retry_pause: jittered_pause(self.count - 1, random_number()),
            withheld: record.withheld,
        }));
        if refusals > 0 {
            let mut known = self.refused_credentials.take().map_or_else(Vec::new, |known| known.0);
            let new: Vec<_> = record.refused.into_iter().filter(|refused| !known.contains(refused)).collect();
            known.extend(new);
            known.drain(..known.len().saturating_sub(MOST_CREDENTIALS));
            self.refused_credentials = Some(Box::new((known, now)));
        }
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

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
        failures.note(
            &Err::<(), _>(error.clone()),
            FetchRecord { sent: true, refused, ..FetchRecord::default() },
            Reading::of(clock),
        );
    }

    fn clock() -> ManualClock {
        ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000))
    }

    /// For how long the failure stands in the way, to the second.
    fn stands(failures: &Failures, purpose: Purpose, clock: &ManualClock) -> u64 {
        let second_by_second = (0..1000).find(|_| {
            let stands = failures.preventing(purpose, Reading::of(clock)).is_some();
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
    fn the_pause_before_a_retry_is_drawn_anew_for_each_failure() {
        let clock = clock();
        let pauses =
            (0..20).map(|_| failed(5, &error(ErrorKind::Unavailable), &clock).until_retry(Reading::of(&clock)));
        let pauses: std::collections::BTreeSet<_> = pauses.collect();
        assert!(pauses.len() > 10 && pauses.iter().all(|pause| *pause <= Duration::from_secs(4)), "{pauses:?}");
    }

    #[test]
    fn what_is_wrong_on_this_side_stands_in_the_way_of_renewals_only() {
        for kind in [ErrorKind::Configuration, ErrorKind::SigningFailed] {
            let (clock, mut failures) = (clock(), Failures::default());
            failures.note(&Err::<(), _>(error(kind)), FetchRecord::default(), Reading::of(&clock));
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
        let standing = failures.preventing(Purpose::Caller, Reading::of(&clock)).unwrap();
        assert_eq!(standing.retry(), Retry::After(Duration::from_secs(100)));
        assert_eq!(stands(&failures, Purpose::Caller, &clock), 100);
    }

    #[test]
    fn refused_credentials_are_looked_at_once_a_second_and_not_while_the_server_wants_to_be_left_alone() {
        let clock = clock();
        let mut failures = failed(1, &error(ErrorKind::CredentialsRefused), &clock);
        for second in 1..=2 {
            assert!(failures.refused_to_compare(Reading::of(&clock)).is_none());
            clock.advance(Duration::from_secs(1));
            assert!(failures.refused_to_compare(Reading::of(&clock)).is_some(), "{second}");
        }
        clock.advance(Duration::from_secs(1));
        let told = error(ErrorKind::RateLimited).with_retry(Retry::After(Duration::from_secs(120)));
        note(&mut failures, &told, &clock);
        assert!(failures.refused_to_compare(Reading::of(&clock)).is_none());
    }

    #[test]
    fn a_short_pause_that_the_server_asks_for_is_all_that_callers_wait_after_outages() {
        let told = error(ErrorKind::Unavailable).with_retry(Retry::After(Duration::from_secs(1)));
        for (purpose, seconds) in [(Purpose::Caller, 1), (Purpose::Renewal, 16)] {
            let clock = clock();
            assert_eq!(stands(&failed(5, &told, &clock), purpose, &clock), seconds, "{purpose:?}");
        }
    }

    #[test]
    fn refused_credentials_are_a_refusal_also_if_the_server_says_when_to_try_again() {
        let clock = clock();
        let told = error(ErrorKind::CredentialsRefused).with_retry(Retry::After(Duration::ZERO));
        let mut failures = failed(1, &told, &clock);
        note(&mut failures, &error(ErrorKind::Unreachable), &clock);
        assert_eq!(stands(&failures, Purpose::Caller, &clock), 2);
    }

    #[test]
    fn an_outage_neither_adds_credentials_to_compare_nor_defers_the_comparison() {
        let (clock, half) = (clock(), Duration::from_millis(500));
        let mut failures = failed(1, &error(ErrorKind::Unreachable), &clock);
        clock.advance(half * 2);
        assert!(failures.refused_to_compare(Reading::of(&clock)).is_none());
        note(&mut failures, &error(ErrorKind::CredentialsRefused), &clock);
        clock.advance(half);
        note(&mut failures, &error(ErrorKind::Unreachable), &clock);
        clock.advance(half);
        assert_eq!(failures.refused_to_compare(Reading::of(&clock)).map(|refused| refused.len()), Some(1));
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
        assert_eq!(failures.refused_logins(), 3);
        failures.note(&Ok(()), FetchRecord::default(), Reading::of(&clock));
        assert_eq!(failures.refused_logins(), 0);
        assert!(failures.preventing(Purpose::Renewal, Reading::of(&clock)).is_none());
    }
}
