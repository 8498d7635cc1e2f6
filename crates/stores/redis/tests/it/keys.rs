//! What is in the server, and what of it counts.

use std::time::Duration;

use credentials_grant_client::{Claim, Claimant, Record, StoreKey, TokenStore as _, Version};
use redis::cmd;

use crate::machine::{machine, renewed, store, token, vendor};
use crate::server::{Kind, Server, on_each_server};

const HOUR: Duration = Duration::from_secs(3600);

on_each_server! {
    a_claim_that_does_not_end_is_none,
    a_lifetime_of_any_length_is_stored,
    a_record_and_its_claim_are_two_keys_that_end,
    a_record_that_was_written_is_written_again,
    a_server_that_forgot_the_scripts_is_told_them_again,
    what_others_wrote_counts_as_absent_and_is_overwritten,
}

fn key() -> StoreKey {
    StoreKey::new("token-abc")
}

fn record(version: u8) -> Record {
    Record { version: Version::from_bytes([version; 16]), value: b"sealed".to_vec(), lifetime: HOUR }
}

fn claimant(number: u8) -> Claimant {
    Claimant::from_bytes([number; 16])
}

async fn a_record_and_its_claim_are_two_keys_that_end(kind: Kind) {
    let server = Server::start(kind).await;
    let store = store(&server.url());
    assert!(store.write(&key(), None, &record(7)).await.unwrap());
    assert_eq!(store.claim(&key(), Some(record(7).version), claimant(1), HOUR).await.unwrap(), Claim::Granted);
    let mut keys = server.keys("").await;
    keys.sort();
    assert_eq!(keys, ["cg1:{token-abc}:l", "cg1:{token-abc}:r"]);
    assert_eq!(server.ask::<Vec<u8>>("GET cg1:{token-abc}:r").await, [&[7; 16][..], b"sealed"].concat());
    assert_eq!(server.ask::<Vec<u8>>("GET cg1:{token-abc}:l").await, [1; 16]);
    for key in keys {
        let left: u64 = server.ask(&format!("PTTL {key}")).await;
        assert!((1_800_000..=3_600_000).contains(&left), "{key}: {left}");
    }
    // How much longer it lives is what the server says.
    server.tell("PEXPIRE cg1:{token-abc}:r 500000").await;
    let left = store.read(&key()).await.unwrap().unwrap().lifetime;
    assert!((Duration::from_secs(250)..=Duration::from_secs(500)).contains(&left), "{left:?}");
}

async fn what_others_wrote_counts_as_absent_and_is_overwritten(kind: Kind) {
    let server = Server::start(kind).await;
    let store = store(&server.url());
    let long = "x".repeat(262_161);
    for garbage in [
        "SET cg1:{token-abc}:r short PX 3600000".to_owned(),
        "SET cg1:{token-abc}:r 0123456789abcdef-without-an-end".to_owned(),
        format!("SET cg1:{{token-abc}}:r {long} PX 3600000"),
        "RPUSH cg1:{token-abc}:r a b c".to_owned(),
        "HSET cg1:{token-abc}:r a b".to_owned(),
        "SETBIT cg1:{token-abc}:r 1 1".to_owned(),
    ] {
        let shown = &garbage[..garbage.len().min(60)];
        server.tell("DEL cg1:{token-abc}:r cg1:{token-abc}:l").await;
        server.tell(&garbage).await;
        assert_eq!(store.read(&key()).await.unwrap(), None, "{shown}");
        assert_eq!(store.claim(&key(), None, claimant(1), HOUR).await.unwrap(), Claim::Granted, "{shown}");
        assert!(!store.remove(&key(), record(1).version).await.unwrap(), "{shown}");
        assert!(store.write(&key(), None, &record(1)).await.unwrap(), "{shown}");
        assert_eq!(store.read(&key()).await.unwrap().unwrap().value, b"sealed", "{shown}");
    }
    // The shortest record has no value, and the longest 256 KiB.
    for length in [0, 256 * 1024] {
        let edge = Record { value: vec![b'x'; length], ..record(2) };
        server.tell("DEL cg1:{token-abc}:r").await;
        assert!(store.write(&key(), None, &edge).await.unwrap());
        assert_eq!(store.read(&key()).await.unwrap().unwrap().value.len(), length);
    }
    // A source that finds garbage of the right shape requests a token.
    let (vendor, url) = (vendor(), server.url());
    assert_eq!(token(&machine(&vendor, &url)).await, "token-1");
    for name in server.keys(":r").await {
        let mut connection = server.connection().await;
        let mut set = cmd("SET");
        set.arg(&name).arg([0xff_u8; 100].as_slice()).arg("PX").arg(3_600_000);
        set.exec_async(&mut connection).await.unwrap();
    }
    let source = machine(&vendor, &url);
    assert_eq!(token(&source).await, "token-2");
    assert_eq!(renewed(&source).await, "token-3");
}

async fn a_claim_that_does_not_end_is_none(kind: Kind) {
    let server = Server::start(kind).await;
    let store = store(&server.url());
    for garbage in ["SET cg1:{token-abc}:l 0123456789abcdef", "RPUSH cg1:{token-abc}:l a"] {
        server.tell("DEL cg1:{token-abc}:l").await;
        server.tell(garbage).await;
        store.release(&key(), claimant(1)).await.unwrap();
        assert_eq!(store.claim(&key(), None, claimant(1), HOUR).await.unwrap(), Claim::Granted, "{garbage}");
        assert!(
            matches!(store.claim(&key(), None, claimant(2), HOUR).await.unwrap(), Claim::Held(left) if left <= HOUR)
        );
    }
}

async fn a_lifetime_of_any_length_is_stored(kind: Kind) {
    let server = Server::start(kind).await;
    let store = store(&server.url());
    let long = Record { lifetime: Duration::MAX, ..record(1) };
    assert!(store.write(&key(), None, &long).await.unwrap());
    assert!(store.read(&key()).await.unwrap().unwrap().lifetime > HOUR * 24 * 365 * 50);
    assert_eq!(store.claim(&key(), Some(long.version), claimant(1), Duration::MAX).await.unwrap(), Claim::Granted);
    let none = Record { lifetime: Duration::ZERO, ..record(2) };
    assert!(store.write(&key(), Some(long.version), &none).await.unwrap());
}

async fn a_record_that_was_written_is_written_again(kind: Kind) {
    let server = Server::start(kind).await;
    let store = store(&server.url());
    for _ in 0..2 {
        // The answer may have been lost with the connection.
        assert!(store.write(&key(), None, &record(1)).await.unwrap());
    }
    assert!(!store.write(&key(), None, &record(2)).await.unwrap());
}

async fn a_server_that_forgot_the_scripts_is_told_them_again(kind: Kind) {
    let server = Server::start(kind).await;
    let store = store(&server.url());
    for version in [1, 2] {
        assert_eq!(
            store.claim(&key(), Some(record(version - 1).version), claimant(1), HOUR).await.unwrap(),
            Claim::Granted
        );
        assert!(store.write(&key(), Some(record(version - 1).version), &record(version)).await.unwrap());
        assert!(store.read(&key()).await.unwrap().is_some());
        store.release(&key(), claimant(1)).await.unwrap();
        server.tell("SCRIPT FLUSH").await;
    }
    assert!(store.remove(&key(), record(2).version).await.unwrap());
    // Once it knows them, their text is not sent again.
    server.tell("CONFIG RESETSTAT").await;
    assert!(store.write(&key(), None, &record(1)).await.unwrap());
    for _ in 0..10 {
        store.write(&key(), Some(record(1).version), &record(1)).await.unwrap();
    }
    let statistics: String = server.ask("INFO commandstats").await;
    let calls = |command: &str| {
        let line = statistics.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
        line.and_then(|line| line.split(',').next()?.parse().ok()).unwrap_or(0)
    };
    assert_eq!((calls("evalsha"), calls("eval")), (11, 1), "{statistics}");
}
