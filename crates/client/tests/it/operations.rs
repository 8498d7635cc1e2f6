//! Asking about tokens and having them taken back, by a source, a pool and a program without an async runtime.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex};

use credentials_grant::{
    ClientAuthentication, ClientCredentials, CredentialsGrant, Error, ErrorKind, HttpRequest, HttpResponse,
    RequestContext, TokenParameters, Transport, UnsignedRequest, async_trait,
};
use credentials_grant_client::{TokenPool, TokenSource};
use credentials_grant_test_kit::{Acme, response};
use futures_util::FutureExt as _;

use crate::acme::SECOND;

/// A vendor that does everything at one URL.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Managed;

impl CredentialsGrant for Managed {
    fn name(&self) -> &'static str {
        "managed"
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        let request = context.post(&Acme::endpoint()).client_authentication(ClientAuthentication::ClientSecretBasic);
        request.client_credentials().scope().build()
    }

    fn operation_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        context.post(&Acme::endpoint()).client_authentication(ClientAuthentication::ClientSecretBasic).token().build()
    }

    fn identify(&self, mut state: &mut dyn Hasher) -> bool {
        self.hash(&mut state);
        true
    }
}

/// Issues tokens, knows which are active, and takes them back; but not `token-3`.
#[derive(Debug, Default)]
struct Server {
    issued: Mutex<usize>,
    taken_back: Mutex<Vec<String>>,
}

#[async_trait]
impl Transport for Server {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Error> {
        let body = String::from_utf8(request.body().to_vec()).unwrap();
        let token = body.strip_prefix("token=").and_then(|rest| rest.strip_suffix("&token_type_hint=access_token"));
        let (status, answer) = match token {
            None => {
                let mut issued = self.issued.lock().unwrap();
                *issued += 1;
                (200, format!(r#"{{"access_token":"token-{issued}","expires_in":3600}}"#))
            }
            Some("slow") => std::future::pending().await,
            Some("token-3") => (503, String::new()),
            Some(token) => {
                let is_active =
                    token.starts_with("token-") && !self.taken_back.lock().unwrap().iter().any(|t| t == token);
                self.taken_back.lock().unwrap().push(token.to_owned());
                (200, format!(r#"{{"active":{is_active}}}"#))
            }
        };
        Ok(response(status, &[], answer))
    }
}

fn credentials() -> ClientCredentials {
    ClientCredentials::new("id", "a-client-secret")
}

fn source(server: &Arc<Server>) -> TokenSource {
    TokenSource::builder(Managed, credentials()).with_transport(Arc::clone(server)).build().unwrap()
}

#[tokio::test]
async fn a_source_asks_about_any_token() {
    let source = source(&Arc::default());
    let token = source.token().await.unwrap();
    assert!(source.introspect(token.secret()).await.unwrap().is_active());
    assert!(!source.introspect(&"another".into()).await.unwrap().is_active());
    assert!(source.cached().is_some());
}

#[tokio::test]
async fn a_token_that_is_taken_back_is_gone_from_memory_and_no_other_is() {
    let server = Arc::default();
    let source = source(&server);
    let token = source.token().await.unwrap();
    source.revoke(&"another".into()).await.unwrap();
    assert!(source.cached().is_some());
    source.revoke(token.secret()).await.unwrap();
    assert!(source.cached().is_none());
    assert_eq!(*server.taken_back.lock().unwrap(), ["another", "token-1"]);
    assert_eq!(source.token().await.unwrap().header_value(), "Bearer token-2");
}

#[tokio::test]
async fn a_program_that_ends_leaves_no_token_behind() {
    let server = Arc::default();
    let source = source(&server);
    source.revoke_current().await.unwrap();
    assert!(server.taken_back.lock().unwrap().is_empty(), "there was none");
    source.token().await.unwrap();
    source.revoke_current().await.unwrap();
    source.revoke_current().await.unwrap();
    assert_eq!(*server.taken_back.lock().unwrap(), ["token-1"]);
}

#[tokio::test]
async fn a_pool_has_all_its_tokens_taken_back_whichever_fails() {
    let server = Arc::new(Server::default());
    let pool = TokenPool::builder().with_transport(Arc::clone(&server)).build().unwrap();
    for number in 0..30 {
        let source =
            pool.source(&Managed, &credentials(), &TokenParameters::new().with_scope(format!("s{number}"))).unwrap();
        if number < 25 {
            source.token().await.unwrap();
        }
    }
    let error = pool.revoke_current().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "that of token-3: {error}");
    assert_eq!(server.taken_back.lock().unwrap().len(), 24);
    pool.revoke_current().await.unwrap();
    assert_eq!(server.taken_back.lock().unwrap().len(), 24, "none is left in memory");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_given_up_on() {
    let source =
        TokenSource::builder(Managed, credentials()).with_transport(Server::default()).with_timeout(7 * SECOND);
    let error = source.build().unwrap().introspect(&"slow".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().starts_with("managed: no answer within 7 s; "), "{error}");
}

#[test]
fn outside_of_a_runtime_it_says_so() {
    let outcome = source(&Arc::default()).revoke(&"token-1".into()).now_or_never().unwrap();
    let error = outcome.unwrap_err();
    assert!(error.kind() == ErrorKind::Configuration && error.message().contains("tokio runtime"), "{error}");
}

#[test]
fn a_program_without_a_runtime_can_do_the_same() {
    let server = Arc::new(Server::default());
    let builder = TokenSource::builder(Managed, credentials()).with_transport(Arc::clone(&server));
    let source = builder.build_blocking().unwrap();
    let token = source.token().unwrap();
    assert!(source.introspect(token.secret()).unwrap().is_active());
    source.revoke(&"another".into()).unwrap();
    source.revoke_current().unwrap();
    assert!(source.cached().is_none());
    assert_eq!(*server.taken_back.lock().unwrap(), ["token-1", "another", "token-1"]);
}
