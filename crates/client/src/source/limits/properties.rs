//! The log of requests against the simplest possible one, which forgets nothing.

use std::time::{Duration, SystemTime};

use credentials_grant::IssuanceLimit;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::{Account, LimitKey, RequestLog};
use crate::clock::ManualClock;
use crate::source::validity::Reading;

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
                let is_counted = |(other, at): &&(LimitKey, Duration)| other == key && now.saturating_sub(*at) < period;
                let counted: Vec<_> = sent.iter().filter(is_counted).map(|(_, at)| *at).collect();
                (counted.len() >= requests).then(|| (counted[0] + period).saturating_sub(now))
            });
            let expected = waits.max();
            let outcome = log.count(&keys, Reading::of(&clock));
            prop_assert_eq!(outcome.err().map(|used_up| used_up.wait), expected);
            if expected.is_none() {
                sent.extend(keys.into_iter().map(|key| (key, now)));
            }
        }
    }
}
