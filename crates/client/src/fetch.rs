//! One fetch: what stands in its way, whose credentials it takes, and what is kept of how it ends.

use std::future::Future;
use std::sync::Arc;

use credentials_grant::{AccessToken, ClientCredentials, Error, ErrorKind, LifetimeSource, Surroundings, grant};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use crate::boarding::{Landing, too_slow};
use crate::failures::Purpose;
use crate::life::{Life, Reading, State};
use crate::limits::{Account, Metered};
use crate::metrics::{self, Reason};
use crate::need::Need;
use crate::token_source::{Inner, Kept, too_short};

/// The most credentials that one fetch tries, however many their source has to offer.
const MOST_CREDENTIALS: usize = 8;

impl Inner {
    /// The work of a flight, unless there is an answer already: a token that landed meanwhile, or a failure that stands.
    pub(crate) fn begin(
        self: &Arc<Self>,
        purpose: Purpose,
        need: Need,
    ) -> Result<impl Future<Output = Landing> + Send + 'static, Landing> {
        let now = self.reading();
        let reason = match self.kept(now) {
            Some((token, state)) => {
                let life = token.kept().life;
                match purpose {
                    Purpose::Renewal if state == State::Fresh => return Err(Ok(token.to_arc())),
                    Purpose::Renewal => Reason::Stale,
                    Purpose::Need if life.left(now) >= need.minimum_life => return Err(Ok(token.to_arc())),
                    // Another would not do either, and would have to be paid for.
                    Purpose::Need if life.length() < need.minimum_life => {
                        return Err(Err(too_short(life.length(), need)));
                    }
                    Purpose::Need => Reason::MinimumLife,
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
        let inner = Arc::clone(self);
        let span = tracing::debug_span!("token_fetch", provider = self.provider.provider(), ?reason);
        let fetch = async move {
            let give_up = Instant::now() + inner.means.timeout;
            match standing {
                Some((refused, failure)) if inner.still_has_one_of(&refused, give_up).await => Err(failure),
                _ => inner.fetch(reason, give_up).await,
            }
        };
        Ok(fetch.instrument(span))
    }

    /// Whether the source of credentials has nothing newer than these.
    async fn still_has_one_of(&self, refused: &[ClientCredentials], give_up: Instant) -> bool {
        let credentials = timeout_at(give_up, self.credentials.credentials()).await;
        matches!(credentials, Ok(Ok(credentials)) if refused.contains(&credentials))
    }

    async fn fetch(&self, reason: Reason, give_up: Instant) -> Landing {
        let began = Instant::now();
        let outcome = timeout_at(give_up, self.request(give_up)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(too_slow(self.means.timeout)));
        let outcome = outcome.map_err(|error| self.blocked(error));
        self.failures().note(&outcome, self.reading());
        let landing = outcome.map(|fetched| self.keep(fetched));
        let provider = self.provider.provider();
        if let Err(error) = &landing {
            tracing::warn!(provider, kind = error.kind().name(), %error, "no token");
        }
        metrics::fetched(provider, reason, &landing, began.elapsed());
        landing
    }

    /// A token for the credentials as they are now.
    ///
    /// Where they are refused, their source is asked what to try next: they may have been rotated a moment ago.
    async fn request(&self, give_up: Instant) -> Result<Fetched, Error> {
        let mut credentials = self.credentials.credentials().await?;
        let mut refused = Vec::new();
        loop {
            let outcome = self.grant(&credentials, give_up).await;
            if !outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::CredentialsRefused) {
                return outcome;
            }
            let next = self.credentials.after_refusal(&credentials).await;
            refused.push(credentials);
            credentials = match next {
                Ok(next) if !refused.contains(&next) && refused.len() < MOST_CREDENTIALS => next,
                _ => {
                    self.failures().refuse(refused, self.reading());
                    return outcome;
                }
            };
            let provider = self.provider.provider();
            tracing::info!(provider, "the credentials were refused, and there are others, which are tried");
        }
    }

    async fn grant(&self, credentials: &ClientCredentials, give_up: Instant) -> Result<Fetched, Error> {
        let began = self.reading();
        let transport = Metered {
            transport: Arc::clone(&self.means.transport),
            ledger: Arc::clone(&self.means.ledger),
            accounts: Account::of(&*self.provider, credentials, &self.means.limits),
            clock: Arc::clone(&self.means.clock),
            give_up,
        };
        let entropy = entropy()?;
        let [chance, ..] = entropy;
        let surroundings = Surroundings::new(began.wall, entropy);
        let token = grant(&*self.provider, credentials, &self.ask, &transport, surroundings).await?;
        Ok(Fetched { token, began, chance })
    }

    fn keep(&self, Fetched { token, began, chance }: Fetched) -> Arc<AccessToken> {
        let length = token.expires_at().duration_since(token.requested_at()).unwrap_or_default();
        let (provider, seconds) = (self.provider.provider(), length.as_secs());
        if token.lifetime_source() == LifetimeSource::Assumed {
            tracing::warn!(provider, seconds, "nobody says how long the token lives, so it is not trusted for long");
        } else {
            tracing::debug!(provider, seconds, "fetched a token");
        }
        let token = Arc::new(token);
        let life = Life::new(began, length.min(self.means.maximum_life), chance);
        self.current.store(Kept { token: Arc::clone(&token), life });
        token
    }

    /// Says so where a vendor that blocks addresses may have blocked this one.
    fn blocked(&self, error: Error) -> Error {
        let refusals = self.failures().of_credentials();
        if error.kind() != ErrorKind::Unreachable || refusals == 0 || !self.provider.policy().refusals_block_address() {
            return error;
        }
        let times = if refusals == 1 { "once".to_owned() } else { format!("{refusals} times") };
        error.with_remedy(format!(
            "the vendor may have blocked this address, because it refused the credentials {times}: \
             correct them, then wait before you try again"
        ))
    }
}

/// A token, when it was asked for, and the chance by which its renewal is drawn.
struct Fetched {
    token: AccessToken,
    began: Reading,
    chance: u8,
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
