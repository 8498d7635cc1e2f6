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
use crate::source::Reading;
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
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::SystemTime;

    use credentials_grant::{Endpoint, ErrorKind, RequestSeed, Retry, TokenParameters, fetch_token};
    use credentials_grant_test_kit::{Acme, credentials};
    use futures_util::future::join_all;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;

    use super::*;
    use crate::clock::ManualClock;
    use crate::http_transport::HttpTransport;
    use crate::http_transport::connections::{ClientSettings, Connections};
    use crate::http_transport::resolver::Resolver;
    use crate::http_transport::trust;

    /// A proxy on loopback that counts the logins, and what it answers to each.
    struct Proxy {
        url: String,
        logins: Arc<AtomicUsize>,
        accepts: Arc<Mutex<bool>>,
        _serving: JoinSet<()>,
    }

    impl Proxy {
        async fn start() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://user:canary@{}", listener.local_addr().unwrap());
            let (logins, accepts) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<bool>>::default());
            let (count, is_accepted) = (Arc::clone(&logins), Arc::clone(&accepts));
            let mut serving = JoinSet::new();
            serving.spawn(async move {
                loop {
                    let (mut socket, _) = listener.accept().await.unwrap();
                    let mut seen = Vec::new();
                    while !seen.ends_with(b"\r\n\r\n") {
                        assert_ne!(socket.read_buf(&mut seen).await.unwrap(), 0);
                    }
                    count.fetch_add(1, Ordering::SeqCst);
                    let status = if *is_accepted.lock().unwrap() { "502 Bad Gateway" } else { "407 Login" };
                    socket.write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes()).await.unwrap();
                }
            });
            Self { url, logins, accepts, _serving: serving }
        }

        fn logins(&self) -> usize {
            self.logins.load(Ordering::SeqCst)
        }

        fn transport(&self, login: &Arc<ProxyLogin>) -> HttpTransport {
            let value = |name: &str| (name == "HTTPS_PROXY").then(|| self.url.clone().into());
            let proxy = EnvironmentProxy::from_variables(value).unwrap();
            let settings = ClientSettings::new(Resolver::system(), proxy, trust::system().unwrap());
            let https = Connections::open_with(settings, Some(Arc::clone(login)));
            HttpTransport { https, ..HttpTransport::new().unwrap() }
        }
    }

    fn login(clock: &ManualClock) -> Arc<ProxyLogin> {
        Arc::new(ProxyLogin::new(Arc::new(clock.clone())))
    }

    fn clock() -> ManualClock {
        ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000))
    }

    async fn ask(transport: &HttpTransport, host: usize) -> Error {
        let endpoint = Endpoint::parse(&format!("https://{host}.example.com/token")).unwrap();
        let acme = Acme::new().with_endpoint(endpoint);
        let parameters = TokenParameters::new();
        fetch_token(&acme, &credentials(), &parameters, transport, RequestSeed::fixed()).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_proxy_that_refuses_its_login_is_asked_once_in_each_pause_whoever_asks() {
        let (proxy, clock) = (Proxy::start().await, clock());
        let transport = proxy.transport(&login(&clock));
        for (logins, seconds) in [(1, 1), (2, 2), (3, 4), (4, 8)] {
            let errors = join_all((0..50).map(|host| ask(&transport, host))).await;
            for error in errors {
                assert_eq!((error.kind(), error.retry()), (ErrorKind::Configuration, Retry::Never), "{error}");
                let address = proxy.url.replace("http://user:canary@", "");
                assert_eq!(error.message(), format!("the proxy {address} (HTTPS_PROXY) wants a login"));
                let shown = format!("{error} {error:?}");
                assert!(shown.contains("http://USER:PASSWORD@HOST:PORT") && !shown.contains("canary"), "{shown}");
            }
            assert_eq!(proxy.logins(), logins);
            clock.advance(Duration::from_millis(seconds * 1000 - 1));
            assert!(ask(&transport, 0).await.to_string().contains("asked again in 1s at the earliest"));
            assert_eq!(proxy.logins(), logins);
            clock.advance(Duration::from_millis(1));
        }
    }

    #[tokio::test]
    async fn a_login_that_was_accepted_ends_the_pauses_and_the_turns() {
        let (proxy, clock) = (Proxy::start().await, clock());
        let transport = proxy.transport(&login(&clock));
        ask(&transport, 0).await;
        clock.advance(Duration::from_secs(1));
        *proxy.accepts.lock().unwrap() = true;
        for error in join_all((0..50).map(|host| ask(&transport, host))).await {
            assert_eq!((error.kind(), error.retry()), (ErrorKind::Unreachable, Retry::Soon), "{error}");
        }
        assert_eq!(proxy.logins(), 51, "a proxy that does not connect is asked by each: it is not the login");
        *proxy.accepts.lock().unwrap() = false;
        ask(&transport, 0).await;
        clock.advance(Duration::from_secs(1));
        ask(&transport, 0).await;
        assert_eq!(proxy.logins(), 53, "the pause is the first one again");
    }

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
