//! Copies of a secret in memory, after a token was fetched and everything was dropped.
//!
//! A child process fetches the token and reads its own memory through `/proc`. The server is in the parent: what it
//! receives is not counted.

use std::env;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::process::Command;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use credentials_grant::{
    ClientAuthentication, ClientCredentials, CredentialsGrant, Endpoint, Error, ExposeSecret, HttpRequest,
    HttpResponse, RequestContext, SecretString, TokenResponse, Transport, UnsignedRequest, async_trait,
};
use credentials_grant_client::{FileCredentials, HttpTransport, TokenSource};
use credentials_grant_test_kit::{Acme, Answer, TestServer};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

const URL: &str = "CREDENTIALS_GRANT_TEST_URL";

/// Answers without keeping anything of the request, as the test server of the kit would.
#[derive(Debug)]
struct Forgetting;

#[async_trait]
impl Transport for Forgetting {
    async fn send(&self, _: &HttpRequest) -> Result<HttpResponse, Error> {
        let server = TestServer::in_turn([Answer::Token(3600)]);
        server.send(&HttpRequest::get(&Acme::endpoint())).await
    }
}

/// A vendor that wants its parameters as JSON.
#[derive(Debug)]
struct Json(Acme);

impl CredentialsGrant for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        let request = context.post(&Acme::endpoint()).json().client_credentials();
        request.client_authentication(ClientAuthentication::ClientSecretPost).scope().build()
    }

    fn read_response(&self, response: &HttpResponse) -> Result<TokenResponse, Error> {
        self.0.read_response(response)
    }
}

/// A secret that stands nowhere in the program: 64 letters and digits. It is made without a copy.
fn secret() -> SecretString {
    let mut secret = String::with_capacity(64);
    let letters = (0..64_u32).filter_map(|n| char::from_digit((n * n + n / 5) % 36, 36));
    secret.extend(letters);
    secret.into()
}

/// Something to look for, inverted so that this is not found itself.
struct Needle(Vec<u8>);

impl Needle {
    /// The end of a text: an allocator writes to the start of what was freed.
    fn end_of(text: &SecretString) -> Self {
        let bytes = text.expose_secret().trim_end_matches('=').as_bytes();
        Self(bytes[bytes.len() - 24..].iter().map(|byte| !byte).collect())
    }

    fn count(&self, memory: &[u8]) -> usize {
        let [first, ..] = self.0[..] else { return 0 };
        let starts = memory.iter().enumerate().filter(|(_, byte)| **byte == !first).map(|(at, _)| at);
        let is_here = |at: &usize| {
            let here = memory[*at..].iter().take(self.0.len());
            here.len() == self.0.len() && here.zip(&self.0).all(|(byte, inverted)| *byte == !inverted)
        };
        starts.filter(is_here).count()
    }
}

/// How often each of these is in the memory of this process that it can write to.
fn copies(needles: &[Needle]) -> Vec<usize> {
    let mut counts = vec![0; needles.len()];
    let mut memory = File::open("/proc/self/mem").unwrap();
    let mut buffer = vec![0_u8; 1024 * 1024];
    // Left out: it has what was read before.
    let own = buffer.as_ptr() as usize..buffer.as_ptr() as usize + buffer.len();
    for region in fs::read_to_string("/proc/self/maps").unwrap().lines() {
        let (range, permissions) = region.split_once(' ').unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let [start, end] = [start, end].map(|address| usize::from_str_radix(address, 16).unwrap());
        if !permissions.starts_with("rw") {
            continue;
        }
        for part in [start..end.min(own.start), start.max(own.end)..end] {
            for at in part.clone().step_by(buffer.len()) {
                let read = &mut buffer[..part.end.min(at + (1024 * 1024)) - at];
                memory.seek(SeekFrom::Start(at as u64)).unwrap();
                if memory.read_exact(read).is_ok() {
                    needles.iter().zip(&mut counts).for_each(|(needle, count)| *count += needle.count(read));
                }
            }
        }
    }
    buffer.fill(0);
    counts
}

/// The secret as it is, and within Basic, whichever way it is aligned there.
fn needles() -> Vec<Needle> {
    let pair = SecretString::from(format!("id:{}", secret().expose_secret()));
    vec![Needle::end_of(&secret()), Needle::end_of(&BASE64_STANDARD.encode(pair.expose_secret()).into())]
}

fn fetch(provider: impl CredentialsGrant, transport: impl Transport, from_file: bool) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(1).build().unwrap();
    let source = if from_file {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), secret().expose_secret()).unwrap();
        let source = TokenSource::builder(provider, FileCredentials::new("id", file.path()));
        let source = source.with_transport(transport).build().unwrap();
        runtime.block_on(source.token()).unwrap();
        source
    } else {
        let source = TokenSource::builder(provider, ClientCredentials::new("id", secret()));
        let source = source.with_transport(transport).build().unwrap();
        runtime.block_on(source.token()).unwrap();
        assert!(copies(&needles())[0] >= 1, "the credentials that are in use are found");
        source
    };
    drop((source, runtime));
}

/// Runs a test of this file in a process of its own.
fn in_a_child(test: &str, url: &str) {
    let mut child = Command::new(env::current_exe().unwrap());
    let child = child.args(["--ignored", "--exact", &format!("memory::{test}"), "--nocapture"]);
    let output = child.env(URL, url).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn of_a_request_that_was_made_nothing_of_the_secret_is_left() {
    in_a_child("child_makes_requests", "");
}

#[test]
#[ignore = "is run by another test"]
fn child_makes_requests() {
    let needles = needles();
    for from_file in [false, true] {
        for method in ClientAuthentication::ALL.into_iter().filter(|method| method.name().contains("secret")) {
            fetch(Acme::new().with_client_authentication(method), Forgetting, from_file);
            assert_eq!(copies(&needles), [0, 0], "{method:?} from a file: {from_file}");
        }
        fetch(Json(Acme::new()), Forgetting, from_file);
        assert_eq!(copies(&needles), [0, 0], "JSON, from a file: {from_file}");
    }
}

#[test]
fn of_a_request_that_was_sent_at_most_the_copy_of_the_http_client_is_left() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(async {
        let server = MockServer::start().await;
        let token = ResponseTemplate::new(200).set_body_string(r#"{"access_token":"abc","expires_in":3600}"#);
        Mock::given(any()).respond_with(token).mount(&server).await;
        server
    });
    in_a_child("child_sends_requests", &server.uri());
}

#[test]
#[ignore = "is run by another test"]
fn child_sends_requests() {
    let needles = needles();
    let url = env::var(URL).unwrap();
    let transport = Arc::new(HttpTransport::new().unwrap());
    // hyper writes a request through a buffer of its own, which it does not wipe.
    for (method, most) in
        [(ClientAuthentication::ClientSecretPost, [1, 0]), (ClientAuthentication::ClientSecretBasic, [1, 1])]
    {
        let provider = Acme::new().with_endpoint(Endpoint::parse(&url).unwrap());
        fetch(provider.with_client_authentication(method), Arc::clone(&transport), false);
        let copies = copies(&needles);
        assert!(copies[0] <= most[0] && copies[1] <= most[1], "{method:?}: {copies:?}");
    }
}
