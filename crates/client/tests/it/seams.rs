//! What strangers build on: a token provider of their own, and an HTTP client that nobody here knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use credentials_grant::{
    AccessToken, ClientCredentials, Error, ErrorKind, HeaderMap, Lifetime, Policy, Presentation, StatusCode,
    TokenParameters, TokenResponse, async_trait,
};
use credentials_grant_client::{
    Authorizer, FunctionCredentials, ProvideToken, TokenOptions, TokenPool, TokenSource, blocking,
};
use credentials_grant_test_kit::{Answer, TestServer, clock};
use http::{Request, Response};

use crate::acme::acme;
use crate::shop::{policy, rig, rig_with};

/// A flow of somebody else's: every token that is rejected is followed by the next.
#[derive(Debug, Default)]
struct Counting(AtomicUsize);

impl Counting {
    fn now(&self) -> Arc<AccessToken> {
        let number = self.0.load(Ordering::Relaxed);
        let response =
            TokenResponse::new(format!("own-{number}")).with_lifetime(Lifetime::For(Duration::from_secs(3600)));
        let credentials = ClientCredentials::without_secret("me");
        let token =
            AccessToken::new(response, &TokenParameters::new(), &self.policy(), &credentials, SystemTime::now());
        Arc::new(token.unwrap())
    }
}

#[async_trait]
impl ProvideToken for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn cached(&self, _: TokenOptions) -> Option<Arc<AccessToken>> {
        Some(self.now())
    }

    async fn token(&self, _: TokenOptions) -> Result<Arc<AccessToken>, Error> {
        Ok(self.now())
    }

    fn invalidate(&self, _: &AccessToken) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn policy(&self) -> Policy {
        Policy::new().with_presentation(Presentation::header("x-own"))
    }
}

/// The loop that an HTTP client outside writes, over an API that accepts one token alone.
async fn call(authorizer: &Authorizer, accepted: &str) -> (StatusCode, usize) {
    let mut calls = 0;
    let mut send = |request: &Request<()>| {
        calls += 1;
        let is_accepted = request.headers().values().any(|value| value == accepted);
        Response::builder().status(if is_accepted { 200 } else { 401 }).body(()).unwrap()
    };
    let request = || Request::get("https://api.example.com/v1").body(()).unwrap();
    let status = async {
        let mut attempt = request();
        let mut authorization = authorizer.authorize(&mut attempt).await?;
        loop {
            let response = send(&attempt);
            let Some(retry) = authorizer.check_response(&authorization, response.status(), response.headers()) else {
                return Ok::<_, Error>(response.status());
            };
            attempt = request();
            authorization = authorizer.authorize_again(&mut attempt, retry).await?;
        }
    };
    (status.await.unwrap(), calls)
}

#[tokio::test]
async fn a_token_provider_of_ones_own_stands_under_the_authorizer() {
    let authorizer = Authorizer::builder(Counting::default()).with_host("api.example.com").build().unwrap();
    assert_eq!(call(&authorizer, "own-0").await, (StatusCode::OK, 1));
    assert_eq!(call(&authorizer, "own-1").await, (StatusCode::OK, 2), "one rejection, one retry");
    assert_eq!(call(&authorizer, "none").await, (StatusCode::UNAUTHORIZED, 2));
    assert_eq!(call(&authorizer, "none").await, (StatusCode::UNAUTHORIZED, 1), "the pause after two rejections");

    let error = Authorizer::new(Counting::default()).unwrap_err();
    assert_eq!((error.kind(), error.provider()), (ErrorKind::Configuration, Some("counting")));
    let shared: Arc<dyn ProvideToken> = Arc::new(Counting::default());
    assert!(Authorizer::builder(shared).with_host("api.example.com").build().is_ok());
}

#[tokio::test]
async fn an_http_client_outside_repeats_a_rejected_call_as_our_own_do() {
    let rig = rig(policy()).warm().await;
    assert_eq!(call(&rig.authorizer, "Bearer token-2").await, (StatusCode::OK, 2));
    assert_eq!(rig.server.request_count(), 2);
    assert_eq!(call(&rig.authorizer, "Bearer none").await, (StatusCode::UNAUTHORIZED, 2), "one retry and no more");
    assert_eq!(rig.server.request_count(), 3);
}

#[tokio::test]
async fn what_was_added_to_a_request_can_be_asked() {
    let rig = rig(policy());
    let mut request = Request::get("https://api.example.com/v1").body(()).unwrap();
    let authorization = rig.authorizer.authorize(&mut request).await.unwrap();
    assert_eq!(authorization.token().unwrap().header_value(), "Bearer token-1");
    let authorization = rig.authorizer.authorize(&mut request).await.unwrap();
    assert!(authorization.token().is_none(), "it had the header already");
}

#[test]
fn a_blocking_authorizer_and_a_blocking_pool_share_their_tokens_with_the_async_ones() {
    let rig = rig_with(policy(), TestServer::in_turn((0..3).map(|_| Answer::Token(3600))));
    let authorizer = blocking::Authorizer::from_async(rig.authorizer).unwrap();
    let mut request = Request::post("https://api.example.com/v1").header("x-kept", "1").body("body").unwrap();
    let authorization = authorizer.authorize(&mut request).unwrap();
    assert_eq!((&request.headers()["authorization"], *request.body()), (&"Bearer token-1".parse().unwrap(), "body"));
    assert_eq!(request.headers()["x-kept"], "1");

    // The token was fetched for this call, so a rejection is no reason to repeat it; the next call finds it current.
    assert!(authorizer.check_response(&authorization, StatusCode::UNAUTHORIZED, &HeaderMap::new()).is_none());
    let mut second = Request::get("https://api.example.com/v1").body(()).unwrap();
    let again = authorizer.clone().authorize(&mut second).unwrap();
    assert_eq!(second.headers()["authorization"], "Bearer token-2");
    assert!(authorizer.check_response(&again, StatusCode::OK, &HeaderMap::new()).is_none());

    let server = TestServer::in_turn((0..3).map(|_| Answer::Token(3600)));
    let pool = TokenPool::builder().with_transport(server.clone()).with_clock(clock()).build().unwrap();
    let pool = blocking::TokenPool::from_async(pool).unwrap();
    let hotel = |id: &str| ClientCredentials::new(id, "secret");
    for (id, token) in [("1", "Bearer token-1"), ("2", "Bearer token-2"), ("1", "Bearer token-1")] {
        let source = pool.clone().source(&Arc::new(acme()), &hotel(id), &TokenParameters::new()).unwrap();
        assert_eq!(source.token().unwrap().header_value(), token);
    }
    assert_eq!((pool.len(), pool.is_empty(), server.request_count()), (2, false, 2));
    assert_eq!(pool.revoke_current().unwrap_err().kind(), ErrorKind::Configuration, "Acme has no revocation");
}

#[test]
fn blocking_sources_share_one_background_runtime_which_outlives_the_first_of_them() {
    let server = TestServer::in_turn((0..3).map(|_| Answer::Token(3600)));
    let source = || crate::acme::builder(&server, &clock()).build_blocking().unwrap();
    let first = source();
    let clone = first.clone();
    let second = source();
    assert_eq!(first.token().unwrap().header_value(), "Bearer token-1");
    drop(first);
    assert_eq!(clone.token().unwrap().header_value(), "Bearer token-1", "clones share their token");
    assert_eq!(second.token().unwrap().header_value(), "Bearer token-2");
    drop((clone, second));
    assert_eq!(source().token().unwrap().header_value(), "Bearer token-3", "a new runtime was started");
}

#[test]
fn credentials_of_a_blocking_source_may_come_from_another_blocking_source() {
    let vault = crate::acme::builder(&TestServer::in_turn([Answer::Token(3600)]), &clock()).build_blocking().unwrap();
    let credentials = FunctionCredentials::new("vault", move || {
        let secret = vault.token().map(|token| token.header_value().to_str().unwrap().to_owned());
        async move { Ok(ClientCredentials::new("id", secret?)) }
    });
    let source = TokenSource::builder(acme(), credentials).with_transport(TestServer::in_turn([Answer::Token(3600)]));
    assert_eq!(source.build_blocking().unwrap().token().unwrap().header_value(), "Bearer token-1");
}

/// Starts something in the background whenever it is asked, as a source does that renews its token.
#[derive(Debug)]
struct Spawning(Counting);

#[async_trait]
impl ProvideToken for Spawning {
    fn name(&self) -> &'static str {
        "spawning"
    }

    fn cached(&self, _: TokenOptions) -> Option<Arc<AccessToken>> {
        tokio::spawn(async {});
        Some(self.0.now())
    }

    async fn token(&self, _: TokenOptions) -> Result<Arc<AccessToken>, Error> {
        Ok(self.0.now())
    }

    fn invalidate(&self, token: &AccessToken) {
        self.0.invalidate(token);
    }

    fn policy(&self) -> Policy {
        self.0.policy()
    }
}

#[test]
fn a_blocking_authorizer_does_everything_within_its_runtime_and_repeats_a_rejected_call_once() {
    let authorizer = Authorizer::builder(Spawning(Counting::default())).with_host("api.example.com").build().unwrap();
    let authorizer = blocking::Authorizer::from_async(authorizer).unwrap();
    let mut request = Request::get("https://api.example.com/v1").body(()).unwrap();
    let first = authorizer.authorize(&mut request).unwrap();
    let retry = authorizer.check_response(&first, StatusCode::UNAUTHORIZED, &HeaderMap::new()).unwrap();
    let second = authorizer.authorize_again(&mut request, retry).unwrap();
    assert_eq!(request.headers()["x-own"], "own-1", "the same request gets the new token");
    assert!(authorizer.check_response(&second, StatusCode::UNAUTHORIZED, &HeaderMap::new()).is_none());
}

#[tokio::test]
async fn a_request_that_is_authorized_again_carries_the_new_token_and_what_the_caller_set() {
    let rig = rig(policy()).warm().await;
    let mut request = Request::get("https://api.example.com/v1").header("x-kept", "1").body(()).unwrap();
    let authorization = rig.authorizer.authorize(&mut request).await.unwrap();
    let retry = rig.authorizer.check_response(&authorization, StatusCode::UNAUTHORIZED, &HeaderMap::new()).unwrap();
    rig.authorizer.authorize_again(&mut request, retry).await.unwrap();
    assert_eq!((&request.headers()["authorization"], request.headers().len()), (&"Bearer token-2".parse().unwrap(), 2));
}

#[tokio::test]
async fn a_shared_token_provider_is_asked_for_everything_that_it_implements() {
    #[derive(Debug)]
    struct Strict;

    #[async_trait]
    impl ProvideToken for Strict {
        fn name(&self) -> &'static str {
            "strict"
        }

        fn cached(&self, _: TokenOptions) -> Option<Arc<AccessToken>> {
            Some(Counting::default().now())
        }

        async fn token(&self, _: TokenOptions) -> Result<Arc<AccessToken>, Error> {
            Ok(Counting::default().now())
        }

        fn invalidate(&self, _: &AccessToken) {
            panic!("the token is never the current one");
        }

        fn is_current(&self, _: &AccessToken) -> bool {
            false
        }

        fn policy(&self) -> Policy {
            Policy::new().with_host("api.example.com")
        }

        fn timeout(&self) -> Duration {
            Duration::from_secs(7)
        }
    }
    let shared: Arc<dyn ProvideToken> = Arc::new(Strict);
    assert_eq!(shared.timeout(), Duration::from_secs(7));
    let authorizer = Authorizer::new(shared).expect("the policy names the host");
    assert_eq!(call(&authorizer, "none").await, (StatusCode::UNAUTHORIZED, 2), "one retry and no more");
}

#[tokio::test]
async fn a_token_that_is_no_longer_the_cached_one_is_not_the_current_one() {
    let own = Counting::default();
    let old = own.now();
    assert!(own.is_current(&old));
    own.invalidate(&old);
    assert!(!own.is_current(&old) && own.is_current(&own.now()));
}
