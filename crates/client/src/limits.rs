//! Keeps to the vendor's limits on token requests, before the vendor has to say so.
//!
//! A window slides over the requests that were sent, and never holds more than the limit allows. The token buckets that
//! crates for rate limits are built on let through up to twice as many: five a day would become nine.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use credentials_grant::{
    ClientCredentials, CredentialsGrant, Error, ErrorKind, HttpRequest, HttpResponse, IssuanceLimit, Retry, Transport,
};
use jiff::SignedDuration;
use tokio::time::{Instant, sleep};

use crate::clock::Clock;
use crate::failures::Tried;
use crate::life::Reading;

/// The requests that were sent, as long as a limit counts them. Sources that share it keep to their limits together.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<HashMap<Account, VecDeque<Reading>>>);

/// What is counted together: the requests of a provider's, or of one of its clients, under one limit.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Account {
    provider: String,
    client_id: Option<String>,
    limit: IssuanceLimit,
}

impl Account {
    /// The accounts that a request of this client's is entered into: for the provider's limits, and for these.
    pub(crate) fn of(
        provider: &dyn CredentialsGrant,
        credentials: &ClientCredentials,
        limits: &[IssuanceLimit],
    ) -> Vec<Self> {
        let account = |limit: &IssuanceLimit| Self {
            provider: provider.name().to_owned(),
            client_id: limit.is_per_client().then(|| credentials.client_id().unwrap_or_default().to_owned()),
            limit: *limit,
        };
        provider.policy().limits().iter().chain(limits).map(account).collect()
    }
}

impl Ledger {
    /// Enters a request into every account, or says which is full and for how long, and enters nothing.
    fn enter(&self, accounts: &[Account], now: Reading) -> Result<(), Full> {
        let mut ledger = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ledger.len() == ledger.capacity() && accounts.iter().any(|account| !ledger.contains_key(account)) {
            // Rather than grow, forget accounts without a request that still counts.
            ledger
                .retain(|account, sent| sent.back().is_some_and(|latest| now.since(*latest) < account.limit.period()));
        }
        let full = accounts.iter().filter_map(|account| {
            let sent = ledger.entry(account.clone()).or_default();
            let (requests, period) = (account.limit.requests(), account.limit.period());
            while sent.front().is_some_and(|earliest| now.since(*earliest) >= period) {
                sent.pop_front();
            }
            let earliest = sent.front().filter(|_| sent.len() >= requests as usize)?;
            Some(Full { limit: account.limit, wait: period.saturating_sub(now.since(*earliest)) })
        });
        if let Some(full) = full.max_by_key(|full| full.wait) {
            return Err(full);
        }
        for account in accounts {
            ledger.entry(account.clone()).or_default().push_back(now);
        }
        Ok(())
    }
}

/// A limit that is used up for a while.
#[derive(Clone, Copy, Debug)]
struct Full {
    limit: IssuanceLimit,
    wait: Duration,
}

impl Full {
    fn error(self) -> Error {
        let (requests, period) = (self.limit.requests(), self.limit.period());
        let period = SignedDuration::try_from(period).unwrap_or(SignedDuration::MAX);
        let message = format!("the limit of {requests} token requests in {period:#} is used up");
        Error::new(ErrorKind::RateLimited, message)
            .with_remedy("wait; and share one token source among all who need a token, so that it is asked for once")
            .with_retry(Retry::After(self.wait))
    }
}

/// A transport that enters each request before it sends it. It waits for room, if there is some before it must give up.
#[derive(Debug)]
pub(crate) struct Metered {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) give_up: Instant,
    pub(crate) tried: Arc<Mutex<Tried>>,
}

#[async_trait]
impl Transport for Metered {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Error> {
        while let Err(full) = self.ledger.enter(&self.accounts, Reading::of(&*self.clock)) {
            if full.wait >= self.give_up.duration_since(Instant::now()) {
                return Err(full.error());
            }
            sleep(full.wait).await;
        }
        Tried::lock(&self.tried).sent = true;
        self.transport.send(request).await
    }
}
