//! The user that the README describes has all the rights that the store needs.

use std::time::Duration;

use credentials_grant_client::{Claim, Claimant, StoreKey, TokenStore as _};

use crate::machine::{machine, renewed, store, token, vendor};
use crate::server::{Kind, Server, on_each_server};

on_each_server! {
    a_user_without_a_right_gets_tokens_all_the_same,
    the_user_of_the_readme_has_no_more_rights_than_needed,
}

/// The words of the rule in the README.
fn rule() -> String {
    let readme = include_str!("../../README.md");
    let line = readme.lines().find(|line| line.starts_with("ACL SETUSER")).unwrap();
    line.replace(">PASSWORD", ">secret")
}

async fn the_user_of_the_readme_has_no_more_rights_than_needed(kind: Kind) {
    let server = Server::start(kind).await;
    server.tell(&rule()).await;
    let url = format!("redis://orders:secret@127.0.0.1:{}", server.port);
    let vendor = vendor();
    let source = machine(&vendor, &url);
    assert_eq!(token(&source).await, "token-1");
    assert_eq!(renewed(&source).await, "token-2");
    assert_eq!(token(&machine(&vendor, &url)).await, "token-2");
    let (key, claimant, hour) = (StoreKey::new("key"), Claimant::from_bytes([1; 16]), Duration::from_secs(3600));
    let store = store(&url);
    assert_eq!(store.claim(&key, None, claimant, hour).await.unwrap(), Claim::Granted);
    store.release(&key, claimant).await.unwrap();
    let record = credentials_grant_client::Record {
        version: credentials_grant_client::Version::from_bytes([1; 16]),
        value: Vec::new(),
        lifetime: hour,
    };
    assert!(store.write(&key, None, &record).await.unwrap());
    assert!(store.read(&key).await.unwrap().is_some());
    assert!(store.remove(&key, record.version).await.unwrap());
    assert!(server.ask::<Vec<redis::Value>>("ACL LOG").await.is_empty(), "nothing was denied");

    // Without any of its rights, it does not work.
    for right in ["eval", "evalsha", "getrange", "pttl", "set", "del"] {
        server.tell(&format!("ACL SETUSER orders -{right}")).await;
        server.tell("SCRIPT FLUSH").await;
        let calls = async || {
            store.claim(&key, None, claimant, hour).await?;
            store.release(&key, claimant).await
        };
        calls().await.expect_err(right);
        server.tell(&format!("ACL SETUSER orders +{right}")).await;
        calls().await.unwrap();
    }
    // It sees no other keys.
    let other = credentials_grant_redis::RedisStore::builder(url, crate::machine::keyring()).with_prefix("other:");
    other.build().unwrap().read(&key).await.unwrap_err();
}

async fn a_user_without_a_right_gets_tokens_all_the_same(kind: Kind) {
    let server = Server::start(kind).await;
    server.tell("ACL SETUSER orders on >secret -@all").await;
    let (vendor, url) = (vendor(), format!("redis://orders:secret@127.0.0.1:{}", server.port));
    assert_eq!(token(&machine(&vendor, &url)).await, "token-1");
    assert_eq!(token(&machine(&vendor, &url)).await, "token-2");
}
