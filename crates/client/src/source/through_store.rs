//! A fetch through a store: adopts the token of another process, or requests one for all of them.
//!
//! One process at a time has the right to request a token, for a fixed window. It is enough that it nearly always is
//! one: two requests are waste and no harm, so nobody waits for long on another.
//!
//! | the store says | a caller waits for the token | a renewal |
//! |---|---|---|
//! | here is another token | it is adopted, if it is valid for long enough | it is adopted, if it lives longer |
//! | the right is yours | requests a token, and writes it into the store | the same |
//! | somebody else has it | asks again, for two windows or half its time; then goes alone | looks again later |
//! | nothing: it fails, or takes too long | requests a token alone | looks again later |
//!
//! A renewal that looks again later does so until its solo point, a random time before the token expires. Then it does
//! as a caller would, in a part of the time that is left. Callers get the valid token meanwhile.

use std::hash::Hash as _;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use credentials_grant::{AccessToken, ClientCredentials, Error, ExposeSecret, Policy, SecretString};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use zeroize::Zeroizing;

use super::failures::Purpose;
use super::fetch::{Attempt, Fetched, Found};
use super::limits::RATION;
use super::shared::Shared;
use super::stored_failures::{identify, keyring};
use super::stored_token::{ForWhom, Restored, restore, write};
use super::validity::{Reading, State};
use crate::random::{entropy, random_number};
use crate::runtime::AbortOnDrop;
use crate::store::{Claim, Claimant, Keyring, Record, SharedStore, StoreKey, Unreadable, Version};

/// How long one process has the right to request a token, if a second request costs next to nothing.
const WINDOW: Duration = Duration::from_secs(3);

/// How long a renewal, and what is done after a fetch, waits for an answer of the store: nobody waits for them. A
/// renewal waits no longer than for this part of the time until its token expires.
const BUDGET: Duration = Duration::from_secs(10);
const BUDGET_SHARE: u32 = 8;

/// How long others are told that a token was revoked: longer than tokens live, except for a few vendors'.
const REVOKED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The longest pauses before a caller asks again while somebody else requests the token: the first one, and where they
/// end. Each is cut short at random, by half at most.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// How long a timer sleeps at least before it looks at the clock again.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// How many records are looked at that are of no use. Each has another version, so nobody is waited for.
const MOST_RECORDS: usize = 4;

/// What the store has to say.
enum Answer {
    /// A token that another process requested.
    Adopted(Box<Fetched>),
    /// Request a token for all. The version is that of the record to replace.
    Granted(Claimed, Option<Version>),
    /// Request a token, and write it into the store if there is still that version.
    Alone(Option<Version>),
    /// Request a token, and leave the store alone: it holds what only others can read.
    Unshared,
    /// Look again later.
    Later(Option<Duration>),
}

/// One fetch of one client, as the store sees it.
struct Session<'a> {
    shared: &'a Arc<Shared>,
    store: &'a Arc<SharedStore>,
    keyring: Keyring,
    key: StoreKey,
    credentials: &'a ClientCredentials,
    policy: Policy,
    window: Duration,
}

impl Shared {
    /// Adopts a token from the store, or requests one.
    pub(super) async fn adopt_or_request(
        self: &Arc<Self>,
        store: &Arc<SharedStore>,
        credentials: &ClientCredentials,
        attempt: &Attempt,
    ) -> Result<Found, Error> {
        let Some(session) = Session::new(self, store, credentials)? else {
            return self.request_with(credentials, attempt).await.map(Found::new);
        };
        let mut answer = session.ask(attempt.purpose, attempt).await?;
        if let Answer::Later(by) = answer {
            if let Some(token) = self.look_again_later(by) {
                return Ok(Found::Postponed(token));
            }
            // It was rejected or expired meanwhile, so callers wait for a new one now.
            answer = session.ask(Purpose::Caller, attempt).await?;
        }
        let (claimed, seen) = match answer {
            Answer::Adopted(fetched) => return Ok(Found::Token(fetched)),
            Answer::Granted(claimed, seen) => (Some(claimed), seen),
            Answer::Alone(seen) => (None, seen),
            Answer::Unshared => return self.request_with(credentials, attempt).await.map(Found::new),
            // Only a renewal is told so.
            Answer::Later(_) => (None, self.seen_version()),
        };
        let mut outcome = self.request_with(credentials, attempt).await;
        match &mut outcome {
            Ok(fetched) => {
                fetched.rejections = self.store_memory.rejections();
                session.write(fetched, seen, claimed, attempt.give_up).await;
            }
            Err(_) => {
                if let Some(claimed) = claimed {
                    let _ = timeout(store.moment(attempt.give_up), claimed.release()).await;
                }
            }
        }
        outcome.map(Found::new)
    }

    /// Tells others that this token is revoked, whatever it was requested for.
    pub(super) async fn mark_revoked(
        &self,
        store: &Arc<SharedStore>,
        credentials: &ClientCredentials,
        token: &SecretString,
    ) -> Result<(), Error> {
        let Some(keyring) = keyring(store, credentials)? else { return Ok(()) };
        let (key, version) = (revoked_key(&keyring, token), Version::from_bytes(entropy()?));
        if let Some(value) = keyring.seal(&key, version, Zeroizing::new(Vec::new())) {
            let record = Record { version, value, lifetime: REVOKED };
            store.call(BUDGET.min(self.config.timeout / 4), store.store().write(&key, None, &record)).await;
        }
        Ok(())
    }

    /// Postpones the renewal of the token in memory, and returns that.
    fn look_again_later(self: &Arc<Self>, by: Option<Duration>) -> Option<Arc<AccessToken>> {
        let now = self.reading();
        let (token, _) = self.valid_token(now)?;
        let pause = self.store_memory.postpone(by, token.current().validity.until_expired(now), now);
        let token = token.to_arc();
        // No call may come before the token expires.
        let timer = tokio::spawn(renew_after(Arc::downgrade(self), pause));
        self.store_memory.set_timer(AbortOnDrop(timer.abort_handle()));
        Some(token)
    }

    /// Returns the time until the token in memory expires.
    fn until_expired(&self) -> Duration {
        let current = self.current.load();
        current.as_ref().map_or(Duration::ZERO, |current| current.validity.until_expired(self.reading()))
    }

    /// Returns the version of the token that is in memory, or that was rejected.
    fn seen_version(&self) -> Option<Version> {
        let current = self.current.load().as_ref().and_then(|current| current.version);
        current.or_else(|| self.store_memory.rejected_version())
    }
}

/// Renews the token after a pause, by the clock that decides whether the renewal is still postponed: a coarse one lags
/// behind the timer.
async fn renew_after(shared: Weak<Shared>, mut pause: Duration) {
    loop {
        sleep(pause).await;
        // After its token was revoked at the end, the next caller starts again.
        let Some(shared) = shared.upgrade().filter(|shared| !shared.is_paused.load(Ordering::Acquire)) else { return };
        let now = shared.reading();
        match shared.store_memory.until_renewal(now) {
            Some(left) => pause = left.max(SHORTEST_PAUSE),
            None if shared.valid_token(now).is_some_and(|(_, state)| state == State::Stale) => return shared.renew(),
            None => return,
        }
    }
}

impl<'a> Session<'a> {
    /// Returns `None` for a client whose tokens are not stored, since there is no key to seal them with, or it cannot
    /// be told from others.
    fn new(
        shared: &'a Arc<Shared>,
        store: &'a Arc<SharedStore>,
        credentials: &'a ClientCredentials,
    ) -> Result<Option<Self>, Error> {
        let Some(keyring) = keyring(store, credentials)? else { return Ok(None) };
        let provider = &*shared.provider;
        let mut is_known = false;
        let key = keyring.name("token", |state| {
            (provider.name(), &shared.parameters).hash(state);
            let knows_provider = state.part(|state| provider.identify(state));
            is_known = state.part(|state| identify(credentials, state)) && knows_provider;
        });
        if !is_known {
            return Ok(None);
        }
        let policy = provider.policy();
        let is_rationed = policy.limits().iter().chain(&shared.config.limits).any(|limit| limit.period() >= RATION);
        let is_costly = is_rationed || policy.has_single_token() || policy.bills_tokens();
        let window = if is_costly { shared.config.timeout } else { WINDOW.min(shared.config.timeout) };
        Ok(Some(Self { shared, store, keyring, key, credentials, policy, window }))
    }

    /// Asks the store what to do.
    async fn ask(&self, purpose: Purpose, attempt: &Attempt) -> Result<Answer, Error> {
        let is_renewal = purpose == Purpose::Renewal;
        let until_expired = self.shared.until_expired();
        let budget = if is_renewal { BUDGET.min(until_expired / BUDGET_SHARE) } else { self.store.store().patience() };
        let budget = budget.min(share_of(attempt.give_up));
        let is_solo = is_renewal && self.shared.store_memory.is_solo(self.shared.reading());
        let claimant = Claimant::from_bytes(entropy()?);
        // Whoever has the right may be stopped, so half of the time is left for a request of one's own.
        let half = share_of(attempt.give_up) * 2;
        let half = if is_renewal { half.min(until_expired / 2) } else { half };
        let waits_until = Instant::now() + (self.window * 2).min(half);
        let mut seen = self.shared.seen_version();
        let (mut records, mut pause) = (0, FIRST_PAUSE);
        loop {
            let asked = self.shared.reading();
            let claim = self.store.store().claim(&self.key, seen, claimant, self.window);
            let claim =
                if is_solo { self.store.probe(budget, claim).await } else { self.store.call(budget, claim).await };
            match claim {
                Some(Claim::Granted) => {
                    let claimed =
                        Claimed { store: Arc::clone(self.store), key: self.key.clone(), claimant: Some(claimant) };
                    return Ok(Answer::Granted(claimed, seen));
                }
                Some(Claim::Changed(record)) => {
                    seen = Some(record.version);
                    records += 1;
                    match self.open(&record, asked) {
                        Ok(Some(fetched))
                            if self.is_enough(&fetched, purpose, attempt, asked)
                                && !self.is_revoked(&fetched, budget).await =>
                        {
                            return Ok(Answer::Adopted(Box::new(fetched)));
                        }
                        Ok(_) if records < MOST_RECORDS => {}
                        Ok(_) => return Ok(Answer::Alone(seen)),
                        Err(()) => return Ok(Answer::Unshared),
                    }
                }
                Some(Claim::Held(left)) if is_renewal && !is_solo => {
                    let jitter = self.window.mul_f64(f64::from(random_number()) / f64::from(u32::MAX) / 4.0);
                    return Ok(Answer::Later(Some(left + jitter)));
                }
                Some(Claim::Held(_)) if Instant::now() < waits_until => {
                    sleep(pause.mul_f64(1.0 - f64::from(random_number()) / f64::from(u32::MAX) / 2.0)).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                None if is_renewal && !is_solo => return Ok(Answer::Later(None)),
                Some(Claim::Held(_)) | None => return Ok(Answer::Alone(seen)),
            }
        }
    }

    /// Opens a record. `None` if it is damaged or of no use to anybody, an error if only others can read it.
    fn open(&self, record: &Record, asked: Reading) -> Result<Option<Fetched>, ()> {
        let value = match self.keyring.open(&self.key, record.version, &record.value) {
            Ok(value) => value,
            Err(Unreadable::Damaged) => return Ok(None),
            Err(Unreadable::Foreign) => return Err(()),
        };
        let [jitter, ..] = random_number().to_ne_bytes();
        let for_whom = ForWhom {
            credentials: self.credentials,
            parameters: &self.shared.parameters,
            policy: &self.policy,
            maximum_lifetime: self.shared.config.maximum_lifetime,
            jitter,
            plan: self.shared.config.renewal_plan,
        };
        let restored = restore(&value, record.lifetime, asked, &for_whom);
        Ok(restored.map(|Restored { token, lifetime, rejections, validity }| Fetched {
            token,
            validity,
            lifetime_on_arrival: lifetime,
            is_adopted: true,
            version: Some(record.version),
            rejections,
        }))
    }

    /// Returns `true` if a token from the store will do.
    fn is_enough(&self, fetched: &Fetched, purpose: Purpose, attempt: &Attempt, now: Reading) -> bool {
        let left = fetched.validity.left(now);
        let is_longer = || match self.shared.current.load().as_ref() {
            Some(current) => left > current.validity.left(now),
            None => true,
        };
        !fetched.version.is_some_and(|version| self.shared.store_memory.is_rejected(version))
            && fetched.validity.state(now) != State::Expired
            // If it lived for too short a time from the start, so would a new one.
            && (left >= attempt.minimum_lifetime || fetched.lifetime_on_arrival < attempt.minimum_lifetime)
            && (purpose == Purpose::Caller || is_longer())
    }

    /// Returns `true` if a process has revoked this token.
    async fn is_revoked(&self, fetched: &Fetched, budget: Duration) -> bool {
        let key = revoked_key(&self.keyring, fetched.token.secret());
        self.store.call(budget, self.store.store().read(&key)).await.flatten().is_some()
    }

    /// Writes a token into the store, unless that has another one by now, and gives the claim back. Waits a moment
    /// until that is done; if it takes longer, it goes on.
    async fn write(&self, fetched: &mut Fetched, seen: Option<Version>, claimed: Option<Claimed>, give_up: Instant) {
        let Ok(version) = entropy().map(Version::from_bytes) else { return };
        let value = write(&fetched.token, fetched.validity.lifetime(), fetched.rejections);
        let Some(value) = self.keyring.seal(&self.key, version, value) else { return };
        fetched.version = Some(version);
        let (store, key) = (Arc::clone(self.store), self.key.clone());
        let (clock, validity) = (Arc::clone(&self.shared.config.clock), fetched.validity);
        // The store counts the lifetime from when it writes the record. A token is not handed out in the margin before
        // its end, so no harm is done if it is written that much later.
        let in_time = BUDGET.min(validity.margin() / 2);
        let writing = tokio::spawn(async move {
            let began = Reading::of(&*clock);
            let record = Record { version, value, lifetime: validity.left(began) };
            let written = store.call(in_time, store.store().write(&key, seen, &record)).await;
            if written == Some(false) {
                tracing::debug!("another process wrote a token into the store meanwhile");
            } else if Reading::of(&*clock).since(began) >= in_time {
                // It may have been written all the same, or still be, after the process was stopped, say.
                store.probe(BUDGET, store.store().remove(&key, version)).await;
            }
            // Not before: until the token is there, somebody else would request another one.
            if let Some(claimed) = claimed {
                claimed.release().await;
            }
        });
        let _ = timeout(self.store.moment(give_up), writing).await;
    }
}

/// Returns how much of the time until `give_up` the store may take: a request of one's own must stay possible.
fn share_of(give_up: Instant) -> Duration {
    give_up.saturating_duration_since(Instant::now()) / 4
}

/// Returns the name of the record that says that a token is revoked.
fn revoked_key(keyring: &Keyring, token: &SecretString) -> StoreKey {
    keyring.name("revoked", |state| token.expose_secret().hash(state))
}

/// A claim that is given back when it is dropped: the task may be aborted.
struct Claimed {
    store: Arc<SharedStore>,
    key: StoreKey,
    claimant: Option<Claimant>,
}

impl Claimed {
    /// Gives the claim back, and waits until the store knows.
    async fn release(mut self) {
        if let Some(releasing) = self.start_release() {
            let _ = releasing.await;
        }
    }

    fn start_release(&mut self) -> Option<JoinHandle<()>> {
        let claimant = self.claimant.take()?;
        let (store, key) = (Arc::clone(&self.store), self.key.clone());
        let release = async move {
            // Even if it failed a moment ago: others wait for the claim.
            store.probe(BUDGET, store.store().release(&key, claimant)).await;
        };
        Some(Handle::try_current().ok()?.spawn(release))
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        let _ = self.start_release();
    }
}

#[cfg(test)]
mod interleavings;
