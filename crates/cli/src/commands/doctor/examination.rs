//! A transport that checks the connection to a host before it sends a request, and reports each step.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;
use std::{fmt, mem};

use credentials_grant::{
    ClientCredentials, CredentialsGrant, Endpoint, Error, ErrorKind, HeaderMap, HttpRequest, HttpResponse, Method,
    RequestContext, RequestSeed, TokenParameters, TokenResponse, Transport, UnsignedRequest, Url, async_trait,
    fetch_token,
};
use credentials_grant_client::HttpTransport;
use reqwest::header::ACCEPT;
use serde::Deserialize;
use serde_json::json;

use super::clock::{self, Comparison};
use super::connection::Connections;
use super::report::{Report, Step};

/// How many client authentication methods are shown. The registry of IANA has ten.
const MAX_SHOWN_METHODS: usize = 10;

/// Part of the path of a server's metadata (RFC 8414, OIDC Discovery, RFC 8615).
const WELL_KNOWN: &str = "/.well-known/";

/// Sends requests with the transport in it, and reports the steps on the way.
pub(super) struct Examination {
    report: Arc<Report>,
    connections: Connections,
    transport: HttpTransport,
    requests_token: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The first steps, until they are reported.
    before: Vec<Step>,
    /// The origins whose connection was checked.
    checked: Vec<String>,
    stage: Option<Stage>,
    methods: Option<Vec<String>>,
    has_compared_clocks: bool,
    /// What the difference between the clocks may mean, if there is one.
    clock_advice: Option<String>,
    /// Whether a token request holds something signed, which says when it was made.
    is_signed: bool,
    token_requests: u32,
    last_url: Option<Url>,
}

/// How far the way to the token went.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Stage {
    Connection,
    Discovery,
    BeforeToken,
    Token,
}

/// Where the way ended without a token.
pub(super) enum Ended {
    /// Before anything was sent.
    BeforeStart,
    /// In a step whose failure is in the report.
    Reported,
    /// In this step.
    In(&'static str),
    /// Before the token request, as `--no-token` wants.
    BeforeToken,
}

impl Examination {
    /// Reports the steps `before` the network first, once it is certain that the settings make a request.
    pub(super) fn new(
        report: Arc<Report>,
        before: Vec<Step>,
        connections: Connections,
        transport: HttpTransport,
        requests_token: bool,
    ) -> Self {
        Self { report, connections, transport, requests_token, state: Mutex::new(State { before, ..State::default() }) }
    }

    pub(super) fn token_requests(&self) -> u32 {
        self.state().token_requests
    }

    pub(super) fn ended(&self) -> Ended {
        match self.state().stage {
            None => Ended::BeforeStart,
            Some(Stage::Connection) => Ended::Reported,
            Some(Stage::Discovery) => Ended::In("discovery"),
            Some(Stage::Token) => Ended::In("token"),
            Some(Stage::BeforeToken) => Ended::BeforeToken,
        }
    }

    /// Compares the clocks by the front page of the last host, unless a response has told the time before.
    pub(super) async fn check_clock(&self, credentials: &ClientCredentials) {
        let url = match &*self.state() {
            State { has_compared_clocks: false, last_url: Some(url), .. } => url.clone(),
            _ => return,
        };
        if url.path() == "/" {
            // A GET could be what requests a token.
            return self.report.skip("clock", "the token URL is the server's front page");
        }
        let sent = SystemTime::now();
        match front_page(&url, credentials, &self.transport).await {
            Some(headers) => self.compare_clocks(&headers, sent),
            None => self.report.skip("clock", "the server's front page has no date"),
        }
    }

    /// Checks the connection to the host, unless that was done before.
    async fn connect(&self, request: &HttpRequest) -> Result<(), Error> {
        let origin = request.url().origin().ascii_serialization();
        if self.state().checked.contains(&origin) {
            return Ok(());
        }
        self.state().stage = Some(Stage::Connection);
        self.connections.check(request.url(), request.client_certificate()).await?;
        self.state().checked.push(origin);
        Ok(())
    }

    /// Reports the discovery that led to this request.
    fn end_discovery(&self, request: &HttpRequest) {
        let (url, methods) = (request.shown_url(), self.state().methods.take());
        let accepted = match &methods {
            Some(methods) => methods.iter().take(MAX_SHOWN_METHODS).map(String::as_str).collect::<Vec<_>>().join(", "),
            None => "client_secret_basic (the default: the metadata list none)".to_owned(),
        };
        let step = Step::new("discovery").with_detail(format!("the token endpoint is {url}; it accepts {accepted}"));
        self.report.add(step.with("token_endpoint", json!(url)).with("methods", json!(methods)));
    }

    fn compare_clocks(&self, headers: &HeaderMap, sent: SystemTime) {
        if std::mem::replace(&mut self.state().has_compared_clocks, true) {
            return;
        }
        let Some(Comparison { outcome, advice }) = clock::compare(headers, sent, SystemTime::now()) else {
            return self.report.skip("clock", "the server's response has no date");
        };
        self.state().clock_advice = advice;
        match outcome {
            Ok(step) => self.report.add(step),
            Err((step, error)) => self.report.fail(step, error),
        }
    }

    /// Returns what a difference of seconds between the clocks may mean for a refusal, if the request was signed.
    pub(super) fn clock_advice(&self) -> Option<String> {
        let state = self.state();
        state.clock_advice.clone().filter(|_| state.is_signed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for Examination {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Error> {
        let is_for_metadata = is_for_metadata(request);
        let stage_before = self.state().stage;
        let before = mem::take(&mut self.state().before);
        for step in before {
            self.report.add(step);
        }
        if !is_for_metadata && stage_before == Some(Stage::Discovery) {
            self.end_discovery(request);
        }
        self.connect(request).await?;
        if !is_for_metadata && stage_before.is_none() {
            self.report.skip("discovery", "the token URL is known");
        }
        let stage = match (is_for_metadata, self.requests_token) {
            (true, _) => Stage::Discovery,
            (false, true) => Stage::Token,
            (false, false) => Stage::BeforeToken,
        };
        self.state().advance(stage, request.url());
        self.state().is_signed |= is_signed(request);
        if stage == Stage::BeforeToken {
            return Err(Error::new(ErrorKind::Unreachable, "no token was requested"));
        }
        let sent = SystemTime::now();
        let response = self.transport.send(request).await?;
        self.compare_clocks(response.headers(), sent);
        if stage == Stage::Discovery {
            self.state().methods = methods(&response);
        }
        Ok(response)
    }
}

impl State {
    fn advance(&mut self, stage: Stage, url: &Url) {
        self.stage = Some(stage);
        self.last_url = Some(url.clone());
        self.token_requests += u32::from(stage == Stage::Token);
    }
}

impl fmt::Debug for Examination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Examination").field("transport", &self.transport).finish_non_exhaustive()
    }
}

/// Returns `true` for a GET of metadata. A token request may have such a path as well, but not without anything that
/// tells who the client is: parameters, or a header.
fn is_for_metadata(request: &HttpRequest) -> bool {
    let url = request.url();
    let is_bare =
        url.query().is_none() && request.body().is_empty() && request.headers().keys().all(|name| *name == ACCEPT);
    request.method() == Method::GET && is_bare && url.path().contains(WELL_KNOWN)
}

/// Returns `true` if there is an assertion (RFC 7523) or a proof (RFC 9449) in the request.
fn is_signed(request: &HttpRequest) -> bool {
    let name = b"client_assertion";
    request.headers().contains_key("dpop") || request.body().windows(name.len()).any(|part| part == name)
}

/// Returns the client authentication methods in metadata (RFC 8414 section 2).
fn methods(metadata: &HttpResponse) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Metadata {
        token_endpoint_auth_methods_supported: Option<Vec<String>>,
    }
    serde_json::from_slice::<Metadata>(metadata.body()).ok()?.token_endpoint_auth_methods_supported
}

/// Returns the response headers of the front page of this URL's host.
async fn front_page(url: &Url, credentials: &ClientCredentials, transport: &HttpTransport) -> Option<HeaderMap> {
    let page = FrontPage { url: Endpoint::parse(url.join("/").ok()?.as_str()).ok()?, headers: Mutex::default() };
    let seed = RequestSeed::new(SystemTime::now(), [0; 16]);
    // Always an error, because a page is not a token.
    let _ = fetch_token(&page, credentials, &TokenParameters::new(), transport, seed).await;
    page.headers.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// A provider that fetches a page instead of a token, and keeps its headers.
#[derive(Debug)]
struct FrontPage {
    url: Endpoint,
    headers: Mutex<Option<HeaderMap>>,
}

impl CredentialsGrant for FrontPage {
    fn name(&self) -> &'static str {
        "front page"
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        context.get(&self.url).build()
    }

    fn read_response(&self, response: &HttpResponse) -> Result<TokenResponse, Error> {
        *self.headers.lock().unwrap_or_else(PoisonError::into_inner) = Some(response.headers().clone());
        Err(Error::new(ErrorKind::BadResponse, "a page is not a token"))
    }
}
