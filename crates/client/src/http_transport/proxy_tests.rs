//! Logins that a proxy on loopback refuses and accepts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use credentials_grant::{Endpoint, Error, ErrorKind, RequestSeed, Retry, TokenParameters, fetch_token};
use credentials_grant_test_kit::{Acme, credentials};
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::HttpTransport;
use super::connections::{ClientSettings, Connections};
use super::environment_proxy::EnvironmentProxy;
use super::proxy_login::ProxyLogin;
use super::resolver::Resolver;
use super::trust;
use crate::clock::ManualClock;

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
