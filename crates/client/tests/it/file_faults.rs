//! Claims and files of a store in a directory, when things go wrong.

use std::fs;
use std::time::Duration;

use credentials_grant::{IssuanceLimit, TokenParameters};
use credentials_grant_client::{
    Claim, Claimant, FileStore, Record, StoreKey, SystemClock, TokenSource, TokenStore as _, Version,
};
use credentials_grant_test_kit::{Answer, TestServer, pass, settle};
use futures_util::future::join_all;
use tempfile::tempdir;

use crate::acme::{SECOND, on_clock, token};

fn who(byte: u8) -> Claimant {
    Claimant::from_bytes([byte; 16])
}

fn record(byte: u8) -> Record {
    Record { version: Version::from_bytes([byte; 16]), value: vec![byte; 9], lifetime: SECOND * 60 }
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
        pass(Duration::from_millis(10)).await;
    }
    assert!(granted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_records_written_at_once_are_all_written() {
    let home = tempdir().unwrap();
    let store = FileStore::at(home.path());
    let writes = (0..500_u32).map(|number| {
        let store = store.clone();
        tokio::spawn(async move { store.write(&StoreKey::new(format!("token-{number}")), None, &record(1)).await })
    });
    let outcomes = join_all(writes).await;
    let failed: Vec<_> = outcomes.into_iter().filter_map(|outcome| outcome.unwrap().err()).collect();
    assert!(failed.is_empty(), "{}: {}", failed.len(), failed[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_at_once_are_all_counted() {
    let home = tempdir().unwrap();
    let server = TestServer::new(|_, _| Answer::Token(3600));
    let limit = IssuanceLimit::new(4, SECOND * 3600).per_client();
    let calls = (0..40_u32).map(|number| {
        let source = on_clock(&server, SystemClock::new())
            .with_store(FileStore::at(home.path()))
            .with_limit(limit)
            .with_parameters(TokenParameters::new().with_scope(number.to_string()))
            .build()
            .unwrap();
        tokio::spawn(async move { token(&source).await })
    });
    let outcomes = join_all(calls).await;
    let issued = outcomes.into_iter().filter(|outcome| outcome.as_ref().unwrap().is_ok()).count();
    assert_eq!((issued, server.request_count()), (4, 4));
}

#[cfg(unix)]
#[tokio::test]
async fn files_of_others_in_the_directory_stay_and_harm_nothing() {
    let home = tempdir().unwrap();
    let path = |name: &str| home.path().join(name);
    fs::write(path("new"), "mine").unwrap();
    fs::write(path("target"), "mine").unwrap();
    fs::create_dir(path("a directory.record")).unwrap();
    fs::write(path("\u{1b}[31m.record"), "odd").unwrap();
    std::os::unix::fs::symlink(path("target"), path("token-a.record")).unwrap();
    let store = FileStore::at(home.path());
    let key = StoreKey::new("token-a");
    let _ = store.write(&key, None, &record(1)).await.unwrap();
    assert_eq!(fs::read_to_string(path("new")).unwrap(), "mine");
    assert_eq!(fs::read_to_string(path("target")).unwrap(), "mine");
    assert_eq!(store.list().unwrap().len(), 1);
    assert_eq!(store.clear().unwrap(), 1);
    settle().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_in_the_place_of_a_record_holds_nobody_up() {
    let home = tempdir().unwrap();
    let path = home.path().join("token-a.record");
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    let store = FileStore::at(home.path());
    let read = tokio::time::timeout(SECOND * 3, store.read(&StoreKey::new("token-a"))).await;
    if read.is_err() {
        // Ends the thread that reads.
        drop(fs::OpenOptions::new().write(true).open(&path));
    }
    assert!(read.is_ok());
}
