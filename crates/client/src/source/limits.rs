//! Keeps the vendor's limits on token requests on this side, before the vendor answers 429.
//!
//! A sliding window counts the requests sent, and never holds more than the limit allows. Token buckets, which
//! rate-limit crates are built on, let through up to twice as many: five a day would become nine.
//!
//! What counts is when the vendor receives a request, some time between when it is sent and when it is answered. So a
//! request counts from when it is sent until one period after its answer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use credentials_grant::{ClientCredentials, Error, ErrorKind, IssuanceLimit, Retry};
use jiff::SignedDuration;
use lru::LruCache;
use tokio::sync::Notify;

use super::validity::Reading;
use crate::clock::Clock;

/// How far a coarse clock may lag behind: a period counts as over only this much later.
const LAG: Duration = Duration::from_millis(10);

/// The requests that were sent, for as long as a limit counts them. Sources that share it keep their limits together.
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
type Accounts = LruCache<Account, Window>;

/// The requests of one account that count under one limit.
#[derive(Debug, Default)]
struct Window {
    /// How many are not answered yet.
    in_flight: usize,
    /// When the others were answered, the earliest first.
    answered: VecDeque<Reading>,
    queue: Option<Arc<Queue>>,
}

impl Window {
    /// Returns `true` if nothing counts any more, and nobody waits.
    fn is_over(&self, period: Duration, now: Reading) -> bool {
        self.in_flight == 0
            && self.answered.back().is_none_or(|latest| now.since(*latest) >= period + LAG)
            && self.queue.as_ref().is_none_or(|queue| Arc::strong_count(queue) == 1)
    }
}

/// Those who wait until a request no longer counts: one of them for that, the others for their turn.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pub(crate) turn: Arc<tokio::sync::Mutex<()>>,
    /// A request was answered.
    pub(crate) answered: Notify,
}

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
    /// Counts a request under every key, until it is [answered](Self::end) and a period is over. If a limit is used up,
    /// counts nothing and returns which one, and for how long.
    pub(crate) fn begin(&self, keys: &[LimitKey], now: Reading) -> Result<(), UsedUp> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        free(&mut log, now);
        let used_up = keys.iter().filter_map(|key| {
            let window = log.get_mut(&key.limit)?.peek_mut(&key.account)?;
            let (requests, period) = (key.limit.requests() as usize, key.limit.period() + LAG);
            while window.answered.front().is_some_and(|earliest| now.since(*earliest) >= period) {
                window.answered.pop_front();
            }
            let is_used_up = window.in_flight + window.answered.len() >= requests;
            let wait = window.answered.front().map(|earliest| period.saturating_sub(now.since(*earliest)));
            is_used_up.then(|| UsedUp { key: key.clone(), wait })
        });
        // Of those that end at an unknown time, the last.
        if let Some(used_up) = used_up.max_by_key(|used_up| used_up.wait.unwrap_or(Duration::MAX)) {
            return Err(used_up);
        }
        for LimitKey { limit, account } in keys {
            let accounts = log.get_or_insert_mut(*limit, LruCache::unbounded);
            accounts.get_or_insert_mut(account.clone(), Window::default).in_flight += 1;
            free_accounts(accounts, limit.period(), now);
        }
        Ok(())
    }

    /// Ends a request that was counted: it was answered, or nobody waits for that any more.
    fn end(&self, keys: &[LimitKey], clock: &dyn Clock) {
        self.ended(keys, |window| window.answered.push_back(Reading::of(clock)));
    }

    /// Takes back a request that was counted and is not sent.
    #[cfg(feature = "store")]
    fn take_back(&self, keys: &[LimitKey]) {
        self.ended(keys, |_| ());
    }

    fn ended(&self, keys: &[LimitKey], note: impl Fn(&mut Window)) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for LimitKey { limit, account } in keys {
            if let Some(window) = log.get_mut(limit).and_then(|accounts| accounts.get_mut(account)) {
                window.in_flight = window.in_flight.saturating_sub(1);
                note(window);
                if let Some(queue) = &window.queue {
                    queue.answered.notify_one();
                }
            }
        }
    }

    /// Returns those who wait until a request under this key no longer counts.
    pub(crate) fn queue(&self, key: &LimitKey) -> Arc<Queue> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let accounts = log.get_or_insert_mut(key.limit, LruCache::unbounded);
        let window = accounts.get_or_insert_mut(key.account.clone(), Window::default);
        Arc::clone(window.queue.get_or_insert_default())
    }
}

/// A request that counts. When it is dropped, it was answered, or will not be.
#[derive(Debug)]
pub(crate) struct CountedRequest<'a> {
    log: &'a RequestLog,
    keys: &'a [LimitKey],
    clock: &'a dyn Clock,
    #[cfg(feature = "store")]
    is_sent: bool,
}

impl<'a> CountedRequest<'a> {
    /// Counts a request that is about to be sent.
    pub(crate) fn begin(log: &'a RequestLog, keys: &'a [LimitKey], clock: &'a dyn Clock) -> Result<Self, UsedUp> {
        log.begin(keys, Reading::of(clock))?;
        Ok(Self {
            log,
            keys,
            clock,
            #[cfg(feature = "store")]
            is_sent: true,
        })
    }

    /// Takes it back: it is not sent.
    #[cfg(feature = "store")]
    pub(crate) fn take_back(mut self) {
        self.is_sent = false;
    }
}

impl Drop for CountedRequest<'_> {
    fn drop(&mut self) {
        #[cfg(feature = "store")]
        if !self.is_sent {
            return self.log.take_back(self.keys);
        }
        self.log.end(self.keys, self.clock);
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
        if accounts.peek_lru().is_none_or(|(_, window)| !window.is_over(period, now)) {
            break;
        }
        accounts.pop_lru();
    }
}

/// A limit that is used up.
#[derive(Clone, Debug)]
pub(crate) struct UsedUp {
    pub(crate) key: LimitKey,
    /// For how long, unless that depends on when a request is answered.
    pub(crate) wait: Option<Duration>,
}

impl UsedUp {
    pub(crate) fn error(self) -> Error {
        let (requests, period) = (self.key.limit.requests(), self.key.limit.period());
        let wait = self.wait.unwrap_or(period);
        let period = SignedDuration::try_from(period).unwrap_or(SignedDuration::MAX);
        let message = format!("the limit of {requests} token requests in {period:#} is used up");
        Error::new(ErrorKind::RateLimited, message)
            .with_remedy("wait, and share one token source among all callers, so that each token is requested once")
            .with_retry(Retry::After(wait))
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

    /// Counts a request that is answered at once.
    fn count(log: &RequestLog, keys: &[LimitKey], clock: &ManualClock) -> Result<(), UsedUp> {
        CountedRequest::begin(log, keys, clock).map(drop)
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
            count(&log, &[key(limit, client)], &clock).unwrap();
            clock.advance(SECOND);
        }
        // The one that is a period old counts for a moment more: a coarse clock lags behind.
        assert_eq!(size(&log), (1, 61));
    }

    #[test]
    fn what_no_longer_counts_is_freed_by_requests_under_other_limits() {
        let (log, clock) = (RequestLog::default(), clock());
        let daily = |requests| IssuanceLimit::new(requests, SECOND * 3600 * 24).per_client();
        let hourly = IssuanceLimit::new(5, SECOND * 3600).per_client();
        for client in 0..1000 {
            count(&log, &[key(hourly, client), key(daily(client % 3 + 1), client)], &clock).unwrap();
        }
        assert_eq!(size(&log), (4, 2000));
        clock.advance(SECOND * 3600 * 24 + LAG);
        let other = key(IssuanceLimit::new(1000, SECOND), 0);
        for _ in 0..600 {
            count(&log, std::slice::from_ref(&other), &clock).unwrap();
        }
        assert_eq!(size(&log), (1, 1), "only the limit that was used since");
    }

    #[test]
    fn one_request_frees_a_few_accounts_only() {
        let (log, clock) = (RequestLog::default(), clock());
        let limit = IssuanceLimit::new(5, SECOND).per_client();
        (0..1000).for_each(|client| count(&log, &[key(limit, client)], &clock).unwrap());
        clock.advance(SECOND + LAG);
        count(&log, &[key(limit, 1000)], &clock).unwrap();
        assert_eq!(size(&log), (1, 1001 - 2 * FREED_AT_ONCE));
    }

    #[test]
    fn a_request_that_is_not_sent_counts_under_no_limit() {
        let (log, clock) = (RequestLog::default(), clock());
        let (one, two) = (key(IssuanceLimit::new(1, SECOND), 0), key(IssuanceLimit::new(2, SECOND * 10), 0));
        count(&log, &[one.clone(), two.clone()], &clock).unwrap();
        let used_up = count(&log, &[one, two.clone()], &clock).unwrap_err();
        assert_eq!(used_up.wait, Some(SECOND + LAG));
        count(&log, std::slice::from_ref(&two), &clock).unwrap();
        let used_up = count(&log, &[two], &clock).unwrap_err();
        assert_eq!(used_up.wait, Some(SECOND * 10 + LAG));
    }

    #[test]
    fn a_request_counts_until_a_period_after_its_answer() {
        let (log, clock) = (RequestLog::default(), clock());
        let keys = [key(IssuanceLimit::new(2, SECOND), 0)];
        let slow = CountedRequest::begin(&log, &keys, &clock).unwrap();
        let quick = CountedRequest::begin(&log, &keys, &clock).unwrap();
        clock.advance(SECOND * 30);
        assert_eq!(count(&log, &keys, &clock).unwrap_err().wait, None, "it depends on the answers");
        drop(quick);
        assert_eq!(count(&log, &keys, &clock).unwrap_err().wait, Some(SECOND + LAG));
        clock.advance(SECOND + LAG);
        count(&log, &keys, &clock).unwrap();
        drop(slow);
        assert!(count(&log, &keys, &clock).is_err());
    }

    #[test]
    fn an_account_whose_request_is_not_answered_or_for_which_somebody_waits_is_not_freed() {
        let (log, clock) = (RequestLog::default(), clock());
        let limit = IssuanceLimit::new(1, SECOND).per_client();
        let (asked, waited_for) = ([key(limit, 0)], key(limit, 1));
        let request = CountedRequest::begin(&log, &asked, &clock).unwrap();
        let queue = log.queue(&waited_for);
        for client in 2..100 {
            clock.advance(SECOND * 2);
            count(&log, &[key(limit, client)], &clock).unwrap();
        }
        assert!(count(&log, &asked, &clock).is_err());
        assert!(Arc::ptr_eq(&queue, &log.queue(&waited_for)));
        drop((request, queue));
    }
}
