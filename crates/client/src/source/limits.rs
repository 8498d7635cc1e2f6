//! Keeps the vendor's limits on token requests on this side, before the vendor answers 429.
//!
//! A sliding window counts the requests sent, and never holds more than the limit allows. Token buckets, which
//! rate-limit crates are built on, let through up to twice as many: five a day would become nine.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use credentials_grant::{
    ClientCredentials, CredentialsGrant, Error, ErrorKind, HttpRequest, HttpResponse, IssuanceLimit, Retry, Transport,
};
use jiff::SignedDuration;
use tokio::time::{Instant, sleep};

use super::failures::FetchRecord;
use super::shared_failures::{Party, Sender, SharedFailures, Turn};
use super::validity::Reading;
use crate::clock::Clock;

/// When requests were sent, for as long as a limit counts them. Sources that share it keep their limits together.
#[derive(Debug, Default)]
pub(crate) struct RequestLog(Mutex<HashMap<LimitKey, VecDeque<Reading>>>);

/// What is counted together under one limit: the requests of a provider, or of one of its clients.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct LimitKey {
    provider: String,
    client_id: Option<String>,
    limit: IssuanceLimit,
}

impl LimitKey {
    /// Returns the keys that a request of this client counts under: one for each limit of the provider, and one for
    /// each of these.
    pub(crate) fn all(
        provider: &dyn CredentialsGrant,
        credentials: &ClientCredentials,
        limits: &[IssuanceLimit],
    ) -> Vec<Self> {
        let key = |limit: &IssuanceLimit| Self {
            provider: provider.name().to_owned(),
            client_id: limit.is_per_client().then(|| credentials.client_id().unwrap_or_default().to_owned()),
            limit: *limit,
        };
        provider.policy().limits().iter().chain(limits).map(key).collect()
    }
}

impl RequestLog {
    /// Counts a request under every key. If a limit is used up, counts nothing and returns which one, and for how long.
    fn count(&self, keys: &[LimitKey], now: Reading) -> Result<(), UsedUp> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() == log.capacity() && keys.iter().any(|key| !log.contains_key(key)) {
            // Rather than grow, forget keys without a request that still counts.
            log.retain(|key, sent| sent.back().is_some_and(|latest| now.since(*latest) < key.limit.period()));
        }
        let full = keys.iter().filter_map(|key| {
            let sent = log.entry(key.clone()).or_default();
            let (requests, period) = (key.limit.requests(), key.limit.period());
            while sent.front().is_some_and(|earliest| now.since(*earliest) >= period) {
                sent.pop_front();
            }
            let earliest = sent.front().filter(|_| sent.len() >= requests as usize)?;
            Some(UsedUp { limit: key.limit, wait: period.saturating_sub(now.since(*earliest)) })
        });
        if let Some(used_up) = full.max_by_key(|used_up| used_up.wait) {
            return Err(used_up);
        }
        for key in keys {
            log.entry(key.clone()).or_default().push_back(now);
        }
        Ok(())
    }
}

/// A limit that is used up, and for how long.
#[derive(Clone, Copy, Debug)]
struct UsedUp {
    limit: IssuanceLimit,
    wait: Duration,
}

impl UsedUp {
    fn error(self) -> Error {
        let (requests, period) = (self.limit.requests(), self.limit.period());
        let period = SignedDuration::try_from(period).unwrap_or(SignedDuration::MAX);
        let message = format!("the limit of {requests} token requests in {period:#} is used up");
        Error::new(ErrorKind::RateLimited, message)
            .with_remedy("wait, and share one token source among all callers, so that each token is requested once")
            .with_retry(Retry::After(self.wait))
    }
}

/// A transport that counts each request before it sends it. If a limit is used up, it waits, unless that takes too
/// long. It sends nothing that an earlier failure prevents.
#[derive(Debug)]
pub(crate) struct LimitedTransport {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) request_log: Arc<RequestLog>,
    pub(crate) limit_keys: Vec<LimitKey>,
    pub(crate) shared_failures: Arc<SharedFailures>,
    pub(crate) sender: Sender,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) give_up: Instant,
    pub(crate) record: Arc<Mutex<FetchRecord>>,
    /// Whom the last request was sent for, in its turn, unless it was not sent.
    pub(crate) last: Mutex<Option<(Party, Turn)>>,
}

impl LimitedTransport {
    /// Records in the shared failures how the fetch ended, if that was the answer to a request.
    pub(crate) fn note<T>(&self, outcome: &Result<T, Error>) {
        if let Some((party, turn)) = self.last().take() {
            self.shared_failures.note(&party, outcome, turn, Reading::of(&*self.clock));
        }
    }

    fn last(&self) -> MutexGuard<'_, Option<(Party, Turn)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record_sent(&self) {
        let mut record = FetchRecord::lock(&self.record);
        (record.sent, record.withheld) = (true, None);
    }

    /// Returns the client's turn: the one it has, or the next.
    async fn enter(&self, party: &Party) -> Result<Turn, Error> {
        if let Some((before, turn)) = self.last().take()
            && before == *party
        {
            return Ok(turn);
        }
        let now = || Reading::of(&*self.clock);
        self.shared_failures.enter(party, self.give_up, now).await.map_err(|withheld| {
            FetchRecord::lock(&self.record).withheld = Some(withheld.left);
            withheld.error
        })
    }
}

#[async_trait]
impl Transport for LimitedTransport {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Error> {
        let party = self.shared_failures.party(self.sender, request);
        let turn = self.enter(&party).await?;
        while let Err(used_up) = self.request_log.count(&self.limit_keys, Reading::of(&*self.clock)) {
            if used_up.wait >= self.give_up.duration_since(Instant::now()) {
                return Err(used_up.error());
            }
            sleep(used_up.wait).await;
        }
        *self.last() = Some((party, turn));
        self.record_sent();
        self.transport.send(request).await
    }
}
