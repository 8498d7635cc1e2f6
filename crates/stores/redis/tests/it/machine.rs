//! The machines of a fleet: each a source with a store and a connection of its own.

use std::time::Duration;

use credentials_grant::{ClientCredentials, ExposeSecret as _};
use credentials_grant_client::{Keyring, TokenSource, TokenSourceBuilder};
use credentials_grant_redis::RedisStore;
use credentials_grant_test_kit::{Acme, Answer, TestServer, pass};

const KEYS: &str = "\
    name uPzFPCBQaYQUKzVIkQb3gqmqGZqHAkhpMPKrQSdYFJk=
    seal 3nnWz0oFj2DfBzK8eJmqn5oEt1oCYEKOaYWlvbGWhFw=";

pub(crate) fn keyring() -> Keyring {
    Keyring::parse(&KEYS.into()).unwrap()
}

/// How long a machine waits for the store where the test is about what it finds there: the test's machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A store whose callers wait for it.
pub(crate) fn store(url: &str) -> RedisStore {
    RedisStore::builder(url, keyring()).with_patience(PATIENCE).build().unwrap()
}

/// A vendor that gives a new token to each request, which lives for an hour.
pub(crate) fn vendor() -> TestServer {
    TestServer::new(|_, _| Answer::Token(3600))
}

pub(crate) fn builder(vendor: &TestServer, store: RedisStore) -> TokenSourceBuilder {
    TokenSource::builder(Acme::new(), ClientCredentials::new("id", "a-client-secret"))
        .with_transport(vendor.clone())
        .with_store(store)
}

/// A machine with the store at this URL, as it is unless set otherwise.
pub(crate) fn machine_in_a_hurry(vendor: &TestServer, url: &str) -> TokenSource {
    builder(vendor, RedisStore::new(url, keyring()).unwrap()).build().unwrap()
}

/// A machine with the store at this URL, which waits for it.
pub(crate) fn machine(vendor: &TestServer, url: &str) -> TokenSource {
    builder(vendor, store(url)).build().unwrap()
}

/// Returns the token itself.
pub(crate) async fn token(source: &TokenSource) -> String {
    source.token().await.expect("no call fails because of a store").secret().expose_secret().to_owned()
}

/// Has the source get a new token, and returns it.
pub(crate) async fn renewed(source: &TokenSource) -> String {
    source.invalidate(&source.token().await.unwrap());
    token(source).await
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if is_so().await {
            return;
        }
        pass(Duration::from_millis(50)).await;
    }
    panic!("{what}: not within half a minute");
}

/// Waits until what this machine requests is found by others with the store at this URL: it has left the store alone
/// for a while.
pub(crate) async fn until_shared(vendor: &TestServer, source: &TokenSource, url: &str) {
    until("the store is used again", async || {
        let own = renewed(source).await;
        let before = vendor.request_count();
        let found = token(&machine(vendor, url)).await;
        found == own && vendor.request_count() == before
    })
    .await;
}
