//! Keeps the vendor's limits on token requests on this side, before the vendor answers 429.
//!
//! A sliding window counts the requests sent, and never holds more than the limit allows. Token buckets, which
//! rate-limit crates are built on, let through up to twice as many: five a day would become nine.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use credentials_grant::{ClientCredentials, Error, ErrorKind, IssuanceLimit, Retry};
use jiff::SignedDuration;
use lru::LruCache;

use super::validity::Reading;

/// When requests were sent, for as long as a limit counts them. Sources that share it keep their limits together.
///
/// It grows with the clients that have sent requests within the period of a limit, not with the sources of a pool: a
/// request counts even if its source was dropped since. What no longer counts is freed with the requests that follow, a
/// little with each.
#[derive(Debug)]
pub(crate) struct RequestLog(Mutex<LruCache<IssuanceLimit, Accounts>>);

/// A limit with a period from here on rations tokens: a second request is worth waiting for, and the processes that
/// share a store keep it together. Under a shorter one, it is not worth asking the store each time.
#[cfg(feature = "store")]
pub(crate) const RATION: Duration = Duration::from_secs(60 * 60);

/// The requests that count under one limit, by account. The account whose latest request is the oldest comes first.
type Accounts = LruCache<Account, VecDeque<Reading>>;

/// The most accounts of one limit that are freed with one request. More than one, so that freeing keeps up.
const FREED_AT_ONCE: usize = 4;

/// Who sends requests: a provider, or one of its clients.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Account {
    provider: String,
    client_id: Option<String>,
}

/// What is counted together.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct LimitKey {
    pub(crate) limit: IssuanceLimit,
    account: Account,
}

impl LimitKey {
    /// Returns the keys that a request of this client counts under, one for each limit. A limit that is named twice
    /// counts once.
    pub(crate) fn all<'a>(
        provider: &str,
        credentials: &ClientCredentials,
        limits: impl IntoIterator<Item = &'a IssuanceLimit>,
    ) -> Vec<Self> {
        let mut keys = Vec::new();
        for &limit in limits {
            let client_id = limit.is_per_client().then(|| credentials.client_id().unwrap_or_default().to_owned());
            let key = Self { limit, account: Account { provider: provider.to_owned(), client_id } };
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }
}

impl RequestLog {
    /// Takes back the last request that was counted under every key, since it is not sent.
    #[cfg(feature = "store")]
    pub(crate) fn take_back(&self, keys: &[LimitKey]) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for LimitKey { limit, account } in keys {
            if let Some(sent) = log.peek_mut(limit).and_then(|accounts| accounts.peek_mut(account)) {
                sent.pop_back();
            }
        }
    }

    /// Counts a request under every key. If a limit is used up, counts nothing and returns which one, and for how long.
    pub(crate) fn count(&self, keys: &[LimitKey], now: Reading) -> Result<(), UsedUp> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        free(&mut log, now);
        let used_up = keys.iter().filter_map(|LimitKey { limit, account }| {
            let sent = log.get_mut(limit)?.peek_mut(account)?;
            let (requests, period) = (limit.requests(), limit.period());
            while sent.front().is_some_and(|earliest| now.since(*earliest) >= period) {
                sent.pop_front();
            }
            let earliest = sent.front().filter(|_| sent.len() >= requests as usize)?;
            Some(UsedUp { limit: *limit, wait: period.saturating_sub(now.since(*earliest)) })
        });
        if let Some(used_up) = used_up.max_by_key(|used_up| used_up.wait) {
            return Err(used_up);
        }
        for LimitKey { limit, account } in keys {
            let accounts = log.get_or_insert_mut(*limit, LruCache::unbounded);
            accounts.get_or_insert_mut(account.clone(), VecDeque::new).push_back(now);
            free_accounts(accounts, limit.period(), now);
        }
        Ok(())
    }
}

impl Default for RequestLog {
    fn default() -> Self {
        Self(Mutex::new(LruCache::unbounded()))
    }
}

/// Frees what no longer counts under one of the limits, each time under another one.
fn free(log: &mut LruCache<IssuanceLimit, Accounts>, now: Reading) {
    let Some((&limit, _)) = log.peek_lru() else { return };
    // Becomes the last in line.
    let Some(accounts) = log.get_mut(&limit) else { return };
    free_accounts(accounts, limit.period(), now);
    if accounts.is_empty() {
        log.pop(&limit);
    }
}

/// Frees a few accounts without a request that still counts.
fn free_accounts(accounts: &mut Accounts, period: Duration, now: Reading) {
    for _ in 0..FREED_AT_ONCE {
        let latest = accounts.peek_lru().and_then(|(_, sent)| sent.back());
        if latest.is_some_and(|latest| now.since(*latest) < period) {
            break;
        }
        accounts.pop_lru();
    }
}

/// A limit that is used up, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UsedUp {
    pub(crate) limit: IssuanceLimit,
    pub(crate) wait: Duration,
}

impl UsedUp {
    pub(crate) fn error(self) -> Error {
        let (requests, period) = (self.limit.requests(), self.limit.period());
        let period = SignedDuration::try_from(period).unwrap_or(SignedDuration::MAX);
        let message = format!("the limit of {requests} token requests in {period:#} is used up");
        Error::new(ErrorKind::RateLimited, message)
            .with_remedy("wait, and share one token source among all callers, so that each token is requested once")
            .with_retry(Retry::After(self.wait))
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::clock::ManualClock;

    const SECOND: Duration = Duration::from_secs(1);

    fn clock() -> ManualClock {
        ManualClock::at(SystemTime::UNIX_EPOCH + SECOND * 1_000_000)
    }

    fn key(limit: IssuanceLimit, client: u32) -> LimitKey {
        let client_id = limit.is_per_client().then(|| client.to_string());
        LimitKey { limit, account: Account { provider: "acme".to_owned(), client_id } }
    }

    /// Returns how many limits and how many accounts the log holds.
    fn size(log: &RequestLog) -> (usize, usize) {
        let log = log.0.lock().unwrap();
        (log.len(), log.iter().map(|(_, accounts)| accounts.len()).sum())
    }

    #[test]
    fn the_log_grows_with_the_clients_of_a_period_and_not_with_all_that_ever_were() {
        let (log, clock) = (RequestLog::default(), clock());
        let limit = IssuanceLimit::new(5, SECOND * 60).per_client();
        for client in 0..100_000 {
            log.count(&[key(limit, client)], Reading::of(&clock)).unwrap();
            clock.advance(SECOND);
        }
        assert_eq!(size(&log), (1, 60));
    }

    #[test]
    fn what_no_longer_counts_is_freed_by_requests_under_other_limits() {
        let (log, clock) = (RequestLog::default(), clock());
        let daily = |requests| IssuanceLimit::new(requests, SECOND * 3600 * 24).per_client();
        let hourly = IssuanceLimit::new(5, SECOND * 3600).per_client();
        for client in 0..1000 {
            log.count(&[key(hourly, client), key(daily(client % 3 + 1), client)], Reading::of(&clock)).unwrap();
        }
        assert_eq!(size(&log), (4, 2000));
        clock.advance(SECOND * 3600 * 24);
        let other = key(IssuanceLimit::new(1000, SECOND), 0);
        for _ in 0..600 {
            log.count(std::slice::from_ref(&other), Reading::of(&clock)).unwrap();
        }
        assert_eq!(size(&log), (1, 1), "only the limit that was used since");
    }

    #[test]
    fn one_request_frees_a_few_accounts_only() {
        let (log, clock) = (RequestLog::default(), clock());
        let limit = IssuanceLimit::new(5, SECOND).per_client();
        (0..1000).for_each(|client| log.count(&[key(limit, client)], Reading::of(&clock)).unwrap());
        clock.advance(SECOND);
        log.count(&[key(limit, 1000)], Reading::of(&clock)).unwrap();
        assert_eq!(size(&log), (1, 1001 - 2 * FREED_AT_ONCE));
    }

    #[test]
    fn a_request_that_is_not_sent_counts_under_no_limit() {
        let (log, clock) = (RequestLog::default(), clock());
        let (one, two) = (key(IssuanceLimit::new(1, SECOND), 0), key(IssuanceLimit::new(2, SECOND * 10), 0));
        log.count(&[one.clone(), two.clone()], Reading::of(&clock)).unwrap();
        let used_up = log.count(&[one, two.clone()], Reading::of(&clock)).unwrap_err();
        assert_eq!(used_up.wait, SECOND);
        log.count(std::slice::from_ref(&two), Reading::of(&clock)).unwrap();
        let used_up = log.count(&[two], Reading::of(&clock)).unwrap_err();
        assert_eq!(used_up.wait, SECOND * 10);
    }
}
