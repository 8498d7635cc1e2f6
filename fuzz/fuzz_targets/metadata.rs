//! Reads arbitrary responses of an issuer and of its endpoints. Each is a status line, headers, an empty line and a
//! body; lines of `%` separate them. Anything else stands for no response.

#![no_main]

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use credentials_grant_fuzz::response;
use credentials_grant_oauth2::{
    ClientCertificate, ClientCredentials, CredentialsGrant, Error, HttpRequest, OAuth2, RequestSeed, SecretString,
    TokenParameters, fetch_token, introspect, revoke,
};
use credentials_grant_test_kit::{Answer, TestServer};
use futures_executor::block_on;
use libfuzzer_sys::fuzz_target;

/// A remote issuer, and one on this machine.
const ISSUERS: [&str; 2] = ["https://login.example.com/t", "http://127.0.0.1:8080"];

fuzz_target!(|input: &[u8]| {
    let is_here = input.windows(ISSUERS[1].len()).any(|text| text == ISSUERS[1].as_bytes());
    let issuer = ISSUERS[usize::from(is_here)];
    let answers = Arc::new(Mutex::new(answers(input)));
    let server = server(issuer, &answers);
    let provider = OAuth2::discover(issuer.parse().expect("a valid issuer"));
    // While the metadata is fresh, stale, and too old to be used.
    let mut hours = [0, 0, 1, 1, 2, 26, 60].into_iter();
    while let Some(passed) = hours.next().filter(|_| !answers.lock().unwrap().is_empty()) {
        trips(&provider, &server, Duration::from_secs(passed * 60 * 60));
    }
});

static TOKEN: LazyLock<SecretString> = LazyLock::new(|| "sparrow".into());

static WITH_SECRET: LazyLock<ClientCredentials> = LazyLock::new(|| ClientCredentials::new("id", "canary"));

static WITH_CERTIFICATE: LazyLock<ClientCredentials> =
    LazyLock::new(|| ClientCredentials::without_secret("id").with_certificate(ClientCertificate::from_pem("pem")));

fn trips(provider: &dyn CredentialsGrant, server: &TestServer, passed: Duration) {
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

/// Returns the answers.
fn answers(input: &[u8]) -> VecDeque<Answer> {
    let mut answers = VecDeque::new();
    let mut rest = input;
    while let Some(end) = rest.windows(3).position(|bytes| bytes == b"\n%\n") {
        answers.push_back(answer(&rest[..end]));
        rest = &rest[end + 3..];
    }
    answers.push_back(answer(rest));
    answers
}

fn answer(input: &[u8]) -> Answer {
    response(input).map_or_else(Answer::unreachable, Answer::from)
}

/// Makes a server that gives one answer after the other, and checks the requests.
fn server(issuer: &'static str, answers: &Arc<Mutex<VecDeque<Answer>>>) -> TestServer {
    let answers = Arc::clone(answers);
    TestServer::new(move |request, _| {
        check_request(issuer, request);
        answers.lock().unwrap().pop_front().unwrap_or_else(Answer::unreachable)
    })
}

fn check_request(issuer: &str, request: &HttpRequest) {
    let url = request.url();
    let is_loopback = matches!(url.host_str(), Some("localhost" | "[::1]"))
        || url.host_str().is_some_and(|host| host.starts_with("127."));
    let may_be_plain = issuer.starts_with("http:") && is_loopback;
    assert!(url.scheme() == "https" || may_be_plain && url.scheme() == "http", "{url}");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{url}");
    if request.method() == "GET" {
        let origin = issuer.trim_end_matches("/t");
        assert!(url.as_str().starts_with(origin) && url.path().contains("/.well-known/"), "{url}");
        assert!(request.body().is_empty() && !request.headers().contains_key("authorization"), "{url}");
    } else {
        assert_eq!(request.method(), "POST");
    }
}
