//! One fetch: what may prevent it, which credentials it uses, and what is remembered of its outcome.

use std::future::Future;
use std::mem;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use credentials_grant::{
    AccessToken, ClientCredentials, Error, ErrorKind, ExposeSecret, LifetimeSource, Policy, RequestSeed,
    ResponseProblem, Retry, fetch_token,
};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};
use tracing::Instrument;

use super::current_token::CurrentToken;
use super::failures::{FetchRecord, MOST_CREDENTIALS, Purpose};
use super::flight::Start;
use super::join::{FetchResult, isolated, start_in_background};
use super::limited_transport::LimitedTransport;
use super::limits::LimitKey;
use super::predecessor::FIRST_SECONDS;
use super::shared::{Shared, too_short};
#[cfg(feature = "store")]
use super::stored_failures::StoredFailures;
use super::token_options::TokenOptions;
use super::validity::{Reading, State, Validity};
use crate::metrics::{self, Reason};
use crate::provide_token::is_same;
use crate::random::entropy;
use crate::runtime::AbortOnDrop;
#[cfg(feature = "store")]
use crate::store::Version;

/// How long after a token that is over the server is asked for another one: it counts in seconds.
const MOMENT: Duration = Duration::from_secs(1);

impl Shared {
    /// Starts a renewal in the background, unless something prevents it.
    pub(crate) fn renew(self: &Arc<Self>) {
        #[cfg(feature = "store")]
        if self.store_memory.until_renewal(self.reading()).is_some() {
            return;
        }
        let start = || self.start(Purpose::Renewal, TokenOptions::new());
        start_in_background(&self.flight, self.config.timeout, &*self.config.clock, start);
    }

    /// Returns the work of a flight, or its result if that is known: a token that arrived meanwhile, or an earlier
    /// failure that rules out another request for now.
    pub(crate) fn start(
        self: &Arc<Self>,
        purpose: Purpose,
        options: TokenOptions,
    ) -> Start<impl Future<Output = FetchResult> + Send + 'static, FetchResult> {
        let now = self.reading();
        let valid = self.valid_token(now);
        let will_do =
            valid.as_ref().is_some_and(|(token, _)| token.current().validity.left(now) >= options.minimum_lifetime);
        // The token that was renewed ahead of time is used a little later.
        if self.predecessor.resume(&self.current, will_do, now)
            && purpose == Purpose::Renewal
            && let Some((token, _)) = valid
        {
            return Start::Settled(Ok(token.to_arc()));
        }
        let reason = match self.reason_to_fetch(purpose, options, now) {
            Ok(reason) => reason,
            Err(result) => return Start::Settled(result),
        };
        let mut failures = self.failures();
        // A refusal rules out requests until the credentials change, so they are compared from time to time.
        let refusal = match failures.preventing(purpose, now) {
            Some(failure) => match failures.refused_to_compare(now) {
                Some(refused) => Some((refused, failure)),
                None => return Start::Settled(Err(failure)),
            },
            None => None,
        };
        drop(failures);
        let shared = Arc::clone(self);
        Start::Run(async move {
            let give_up = Instant::now() + shared.config.timeout;
            let span = tracing::debug_span!("token_fetch", provider = shared.provider.name(), ?reason);
            let fetch = async {
                let mut record = FetchRecord::default();
                if let Some((refused, failure)) = refusal {
                    record.has_others = shared.has_other_credentials(refused, give_up).await;
                    if !record.has_others {
                        return Err(failure);
                    }
                }
                let record = Arc::new(Mutex::new(record));
                let minimum_lifetime = options.minimum_lifetime;
                shared.fetch(reason, Attempt { purpose, minimum_lifetime, record, give_up }).await
            };
            fetch.instrument(span).await
        })
    }

    /// Returns why a token must be fetched, or the result if none must.
    fn reason_to_fetch(&self, purpose: Purpose, options: TokenOptions, now: Reading) -> Result<Reason, FetchResult> {
        let Some((token, state)) = self.valid_token(now) else {
            return Ok(if self.current.load().is_some() { Reason::Expired } else { Reason::Missing });
        };
        let CurrentToken { validity, lifetime_on_arrival, .. } = token.current();
        match purpose {
            Purpose::Renewal if state == State::Fresh => Err(Ok(token.to_arc())),
            Purpose::Renewal => Ok(Reason::Stale),
            Purpose::Caller if validity.left(now) >= options.minimum_lifetime => Err(Ok(token.to_arc())),
            // A new token would be too short-lived as well, and would have to be paid for.
            Purpose::Caller if *lifetime_on_arrival < options.minimum_lifetime => {
                Err(Err(too_short(*lifetime_on_arrival, options)))
            }
            Purpose::Caller => Ok(Reason::MinimumLifetime),
        }
    }

    /// Returns `true` if the source of credentials has others by now than those that were refused.
    async fn has_other_credentials(self: &Arc<Self>, refused: Vec<ClientCredentials>, give_up: Instant) -> bool {
        let source = Arc::clone(&self.credentials);
        let look = async move {
            // Go once through everything that the source offers.
            for known in &refused {
                let found = source.after_refusal(known).await?;
                if !refused.contains(&found) {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        isolated(look.in_current_span(), give_up).await.unwrap_or_default()
    }

    async fn fetch(self: &Arc<Self>, reason: Reason, attempt: Attempt) -> FetchResult {
        let began = Instant::now();
        let (give_up, record) = (attempt.give_up, Arc::clone(&attempt.record));
        let request = Arc::clone(self).request(attempt);
        let outcome = isolated(request.in_current_span(), give_up).await;
        // Here and not in the task, which may have panicked or been aborted.
        let record = mem::take(&mut *FetchRecord::lock(&record));
        let outcome = match outcome {
            Ok(Found::Token(fetched)) => Ok(*fetched),
            #[cfg(feature = "store")]
            Ok(Found::Postponed(token)) => return Ok(token),
            Err(error) => Err(error),
        };
        let now = self.reading();
        let outcome = outcome
            .and_then(|fetched| if fetched.validity.left(now).is_zero() { Err(arrived_late()) } else { Ok(fetched) })
            .map_err(|error| self.maybe_blocked(error, record.refused.len()));
        self.failures().note(&outcome, record, now);
        let is_adopted = outcome.as_ref().is_ok_and(|fetched| fetched.is_adopted);
        let result = outcome.map(|fetched| self.store(fetched));
        let provider = self.provider.name();
        if let Err(error) = &result {
            tracing::warn!(provider, kind = error.kind().name(), %error, "fetching a token failed");
        }
        if is_adopted {
            metrics::adopted(provider, reason);
        } else {
            metrics::fetched(provider, reason, &result, began.elapsed());
        }
        result
    }

    /// Fetches a token with the current credentials. If they are refused, asks their source what to try next: they may
    /// have been rotated a moment ago.
    async fn request(self: Arc<Self>, attempt: Attempt) -> Result<Found, Error> {
        let record = &attempt.record;
        let mut credentials = self.credentials.load().await?;
        loop {
            let outcome = self.token_for(&credentials, &attempt).await;
            if !outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::CredentialsRefused) {
                return outcome;
            }
            FetchRecord::lock(record).refused.push(credentials.clone());
            let next = self.credentials.after_refusal(&credentials).await;
            let is_new = |next: &ClientCredentials| {
                let refused = &FetchRecord::lock(record).refused;
                refused.len() < MOST_CREDENTIALS && !refused.contains(next)
            };
            credentials = match next {
                Ok(next) if is_new(&next) => next,
                _ => return outcome,
            };
            FetchRecord::lock(record).has_others = true;
            tracing::info!(provider = self.provider.name(), "the credentials were refused; trying the next ones");
        }
    }

    /// Returns a token for these credentials: from the store, if there is one that has it, or from the vendor.
    async fn token_for(self: &Arc<Self>, credentials: &ClientCredentials, attempt: &Attempt) -> Result<Found, Error> {
        #[cfg(feature = "store")]
        if let Some(store) = &self.config.store {
            return self.adopt_or_request(store, credentials, attempt).await;
        }
        self.request_with(credentials, attempt).await.map(Found::new)
    }

    /// Requests a token. If the server sends one that it says is over, asks once more, a moment later: it repeats a
    /// token until its end, and the end has just come.
    pub(super) async fn request_with(
        &self,
        credentials: &ClientCredentials,
        attempt: &Attempt,
    ) -> Result<Fetched, Error> {
        let outcome = self.request_once(credentials, attempt).await;
        // By the server's own words, and not by a clock of ours that may be wrong.
        let is_over = outcome.as_ref().is_err_and(|error| {
            error.response_problem() == Some(ResponseProblem::ExpiredToken) && error.retry() == Retry::Soon
        });
        if !is_over || self.provider.policy().bills_tokens() || Instant::now() + MOMENT >= attempt.give_up {
            return outcome;
        }
        sleep(MOMENT).await;
        self.request_once(credentials, attempt).await
    }

    async fn request_once(&self, credentials: &ClientCredentials, attempt: &Attempt) -> Result<Fetched, Error> {
        let Attempt { record, give_up, .. } = attempt;
        let began = self.reading();
        let policy = self.provider.policy();
        let limits = policy.limits().iter().chain(&self.config.limits);
        let goes_ahead = self.current.load().is_some() || FetchRecord::lock(record).has_others;
        let transport = LimitedTransport {
            transport: Arc::clone(&self.config.transport),
            request_log: Arc::clone(&self.config.request_log),
            limit_keys: LimitKey::all(self.provider.name(), credentials, limits),
            clock: Arc::clone(&self.config.clock),
            shared_failures: Arc::clone(&self.config.shared_failures),
            sender: self.config.shared_failures.sender(credentials, &policy, goes_ahead),
            give_up: *give_up,
            record: Arc::clone(record),
            #[cfg(feature = "store")]
            stored: match &self.config.store {
                Some(store) => StoredFailures::new(store, credentials, *give_up)?,
                None => None,
            },
            last: Mutex::default(),
        };
        let entropy = entropy()?;
        let [jitter, ..] = entropy;
        let seed = RequestSeed::new(began.wall, entropy);
        let token = fetch_token(&*self.provider, credentials, &self.parameters, &transport, seed).await;
        transport.note(&token).await;
        let token = token?;
        let token = match self.left_of_same(&token, &policy, began) {
            Some(left) if left.is_zero() => return Err(repeated()),
            Some(left) => token.with_latest_end(began.wall + left),
            None => token,
        };
        let lifetime = token.expires_at().duration_since(token.requested_at()).unwrap_or_default();
        let lifetime = lifetime.min(self.config.maximum_lifetime);
        let validity = Validity::planned(began, lifetime, jitter, self.config.renewal_plan, token.refresh_in());
        Ok(Fetched {
            token,
            validity,
            lifetime_on_arrival: validity.left(self.reading()),
            is_adopted: false,
            #[cfg(feature = "store")]
            version: None,
            #[cfg(feature = "store")]
            rejections: 0,
        })
    }

    /// Returns what is left of the token in memory, by what the server said when it first sent it, if this is the same
    /// token.
    fn left_of_same(&self, token: &AccessToken, policy: &Policy, now: Reading) -> Option<Duration> {
        let current = self.current.load();
        let CurrentToken { token: known, validity, .. } = &**current.as_ref()?;
        let is_stated = matches!(known.lifetime_source(), LifetimeSource::Response | LifetimeSource::Token);
        let is_same = known.secret().expose_secret() == token.secret().expose_secret();
        if !is_stated || policy.extends_tokens() || !is_same {
            return None;
        }
        let lifetime = known.expires_at().duration_since(known.requested_at()).unwrap_or_default();
        Some(lifetime.saturating_sub(validity.age(known.requested_at(), now)))
    }

    /// Creates this the current token, unless a newer one is there already.
    fn store(self: &Arc<Self>, fetched: Fetched) -> Arc<AccessToken> {
        let Fetched { token, validity, lifetime_on_arrival, is_adopted, .. } = fetched;
        let (provider, seconds) = (self.provider.name(), validity.lifetime().as_secs());
        if is_adopted {
            tracing::debug!(provider, seconds, "found a token in the store");
        } else if let Some(warning) = token.lifetime_warning() {
            tracing::warn!(provider, "{warning}; assuming {seconds} s");
        } else {
            tracing::debug!(provider, seconds, "fetched a token");
        }
        let token = Arc::new(token);
        let fetched = CurrentToken {
            token: Arc::clone(&token),
            validity,
            lifetime_on_arrival,
            is_adopted,
            #[cfg(feature = "store")]
            version: fetched.version,
            #[cfg(feature = "store")]
            rejections: fetched.rejections,
        };
        // A flight that no runtime drove for a while may finish after one that started later.
        let before = self.current.load().as_ref().cloned();
        if before.as_ref().is_none_or(|before| !before.validity.is_newer_than(&fetched.validity)) {
            self.current.store(fetched);
            match before {
                Some(before) if !is_same(&before.token, &token) => self.keep_replaced(before, self.reading()),
                _ => self.predecessor.forget(),
            }
            #[cfg(feature = "store")]
            self.store_memory.forget_all_but_rejected();
        }
        self.keep_warm();
        token
    }

    /// Keeps a token that was replaced at this moment, for as long as the API may refuse the new one.
    fn keep_replaced(self: &Arc<Self>, token: Arc<CurrentToken>, now: Reading) {
        let is_over = self.provider.policy().has_single_token() || token.validity.state(now) == State::Expired;
        let Some(runtime) = Handle::try_current().ok().filter(|_| !is_over) else { return self.predecessor.forget() };
        let shared = Arc::downgrade(self);
        let timer = runtime.spawn(async move {
            sleep(FIRST_SECONDS).await;
            if let Some(shared) = shared.upgrade() {
                shared.predecessor.forget_replaced();
            }
        });
        self.predecessor.keep(token, now, AbortOnDrop(timer.abort_handle()));
    }

    /// Says so in the error if a vendor that blocks addresses may have blocked this one.
    fn maybe_blocked(&self, error: Error, refusals: usize) -> Error {
        let refusals = self.failures().refused_logins() as usize + refusals;
        if error.kind() != ErrorKind::Unreachable || refusals == 0 || !self.provider.policy().blocks_addresses() {
            return error;
        }
        let times = if refusals == 1 { "once".to_owned() } else { format!("{refusals} times") };
        error.with_remedy(format!(
            "the vendor may have blocked this IP address, because it refused the credentials {times}: \
             correct them, then wait before you try again"
        ))
    }
}

/// What one flight is about.
#[cfg_attr(not(feature = "store"), expect(dead_code, reason = "only a store has another token to choose"))]
pub(super) struct Attempt {
    pub(super) purpose: Purpose,
    /// The lifetime that must be left of the token.
    pub(super) minimum_lifetime: Duration,
    pub(super) record: Arc<Mutex<FetchRecord>>,
    pub(super) give_up: Instant,
}

/// What a flight brings.
pub(super) enum Found {
    Token(Box<Fetched>),
    /// The token in memory: its renewal was postponed, for another process has begun one.
    #[cfg(feature = "store")]
    Postponed(Arc<AccessToken>),
}

impl Found {
    pub(super) fn new(fetched: Fetched) -> Self {
        Self::Token(Box::new(fetched))
    }
}

/// A new token, and when it is stale and expired.
pub(super) struct Fetched {
    pub(super) token: AccessToken,
    pub(super) validity: Validity,
    /// How long a new token lives when it arrives.
    pub(super) lifetime_on_arrival: Duration,
    /// Whether another process requested it.
    pub(super) is_adopted: bool,
    /// Its version in the store.
    #[cfg(feature = "store")]
    pub(super) version: Option<Version>,
    /// How many tokens the API rejected one after the other, before this one.
    #[cfg(feature = "store")]
    pub(super) rejections: u32,
}

fn repeated() -> Error {
    Error::new(ErrorKind::BadResponse, "the server sent a token again that, by what it said before, has expired")
        .with_remedy("try again in a moment; if this vendor extends tokens, declare that in its policy")
        .with_response_problem(ResponseProblem::ExpiredToken)
        .with_retry(Retry::Soon)
}

fn arrived_late() -> Error {
    Error::new(ErrorKind::Unavailable, "the token had expired when it arrived")
        .with_remedy("check the network and the vendor's status page: the response took longer than the token lives")
}
