//! A source and its token: set up, kept, given up.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use credentials_grant::{
    ClientCredentials, CredentialsGrant, Error, ErrorKind, Policy, Presentation, RequestContext, TokenParameters,
    UnsignedRequest,
};
use credentials_grant_client::{TokenPool, TokenSource};
use credentials_grant_test_kit::{Acme, Answer, TestServer, clock, settle};

use crate::acme::{SECOND, builder, source, token};

#[tokio::test]
async fn a_source_that_nobody_asks_buys_no_token() {
    let server = TestServer::unused();
    let source = source(&server, &clock());
    settle().await;
    assert!(source.cached().is_none());
    assert_eq!(server.request_count(), 0);
}

#[tokio::test]
async fn a_token_is_served_from_memory_until_shortly_before_it_expires() {
    // The margin is 30 seconds, or a twentieth of a short life.
    for (life, margin) in [(3600, SECOND * 30), (600, SECOND * 30), (100, SECOND * 5), (2, SECOND / 10)] {
        let (server, clock) = (TestServer::in_turn([Answer::Token(life), Answer::Token(life)]), clock());
        let source = source(&server, &clock);
        assert_eq!(token(&source).await.unwrap(), "Bearer token-1");
        let tick = Duration::from_nanos(1);
        clock.advance(Duration::from_secs(life).saturating_sub(margin + tick));
        assert_eq!(source.cached().unwrap().header_value(), "Bearer token-1", "{life}");
        clock.advance(tick);
        assert!(source.cached().is_none(), "{life}");
        assert_eq!(token(&source).await.unwrap(), "Bearer token-2", "{life}");
        assert_eq!(server.request_count(), 2);
    }
}

#[tokio::test]
async fn clones_share_their_token() {
    let server = TestServer::in_turn([Answer::Token(3600)]);
    let source = source(&server, &clock());
    let clone = source.clone();
    token(&source).await.unwrap();
    assert_eq!(token(&clone).await.unwrap(), "Bearer token-1");
    assert_eq!(server.request_count(), 1);
}

#[test]
fn a_provider_may_insist_on_a_secret_of_its_own() {
    #[derive(Debug)]
    struct Opera;
    impl CredentialsGrant for Opera {
        fn name(&self) -> &'static str {
            "opera"
        }

        fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
            let missing = || Error::new(ErrorKind::Configuration, "the secret `app-key` is missing");
            let key = context.credentials().secret("app-key").ok_or_else(missing)?;
            context.post(&Acme::endpoint()).secret_header("x-app-key", key).client_credentials().build()
        }
    }
    let credentials = ClientCredentials::new("id", "secret").with_secret("app-key", "key");
    assert!(TokenSource::builder(Opera, credentials).with_transport(TestServer::unused()).build().is_ok());
}

#[tokio::test]
async fn a_401_for_an_old_token_keeps_the_newer_one() {
    let server = TestServer::in_turn([Answer::Token(3600), Answer::Token(3600)]);
    let source = source(&server, &clock());
    let old = source.token().await.unwrap();
    source.invalidate(&old);
    assert!(source.cached().is_none());
    let new = source.token().await.unwrap();
    source.invalidate(&old);
    assert!(Arc::ptr_eq(&source.cached().unwrap().to_arc(), &new));
    assert_eq!(server.request_count(), 2);
}

#[tokio::test]
async fn what_makes_no_request_is_refused_when_the_source_is_built() {
    let build = |parameters| builder(&TestServer::unused(), &clock()).with_parameters(parameters).build().unwrap_err();
    let error = build(TokenParameters::new().with_audience("https://api.example.com"));
    assert_eq!((error.kind(), error.provider()), (ErrorKind::Configuration, Some("acme")));
    assert!(build(TokenParameters::new().with_scope("two scopes")).to_string().contains("two scopes"));
    let error = builder(&TestServer::unused(), &clock()).with_timeout(Duration::ZERO).build().unwrap_err();
    assert!(error.to_string().contains("timeout"), "{error}");
}

#[test]
fn a_source_can_be_shared_among_threads() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<TokenSource>();
}

/// A vendor that wants each request to have an id, and keeps what it was given.
#[derive(Clone, Debug, Default)]
struct Walmart(Arc<Mutex<Vec<String>>>);

impl CredentialsGrant for Walmart {
    fn name(&self) -> &'static str {
        "walmart"
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        self.0.lock().unwrap().push(context.request_id());
        context.post(&Acme::endpoint()).header("wm_qos.correlation_id", &context.request_id()).build()
    }
}

#[tokio::test]
async fn every_request_has_an_id_of_its_own() {
    let (walmart, server) = (Walmart::default(), TestServer::in_turn([Answer::Token(3600), Answer::Token(3600)]));
    let builder = TokenSource::builder(walmart.clone(), ClientCredentials::new("id", "secret"));
    let source = builder.with_transport(server).with_clock(clock()).build().unwrap();
    walmart.0.lock().unwrap().clear();
    source.invalidate(&source.token().await.unwrap());
    source.token().await.unwrap();
    let ids = walmart.0.lock().unwrap().clone();
    assert!(ids.len() == 2 && ids[0] != ids[1], "{ids:?}");
}

#[test]
fn a_header_that_cannot_be_sent_is_found_when_a_source_is_built_and_before_a_token_is_paid_for() {
    let invalid = Policy::new().with_presentation(Presentation::header("X Shop Token"));
    let (server, shop) = (TestServer::unused(), Arc::new(Acme::new().with_name("shop").with_policy(invalid)));
    let source = TokenSource::builder(Arc::clone(&shop), ClientCredentials::new("id", "secret"));
    let error = source.with_transport(server.clone()).build().unwrap_err();
    let refusal = "shop: \"X Shop Token\" is not a valid header name; correct the name: letters, digits and hyphens";
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Configuration, refusal));

    let pool = TokenPool::builder().with_transport(server.clone()).build().unwrap();
    let credentials = ClientCredentials::new("id", "secret");
    let error = pool.source(&shop, &credentials, &TokenParameters::new()).unwrap_err();
    assert_eq!(error.to_string(), refusal);
    assert_eq!((pool.len(), server.request_count()), (0, 0));
}
