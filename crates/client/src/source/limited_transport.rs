//! The transport of one fetch: it keeps the vendor's limits and obeys earlier failures.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use credentials_grant::{Error, HttpRequest, HttpResponse, Transport};
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, sleep, timeout};

use super::failures::FetchRecord;
use super::limits::{CountedRequest, LimitKey, RequestLog, UsedUp};
use super::shared_failures::{Party, Sender, SharedFailures, Turn};
#[cfg(feature = "store")]
use super::stored_failures::StoredFailures;
use super::validity::Reading;
use crate::clock::Clock;

/// A transport that counts each request from before it is sent until a period after its answer. If a limit is used up,
/// it waits, unless that takes too long. It sends nothing that an earlier failure prevents.
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

    /// Counts a request under the limits of this process, and under those that all processes keep together.
    #[cfg_attr(not(feature = "store"), expect(clippy::unused_async, reason = "only a store is waited for"))]
    async fn try_count(&self) -> Result<CountedRequest<'_>, UsedUp> {
        let counted = CountedRequest::begin(&self.request_log, &self.limit_keys, &*self.clock)?;
        #[cfg(feature = "store")]
        if let Some(stored) = &self.stored
            && let Err(used_up) = stored.count(&self.limit_keys).await
        {
            counted.take_back();
            return Err(used_up);
        }
        Ok(counted)
    }

    /// Counts a request. If a limit is used up, waits until it is not, unless that takes too long.
    async fn count(&self) -> Result<CountedRequest<'_>, Error> {
        let mut turn: Option<(LimitKey, OwnedMutexGuard<()>)> = None;
        loop {
            let used_up = match self.try_count().await {
                Ok(counted) => return Ok(counted),
                Err(used_up) => used_up,
            };
            let left = self.give_up.saturating_duration_since(Instant::now());
            if used_up.wait.unwrap_or_default() >= left {
                return Err(used_up.error());
            }
            let queue = self.request_log.queue(&used_up.key);
            let is_first = turn.as_ref().is_some_and(|(key, _)| *key == used_up.key);
            let waited = if !is_first {
                // Nobody waits for one turn while they have another.
                turn = None;
                let lock = timeout(left, Arc::clone(&queue.turn).lock_owned()).await;
                lock.map(|lock| turn = Some((used_up.key.clone(), lock)))
            } else if let Some(wait) = used_up.wait {
                sleep(wait).await;
                Ok(())
            } else {
                timeout(left, queue.answered.notified()).await
            };
            if waited.is_err() {
                return Err(used_up.error());
            }
        }
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
        let _counted = self.count().await?;
        *self.last() = Some((party, turn));
        self.record_sent();
        self.transport.send(request).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use credentials_grant::{Endpoint, ErrorKind, Policy, Retry};
    use credentials_grant_test_kit::{Answer, TestServer, credentials};
    use futures_util::poll;

    use super::*;
    use crate::clock::ManualClock;

    fn transport(server: &TestServer, shared_failures: &Arc<SharedFailures>) -> LimitedTransport {
        LimitedTransport {
            transport: Arc::new(server.clone()),
            request_log: Arc::default(),
            limit_keys: Vec::new(),
            shared_failures: Arc::clone(shared_failures),
            sender: shared_failures.sender(&credentials(), &Policy::new(), false),
            clock: Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000))),
            give_up: Instant::now() + Duration::from_secs(60),
            record: Arc::default(),
            #[cfg(feature = "store")]
            stored: None,
            last: Mutex::default(),
        }
    }

    fn server() -> TestServer {
        TestServer::new(|_, _| Answer::http(200, "{}"))
    }

    fn get(path: &str) -> HttpRequest {
        HttpRequest::get(&Endpoint::insecure(&format!("http://localhost{path}")).unwrap())
    }

    #[tokio::test]
    async fn of_two_requests_of_a_fetch_each_is_subject_to_the_failures_of_its_endpoint() {
        let (server, shared_failures) = (server(), Arc::default());
        let transport = transport(&server, &shared_failures);
        let told = Error::new(ErrorKind::RateLimited, "no token").with_retry(Retry::After(Duration::from_secs(120)));
        let party = shared_failures.party(transport.sender, &get("/token"));
        shared_failures.note(&party, &Err::<(), _>(told), Turn::default(), Reading::of(&*transport.clock));
        transport.send(&get("/metadata")).await.unwrap();
        let error = transport.send(&get("/token")).await.unwrap_err();
        assert_eq!((error.kind(), server.request_count()), (ErrorKind::RateLimited, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_keeps_its_turn_for_all_requests_of_a_fetch_to_one_endpoint() {
        let (server, shared_failures) = (server(), Arc::default());
        let (first, next) = (transport(&server, &shared_failures), transport(&server, &shared_failures));
        let began = Instant::now();
        first.send(&get("/token")).await.unwrap();
        let request = get("/token");
        let mut waiting = Box::pin(next.send(&request));
        assert!(poll!(&mut waiting).is_pending());
        first.send(&request).await.unwrap();
        assert_eq!((began.elapsed(), server.request_count()), (Duration::ZERO, 2));
        first.note(&Ok(())).await;
        waiting.await.unwrap();
        assert_eq!((began.elapsed(), server.request_count()), (Duration::ZERO, 3));
    }
}
