//! Reads arbitrary answers of an issuer and of the endpoints that it leads to: each as `200`, headers, an empty line,
//! the body; a line of `%` between two. What is none of these is that nobody answers.

#![no_main]

use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use credentials_grant_oauth2::{
    TokenParameters, ClientCertificate, ClientCredentials, CredentialsGrant, Error, ErrorKind, HeaderMap, HeaderName, HeaderValue,
    OAuth2, HttpRequest, SecretString, StatusCode, RequestSeed, HttpResponse, Transport, async_trait, fetch_token,
    introspect, revoke,
};
use futures_executor::block_on;
use libfuzzer_sys::fuzz_target;

/// Far away, and on this machine.
const ISSUERS: [&str; 2] = ["https://login.example.com/t", "http://127.0.0.1:8080"];

fuzz_target!(|input: &[u8]| {
    let is_here = input.windows(ISSUERS[1].len()).any(|text| text == ISSUERS[1].as_bytes());
    let issuer = ISSUERS[usize::from(is_here)];
    let server = Server { issuer, answers: Mutex::new(answers(input)) };
    let provider = OAuth2::discover(issuer.parse().expect("it is an issuer"));
    // Before and after the metadata have aged, up to when they are of no use.
    let mut hours = [0, 0, 1, 1, 2, 26, 60].into_iter();
    while let Some(passed) = hours.next().filter(|_| !server.has_said_all()) {
        trips(&provider, &server, Duration::from_secs(passed * 60 * 60));
    }
});

static TOKEN: LazyLock<SecretString> = LazyLock::new(|| "sparrow".into());

static WITH_SECRET: LazyLock<ClientCredentials> = LazyLock::new(|| ClientCredentials::new("id", "canary"));

static WITH_CERTIFICATE: LazyLock<ClientCredentials> =
    LazyLock::new(|| ClientCredentials::without_secret("id").with_certificate(ClientCertificate::from_pem("pem")));

fn trips(provider: &dyn CredentialsGrant, server: &Server, passed: Duration) {
    let now = || RequestSeed::new(RequestSeed::fixed().now + passed, [7; 16]);
    check(block_on(fetch_token(provider, &WITH_SECRET, &TokenParameters::new(), server, now())).map(|_| ()), &SECRET);
    check(block_on(fetch_token(provider, &WITH_CERTIFICATE, &TokenParameters::new(), server, now())).map(|_| ()), &[]);
    check(block_on(introspect(provider, &WITH_SECRET, &TOKEN, server, now())).map(|_| ()), &SECRET);
    check(block_on(revoke(provider, &WITH_CERTIFICATE, &TOKEN, server, now())), &["sparrow"]);
}

/// As it is, and as Basic sends it.
const SECRET: [&str; 2] = ["canary", "aWQ6Y2FuYXJ5"];

/// An error is one line, not too long, and shows none of the trip's secrets.
fn check(outcome: Result<(), Error>, secrets: &[&str]) {
    let Err(error) = outcome else { return };
    let shown = error.to_string();
    assert!(error.remedy().is_some(), "{error}");
    assert!(shown.len() < 2000 && !shown.contains(char::is_control), "{shown:?}");
    assert!(!secrets.iter().any(|secret| shown.contains(secret)), "{shown}");
}

/// The last first. One that is none is that nobody answers.
fn answers(input: &[u8]) -> Vec<Option<HttpResponse>> {
    let mut answers = Vec::new();
    let mut rest = input;
    while let Some(end) = rest.windows(3).position(|bytes| bytes == b"\n%\n") {
        answers.push(answer(&rest[..end]));
        rest = &rest[end + 3..];
    }
    answers.push(answer(rest));
    answers.reverse();
    answers
}

fn answer(input: &[u8]) -> Option<HttpResponse> {
    let end = input.windows(2).position(|bytes| bytes == b"\n\n")?;
    let (head, body) = (&input[..end], &input[end + 2..]);
    let mut lines = head.split(|&byte| byte == b'\n');
    let status = StatusCode::from_bytes(lines.next()?).ok()?;
    let header = |line: &[u8]| {
        let colon = line.iter().position(|&byte| byte == b':')?;
        Some((
            HeaderName::from_bytes(&line[..colon]).ok()?,
            HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?,
        ))
    };
    let headers: HeaderMap = lines.filter_map(header).collect();
    Some(HttpResponse::new(status, headers, body.to_vec()))
}

/// Gives one answer after the other, and looks at where it is asked.
#[derive(Debug)]
struct Server {
    issuer: &'static str,
    answers: Mutex<Vec<Option<HttpResponse>>>,
}

impl Server {
    fn has_said_all(&self) -> bool {
        self.answers.lock().unwrap().is_empty()
    }
}

#[async_trait]
impl Transport for Server {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Error> {
        let url = request.url();
        let is_loopback = matches!(url.host_str(), Some("localhost" | "[::1]"))
            || url.host_str().is_some_and(|host| host.starts_with("127."));
        let may_be_plain = self.issuer.starts_with("http:") && is_loopback;
        assert!(url.scheme() == "https" || may_be_plain && url.scheme() == "http", "{url}");
        assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{url}");
        if request.method() == "GET" {
            let origin = self.issuer.trim_end_matches("/t");
            assert!(url.as_str().starts_with(origin) && url.path().contains("/.well-known/"), "{url}");
            assert!(request.body().is_empty() && !request.headers().contains_key("authorization"), "{url}");
        } else {
            assert_eq!(request.method(), "POST");
        }
        let answer = self.answers.lock().unwrap().pop().flatten();
        answer.ok_or_else(|| Error::new(ErrorKind::Unreachable, "nobody answers").with_remedy("wait"))
    }
}
