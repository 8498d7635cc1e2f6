//! What holds for every row of failures.

use std::time::{Duration, SystemTime};

use credentials_grant::{ClientCredentials, Error, ErrorKind, Retry};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::{Failures, FetchRecord, Purpose};
use crate::clock::ManualClock;
use crate::source::validity::Reading;

const SECOND: Duration = Duration::from_secs(1);

/// How a request ends that brings no token.
#[derive(Clone, Copy, Debug)]
enum End {
    Outage,
    Refusal,
    LeaveAlone(Duration),
}

impl End {
    fn error(self) -> Error {
        match self {
            Self::Outage => Error::new(ErrorKind::Unavailable, "down"),
            Self::Refusal => Error::new(ErrorKind::CredentialsRefused, "no"),
            Self::LeaveAlone(time) => Error::new(ErrorKind::RateLimited, "later").with_retry(Retry::After(time)),
        }
    }
}

impl End {
    fn record(self) -> FetchRecord {
        let refused = match self {
            Self::Refusal => vec![ClientCredentials::new("id", "wrong")],
            _ => Vec::new(),
        };
        FetchRecord { sent: true, refused, ..FetchRecord::default() }
    }
}

/// Failures, and the milliseconds after each.
fn failures() -> impl Strategy<Value = Vec<(End, u64)>> {
    let end = prop_oneof![
        3 => Just(End::Outage),
        2 => Just(End::Refusal),
        1 => (0..=3600u32).prop_map(|seconds| End::LeaveAlone(SECOND * seconds)),
    ];
    prop::collection::vec((end, prop_oneof![0..2000u64, 0..600_000u64]), 1..30)
}

/// For how long it stands in the way of a renewal, of a caller without a token, and of one who tries again.
fn pauses(failures: &Failures, now: Reading) -> [Duration; 3] {
    let left = |purpose| failures.pause_left(purpose, now).unwrap_or_default();
    [left(Purpose::Renewal), left(Purpose::Caller), failures.until_retry(now)]
}

proptest! {
    // The same cases in each run.
    #![proptest_config(ProptestConfig {
        cases: 1000, failure_persistence: None, rng_seed: RngSeed::Fixed(6749), ..ProptestConfig::default()
    })]

    #[test]
    fn pauses_grow_from_a_second_to_five_minutes_and_end_in_time(row in failures()) {
        let clock = ManualClock::at(SystemTime::UNIX_EPOCH + SECOND * 1_000_000);
        let mut failures = Failures::default();
        let mut refused = false;
        // The pause before another renewal, and the longest before another try.
        let (mut pause, mut jittered_pause) = (SECOND, SECOND / 4);
        for (end, milliseconds) in row {
            failures.note(&Err::<(), _>(end.error()), end.record(), Reading::of(&clock));
            if matches!(end, End::Refusal) && !refused {
                (refused, pause, jittered_pause) = (true, SECOND, SECOND / 4);
            }
            let [renewal, options, retry] = pauses(&failures, Reading::of(&clock));
            match end {
                End::LeaveAlone(time) => {
                    prop_assert_eq!([renewal, options], [time.max(pause); 2]);
                    prop_assert!(retry >= options && retry <= options.max(jittered_pause), "{retry:?} {options:?} {jittered_pause:?}");
                }
                _ if refused => {
                    prop_assert_eq!([renewal, options], [pause; 2]);
                    prop_assert!(retry >= options && retry <= options.max(jittered_pause), "{retry:?} {options:?} {jittered_pause:?}");
                }
                _ => {
                    prop_assert_eq!([renewal, options], [pause, Duration::ZERO]);
                    prop_assert!(retry <= jittered_pause, "{retry:?} {jittered_pause:?}");
                }
            }

            let time = Duration::from_millis(milliseconds);
            clock.advance(time);
            let [renewal_left, need_left, retry_left] = pauses(&failures, Reading::of(&clock));
            prop_assert_eq!([renewal_left, need_left], [renewal, options].map(|pause| pause.saturating_sub(time)));
            prop_assert!(retry_left <= retry.max(jittered_pause).saturating_sub(time), "{retry_left:?} {retry:?} {jittered_pause:?}");
            (pause, jittered_pause) = ((pause * 2).min(SECOND * 300), (jittered_pause * 2).min(SECOND * 10));
        }
        failures.note(&Ok(()), FetchRecord::default(), Reading::of(&clock));
        prop_assert_eq!(pauses(&failures, Reading::of(&clock)), [Duration::ZERO; 3]);
    }
}
