//! A vendor with incidents, and the clock that both it and the source live by.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use credentials_grant::{
    AccessToken, ClientAuthentication, ClientCredentials, CredentialsSource, Error, ErrorKind, HttpRequest,
    HttpResponse, Transport,
};
use credentials_grant_client::{Clock as _, TokenSource};
use credentials_grant_test_kit::{Acme, TokioClock, response};
use tokio::time::{Instant, sleep_until};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// How long the vendor's tokens live.
pub(crate) const LIFE: Duration = Duration::from_secs(3600);

/// For how much of it a client hands them out.
const GOOD: Duration = Duration::from_secs(3600 - 30);

/// What happens while a token is the current one. "Asked" is when its successor is asked for first.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Incident {
    /// 503, from when it is asked and for so long.
    OutageFor(Duration),
    /// 503, from when it is asked and until the token is so old.
    OutageUntil(Duration),
    /// 429 when it is asked, with this pause in `Retry-After`.
    Throttled(Duration),
    /// The first answer takes so long.
    Slow(Duration),
    /// All tokens are dead when this one is so old, nobody listens for a while, and then the answer takes its time.
    Restart { at: Duration, down: Duration, slow: Duration },
    /// The vendor takes a second secret, which the source has when the token is so old; later, it refuses the first.
    RotationWithOverlap { source: Duration, vendor: Duration },
    /// The vendor refuses the old secret from when it is asked, and the source has the new one so much later.
    RotationWithoutOverlap { lag: Duration },
}

/// What the vendor does with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Issue,
    Refuse,
    Throttle(Duration),
    /// No connection, or the client gave up.
    Unreachable,
    Unavailable,
}

#[derive(Debug)]
pub(crate) struct Vendor {
    today: TokioClock,
    incidents: BTreeMap<usize, Incident>,
    book: Mutex<Book>,
}

/// What the vendor keeps of its day.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) requests: usize,
    pub(crate) is_under_way: bool,
    /// How requests ended and when, until somebody takes notice.
    pub(crate) ended: Vec<(Duration, Act)>,
    pub(crate) tokens: Vec<Issued>,
    /// How many requests brought no token while which token was the current one.
    pub(crate) failed: BTreeMap<usize, usize>,
    /// The number of the secret that the source has.
    pub(crate) secret: usize,
    /// The number of the oldest that the vendor takes.
    oldest_secret: usize,
    /// When the current token's successor was first asked for.
    asked: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Issued {
    /// Its life is counted from here.
    pub(crate) requested: Duration,
    /// When the vendor forgot it.
    pub(crate) died: Option<Duration>,
}

impl Vendor {
    /// A vendor with these incidents, by the number of the token that is the current one then.
    pub(crate) fn new(today: TokioClock, incidents: BTreeMap<usize, Incident>) -> Arc<Self> {
        Arc::new(Self { today, incidents, book: Mutex::default() })
    }

    /// A source of its tokens.
    pub(crate) fn source(self: &Arc<Self>) -> TokenSource {
        let acme = Acme::new().with_client_authentication(ClientAuthentication::ClientSecretPost);
        let builder = TokenSource::builder(acme, Vault(Arc::clone(self)));
        builder.with_transport(Arc::clone(self)).with_clock(self.today).build().unwrap()
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    /// Lets happen what no request sets off.
    pub(crate) fn live_on(&self) {
        let now = self.today.monotonic();
        let mut book = self.book();
        let Some(current) = book.tokens.last() else { return };
        let age = now.saturating_sub(current.requested);
        match self.incidents.get(&book.tokens.len()) {
            Some(Incident::Restart { at, .. }) if age >= *at => {
                book.tokens.iter_mut().for_each(|token| token.died = token.died.or(Some(now)));
            }
            Some(Incident::RotationWithOverlap { source, vendor }) => {
                book.secret = usize::from(age >= *source);
                book.oldest_secret = usize::from(age >= *vendor);
            }
            Some(Incident::RotationWithoutOverlap { lag }) if book.asked.is_some_and(|asked| now >= asked + *lag) => {
                book.secret = book.oldest_secret;
            }
            _ => {}
        }
    }

    /// What is done with a request that comes now, and how long it takes.
    fn act(&self, book: &mut Book, secret: usize) -> (Act, Duration) {
        let now = self.today.monotonic();
        let is_first = book.asked.is_none();
        let asked = *book.asked.get_or_insert(now);
        let mut pause = Duration::ZERO;
        let age = now.saturating_sub(book.tokens.last().map_or(Duration::ZERO, |current| current.requested));
        match self.incidents.get(&book.tokens.len()) {
            Some(Incident::OutageFor(time)) if now < asked + *time => return (Act::Unavailable, pause),
            Some(Incident::OutageUntil(end)) if age < *end => return (Act::Unavailable, pause),
            Some(Incident::Throttled(wait)) if is_first => return (Act::Throttle(*wait), pause),
            Some(Incident::Restart { at, down, .. }) if age < *at + *down => return (Act::Unreachable, pause),
            Some(Incident::Restart { slow, .. }) => pause = *slow,
            Some(Incident::RotationWithoutOverlap { .. }) if is_first => book.oldest_secret += 1,
            Some(Incident::Slow(time)) if is_first => pause = *time,
            _ => {}
        }
        (if secret < book.oldest_secret { Act::Refuse } else { Act::Issue }, pause)
    }
}

impl Book {
    pub(crate) fn issued(&self, token: &AccessToken) -> Issued {
        let number = token.header_value().to_str().unwrap().strip_prefix("Bearer token-").unwrap();
        self.tokens[number.parse::<usize>().unwrap() - 1]
    }

    /// The token that a client has in its hands and may use.
    pub(crate) fn good_token(&self, now: Duration) -> Option<Issued> {
        self.tokens.last().filter(|token| token.died.is_none() && now < token.requested + GOOD).copied()
    }

    fn close(&mut self, requested: Duration, act: Act, now: Duration) {
        self.is_under_way = false;
        self.ended.push((now, act));
        if matches!(act, Act::Issue) {
            self.tokens.push(Issued { requested, died: None });
            self.asked = None;
        } else {
            *self.failed.entry(self.tokens.len()).or_default() += 1;
        }
    }
}

#[async_trait]
impl Transport for Vendor {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Error> {
        let mut visit = Visit { vendor: self, requested: self.today.monotonic(), act: Act::Unreachable };
        let (act, pause) = {
            let mut book = self.book();
            assert!(!book.is_under_way, "two requests at once");
            book.is_under_way = true;
            book.requests += 1;
            self.act(&mut book, secret_in(request))
        };
        sleep_until(Instant::now() + pause).await;
        visit.act = act;
        let number = self.book().tokens.len() + 1;
        Ok(match act {
            Act::Issue => {
                let body = format!(r#"{{"access_token":"token-{number}","expires_in":{}}}"#, LIFE.as_secs());
                response(200, &[], body)
            }
            Act::Refuse => response(401, &[], r#"{"error":"invalid_client"}"#),
            Act::Throttle(wait) => response(429, &[("retry-after", &wait.as_secs().to_string())], ""),
            Act::Unreachable => return Err(Error::new(ErrorKind::Unreachable, "nobody listens")),
            Act::Unavailable => response(503, &[], ""),
        })
    }
}

/// A request at the vendor. It is entered into the book how it ended, also if the client gave it up.
struct Visit<'a> {
    vendor: &'a Vendor,
    requested: Duration,
    act: Act,
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.vendor.book().close(self.requested, self.act, self.vendor.today.monotonic());
    }
}

/// Where the secret is looked up.
#[derive(Debug)]
struct Vault(Arc<Vendor>);

#[async_trait]
impl CredentialsSource for Vault {
    async fn load(&self) -> Result<ClientCredentials, Error> {
        Ok(ClientCredentials::new("client", format!("secret-{}", self.0.book().secret)))
    }
}

fn secret_in(request: &HttpRequest) -> usize {
    let body = str::from_utf8(request.body()).unwrap();
    let (_, secret) = body.split_once("client_secret=secret-").unwrap();
    secret.split('&').next().unwrap().parse().unwrap()
}
