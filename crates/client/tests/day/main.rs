//! A day in the life of a source: 24 hours, 10 000 calls a minute, and a vendor that has a bad day.
//!
//! The time is tokio's, paused: it passes while everybody waits. Callers come in bursts of 100 every 600 ms. For each
//! burst, [`Expected`] derives from the rules how many requests it may lead to, and the vendor counts how many come.

#![cfg(test)]

mod expected;
mod vendor;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use credentials_grant::{AccessToken, Error};
use credentials_grant_client::{Clock, TokenSource};
use credentials_grant_test_kit::TokioClock;
use futures_util::{FutureExt, poll};
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::expected::Expected;
use crate::vendor::{Incident, MINUTE, SECOND, Vendor};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const BETWEEN_BURSTS: Duration = Duration::from_millis(600);
const BURST: usize = 100;

/// What happens while which token is the current one, and how many requests fail of it.
///
/// A renewal that fails is tried again after 1, 2, 4 … seconds, by the next burst then: 0, 1.2, 3.6, 7.8, 16.2, 32.4,
/// 64.8, 129, 257.4 and 513.6 s after the first. Without a token, every burst asks.
fn bad_day() -> BTreeMap<usize, (Incident, RangeInclusive<usize>)> {
    BTreeMap::from([
        // Eight are before 240 s.
        (2, (Incident::OutageFor(MINUTE * 4), 8..=8)),
        (4, (Incident::Throttled(SECOND * 90), 1..=1)),
        (6, (Incident::Slow(SECOND * 20), 0..=0)),
        // It is asked between 2880 and 3240.6 s, and the token is good until 3570 s: nine renewals, or ten. Then there
        // is a burst every 0.6 s of 60.
        (7, (Incident::OutageUntil(SECOND * 3630), 109..=110)),
        // A burst every 0.6 s of 30.
        (9, (Incident::Restart { at: MINUTE * 20, down: SECOND * 30, slow: Duration::ZERO }, 50..=50)),
        (11, (Incident::RotationWithOverlap { source: MINUTE * 20, vendor: MINUTE * 40 }, 0..=0)),
        // Six are before 40 s. Then the new secret is found.
        (13, (Incident::RotationWithoutOverlap { lag: SECOND * 40 }, 6..=6)),
        // Beyond the end of the token.
        (15, (Incident::Throttled(MINUTE * 20), 1..=1)),
        (17, (Incident::Restart { at: MINUTE * 20, down: Duration::ZERO, slow: SECOND * 20 }, 0..=0)),
        // Longer than a fetch may take, which is 30 s.
        (19, (Incident::Slow(SECOND * 45), 1..=1)),
    ])
}

#[tokio::test(start_paused = true)]
async fn a_bad_day_takes_the_requests_that_it_must_and_no_caller_notices_more_than_he_must() {
    let day = bad_day();
    let today = TokioClock::new();
    let vendor = Vendor::new(today, day.iter().map(|(token, (incident, _))| (*token, *incident)).collect());
    let mut callers = Callers::of(&vendor, today);
    let mut expected = Expected::default();
    let mut bursts = interval(BETWEEN_BURSTS);
    loop {
        bursts.tick().await;
        let now = today.monotonic();
        expected.compare(&vendor.book(), now);
        callers.hear_outcomes();
        if now >= DAY {
            break;
        }
        vendor.live_on();
        expected.derive(&mut vendor.book(), now);
        callers.burst().await;
    }

    let book = vendor.book();
    for (token, (incident, failures)) in day {
        let failed = book.failed.get(&token).copied().unwrap_or_default();
        assert!(failures.contains(&failed), "{failed} requests failed of {incident:?}");
    }
    assert_eq!(book.requests, book.tokens.len() + book.failed.values().sum::<usize>());
    assert_eq!(callers.calls, 24 * 60 * 10_000);
    assert_eq!(callers.rejected.len(), 2, "of each restart, one caller hears from the API, and spares the others");
    assert!(callers.errors > 150 * BURST, "without a connection and with 503, there were {} errors", callers.errors);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_whose_vendor_is_slow_keeps_no_other_waiting() {
    let today = TokioClock::new();
    let [mut slow, mut fast] = [SECOND * 25, Duration::ZERO].map(|slow| {
        let incident = Incident::Restart { at: MINUTE * 5, down: Duration::ZERO, slow };
        Callers::of(&Vendor::new(today, (0..20).map(|token| (token, incident)).collect()), today)
    });
    let mut bursts = interval(BETWEEN_BURSTS);
    while today.monotonic() < MINUTE * 60 {
        bursts.tick().await;
        for callers in [&mut slow, &mut fast] {
            callers.hear_outcomes();
            callers.vendor.live_on();
            callers.burst().await;
        }
    }
    assert_eq!(slow.longest_wait, SECOND * 25);
    assert_eq!(fast.longest_wait, Duration::ZERO, "an answer that comes at once is there at once");
    assert_eq!((slow.rejected.len(), fast.rejected.len()), (11, 11), "both are without a token now and then");
}

/// How a call that had to wait ended, when it began, and when it ended.
type Outcome = (Result<Arc<AccessToken>, Error>, Duration, Duration);

/// All who call, and what they see.
struct Callers {
    source: TokenSource,
    vendor: Arc<Vendor>,
    today: TokioClock,
    waiting: JoinSet<Outcome>,
    /// The tokens that the API answered with 401, and when.
    rejected: Vec<(Arc<AccessToken>, Duration)>,
    calls: usize,
    errors: usize,
    longest_wait: Duration,
}

impl Callers {
    fn of(vendor: &Arc<Vendor>, today: TokioClock) -> Self {
        Self {
            source: vendor.source(),
            vendor: Arc::clone(vendor),
            today,
            waiting: JoinSet::new(),
            rejected: Vec::new(),
            calls: 0,
            errors: 0,
            longest_wait: Duration::ZERO,
        }
    }

    async fn burst(&mut self) {
        let now = self.today.monotonic();
        // Whose call took five minutes complains about a token that has been replaced.
        for (token, at) in &self.rejected {
            if *at + MINUTE * 5 == now {
                self.source.invalidate(token);
            }
        }
        let mut accepted: Option<Arc<AccessToken>> = None;
        for _ in 0..BURST {
            self.calls += 1;
            let Some(token) = self.call(now).await else { continue };
            if accepted.as_ref().is_some_and(|accepted| Arc::ptr_eq(accepted, &token)) {
                continue;
            }
            assert!(self.today.now() < token.expires_at(), "an expired token at {now:?}");
            if self.vendor.book().issued(&token).died.is_none() {
                accepted = Some(token);
            } else {
                // The API says 401: the caller complains, and tries once more.
                self.source.invalidate(&token);
                self.rejected.push((token, now));
                assert!(self.call(now).await.is_none(), "a dead token at {now:?}");
            }
        }
    }

    /// One call, and the token if it comes at once.
    async fn call(&mut self, now: Duration) -> Option<Arc<AccessToken>> {
        if self.vendor.book().good_token(now).is_some() {
            let outcome = self.source.token().now_or_never();
            let token = outcome.unwrap_or_else(|| panic!("at {now:?}, somebody waits beside a good token"));
            return token.map_err(|error| self.fail(&error, now)).ok();
        }
        let source = self.source.clone();
        let mut call: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(async move { source.token().await });
        match poll!(&mut call) {
            Poll::Ready(Ok(token)) => return Some(token),
            Poll::Ready(Err(error)) => self.fail(&error, now),
            Poll::Pending => {
                let today = self.today;
                self.waiting.spawn(async move { (call.await, now, today.monotonic()) });
            }
        }
        None
    }

    fn hear_outcomes(&mut self) {
        while let Some(outcome) = self.waiting.try_join_next() {
            let (outcome, began, ended) = outcome.unwrap();
            self.longest_wait = self.longest_wait.max(ended.saturating_sub(began));
            match outcome {
                Ok(token) => {
                    let book = self.vendor.book();
                    let newest = book.good_token(ended).expect("a token has landed");
                    assert_eq!(book.issued(&token).requested, newest.requested, "at {ended:?}");
                }
                Err(error) => self.fail(&error, ended),
            }
        }
    }

    fn fail(&mut self, error: &Error, at: Duration) {
        assert!(self.vendor.book().good_token(at).is_none(), "at {at:?}, there is a good token: {error}");
        self.errors += 1;
    }
}
