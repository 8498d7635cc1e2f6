//! What the sources of a pool share of their failures: what concerns the client, the host or the address.

use std::sync::Arc;
use std::time::Duration;

use credentials_grant::{
    ClientAuthentication, ClientCredentials, CredentialsGrant, Endpoint, ErrorKind, IssuanceLimit, Policy, Retry,
    TokenParameters,
};
use credentials_grant_client::{ManualClock, TokenOptions, TokenPool, TokenSource};
use credentials_grant_test_kit::{Acme, Answer, TestServer, clock, gated, response, settle};
use futures_util::future::join_all;

use crate::acme::{SECOND, token};

fn pool(server: &TestServer, clock: &ManualClock) -> TokenPool {
    TokenPool::builder().with_transport(server.clone()).with_clock(clock.clone()).build().unwrap()
}

/// A vendor that blocks addresses, or not.
fn vendor(blocks: bool) -> Arc<dyn CredentialsGrant> {
    let policy = Policy::new();
    let policy = if blocks { policy.with_address_blocking() } else { policy };
    Arc::new(Acme::new().with_client_authentication(ClientAuthentication::ClientSecretPost).with_policy(policy))
}

fn client(secret: &str) -> ClientCredentials {
    ClientCredentials::new(format!("client of {secret}"), secret.to_owned())
}

fn scope(number: usize) -> TokenParameters {
    TokenParameters::new().with_scope(format!("scope-{number}"))
}

/// Sources of one client for many scopes.
fn scopes(pool: &TokenPool, vendor: &Arc<dyn CredentialsGrant>, secret: &str) -> Vec<TokenSource> {
    (0..100).map(|number| pool.source(vendor, &client(secret), &scope(number)).unwrap()).collect()
}

/// A server that refuses every secret with `wrong` in it.
fn server() -> TestServer {
    TestServer::new(|request, _| {
        let is_wrong = request.body().windows(5).any(|window| window == b"wrong");
        if is_wrong { Answer::http(401, "") } else { Answer::Token(3600) }
    })
}

#[tokio::test]
async fn one_wrong_secret_and_a_hundred_scopes_make_one_refused_login_per_pause() {
    for at_once in [false, true] {
        let (server, clock) = (server(), clock());
        let pool = pool(&server, &clock);
        let sources = scopes(&pool, &vendor(false), "wrong-1");
        for (requests, pause) in [(1, 1), (2, 2), (3, 4)] {
            let outcomes = if at_once {
                join_all(sources.iter().map(token)).await
            } else {
                let mut outcomes = Vec::new();
                for source in &sources {
                    outcomes.push(token(source).await);
                }
                outcomes
            };
            assert!(outcomes.into_iter().all(|outcome| outcome.unwrap_err().kind() == ErrorKind::CredentialsRefused));
            assert_eq!(server.request_count(), requests, "{at_once}");
            clock.advance(SECOND * pause);
        }
    }
}

#[tokio::test]
async fn good_credentials_are_proved_once_and_then_all_scopes_are_requested_at_once() {
    let (server, gate) = gated((0..10).map(|_| Answer::Token(3600)));
    let pool = pool(&server, &clock());
    let sources: Vec<_> = scopes(&pool, &vendor(true), "a good one").into_iter().take(10).collect();
    let callers = tokio::spawn(async move { join_all(sources.iter().map(token)).await });
    settle().await;
    assert_eq!(server.request_count(), 1);
    gate.add_permits(1);
    settle().await;
    assert_eq!(server.request_count(), 10);
    gate.add_permits(9);
    assert!(callers.await.unwrap().into_iter().all(|outcome| outcome.is_ok()));
}

#[tokio::test]
async fn a_client_that_goes_away_in_its_turn_makes_way_for_the_next() {
    let (server, gate) = gated([Answer::Panic, Answer::Token(3600)]);
    let pool = pool(&server, &clock());
    let [first, second, ..] = &scopes(&pool, &vendor(true), "a good one")[..] else { panic!("too few") };
    gate.add_permits(2);
    let (first, second) = tokio::join!(token(first), token(second));
    assert!(first.unwrap_err().to_string().contains("panicked"));
    assert_eq!(second.unwrap(), "Bearer token-2");
}

#[tokio::test]
async fn where_the_vendor_blocks_addresses_refusals_are_few_whatever_the_number_of_clients() {
    let ((server, gate), clock) = (gated((0..20).map(|_| Answer::http(401, ""))), clock());
    let (pool, vendor) = (pool(&server, &clock), vendor(true));
    let source = |number| pool.source(&vendor, &client(&format!("wrong-{number}")), &scope(0)).unwrap();
    let sources: Vec<_> = (0..20).map(source).collect();
    gate.add_permits(20);
    let outcomes = join_all(sources.iter().map(token)).await;
    let kinds: Vec<_> = outcomes.into_iter().map(|outcome| outcome.unwrap_err().kind()).collect();
    let refused = server.request_count();
    assert!((1..=4).contains(&refused), "{refused}");
    assert_eq!(kinds.iter().filter(|kind| **kind == ErrorKind::CredentialsRefused).count(), refused);
    assert_eq!(kinds.iter().filter(|kind| **kind == ErrorKind::RateLimited).count(), 20 - refused);
    for _ in 0..10 {
        join_all(sources.iter().map(token)).await;
    }
    assert_eq!(server.request_count(), refused, "while the pause lasts");
}

#[tokio::test]
async fn one_clients_wrong_secret_stops_no_client_that_holds_a_token_and_no_new_one_for_longer_than_its_pause() {
    let (server, clock) = (server(), clock());
    let (pool, vendor) = (pool(&server, &clock), vendor(true));
    let source = |secret: &str| pool.source(&vendor, &client(secret), &scope(0)).unwrap();
    let (good, wrong, new) = (source("a good one"), source("wrong-1"), source("a new one"));
    token(&good).await.unwrap();
    clock.advance(SECOND * 3600);
    let error = token(&wrong).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialsRefused);
    token(&good).await.expect("it holds a token, if an old one");
    token(&wrong).await.unwrap_err();

    clock.advance(SECOND);
    token(&wrong).await.unwrap_err();
    let error = token(&new).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::RateLimited, Retry::After(SECOND)));
    // The new ones may be the same client's, corrected.
    assert_eq!(
        error.message(),
        "the server refused other credentials, and this vendor blocks addresses after several refusals"
    );
    assert!(
        error.remedy().is_some_and(|remedy| remedy.contains("correct or remove the other credentials")),
        "{error:?}"
    );
    assert!(!format!("{error:?}").contains("wrong-1"), "{error:?}");
    clock.advance(SECOND);
    token(&new).await.unwrap();
}

#[tokio::test]
async fn vendors_that_block_no_addresses_keep_clients_apart() {
    let (server, clock) = (server(), clock());
    let (pool, vendor) = (pool(&server, &clock), vendor(false));
    let source = |secret: &str| pool.source(&vendor, &client(secret), &scope(0)).unwrap();
    token(&source("wrong-1")).await.unwrap_err();
    token(&source("a good one")).await.unwrap();
}

fn told(status: u16) -> Answer {
    response(status, &[("retry-after", "120")], r#"{"error_description":"of the first client only"}"#).into()
}

#[tokio::test]
async fn a_pause_that_the_server_asks_for_counts_for_the_client_or_for_the_host() {
    let together = Policy::new().with_limit(IssuanceLimit::new(1000, SECOND));
    let cases = [
        (429, Policy::new(), false),
        (429, Policy::new().with_limit(IssuanceLimit::new(1000, SECOND).per_client()), false),
        (429, together, true),
        (503, Policy::new(), true),
    ];
    for (status, policy, stops_others) in cases {
        let (server, clock) = (TestServer::in_turn([told(status), Answer::Token(3600), Answer::Token(3600)]), clock());
        let pool = pool(&server, &clock);
        let vendor: Arc<dyn CredentialsGrant> = Arc::new(Acme::new().with_policy(policy));
        let source = |secret: &str, number| pool.source(&vendor, &client(secret), &scope(number)).unwrap();
        token(&source("first", 0)).await.unwrap_err();
        clock.advance(SECOND * 20);
        let error = token(&source("first", 1)).await.unwrap_err();
        assert_eq!(error.retry(), Retry::After(SECOND * 100), "{status}");
        let other = token(&source("second", 0)).await;
        assert_eq!(other.is_err(), stops_others, "{status}");
        if let Err(error) = other {
            assert_eq!(error.retry(), Retry::After(SECOND * 100));
            assert!(!format!("{error:?}").contains("of the first client"), "what one client is told is not repeated");
        }
        assert_eq!(server.request_count(), if stops_others { 1 } else { 2 }, "{status}");
        clock.advance(SECOND * 100);
        token(&source("first", 1)).await.unwrap();
    }
}

#[tokio::test]
async fn another_host_or_endpoint_is_not_concerned() {
    let (server, clock) = (TestServer::in_turn([told(503), Answer::Token(3600)]), clock());
    let pool = pool(&server, &clock);
    let vendor = |url| Arc::new(Acme::new().with_endpoint(Endpoint::from_static(url))) as Arc<dyn CredentialsGrant>;
    let source = |url| pool.source(&vendor(url), &client("first"), &scope(0)).unwrap();
    token(&source("https://one.example.com/token")).await.unwrap_err();
    token(&source("https://two.example.com/token")).await.unwrap();
    token(&source("https://one.example.com/other")).await.unwrap_err();
    assert_eq!(server.request_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn callers_with_a_deadline_wait_for_the_pause_of_another_client() {
    let (server, clock) = (server(), credentials_grant_test_kit::TokioClock::new());
    let pool = TokenPool::builder().with_transport(server.clone()).with_clock(clock).build().unwrap();
    let vendor = vendor(true);
    token(&pool.source(&vendor, &client("wrong-1"), &scope(0)).unwrap()).await.unwrap_err();
    let patient = TokenOptions::new().with_deadline(Duration::from_secs(10));
    let source = pool.source(&vendor, &client("a new one"), &scope(0)).unwrap();
    source.token_with(patient).await.unwrap();
    assert_eq!(server.request_count(), 2);
}
