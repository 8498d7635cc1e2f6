//! Lets an API answer calls with arbitrary statuses, challenges and nonces: `401`, headers, an empty line, and so on.

#![no_main]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use credentials_grant::{
    TokenParameters, RequestContext, ClientAuthentication, ClientCredentials, CredentialsGrant, Error, HeaderMap, HeaderName, HeaderValue,
    ProofKey, HttpRequest, StatusCode, Endpoint, UnsignedRequest, HttpResponse, Transport, async_trait,
};
use credentials_grant_client::{Authorizer, KeySigner, ManualClock, TokenSource};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Builder;

/// The most answers of one input.
const MOST_ANSWERS: usize = 8;

/// The key of RFC 8037 appendix A.1.
const KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

fuzz_target!(|input: &[u8]| {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let bound = TokenParameters::new().with_proof_key(ProofKey::new(KeySigner::from_jwk(KEY).unwrap()).unwrap());
    for parameters in [TokenParameters::new(), bound] {
        let clock = ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600));
        let is_bound = parameters.proof_key().is_some();
        let builder = TokenSource::builder(Acme { is_bound }, ClientCredentials::new("id", "canary"));
        let transport = Issuer { is_bound, issued: AtomicU64::new(0) };
        let source = builder.with_parameters(parameters).with_transport(transport).with_clock(clock.clone()).build().unwrap();
        let authorizer = Authorizer::builder(source.clone()).with_host("api.example.com").build().unwrap();
        for (status, headers) in answers(input) {
            let mut request = http::Request::get("https://api.example.com/v1").body(()).unwrap();
            // Whatever was said before, the next call can be made.
            let presented = runtime.block_on(authorizer.authorize(&mut request)).unwrap();
            assert_eq!(request.headers().contains_key("dpop"), is_bound);
            for value in request.headers().values() {
                assert!(value.is_sensitive() && value.as_bytes().iter().all(|byte| (b' '..=b'~').contains(byte)));
                assert!(value.len() < 4096, "a proof that no server takes");
            }
            let before = source.cached().map(|token| token.header_value().clone());
            let again = authorizer.answered(&presented, status, &headers);
            let after = source.cached().map(|token| token.header_value().clone());
            let may_be_a_complaint = status == 401 || headers.get("grpc-status").is_some_and(|code| code == "16");
            assert!(!again || may_be_a_complaint, "{status} is no reason to send a call again");
            assert!(before == after || may_be_a_complaint, "{status} is no reason to give a token up");
            clock.advance(Duration::from_millis(700));
        }
    }
});

/// The answers, each ended by an empty line.
fn answers(input: &[u8]) -> Vec<(StatusCode, HeaderMap)> {
    let mut answers = Vec::new();
    let mut lines = input.split(|&byte| byte == b'\n');
    while let Some(status) = lines.next().filter(|_| answers.len() < MOST_ANSWERS) {
        let header = |line: &[u8]| {
            let colon = line.iter().position(|&byte| byte == b':')?;
            let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
            Some((HeaderName::from_bytes(&line[..colon]).ok()?, value))
        };
        let mut headers = HeaderMap::new();
        for (name, value) in lines.by_ref().take_while(|line| !line.is_empty()).filter_map(header) {
            headers.append(name, value);
        }
        answers.extend(StatusCode::from_bytes(status).ok().map(|status| (status, headers)));
    }
    answers
}

#[derive(Debug)]
struct Acme {
    is_bound: bool,
}

impl CredentialsGrant for Acme {
    fn name(&self) -> &'static str {
        "acme"
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        let endpoint = Endpoint::from_static("https://auth.example.com/token");
        let request = context.post(&endpoint).client_authentication(ClientAuthentication::ClientSecretBasic).client_credentials();
        if self.is_bound { request.dpop().build() } else { request.build() }
    }
}

/// Issues a token whenever it is asked.
#[derive(Debug)]
struct Issuer {
    is_bound: bool,
    issued: AtomicU64,
}

#[async_trait]
impl Transport for Issuer {
    async fn send(&self, _: &HttpRequest) -> Result<HttpResponse, Error> {
        let kind = if self.is_bound { "DPoP" } else { "Bearer" };
        let number = self.issued.fetch_add(1, Ordering::Relaxed);
        let body = format!(r#"{{"access_token":"token-{number}","token_type":"{kind}","expires_in":3600}}"#);
        Ok(HttpResponse::new(StatusCode::OK, HeaderMap::new(), body.into_bytes()))
    }
}
