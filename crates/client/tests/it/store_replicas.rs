//! Replicas that call an API of a vendor where a new token ends the one before.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use credentials_grant::{ClientCredentials, HeaderMap, Policy, StatusCode};
use credentials_grant_client::{Authorizer, MemoryStore, TokenSource};
use credentials_grant_test_kit::{Acme, Answer, TestServer, TokioClock, pass};
use http::Request;
use tokio::time::{Instant, advance};

use crate::acme::SECOND;

/// A vendor whose API accepts the last token that was issued, and no other.
#[derive(Clone, Default)]
struct Vendor(Arc<AtomicUsize>);

impl Vendor {
    /// Issues tokens of ten minutes, in a third of a second.
    fn server(&self) -> TestServer {
        let issued = Arc::clone(&self.0);
        TestServer::new_async(move |_, number| {
            let issued = Arc::clone(&issued);
            async move {
                pass(SECOND / 3).await;
                issued.store(number, Ordering::Relaxed);
                Answer::Token(600)
            }
        })
    }

    fn answers(&self, request: &Request<()>) -> StatusCode {
        let last = format!("Bearer token-{}", self.0.load(Ordering::Relaxed));
        if request.headers()["authorization"] == last { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
    }
}

/// Calls the API once, and once more if the authorizer says so. Returns the last status.
async fn call(authorizer: &Authorizer, vendor: &Vendor) -> StatusCode {
    let mut request = Request::get("https://api.example.com/").body(()).unwrap();
    let authorization = authorizer.authorize(&mut request).await.unwrap();
    let status = vendor.answers(&request);
    let Some(retry) = authorizer.check_response(&authorization, status, &HeaderMap::new()) else { return status };
    let mut request = Request::get("https://api.example.com/").body(()).unwrap();
    authorizer.authorize_again(&mut request, retry).await.unwrap();
    vendor.answers(&request)
}

fn replica(server: &TestServer, store: Option<&MemoryStore>) -> Authorizer {
    let acme = Acme::new().with_policy(Policy::new().with_host("api.example.com").with_single_token());
    let source = TokenSource::builder(acme, ClientCredentials::new("id", "secret"))
        .with_transport(server.clone())
        .with_clock(TokioClock::new());
    let source = store.into_iter().fold(source, |source, store| source.with_store(store.clone()));
    Authorizer::new(source.build().unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn no_call_of_two_replicas_ends_in_401_and_they_request_one_token_in_each_life() {
    let (vendor, store) = (Vendor::default(), MemoryStore::new());
    let server = vendor.server();
    let replicas = [replica(&server, Some(&store)), replica(&server, Some(&store))];
    let began = Instant::now();
    let mut refused = 0;
    while began.elapsed() < SECOND * 6000 {
        for replica in &replicas {
            refused += usize::from(call(replica, &vendor).await != StatusCode::OK);
        }
        advance(SECOND * 5).await;
    }
    assert_eq!(refused, 0);
    // Each is renewed after 80 to 90 % of its life.
    assert!((11..=13).contains(&server.request_count()), "{}", server.request_count());
}

#[tokio::test(start_paused = true)]
async fn a_stored_token_that_was_revoked_costs_the_next_run_one_repeated_call() {
    let (vendor, store) = (Vendor::default(), MemoryStore::new());
    let server = vendor.server();
    assert_eq!(call(&replica(&server, Some(&store)), &vendor).await, StatusCode::OK);
    vendor.0.store(0, Ordering::Relaxed);
    advance(SECOND * 60).await;
    assert_eq!(call(&replica(&server, Some(&store)), &vendor).await, StatusCode::OK);
    assert_eq!(server.request_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_api_that_rejects_every_token_does_not_cost_one_in_each_run() {
    let (vendor, store) = (Vendor::default(), MemoryStore::new());
    let server = vendor.server();
    for _ in 0..600 {
        vendor.0.store(0, Ordering::Relaxed);
        let authorizer = replica(&server, Some(&store));
        let mut request = Request::get("https://api.example.com/").body(()).unwrap();
        let authorization = authorizer.authorize(&mut request).await.unwrap();
        let status = StatusCode::UNAUTHORIZED;
        if let Some(retry) = authorizer.check_response(&authorization, status, &HeaderMap::new()) {
            let authorization = authorizer.authorize_again(&mut request, retry).await.unwrap();
            assert!(authorizer.check_response(&authorization, status, &HeaderMap::new()).is_none());
        }
        advance(SECOND).await;
    }
    // At once, then after one second, doubling; and one for the life of ten minutes.
    assert!((9..=12).contains(&server.request_count()), "{}", server.request_count());
}

#[tokio::test(start_paused = true)]
async fn without_a_store_the_replicas_end_each_others_tokens() {
    let vendor = Vendor::default();
    let server = vendor.server();
    let replicas = [replica(&server, None), replica(&server, None)];
    for _ in 0..20 {
        for replica in &replicas {
            call(replica, &vendor).await;
        }
        advance(SECOND * 5).await;
    }
    assert!(server.request_count() > 4, "{}", server.request_count());
}
