//! The requests that a token takes, each looked at on its way: a transport that first walks to the host.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use credentials_grant::{
    ClientCredentials, CredentialsGrant, Endpoint, Error, ErrorKind, HeaderMap, HttpRequest, HttpResponse,
    RequestContext, RequestSeed, TokenParameters, TokenResponse, Transport, UnsignedRequest, Url, async_trait,
    fetch_token,
};
use credentials_grant_client::HttpTransport;
use serde::Deserialize;
use serde_json::json;

use super::clock;
use super::connection::Connections;
use super::report::{Report, Step};

/// How many ways to authenticate are shown. The registry of IANA has ten.
const MOST_METHODS: usize = 10;

/// Where RFC 8414 and OIDC Discovery have a server's metadata (RFC 8615).
const WELL_KNOWN: &str = "/.well-known/";

/// Sends what the transport within would send, and reports on the way.
pub(super) struct Examination {
    report: Arc<Report>,
    connections: Connections,
    transport: HttpTransport,
    asks_for_token: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The origins that were walked to.
    walked: Vec<String>,
    stage: Option<Stage>,
    methods: Option<Vec<String>>,
    has_compared_clocks: bool,
    token_requests: u32,
    last_url: Option<Url>,
}

/// How far it came.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Stage {
    Walk,
    Discovery,
    BeforeToken,
    Token,
}

/// Where it ended without a token.
pub(super) enum Ended {
    /// Before anything was sent.
    Nowhere,
    /// Where the report says.
    OnTheWay,
    In(&'static str),
    /// There, as was wanted.
    BeforeToken,
}

impl Examination {
    pub(super) fn new(
        report: Arc<Report>,
        connections: Connections,
        transport: HttpTransport,
        asks_for_token: bool,
    ) -> Self {
        Self { report, connections, transport, asks_for_token, state: Mutex::default() }
    }

    pub(super) fn token_requests(&self) -> u32 {
        self.state().token_requests
    }

    pub(super) fn ended(&self) -> Ended {
        match self.state().stage {
            None => Ended::Nowhere,
            Some(Stage::Walk) => Ended::OnTheWay,
            Some(Stage::Discovery) => Ended::In("discovery"),
            Some(Stage::Token) => Ended::In("token"),
            Some(Stage::BeforeToken) => Ended::BeforeToken,
        }
    }

    /// Asks the last host for its front page to see what time it is there, unless an answer has said so before.
    pub(super) async fn look_at_clock(&self, credentials: &ClientCredentials) {
        let url = match &*self.state() {
            State { has_compared_clocks: false, last_url: Some(url), .. } => url.clone(),
            _ => return,
        };
        let asked = SystemTime::now();
        match front_page(&url, credentials, &self.transport).await {
            Some(headers) => self.compare_clocks(&headers, asked),
            None => self.report.skip("clock", "the server has no front page that says what time it is"),
        }
    }

    /// The steps to the host, unless they have been walked.
    async fn walk(&self, request: &HttpRequest) -> Result<(), Error> {
        let origin = request.url().origin().ascii_serialization();
        if self.state().walked.contains(&origin) {
            return Ok(());
        }
        self.state().stage = Some(Stage::Walk);
        self.connections.walk(request.url(), request.client_certificate()).await?;
        self.state().walked.push(origin);
        Ok(())
    }

    /// What the server's metadata say, which have led to this request.
    fn end_discovery(&self, request: &HttpRequest) {
        let (url, methods) = (request.shown_url(), self.state().methods.take());
        let taken = match &methods {
            Some(methods) => methods.iter().take(MOST_METHODS).map(String::as_str).collect::<Vec<_>>().join(", "),
            None => "client_secret_basic, as it names none".to_owned(),
        };
        let step = Step::new("discovery").with_detail(format!("the token endpoint is {url}; it takes {taken}"));
        self.report.add(step.with("token_endpoint", json!(url)).with("methods", json!(methods)));
    }

    fn compare_clocks(&self, headers: &HeaderMap, asked: SystemTime) {
        if std::mem::replace(&mut self.state().has_compared_clocks, true) {
            return;
        }
        match clock::compare(headers, asked, SystemTime::now()) {
            None => self.report.skip("clock", "the server does not say what time it is"),
            Some(Ok(step)) => self.report.add(step),
            Some(Err((step, failure))) => self.report.fail(step, failure),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for Examination {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Error> {
        let is_for_metadata = request.url().path().contains(WELL_KNOWN);
        let stage_before = self.state().stage;
        if !is_for_metadata && stage_before == Some(Stage::Discovery) {
            self.end_discovery(request);
        }
        self.walk(request).await?;
        if !is_for_metadata && stage_before.is_none() {
            self.report.skip("discovery", "the token URL is known");
        }
        let stage = match (is_for_metadata, self.asks_for_token) {
            (true, _) => Stage::Discovery,
            (false, true) => Stage::Token,
            (false, false) => Stage::BeforeToken,
        };
        self.state().advance(stage, request.url());
        if stage == Stage::BeforeToken {
            return Err(Error::new(ErrorKind::Unreachable, "no token was asked for"));
        }
        let asked = SystemTime::now();
        let response = self.transport.send(request).await?;
        self.compare_clocks(response.headers(), asked);
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

/// The ways to authenticate that metadata list (RFC 8414 section 2).
fn methods(metadata: &HttpResponse) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Metadata {
        token_endpoint_auth_methods_supported: Option<Vec<String>>,
    }
    serde_json::from_slice::<Metadata>(metadata.body()).ok()?.token_endpoint_auth_methods_supported
}

/// The headers of the front page of this URL's host.
async fn front_page(url: &Url, credentials: &ClientCredentials, transport: &HttpTransport) -> Option<HeaderMap> {
    let page = FrontPage { url: Endpoint::parse(url.join("/").ok()?.as_str()).ok()?, headers: Mutex::default() };
    let seed = RequestSeed::new(SystemTime::now(), [0; 16]);
    // It is no token, whatever it is.
    let _ = fetch_token(&page, credentials, &TokenParameters::new(), transport, seed).await;
    page.headers.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Asks for a page in the place of a token.
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
        Err(Error::new(ErrorKind::BadResponse, "a page is no token"))
    }
}
