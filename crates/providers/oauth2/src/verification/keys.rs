//! The keys of an issuer: fetched when they are needed, kept, and fetched anew by one caller for all.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use credentials_grant::{
    ClientCredentials, Endpoint, Error, ErrorKind, HttpResponse, RequestContext, RequestSeed, Retry, TokenParameters,
    Transport,
};
use credentials_grant_client::Clock;
use tokio::runtime::Handle;
use tokio::task::JoinError;

use super::key_set::KeySet;
use crate::discovery::{Discovery, Found};
use crate::issuer::Issuer;
use crate::kept::Kept;
use crate::metadata::{Metadata, has_come, lifetime, unreadable};

/// For how long keys are believed at least. What servers say of caching is about browsers, and many say `no-store`: each
/// call of the API would cost one of the issuer.
const SHORTEST_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// For how long nobody tries again where there are no keys at all.
const PAUSE: Duration = Duration::from_secs(5);

/// Where the keys of an issuer come from, and what is known of them.
pub(super) struct Keys {
    issuer: Issuer,
    discovery: Discovery,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
    /// Whoever has it reads.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct Known {
    keys: Option<Kept<Arc<KeySet>>>,
    /// How the last attempt to read them ended, and when, if it failed.
    failure: Option<(SystemTime, Error)>,
}

/// What callers go on with.
type Outcome = Result<Arc<KeySet>, Error>;

/// Why there are no keys.
enum Failure {
    /// None have come.
    Absent(Error),
    /// What came is wrong.
    Wrong(Error),
}

impl Keys {
    pub(super) fn of(issuer: Issuer, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        let discovery = Discovery::new(issuer.clone());
        Self { issuer, discovery, transport, clock, known: Mutex::default(), turn: Arc::default() }
    }

    pub(super) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// The keys, read if they must be.
    pub(super) async fn current(self: &Arc<Self>) -> Outcome {
        self.read_unless(Known::current).await
    }

    /// The keys, read again because one that is looked for is not among them, unless they were a moment ago.
    pub(super) async fn newer(self: &Arc<Self>) -> Outcome {
        self.read_unless(Known::newer).await
    }

    /// Reads, once for all who wait, unless it is settled without that.
    async fn read_unless(self: &Arc<Self>, settled: impl Fn(&mut Known, SystemTime) -> Option<Outcome>) -> Outcome {
        let settled = || settled(&mut self.known(), self.now());
        if let Some(outcome) = settled() {
            return outcome;
        }
        let turn = Arc::clone(&self.turn).lock_owned().await;
        // By whoever had the turn before.
        if let Some(outcome) = settled() {
            return outcome;
        }
        let keys = Arc::clone(self);
        // In a task of its own: whoever goes away does not take along what others wait for, nor make them begin anew.
        let read = runtime()?.spawn(async move {
            let outcome = keys.read().await;
            drop(turn);
            outcome
        });
        let outcome = read.await.unwrap_or_else(|ended| Err(broken_off(&ended)));
        settled().unwrap_or(outcome)
    }

    async fn read(&self) -> Outcome {
        let fetched = self.fetch().await;
        let now = self.now();
        let mut known = self.known();
        let error = match fetched {
            Ok((keys, lifetime)) => {
                let keys = Arc::new(keys);
                *known = Known { keys: Some(Kept::new(Arc::clone(&keys), now, lifetime)), failure: None };
                return Ok(keys);
            }
            Err(Failure::Absent(error)) => error,
            Err(Failure::Wrong(error)) => {
                known.keys = None;
                error
            }
        };
        known.failure = Some((now, error.clone()));
        let Some(keys) = known.keys.as_mut() else { return Err(error) };
        keys.asked(now, pause(&error));
        keys.old(now).cloned().ok_or(error)
    }

    async fn fetch(&self) -> Result<(KeySet, Duration), Failure> {
        let jwks_uri = self.server().await?.jwks_uri().map_err(Failure::Wrong)?;
        let response = self.get(&jwks_uri).await?;
        if !has_come(&response) {
            let error = unreadable("JSON Web Key Set", &self.issuer, &response);
            self.discovery.note(&error);
            return Err(Failure::Absent(error));
        }
        let keys = KeySet::read(&self.issuer, &response).map_err(Failure::Wrong)?;
        Ok((keys, lifetime(&response).max(SHORTEST_LIFETIME)))
    }

    /// The server, from its metadata, which are known or fetched.
    async fn server(&self) -> Result<Found, Failure> {
        let now = self.now();
        if let Some(server) = self.discovery.found_at(now) {
            return Ok(server);
        }
        let response = match self.metadata().await {
            Ok(response) => response,
            // Somebody has set out, in vain: until the next one does, what is known serves.
            Err(failure) => return self.discovery.found_at(now).ok_or(failure),
        };
        let server = self.discovery.learn(now, &response);
        server.map_err(if has_come(&response) { Failure::Wrong } else { Failure::Absent })
    }

    async fn metadata(&self) -> Result<HttpResponse, Failure> {
        let response = self.get(&self.issuer.oauth_metadata().map_err(Failure::Wrong)?).await?;
        if !Metadata::are_elsewhere(&response) {
            return Ok(response);
        }
        self.get(&self.issuer.oidc_metadata().map_err(Failure::Wrong)?).await
    }

    async fn get(&self, place: &Endpoint) -> Result<HttpResponse, Failure> {
        let (nobody, parameters) = (ClientCredentials::placeholder(), TokenParameters::new());
        let context = RequestContext::new(&nobody, &parameters, RequestSeed::new(self.now(), [0; 16]));
        let request = context.get(place).header("accept", "application/json, application/jwk-set+json").continues();
        let request = request.build().map_err(Failure::Wrong)?.sign().await.map_err(Failure::Wrong)?;
        self.transport.send(&request).await.map_err(Failure::Absent)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn current(&mut self, now: SystemTime) -> Option<Outcome> {
        if let Some(keys) = self.keys.as_mut().and_then(|keys| keys.current(now)) {
            return Some(Ok(Arc::clone(keys)));
        }
        let (at, error) = self.failure.as_ref()?;
        now.duration_since(*at).is_ok_and(|past| past < pause(error).max(PAUSE)).then(|| Err(error.clone()))
    }

    fn newer(&mut self, now: SystemTime) -> Option<Outcome> {
        let Some(keys) = self.keys.as_mut() else { return self.current(now) };
        if keys.may_be_asked(now) {
            return None;
        }
        match &self.failure {
            // Nobody knows whether there is such a key by now.
            Some((_, error)) => Some(Err(error.clone())),
            None => Some(Ok(Arc::clone(keys.value()))),
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// For how long the server asks to be left alone.
fn pause(error: &Error) -> Duration {
    match error.retry() {
        Retry::After(pause) => pause,
        _ => Duration::ZERO,
    }
}

fn runtime() -> Result<Handle, Error> {
    Handle::try_current().map_err(|source| {
        Error::new(ErrorKind::Configuration, "a token was to be verified outside of a tokio runtime")
            .with_remedy("call it from async code that tokio runs")
            .with_source(source)
    })
}

/// The panic's own words are not repeated: nobody knows what stands in them.
fn broken_off(ended: &JoinError) -> Error {
    if ended.is_panic() {
        return Error::new(ErrorKind::Configuration, "the transport panicked while the issuer's keys were fetched")
            .with_remedy("report the panic, which stands in the program's error output, to its authors");
    }
    Error::new(ErrorKind::Unavailable, "the runtime that was fetching the issuer's keys was shut down")
        .with_remedy("verify tokens on a runtime that lives as long as the program")
}
