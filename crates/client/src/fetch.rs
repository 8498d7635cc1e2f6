//! One fetch: what stands in its way, whose credentials it takes, and what is kept of how it ends.

use std::future::Future;
use std::mem;
use std::sync::{Arc, Mutex};

use credentials_grant::{AccessToken, ClientCredentials, Error, ErrorKind, LifetimeSource, RequestSeed, fetch_token};
use tokio::time::Instant;
use tracing::Instrument;

use crate::boarding::{Landing, watched};
use crate::failures::{MOST_CREDENTIALS, Purpose, Tried};
use crate::inner::{Inner, Kept, too_short};
use crate::life::{Life, Reading, State};
use crate::limits::{Account, Metered};
use crate::metrics::{self, Reason};
use crate::token_options::TokenOptions;

impl Inner {
    /// The work of a flight, unless there is an answer already: a token that landed meanwhile, or a failure that stands.
    pub(crate) fn begin(
        self: &Arc<Self>,
        purpose: Purpose,
        options: TokenOptions,
    ) -> Result<impl Future<Output = Landing> + Send + 'static, Landing> {
        let now = self.reading();
        let reason = match self.kept(now) {
            Some((token, state)) => {
                let Kept { life, landed_with, .. } = token.kept();
                match purpose {
                    Purpose::Renewal if state == State::Fresh => return Err(Ok(token.to_arc())),
                    Purpose::Renewal => Reason::Stale,
                    Purpose::Caller if life.left(now) >= options.minimum_lifetime => return Err(Ok(token.to_arc())),
                    // Another would not do either, and would have to be paid for.
                    Purpose::Caller if *landed_with < options.minimum_lifetime => {
                        return Err(Err(too_short(*landed_with, options)));
                    }
                    Purpose::Caller => Reason::MinimumLife,
                }
            }
            None if self.current.load().is_some() => Reason::Expired,
            None => Reason::Missing,
        };
        let mut failures = self.failures();
        // A refusal stands until the credentials change, so they are looked at from time to time.
        let standing = match failures.standing(purpose, now) {
            Some(failure) => Some((failures.look(now).ok_or_else(|| Err(failure.clone()))?, failure)),
            None => None,
        };
        drop(failures);
        let inner = Arc::clone(self);
        Ok(async move {
            let give_up = Instant::now() + inner.means.timeout;
            let span = tracing::debug_span!("token_fetch", provider = inner.provider.name(), ?reason);
            let fetch = async {
                if let Some((refused, failure)) = standing
                    && !inner.has_others_than(refused, give_up).await
                {
                    return Err(failure);
                }
                inner.fetch(reason, give_up).await
            };
            fetch.instrument(span).await
        })
    }

    /// Whether the source of credentials has others by now than those that were refused.
    async fn has_others_than(self: &Arc<Self>, refused: Vec<ClientCredentials>, give_up: Instant) -> bool {
        let source = Arc::clone(&self.credentials);
        let look = async move {
            // Each that it has to offer, once around.
            for known in &refused {
                let found = source.after_refusal(known).await?;
                if !refused.contains(&found) {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        watched(look.in_current_span(), give_up).await.unwrap_or_default()
    }

    async fn fetch(self: &Arc<Self>, reason: Reason, give_up: Instant) -> Landing {
        let began = Instant::now();
        let tried = Arc::new(Mutex::new(Tried::default()));
        let request = Arc::clone(self).request(give_up, Arc::clone(&tried));
        let outcome = watched(request.in_current_span(), give_up).await;
        // Here, and not in the work, which may have panicked or been given up.
        let tried = mem::take(&mut *Tried::lock(&tried));
        let now = self.reading();
        let outcome = outcome
            .and_then(|fetched| if fetched.life.left(now).is_zero() { Err(late()) } else { Ok(fetched) })
            .map_err(|error| self.blocked(error, tried.refused.len()));
        self.failures().note(&outcome, tried, now);
        let landing = outcome.map(|fetched| self.keep(fetched, now));
        let provider = self.provider.name();
        if let Err(error) = &landing {
            tracing::warn!(provider, kind = error.kind().name(), %error, "no token");
        }
        metrics::fetched(provider, reason, &landing, began.elapsed());
        landing
    }

    /// A token for the credentials as they are now.
    ///
    /// Where they are refused, their source is asked what to try next: they may have been rotated a moment ago.
    async fn request(self: Arc<Self>, give_up: Instant, tried: Arc<Mutex<Tried>>) -> Result<Fetched, Error> {
        let mut credentials = self.credentials.load().await?;
        loop {
            let outcome = self.fetch_with(&credentials, give_up, &tried).await;
            if !outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::CredentialsRefused) {
                return outcome;
            }
            Tried::lock(&tried).refused.push(credentials.clone());
            let next = self.credentials.after_refusal(&credentials).await;
            let is_new = |next: &ClientCredentials| {
                let refused = &Tried::lock(&tried).refused;
                refused.len() < MOST_CREDENTIALS && !refused.contains(next)
            };
            credentials = match next {
                Ok(next) if is_new(&next) => next,
                _ => return outcome,
            };
            let provider = self.provider.name();
            tracing::info!(provider, "the credentials were refused, and there are others, which are tried");
        }
    }

    async fn fetch_with(
        &self,
        credentials: &ClientCredentials,
        give_up: Instant,
        tried: &Arc<Mutex<Tried>>,
    ) -> Result<Fetched, Error> {
        let began = self.reading();
        let transport = Metered {
            transport: Arc::clone(&self.means.transport),
            ledger: Arc::clone(&self.means.ledger),
            accounts: Account::of(&*self.provider, credentials, &self.means.limits),
            clock: Arc::clone(&self.means.clock),
            give_up,
            tried: Arc::clone(tried),
        };
        let entropy = entropy()?;
        let [chance, ..] = entropy;
        let seed = RequestSeed::new(began.wall, entropy);
        let token = fetch_token(&*self.provider, credentials, &self.parameters, &transport, seed).await?;
        let length = token.expires_at().duration_since(token.requested_at()).unwrap_or_default();
        Ok(Fetched { token, life: Life::new(began, length.min(self.means.maximum_lifetime), chance) })
    }

    fn keep(self: &Arc<Self>, Fetched { token, life }: Fetched, now: Reading) -> Arc<AccessToken> {
        let (provider, seconds) = (self.provider.name(), life.length().as_secs());
        if token.lifetime_source() == LifetimeSource::Assumed {
            tracing::warn!(provider, seconds, "nobody says how long the token lives, so it is not trusted for long");
        } else {
            tracing::debug!(provider, seconds, "fetched a token");
        }
        let token = Arc::new(token);
        let kept = Kept { token: Arc::clone(&token), life, landed_with: life.left(now) };
        // A flight that nobody drove for a while may land after one that has left later.
        if self.current.load().as_ref().is_none_or(|current| !current.life.began_after(&kept.life)) {
            self.current.store(kept);
        }
        self.keep_warm();
        token
    }

    /// Says so where a vendor that blocks addresses may have blocked this one.
    fn blocked(&self, error: Error, refusals: usize) -> Error {
        let refusals = self.failures().of_credentials() as usize + refusals;
        if error.kind() != ErrorKind::Unreachable || refusals == 0 || !self.provider.policy().blocks_addresses() {
            return error;
        }
        let times = if refusals == 1 { "once".to_owned() } else { format!("{refusals} times") };
        error.with_remedy(format!(
            "the vendor may have blocked this address, because it refused the credentials {times}: \
             correct them, then wait before you try again"
        ))
    }
}

/// A token, and its life.
struct Fetched {
    token: AccessToken,
    life: Life,
}

fn late() -> Error {
    Error::new(ErrorKind::Unavailable, "the token had expired when it arrived")
        .with_remedy("check the network and the vendor's status page: the answer took longer than the token lives")
}

pub(crate) fn entropy() -> Result<[u8; 16], Error> {
    let mut entropy = [0; 16];
    getrandom::fill(&mut entropy).map_err(|source| {
        Error::new(ErrorKind::Configuration, "the machine gives no randomness")
            .with_remedy("give the program access to the system's random source")
            .with_source(source)
    })?;
    Ok(entropy)
}
