//! A vendor that keeps to RFC 6749, and a transport that the test steers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use credentials_grant::{
    ClientAuthentication, ClientCredentials, CredentialsGrant, Endpoint, Error, HeaderMap, HttpRequest, HttpResponse,
    Policy, RequestContext, StatusCode, Transport, UnsignedRequest,
};
use credentials_grant_client::{Clock, ManualClock, TokenSource, TokenSourceBuilder};
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::Instant;

#[derive(Debug)]
pub(crate) struct Acme(pub(crate) Endpoint);

impl Acme {
    pub(crate) fn new() -> Self {
        Self(endpoint())
    }
}

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::from_static("https://auth.example.com/token")
}

impl CredentialsGrant for Acme {
    fn name(&self) -> &'static str {
        "acme"
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        context
            .post(&self.0)
            .client_authentication(ClientAuthentication::ClientSecretBasic)
            .client_credentials()
            .scope()
            .build()
    }

    fn policy(&self) -> Policy {
        Policy::new().with_address_blocking()
    }
}

/// What a scripted vendor does with a request.
#[derive(Debug)]
pub(crate) enum Act {
    /// Issues a token that lives so many seconds, named after the request's number.
    Issue(u64),
    Answer(u16, &'static str),
    Fail(Error),
    Panic,
}

/// Does what its script says, one act a request, each when the test opens the gate.
#[derive(Debug)]
pub(crate) struct Script {
    acts: Mutex<Vec<Act>>,
    requests: AtomicUsize,
    gate: Semaphore,
}

impl Script {
    /// A vendor whose gate is open.
    pub(crate) fn new(acts: impl IntoIterator<Item = Act>) -> Arc<Self> {
        let script = Self::gated(acts);
        script.open(1000);
        script
    }

    /// A vendor that answers nobody until its gate is opened.
    pub(crate) fn gated(acts: impl IntoIterator<Item = Act>) -> Arc<Self> {
        let mut acts: Vec<_> = acts.into_iter().collect();
        acts.reverse();
        Arc::new(Self { acts: Mutex::new(acts), requests: AtomicUsize::new(0), gate: Semaphore::new(0) })
    }

    pub(crate) fn open(&self, requests: usize) {
        self.gate.add_permits(requests);
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, _: &HttpRequest) -> Result<HttpResponse, Error> {
        let number = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        self.gate.acquire().await.unwrap().forget();
        let act = self.acts.lock().unwrap().pop().expect("the script has an act left");
        let (status, body) = match act {
            Act::Issue(seconds) => (200, format!(r#"{{"access_token":"token-{number}","expires_in":{seconds}}}"#)),
            Act::Answer(status, body) => (status, body.to_owned()),
            Act::Fail(error) => return Err(error),
            Act::Panic => panic!("the transport panics, as the test asked"),
        };
        Ok(HttpResponse::new(StatusCode::from_u16(status).unwrap(), HeaderMap::new(), body.into_bytes()))
    }
}

pub(crate) fn clock() -> ManualClock {
    ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600))
}

pub(crate) fn builder(script: &Arc<Script>, clock: &ManualClock) -> TokenSourceBuilder {
    on_clock(script, clock.clone())
}

pub(crate) fn on_clock(script: &Arc<Script>, clock: impl Clock) -> TokenSourceBuilder {
    TokenSource::builder(Acme::new(), ClientCredentials::new("id", "a-client-secret"))
        .with_transport(Arc::clone(script))
        .with_clock(clock)
}

pub(crate) fn source(script: &Arc<Script>, clock: &ManualClock) -> TokenSource {
    builder(script, clock).build().unwrap()
}

/// The token that a source hands out, or what it says instead.
pub(crate) async fn token(source: &TokenSource) -> Result<String, Error> {
    source.token().await.map(|token| token.header_value().to_str().unwrap().to_owned())
}

/// Both clocks as tokio has them, for tests in which something sleeps: paused, they jump to when it wakes.
#[derive(Debug)]
pub(crate) struct TokioClock(Instant);

impl TokioClock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for TokioClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + SECOND * 1_767_225_600 + self.0.elapsed()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Lets every other task run until it waits.
pub(crate) async fn settle() {
    for _ in 0..100 {
        yield_now().await;
    }
}
