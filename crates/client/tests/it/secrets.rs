//! No secret in a log, however much of it is switched on.

use std::io;
use std::sync::{Arc, Mutex};

use credentials_grant::{ClientCredentials, Endpoint, TokenParameters};
use credentials_grant_client::TokenSource;
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::acme::acme;

/// Everything that was logged.
#[derive(Clone, Default)]
pub(crate) struct Log(pub(crate) Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn at_trace_level_neither_secret_nor_token_is_logged() {
    let log = Log::default();
    // Installed for the whole program, and with it the bridge from `log`, which reqwest and rustls write to.
    tracing_subscriber::fmt().with_max_level(Level::TRACE).with_writer(log.clone()).init();
    let server = MockServer::start().await;
    let token = r#"{"access_token":"canary-token","expires_in":3600,"refresh_token":"canary-refresh"}"#;
    let refusal =
        r#"{"error":"invalid_client","error_description":"unknown canary-secret, Basic aWQ6Y2FuYXJ5LXNlY3JldA=="}"#;
    for (at, status, body) in [("/token", 200, token), ("/refusal", 401, refusal)] {
        Mock::given(path(at)).respond_with(ResponseTemplate::new(status).set_body_string(body)).mount(&server).await;
        let acme = acme().with_endpoint(Endpoint::parse(&format!("{}{at}?key=canary-query", server.uri())).unwrap());
        let builder = TokenSource::builder(acme, ClientCredentials::new("id", "canary-secret"));
        let source = builder
            .with_parameters(TokenParameters::new().with_extra_parameter("email", "canary-parameter"))
            .build()
            .unwrap();
        tracing::trace!(outcome = ?source.token().await, ?source, "done");
    }
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        logged.contains("fetched a token") && logged.contains("fetching a token failed"),
        "the log is on: {logged}"
    );
    for line in logged.lines().filter(|line| !line.contains("wiremock")) {
        assert!(!line.contains("canary") && !line.contains("Y2FuYXJ5"), "{line}");
    }
}
