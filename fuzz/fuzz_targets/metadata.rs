//! Reads arbitrary responses of an issuer and of its endpoints. Each is a status line, headers, an empty line and a
//! body; lines of `%` separate them. Anything else stands for no response.

#![no_main]

use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use credentials_grant_oauth2::{
    ClientCertificate, ClientCredentials, CredentialsGrant, Error, ErrorKind, HeaderMap, HeaderName, HeaderValue,
    HttpRequest, HttpResponse, OAuth2, RequestSeed, SecretString, StatusCode, TokenParameters, Transport, async_trait,
    fetch_token, introspect, revoke,
};
use futures_executor::block_on;
use libfuzzer_sys::fuzz_target;

/// A remote issuer, and one on this machine.
const ISSUERS: [&str; 2] = ["https://login.example.com/t", "http://127.0.0.1:8080"];

fuzz_target!(|input: &[u8]| {
    let is_here = input.windows(ISSUERS[1].len()).any(|text| text == ISSUERS[1].as_bytes());
    let issuer = ISSUERS[usize::from(is_here)];
    let server = Server { issuer, answers: Mutex::new(answers(input)) };
    let provider = OAuth2::discover(issuer.parse().expect("a valid issuer"));
    // While the metadata is fresh, stale, and too old to be used.
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

/// The secret as it is, and as Basic sends it.
const SECRET: [&str; 2] = ["canary", "aWQ6Y2FuYXJ5"];

/// Checks that an error is one short line that says what to do and shows none of the secrets.
fn check(outcome: Result<(), Error>, secrets: &[&str]) {
    let Err(error) = outcome else { return };
    let shown = error.to_string();
    assert!(error.remedy().is_some(), "{error}");
    assert!(shown.len() < 2000 && !shown.contains(char::is_control), "{shown:?}");
    assert!(!secrets.iter().any(|secret| shown.contains(secret)), "{shown}");
}

/// Returns the responses, the last one first. `None` stands for no response.
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

/// Gives one response after the other, and checks the requests.
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
