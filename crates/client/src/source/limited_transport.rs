//! The transport of one fetch: it keeps the vendor's limits and obeys earlier failures.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use credentials_grant::{Error, HttpRequest, HttpResponse, Transport};
use tokio::time::{Instant, sleep};

use super::failures::FetchRecord;
use super::limits::{LimitKey, RequestLog};
use super::shared_failures::{Party, Sender, SharedFailures, Turn};
#[cfg(feature = "store")]
use super::stored_failures::StoredFailures;
use super::validity::Reading;
use crate::clock::Clock;

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
    /// What other processes are told, and tell.
    #[cfg(feature = "store")]
    pub(crate) stored: Option<StoredFailures>,
    /// The sender of the last request and its turn, or `None` if the request was not sent.
    pub(crate) last: Mutex<Option<(Party, Turn)>>,
}

impl LimitedTransport {
    /// Records in the shared failures how the fetch ended, if that was the answer to a request.
    #[cfg_attr(not(feature = "store"), expect(clippy::unused_async, reason = "only a store is waited for"))]
    pub(crate) async fn note<T>(&self, outcome: &Result<T, Error>) {
        let Some((party, turn)) = self.last().take() else { return };
        let now = Reading::of(&*self.clock);
        self.shared_failures.note(&party, outcome, turn, now);
        #[cfg(feature = "store")]
        if let Some(stored) = &self.stored {
            stored.write(&self.shared_failures, &party, now).await;
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
        #[cfg(feature = "store")]
        if let Some(stored) = &self.stored {
            stored.read(&self.shared_failures, party, now).await;
        }
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
        #[cfg(feature = "store")]
        if let Some(stored) = &self.stored
            && let Err(used_up) = stored.count(&self.limit_keys).await
        {
            self.request_log.take_back(&self.limit_keys);
            return Err(used_up.error());
        }
        *self.last() = Some((party, turn));
        self.record_sent();
        self.transport.send(request).await
    }
}
