//! Remembers that a proxy refused its login, in the whole process: directories lock an account after a few refusals,
//! whichever source of tokens they come from.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use credentials_grant::Error;
use http::HeaderValue;
use jiff::SignedDuration;
use reqwest::Response;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tokio::time::timeout;

use super::environment_proxy::EnvironmentProxy;
use super::failure::{CHECK_LOGIN, ProxyFailure};
use crate::backoff::pause_after;
use crate::clock::Clock;
use crate::source::validity::Reading;
use crate::system_clock::SystemClock;

/// How long others wait for the first login. A request that takes longer holds nobody up.
const LONGEST_TURN: Duration = Duration::from_secs(2);

/// The logins of this process, by a hash of the proxy and of what it is shown.
static LOGINS: LazyLock<Mutex<HashMap<u64, Arc<ProxyLogin>>>> = LazyLock::new(Mutex::default);
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// The login at a proxy. Until one was accepted, requests try it one at a time.
#[derive(Debug)]
pub(super) struct ProxyLogin {
    clock: Arc<dyn Clock>,
    turn: Arc<AsyncMutex<()>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    accepted: bool,
    refusals: u32,
    last: Option<(Reading, Error)>,
}

/// The turn to try the login, until it is dropped.
#[derive(Debug, Default)]
pub(super) struct Turn(#[expect(dead_code, reason = "it is held, and not read")] Option<OwnedMutexGuard<()>>);

/// What a request told of the login.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ProxyOutcome {
    Accepted,
    Refused,
    Unknown,
}

impl ProxyOutcome {
    pub(super) fn of(result: &Result<Response, reqwest::Error>) -> Self {
        match result {
            Ok(_) => Self::Accepted,
            Err(error) => match ProxyFailure::of(error) {
                Some(ProxyFailure::Login) => Self::Refused,
                Some(ProxyFailure::Connection) => Self::Unknown,
                // The proxy may not have answered.
                None if error.is_timeout() => Self::Unknown,
                Some(ProxyFailure::Tunnel) | None => Self::Accepted,
            },
        }
    }
}

impl ProxyLogin {
    /// Returns what this process knows of the login at this proxy.
    pub(super) fn of(proxy: &EnvironmentProxy) -> Arc<Self> {
        let key = HASHER.hash_one((proxy.url().as_str(), proxy.authorization().map(HeaderValue::as_bytes)));
        let mut logins = LOGINS.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(logins.entry(key).or_insert_with(|| Arc::new(Self::new(Arc::new(SystemClock::new())))))
    }

    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, turn: Arc::default(), state: Mutex::default() }
    }

    /// Waits until nobody else tries the login for the first time: for half of this time, and two seconds at most.
    /// Returns the refusal if there was one a moment ago.
    pub(super) async fn enter(&self, limit: Duration) -> Result<Turn, Error> {
        if self.check()? {
            return Ok(Turn::default());
        }
        let turn = timeout(LONGEST_TURN.min(limit / 2), Arc::clone(&self.turn).lock_owned()).await.ok();
        // What happened meanwhile to the one who went first.
        Ok(if self.check()? { Turn::default() } else { Turn(turn) })
    }

    /// Notes how a request ended, and ends its turn.
    pub(super) fn note(&self, outcome: ProxyOutcome, error: Option<&Error>, turn: Turn) {
        let mut state = self.state();
        match (outcome, error) {
            (ProxyOutcome::Accepted, _) => *state = State { accepted: true, ..State::default() },
            (ProxyOutcome::Refused, Some(error)) => {
                state.accepted = false;
                state.refusals = state.refusals.saturating_add(1);
                state.last = Some((Reading::of(&*self.clock), error.clone()));
            }
            _ => {}
        }
        drop(state);
        drop(turn);
    }

    /// Returns whether the login was accepted, or the refusal whose pause lasts.
    fn check(&self) -> Result<bool, Error> {
        let state = self.state();
        let Some((at, error)) = &state.last else { return Ok(state.accepted) };
        match at.left_of(pause_after(state.refusals), Reading::of(&*self.clock)) {
            Some(left) => Err(again(error, left)),
            None => Ok(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn again(error: &Error, left: Duration) -> Error {
    let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    let left = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    error.clone().with_remedy(format!("{CHECK_LOGIN}; it is asked again in {left:#} at the earliest"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_transports_share_what_is_known_of_a_login_until_the_password_changes() {
        let of = |url: &str| {
            let value = |name: &str| (name == "ALL_PROXY").then(|| url.into());
            ProxyLogin::of(&EnvironmentProxy::from_variables(value).unwrap().unwrap())
        };
        let one = of("http://user:pw@shared.example:8080");
        assert!(Arc::ptr_eq(&one, &of("user:pw@shared.example:8080/")));
        for other in
            ["http://user:other@shared.example:8080", "http://user:pw@shared.example:8081", "shared.example:8080"]
        {
            assert!(!Arc::ptr_eq(&one, &of(other)), "{other}");
        }
    }
}
