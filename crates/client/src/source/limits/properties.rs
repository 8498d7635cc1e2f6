//! The log of requests against the simplest possible one, which forgets nothing.

use std::time::{Duration, SystemTime};

use credentials_grant::IssuanceLimit;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::{Account, CountedRequest, LAG, LimitKey, RequestLog};
use crate::clock::ManualClock;

const SECOND: Duration = Duration::from_secs(1);

/// Limits that differ in everything.
fn limits() -> [IssuanceLimit; 4] {
    [
        IssuanceLimit::new(1, SECOND * 2),
        IssuanceLimit::new(3, SECOND * 5),
        IssuanceLimit::new(2, SECOND * 3).per_client(),
        IssuanceLimit::new(4, SECOND * 20).per_client(),
    ]
}

/// A request, after a pause in seconds: by this client, under the limits whose bits are set.
fn request() -> impl Strategy<Value = (u32, u8, u8)> {
    (0..4_u32, 0..5_u8, 0..16_u8)
}

fn keys(client: u8, chosen: u8) -> Vec<LimitKey> {
    let is_chosen = |index: &usize| chosen >> index & 1 == 1;
    let limits = limits().into_iter().enumerate().filter(|(index, _)| is_chosen(index)).map(|(_, limit)| limit);
    let client_id = |limit: IssuanceLimit| limit.is_per_client().then(|| client.to_string());
    let account = |limit| Account { provider: "acme".to_owned(), client_id: client_id(limit) };
    limits.map(|limit| LimitKey { limit, account: account(limit) }).collect()
}

proptest! {
    // The same cases in each run.
    #![proptest_config(ProptestConfig {
        cases: 200, failure_persistence: None, rng_seed: RngSeed::Fixed(6749), ..ProptestConfig::default()
    })]

    #[test]
    fn it_lets_through_what_one_that_forgets_nothing_lets_through(
        requests in prop::collection::vec(request(), 1..200),
    ) {
        let clock = ManualClock::at(SystemTime::UNIX_EPOCH + SECOND * 1_000_000);
        let (log, mut sent) = (RequestLog::default(), Vec::<(LimitKey, Duration)>::new());
        let mut now = Duration::ZERO;
        for (pause, client, chosen) in requests {
            clock.advance(SECOND * pause);
            now += SECOND * pause;
            let keys = keys(client, chosen);
            let waits = keys.iter().filter_map(|key| {
                let (requests, period) = (key.limit.requests() as usize, key.limit.period());
                let is_counted = |(other, at): &&(LimitKey, Duration)| other == key && now.saturating_sub(*at) < period + LAG;
                let counted: Vec<_> = sent.iter().filter(is_counted).map(|(_, at)| *at).collect();
                (counted.len() >= requests).then(|| (counted[0] + period + LAG).saturating_sub(now))
            });
            let expected = waits.max();
            let outcome = CountedRequest::begin(&log, &keys, &clock).map(drop);
            prop_assert_eq!(outcome.err().map(|used_up| used_up.wait), expected.map(Some));
            if expected.is_none() {
                sent.extend(keys.into_iter().map(|key| (key, now)));
            }
        }
    }
    #[test]
    fn whenever_requests_arrive_before_their_answers_no_period_has_more_than_the_limit(
        steps in prop::collection::vec((0..900_u64, 0..8_usize, any::<bool>()), 1..300),
    ) {
        const LIMIT: usize = 3;
        let clock = ManualClock::at(SystemTime::UNIX_EPOCH + SECOND * 1_000_000);
        let keys = [LimitKey {
            limit: IssuanceLimit::new(3, SECOND),
            account: Account { provider: "acme".to_owned(), client_id: None },
        }];
        let (log, mut now, mut in_flight, mut arrivals) = (RequestLog::default(), Duration::ZERO, Vec::new(), Vec::new());
        for (pause, place, is_late) in steps {
            clock.advance(Duration::from_millis(pause));
            now += Duration::from_millis(pause);
            if place < 4 {
                if let Ok(counted) = CountedRequest::begin(&log, &keys, &clock) {
                    in_flight.push((counted, now, is_late));
                }
            } else if !in_flight.is_empty() {
                // It arrived as soon as it was sent, or as late as it was answered.
                let (counted, sent, is_late) = in_flight.swap_remove(place % in_flight.len());
                drop(counted);
                arrivals.push(if is_late { now } else { sent });
            }
        }
        arrivals.extend(in_flight.iter().map(|(_, sent, _)| *sent));
        arrivals.sort_unstable();
        prop_assert!(arrivals.windows(LIMIT + 1).all(|burst| burst[LIMIT].saturating_sub(burst[0]) >= SECOND), "{arrivals:?}");
    }
}
