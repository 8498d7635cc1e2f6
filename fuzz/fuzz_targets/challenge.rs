//! Lets an API answer calls with arbitrary statuses, challenges and nonces: `401`, headers, an empty line, and so on.

#![no_main]

use std::time::Duration;

use credentials_grant::{ClientCredentials, HeaderMap, ProofKey, StatusCode, TokenParameters};
use credentials_grant_client::{Authorizer, KeySigner, TokenSource};
use credentials_grant_fuzz::header;
use credentials_grant_test_kit::{Acme, TestServer, clock, response};
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
        let clock = clock();
        let is_bound = parameters.proof_key().is_some();
        let acme = if is_bound { Acme::new().with_dpop() } else { Acme::new() };
        let builder = TokenSource::builder(acme, ClientCredentials::new("id", "canary"));
        let builder = builder.with_parameters(parameters).with_transport(issuer(is_bound));
        let source = builder.with_clock(clock.clone()).build().unwrap();
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
            let again = authorizer.check_response(&presented, status, &headers).is_some();
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
        let mut headers = HeaderMap::new();
        for (name, value) in lines.by_ref().take_while(|line| !line.is_empty()).filter_map(header) {
            headers.append(name, value);
        }
        answers.extend(StatusCode::from_bytes(status).ok().map(|status| (status, headers)));
    }
    answers
}

/// Makes a server that issues a token whenever it is asked.
fn issuer(is_bound: bool) -> TestServer {
    let kind = if is_bound { "DPoP" } else { "Bearer" };
    TestServer::new(move |_, number| {
        let body = format!(r#"{{"access_token":"token-{number}","token_type":"{kind}","expires_in":3600}}"#);
        response(200, &[], body)
    })
}
