//! Remembers what sources that belong together share of their failures: what concerns the client, the host or the
//! address, and not what a token was requested for.
//!
//! | what happened | who waits |
//! |---|---|
//! | the credentials were refused | the same client at the same endpoint, whatever it requests |
//! | 429 with `Retry-After` | the same client; every client of the host, if the policy has a limit for all together |
//! | another error with `Retry-After` | every client of the host |
//! | the credentials were refused, and the vendor blocks addresses | every client of the host that holds no token |
//!
//! A client without a token sends one token request at a time, so that wrong credentials are refused once and not once
//! for each set of scopes. Only failures are stored: clients that work use no memory here.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use credentials_grant::{ClientCredentials, CredentialsSource, Error, ErrorKind, HttpRequest, Policy, Retry};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use self::withheld::{Withheld, again, refused_another, told_another};
use super::validity::Reading;
use crate::backoff::pause_after;

#[cfg(feature = "store")]
pub(crate) mod remembered;
mod withheld;

/// How many clients without a token may try their credentials at once at a vendor that blocks addresses.
const LOGINS_AT_ONCE: usize = 4;

/// How long others wait for a client's turn. A request that takes longer holds nobody up: nobody may be driving it.
const LONGEST_TURN: Duration = Duration::from_secs(2);

/// How long a failure is remembered after its pause, so that the next one pauses for longer.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(60 * 60);

/// What the sources of a pool share of their failures.
#[derive(Debug, Default)]
pub(crate) struct SharedFailures {
    hasher: RandomState,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    clients: HashMap<u64, Client>,
    hosts: HashMap<String, Host>,
}

#[derive(Debug)]
struct Client {
    /// The turn of this client to send a token request, and whether its credentials were accepted meanwhile.
    turn: Arc<AsyncMutex<bool>>,
    /// When the last turn began.
    began: Option<(Instant, Reading)>,
    refusals: u32,
    /// The pause, and the failure that prescribes it.
    pause: Option<(Pause, Error)>,
}

#[derive(Debug)]
struct Host {
    /// The turns of clients without a token, where the vendor blocks addresses.
    turns: Arc<Semaphore>,
    /// The refusals since a client got a token.
    refusals: u32,
    /// For clients without a token.
    refused: Option<Pause>,
    /// For every client, with the kind of the failure that prescribes it. What the server said is for one client.
    told: Option<(Pause, ErrorKind)>,
}

impl Default for Host {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(LOGINS_AT_ONCE)), refusals: 0, refused: None, told: None }
    }
}

impl Client {
    /// Returns until when to wait for a turn.
    fn longest_wait(&self, give_up: Instant, now: Reading) -> Instant {
        let here = Instant::now();
        let half = here + give_up.saturating_duration_since(here) / 2;
        match self.began {
            // The process was stopped meanwhile, or the machine slept.
            Some((_, began)) if now.since(began) >= LONGEST_TURN => here,
            Some((began, _)) => half.min(began + LONGEST_TURN),
            None => half.min(here + LONGEST_TURN),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Pause {
    began: Reading,
    length: Duration,
}

impl Pause {
    fn left(self, now: Reading) -> Option<Duration> {
        self.began.left_of(self.length, now)
    }

    fn is_remembered(self, now: Reading) -> bool {
        now.since(self.began) < self.length + REMEMBERED
    }
}

/// Who sends requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Sender {
    credentials: u64,
    blocks_addresses: bool,
    is_limited_together: bool,
    /// Whether it holds a token, or has other credentials than those that were refused.
    goes_ahead: bool,
}

/// Who sends a request, and where to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Party {
    sender: Sender,
    client: u64,
    /// Its name and port.
    pub(crate) host: String,
    #[cfg(feature = "store")]
    pub(crate) path: String,
}

/// The turn of a client that holds no token, until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    client: Option<OwnedMutexGuard<bool>>,
    login: Option<OwnedSemaphorePermit>,
}

impl SharedFailures {
    /// Returns who sends requests with these credentials.
    pub(crate) fn sender(&self, credentials: &ClientCredentials, policy: &Policy, goes_ahead: bool) -> Sender {
        let mut state = self.hasher.build_hasher();
        CredentialsSource::identify(credentials, &mut state);
        Sender {
            credentials: state.finish(),
            blocks_addresses: policy.blocks_addresses(),
            is_limited_together: policy.limits().iter().any(|limit| !limit.is_per_client()),
            goes_ahead,
        }
    }

    /// Returns who sends this request, and where to. The query of its URL makes no difference.
    pub(crate) fn party(&self, sender: Sender, request: &HttpRequest) -> Party {
        let url = request.url();
        let host =
            format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
        let client = self.hasher.hash_one((&host, url.path(), sender.credentials));
        Party {
            sender,
            client,
            host,
            #[cfg(feature = "store")]
            path: url.path().to_owned(),
        }
    }

    /// Waits for the client's turn, or returns the failure that prevents a request. A caller has until `give_up` for
    /// all, and waits for half of that at most.
    pub(crate) async fn enter(
        &self,
        party: &Party,
        give_up: Instant,
        now: impl Fn() -> Reading,
    ) -> Result<Turn, Withheld> {
        let (turn, until) = {
            let mut state = self.state();
            state.check(party, now())?;
            if party.sender.goes_ahead {
                return Ok(Turn::default());
            }
            let client = state.client(party, now());
            (Arc::clone(&client.turn), client.longest_wait(give_up, now()))
        };
        let mut turn = Turn { client: timeout_at(until, turn.lock_owned()).await.ok(), login: None };
        // Its credentials are good, so nobody else has to wait.
        if turn.client.as_deref().is_some_and(|accepted| *accepted) {
            turn.client = None;
        } else if party.sender.blocks_addresses {
            let turns = Arc::clone(&self.state().host(party, now()).turns);
            // The semaphore is never closed.
            turn.login = timeout_at(until, turns.acquire_owned()).await.ok().and_then(Result::ok);
        }
        let mut state = self.state();
        // What happened meanwhile to the one who went first.
        state.check(party, now())?;
        if turn.client.is_some() {
            state.client(party, now()).began = Some((Instant::now(), now()));
        }
        Ok(turn)
    }

    /// Records how a fetch of this client ended, and ends its turn.
    pub(crate) fn note<T>(&self, party: &Party, outcome: &Result<T, Error>, mut turn: Turn, now: Reading) {
        let mut state = self.state();
        match outcome {
            Ok(_) => {
                if let Some(accepted) = turn.client.as_deref_mut() {
                    *accepted = true;
                }
                state.accepted(party);
            }
            Err(error) => state.failed(party, error, now),
        }
        drop(turn);
        state.forget_idle(party);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns the failure that prevents a request, the longest first.
    fn check(&self, party: &Party, now: Reading) -> Result<(), Withheld> {
        let host = self.hosts.get(&party.host);
        let own = self.clients.get(&party.client).and_then(|client| client.pause.as_ref());
        let told = host.and_then(|host| host.told);
        let refused = host.and_then(|host| host.refused).filter(|_| !party.sender.goes_ahead);
        let refused = refused.and_then(|pause| pause.left(now));
        let own = own.and_then(|(pause, error)| Some((pause.left(now)?, error)));
        let withheld = match own {
            // The client's own failure says more than that of any client.
            Some((left, error)) => Some(again(error, refused.map_or(left, |refused| refused.max(left)))),
            None => refused.map(refused_another),
        };
        let told = told.and_then(|(pause, kind)| pause.left(now).map(|left| told_another(kind, left)));
        // Of equal ones the first.
        let longest =
            withheld.into_iter().chain(told).reduce(|one, next| if next.left > one.left { next } else { one });
        longest.map_or(Ok(()), Err)
    }

    fn accepted(&mut self, party: &Party) {
        if let Some(client) = self.clients.get_mut(&party.client) {
            (client.refusals, client.pause) = (0, None);
        }
        if let Some(host) = self.hosts.get_mut(&party.host) {
            (host.refusals, host.refused) = (0, None);
        }
    }

    fn failed(&mut self, party: &Party, error: &Error, now: Reading) {
        let told = match error.retry() {
            Retry::After(wait) => wait,
            _ => Duration::ZERO,
        };
        if error.kind() == ErrorKind::CredentialsRefused {
            let client = self.client(party, now);
            client.refusals = client.refusals.saturating_add(1);
            let length = told.max(pause_after(client.refusals));
            client.pause = Some((Pause { began: now, length }, error.clone()));
            if party.sender.blocks_addresses {
                let host = self.host(party, now);
                host.refusals = host.refusals.saturating_add(1);
                let length = pause_after(host.refusals);
                host.refused = Some(Pause { began: now, length });
            }
        } else if !told.is_zero() {
            let pause = Pause { began: now, length: told };
            if error.kind() == ErrorKind::RateLimited && !party.sender.is_limited_together {
                self.client(party, now).pause = Some((pause, error.clone()));
            } else {
                self.host(party, now).told = Some((pause, error.kind()));
            }
        }
    }

    fn client(&mut self, party: &Party, now: Reading) -> &mut Client {
        if self.clients.len() == self.clients.capacity() {
            self.clients.retain(|_, client| {
                Arc::strong_count(&client.turn) > 1
                    || client.pause.as_ref().is_some_and(|(pause, _)| pause.is_remembered(now))
            });
        }
        self.clients.entry(party.client).or_insert_with(|| Client {
            turn: Arc::default(),
            began: None,
            refusals: 0,
            pause: None,
        })
    }

    fn host(&mut self, party: &Party, now: Reading) -> &mut Host {
        if self.hosts.len() == self.hosts.capacity() {
            self.hosts.retain(|_, host| {
                Arc::strong_count(&host.turns) > 1
                    || [host.refused, host.told.map(|(pause, _)| pause)]
                        .into_iter()
                        .flatten()
                        .any(|pause| pause.is_remembered(now))
            });
        }
        self.hosts.entry(party.host.clone()).or_default()
    }

    /// Forgets the client and the host, if they have nothing to remember and nobody waits for a turn.
    fn forget_idle(&mut self, party: &Party) {
        if let Some(client) = self.clients.get(&party.client)
            && client.pause.is_none()
            && Arc::strong_count(&client.turn) == 1
        {
            self.clients.remove(&party.client);
        }
        if let Some(host) = self.hosts.get(&party.host)
            && host.refused.is_none()
            && host.told.is_none()
            && Arc::strong_count(&host.turns) == 1
        {
            self.hosts.remove(&party.host);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::time::SystemTime;

    use futures_util::poll;

    use super::*;
    use crate::clock::ManualClock;

    const SECOND: Duration = Duration::from_secs(1);

    fn clock() -> ManualClock {
        ManualClock::at(SystemTime::UNIX_EPOCH + SECOND * 1_000_000)
    }

    /// A client without a token, at a vendor that blocks addresses.
    fn party(client: u64, host: &str) -> Party {
        let sender =
            Sender { credentials: client, blocks_addresses: true, is_limited_together: false, goes_ahead: false };
        Party {
            sender,
            client,
            host: host.to_owned(),
            #[cfg(feature = "store")]
            path: "/token".to_owned(),
        }
    }

    fn error(kind: ErrorKind, retry: Retry) -> Error {
        Error::new(kind, "no token").with_retry(retry)
    }

    async fn enter(shared: &SharedFailures, party: &Party, clock: &ManualClock) -> Result<Turn, Withheld> {
        shared.enter(party, Instant::now() + SECOND * 60, || Reading::of(clock)).await
    }

    fn fail(shared: &SharedFailures, party: &Party, error: Error, clock: &ManualClock) {
        shared.note(party, &Err::<(), _>(error), Turn::default(), Reading::of(clock));
    }

    /// Returns how long this took on the paused clock, in tenths of a second.
    async fn tenths<T>(work: impl Future<Output = T>) -> (u128, T) {
        let began = Instant::now();
        let output = work.await;
        (began.elapsed().as_millis() / 100, output)
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_waits_for_a_turn_for_half_of_its_time_and_two_seconds_at_most() {
        for (time, waits) in [(1, 5), (3, 15), (4, 20), (60, 20)] {
            let (shared, clock) = (SharedFailures::default(), clock());
            let first = enter(&shared, &party(1, "a"), &clock).await.unwrap();
            let give_up = Instant::now() + SECOND * time;
            let (waited, turn) = tenths(shared.enter(&party(1, "a"), give_up, || Reading::of(&clock))).await;
            assert!(turn.unwrap().client.is_none(), "it is still the first one's");
            assert_eq!(waited, waits, "with {time} s left");
            drop(first);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_freeze_nobody_waits_for_a_turn_that_began_before_it() {
        let (shared, clock) = (SharedFailures::default(), clock());
        let _first = enter(&shared, &party(1, "a"), &clock).await.unwrap();
        clock.advance(LONGEST_TURN);
        let (waited, turn) = tenths(enter(&shared, &party(1, "a"), &clock)).await;
        turn.unwrap();
        assert_eq!(waited, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_waits_two_seconds_while_as_many_others_as_may_try_their_credentials() {
        let (shared, clock) = (SharedFailures::default(), clock());
        let mut turns = Vec::new();
        for client in 0..4 {
            turns.push(enter(&shared, &party(client, "a"), &clock).await.unwrap());
        }
        let (waited, turn) = tenths(enter(&shared, &party(4, "a"), &clock)).await;
        assert_eq!((waited, turn.unwrap().login.is_some()), (20, false));
        turns.pop();
        let (waited, turn) = tenths(enter(&shared, &party(5, "a"), &clock)).await;
        assert_eq!((waited, turn.unwrap().login.is_some()), (0, true));
    }

    #[tokio::test]
    async fn of_several_pauses_the_longest_counts_and_of_equal_ones_the_clients_own() {
        let refused = || error(ErrorKind::CredentialsRefused, Retry::Never);
        let told = |kind, seconds| error(kind, Retry::After(SECOND * seconds));
        for (own, of_the_host, kind, left) in [
            (refused(), told(ErrorKind::Unavailable, 120), ErrorKind::Unavailable, 120),
            (told(ErrorKind::RateLimited, 120), told(ErrorKind::Unavailable, 10), ErrorKind::RateLimited, 120),
            (told(ErrorKind::RateLimited, 10), told(ErrorKind::Unavailable, 10), ErrorKind::RateLimited, 10),
            (refused(), refused(), ErrorKind::CredentialsRefused, 1),
        ] {
            let (shared, clock) = (SharedFailures::default(), clock());
            fail(&shared, &party(1, "a"), own, &clock);
            fail(&shared, &party(2, "a"), of_the_host, &clock);
            // The second refusal at the host pauses for longer, but not for the one who goes ahead.
            let mut one = party(1, "a");
            one.sender.goes_ahead = true;
            let withheld = enter(&shared, &one, &clock).await.unwrap_err();
            assert_eq!((withheld.error.kind(), withheld.left), (kind, SECOND * left));
        }
        let (shared, clock) = (SharedFailures::default(), clock());
        fail(&shared, &party(1, "a"), refused(), &clock);
        let withheld = enter(&shared, &party(1, "a"), &clock).await.unwrap_err();
        assert_eq!(withheld.error.kind(), ErrorKind::CredentialsRefused, "as long as the one of the host");
    }

    #[tokio::test]
    async fn clients_that_work_use_no_memory() {
        let (shared, clock) = (SharedFailures::default(), clock());
        for client in 0..3 {
            let party = party(client, "a");
            let turn = enter(&shared, &party, &clock).await.unwrap();
            shared.note(&party, &Ok(()), turn, Reading::of(&clock));
        }
        let state = shared.state();
        assert_eq!((state.clients.len(), state.hosts.len()), (0, 0));
    }

    #[tokio::test]
    async fn failures_are_remembered_for_an_hour_after_their_pause_and_turns_while_they_last() {
        let (shared, clock) = (SharedFailures::default(), clock());
        let began = Reading::of(&clock);
        // Have neither failed nor succeeded yet.
        let mut turns = Vec::new();
        for client in [1_000_000, 1_000_001, 1_000_002, 1_000_003] {
            turns.push(enter(&shared, &party(client, "busy"), &clock).await.unwrap());
        }
        for client in 0..10_000 {
            let refused = error(ErrorKind::CredentialsRefused, Retry::Never);
            fail(&shared, &party(client, &client.to_string()), refused, &clock);
            clock.advance(SECOND);
        }
        {
            let state = shared.state();
            let last_hour = 10_000 - 3600..10_000;
            assert!(last_hour.clone().all(|client| state.clients.contains_key(&client)));
            assert!(last_hour.clone().all(|client| state.hosts.contains_key(&client.to_string())));
            let most = 2 * 3601 + turns.len();
            assert!(state.clients.len() <= most && state.hosts.len() <= most, "{}", state.clients.len());
        }
        for party in [party(1_000_000, "elsewhere"), party(1_000_004, "busy")] {
            let mut next = Box::pin(shared.enter(&party, Instant::now() + SECOND * 60, || began));
            assert!(poll!(&mut next).is_pending(), "the turn of {} was forgotten", party.client);
        }
    }
}
