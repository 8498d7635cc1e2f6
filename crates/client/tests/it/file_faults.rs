//! Claims and files of a store in a directory, when things go wrong.

use std::fs;
use std::time::Duration;

use credentials_grant_client::{Claim, Claimant, FileStore, StoreKey, SystemClock, TokenSource, TokenStore as _};
use credentials_grant_test_kit::{Answer, TestServer};
use tempfile::tempdir;

use crate::acme::{SECOND, on_clock, token};

fn who(byte: u8) -> Claimant {
    Claimant::from_bytes([byte; 16])
}

#[test]
fn a_claim_ends_with_the_runtime_that_made_it() {
    let home = tempdir().unwrap();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let silent = TestServer::new_async(|_, _| std::future::pending::<Answer>());
    let store = FileStore::at(home.path());
    let source: TokenSource = on_clock(&silent, SystemClock::new()).with_store(store.clone()).build().unwrap();
    let first = runtime();
    first.block_on(async {
        let called = source.clone();
        tokio::spawn(async move { called.token().await });
        while silent.request_count() == 0 {
            tokio::task::yield_now().await;
        }
    });
    drop(first);
    let key = fs::read_dir(home.path()).unwrap().find_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.strip_suffix(".claim").map(|name| StoreKey::new(name.to_owned()))
    });
    let other = FileStore::at(home.path());
    let claim = runtime().block_on(other.claim(&key.unwrap(), None, who(2), SECOND)).unwrap();
    assert_eq!(claim, Claim::Granted, "another process");
}

#[tokio::test]
async fn a_claim_that_nobody_waited_for_ends() {
    let home = tempdir().unwrap();
    let store = FileStore::at(home.path());
    let key = StoreKey::new("token-a");
    {
        // Dropped before the file system answers, unless that is quick.
        let mut claim = Box::pin(store.claim(&key, None, who(1), Duration::from_millis(50)));
        let _ = futures_util::poll!(&mut claim);
    }
    let mut granted = false;
    for _ in 0..500 {
        granted = store.claim(&key, None, who(2), SECOND).await.unwrap() == Claim::Granted;
        if granted {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(granted);
}
