//! The callers: many tasks that ask for the tokens of all tenants, without an end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use credentials_grant::{AccessToken, ClientCredentials, Error, ExposeSecret, TokenParameters};
use credentials_grant_client::{TokenOptions, TokenPool, TokenSource};
use fastrand::Rng;
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep, timeout};

use crate::book::{Book, Call};
use crate::promises::{Findings, Promise};
use crate::recovery::Recovery;
use crate::script::{Fault, Phase};
use crate::standard::Standard;

/// How much longer than its timeout a call may take on a busy machine.
const GRACE: Duration = Duration::from_secs(1);

/// One of this many calls sets a deadline of twice the timeout, so that it is retried.
const WITH_DEADLINE: u32 = 8;

/// One of this many tokens is rejected by the API, while it rejects tokens.
const REJECTED: u32 = 20;

/// One of this many calls is for a random tenant, so that calls for the same one overlap.
const RANDOM: u32 = 4;

/// One of this many calls is for a visitor, while there is a pool for them.
const VISITING: u32 = 20;

/// The longest patience of callers that go away.
const PATIENCE_IN_MILLISECONDS: u64 = 100;

/// What the callers share.
#[derive(Debug)]
pub(crate) struct Callers {
    pub(crate) pool: TokenPool,
    /// A pool that has less room than there are visitors, while tenants are evicted.
    pub(crate) visitors_pool: Receiver<Option<TokenPool>>,
    pub(crate) phase: Receiver<Phase>,
    pub(crate) provider: Standard,
    pub(crate) credentials: Vec<ClientCredentials>,
    /// The number of tenants of the pool. The rest of the credentials are those of visitors.
    pub(crate) regulars: u32,
    pub(crate) timeout: Duration,
    /// The pause of a caller between two calls.
    pub(crate) pause: Duration,
    pub(crate) book: Arc<Book>,
    pub(crate) findings: Arc<Findings>,
    pub(crate) recovery: Recovery,
    pub(crate) tally: Tally,
    /// The number of calls for tenants in turn.
    pub(crate) turn: AtomicU32,
    pub(crate) is_over: AtomicBool,
}

/// How the calls ended.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    served: AtomicU64,
    failed: AtomicU64,
    gone: AtomicU64,
}

/// How the calls ended so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Totals {
    pub(crate) served: u64,
    pub(crate) failed: u64,
    /// The callers that went away.
    pub(crate) gone: u64,
}

impl Totals {
    pub(crate) fn calls(self) -> u64 {
        self.served + self.failed + self.gone
    }
}

impl Tally {
    pub(crate) fn totals(&self) -> Totals {
        let [served, failed, gone] =
            [&self.served, &self.failed, &self.gone].map(|count| count.load(Ordering::Relaxed));
        Totals { served, failed, gone }
    }
}

/// How long a caller waits.
#[derive(Clone, Copy)]
enum Patience {
    /// For the client's timeout.
    Usual,
    /// For this deadline, until which the client retries.
    Deadline(Duration),
    /// For so short a time that it drops its call.
    Short(Duration),
}

impl Callers {
    /// Calls for one tenant after the other until the run is over.
    pub(crate) async fn call_on(self: Arc<Self>, mut rng: Rng) {
        while !self.is_over.load(Ordering::Relaxed) {
            self.call_any(&mut rng).await;
            sleep(self.pause.mul_f64(0.5 + rng.f64())).await;
        }
    }

    /// Calls for this tenant of the pool, with the client's timeout.
    pub(crate) async fn call_regular(&self, tenant: u32) {
        self.call(&self.pool, tenant, Patience::Usual).await;
    }

    async fn call_any(&self, rng: &mut Rng) {
        let fault = self.phase.borrow().fault;
        let visitors_pool = self.visitors_pool.borrow().clone().filter(|_| rng.u32(..VISITING) == 0);
        if let Some(pool) = visitors_pool {
            let visitors = self.regulars..u32::try_from(self.credentials.len()).unwrap_or(u32::MAX);
            self.call(&pool, rng.u32(visitors), Patience::Usual).await;
            return;
        }
        let patience = match fault {
            Some(Fault::Impatience) if rng.u32(..4) > 0 => {
                Patience::Short(Duration::from_millis(rng.u64(..PATIENCE_IN_MILLISECONDS)))
            }
            _ if rng.u32(..WITH_DEADLINE) == 0 => Patience::Deadline(2 * self.timeout),
            _ => Patience::Usual,
        };
        let served = self.call(&self.pool, self.any_regular(rng), patience).await;
        if let Some((source, token)) = served
            // Also so that impatient callers have to wait: a token in memory comes at once.
            && matches!(fault, Some(Fault::Rejection | Fault::Impatience))
            && rng.u32(..REJECTED) == 0
        {
            self.book.rejected(token.secret().expose_secret(), || {
                source.invalidate(&token);
                Instant::now()
            });
        }
    }

    /// Returns a random tenant of the pool, or the one whose turn it is: each must be called after each fault, or the
    /// pauses of the next one would add to its own.
    fn any_regular(&self, rng: &mut Rng) -> u32 {
        if rng.u32(..RANDOM) == 0 {
            return rng.u32(..self.regulars);
        }
        self.turn.fetch_add(1, Ordering::Relaxed) % self.regulars
    }

    /// Calls, and checks what comes of it. Returns the token and its source.
    async fn call(&self, pool: &TokenPool, tenant: u32, patience: Patience) -> Option<(TokenSource, Arc<AccessToken>)> {
        let call = Call { tenant, began: Instant::now() };
        let credentials = self.credentials.get(tenant as usize)?;
        let source = match pool.source(&self.provider, credentials, &TokenParameters::new()) {
            Ok(source) => source,
            Err(error) => {
                self.failed(call, &error);
                return None;
            }
        };
        let options = match patience {
            Patience::Deadline(deadline) => TokenOptions::new().with_deadline(deadline),
            Patience::Usual | Patience::Short(_) => TokenOptions::new(),
        };
        let longest = match patience {
            Patience::Usual => self.timeout + GRACE,
            Patience::Deadline(deadline) => deadline + GRACE,
            Patience::Short(patience) => patience,
        };
        match (timeout(longest, source.token_with(options)).await, patience) {
            (Ok(Ok(token)), _) => {
                self.tally.served.fetch_add(1, Ordering::Relaxed);
                self.book.served(call, token.secret().expose_secret(), Instant::now());
                return Some((source, token));
            }
            (Ok(Err(error)), _) => self.failed(call, &error),
            (Err(_), Patience::Short(_)) => {
                self.tally.gone.fetch_add(1, Ordering::Relaxed);
            }
            (Err(_), _) => {
                self.tally.failed.fetch_add(1, Ordering::Relaxed);
                let what = || format!("tenant {tenant} had no result after {longest:?}");
                self.findings.broken(Promise::AnswersInTime, what);
            }
        }
        None
    }

    fn failed(&self, call: Call, error: &Error) {
        self.tally.failed.fetch_add(1, Ordering::Relaxed);
        self.book.failed(call, error.message());
        if call.tenant < self.regulars {
            self.recovery.failed(*self.phase.borrow(), call.tenant, error.message(), Instant::now());
        }
    }
}
