//! A primary and a replica, whose roles a Sentinel knows.

use std::fs;
use std::time::Duration;

use credentials_grant_redis::RedisStore;
use credentials_grant_test_kit::pass;

use crate::machine::{PATIENCE, builder, keyring, renewed, token, until, vendor};
use crate::server::{Kind, Server, free_port, on_each_server};

on_each_server! {
    the_primary_is_the_one_that_the_sentinel_names,
}

async fn sentinel(kind: Kind, primary: &Server) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("sentinel.conf");
    let lines = [
        format!("sentinel monitor mymaster 127.0.0.1 {} 1", primary.port),
        "sentinel down-after-milliseconds mymaster 1000".to_owned(),
        "sentinel failover-timeout mymaster 10000".to_owned(),
        "sentinel resolve-hostnames no".to_owned(),
    ];
    fs::write(&configuration, lines.join("\n")).unwrap();
    let sentinel = Server::start_with(kind, &[configuration.to_str().unwrap(), "--sentinel"]).await;
    drop(folder);
    sentinel
}

async fn the_primary_is_the_one_that_the_sentinel_names(kind: Kind) {
    let first = Server::start(kind).await;
    let replica = ["--replicaof".to_owned(), format!("127.0.0.1 {}", first.port)];
    let second = Server::start_with(kind, &[&replica[0], &replica[1]]).await;
    let sentinel = sentinel(kind, &first).await;
    let vendor = vendor();
    let store = RedisStore::builder("redis://mymaster", keyring())
        .with_sentinel(format!("redis://127.0.0.1:{}", free_port()))
        .with_sentinel(sentinel.url())
        .with_patience(PATIENCE)
        .build()
        .unwrap();
    let source = builder(&vendor, store.clone()).build().unwrap();
    assert_eq!(token(&source).await, "token-1");
    assert!(!first.keys(":r").await.is_empty(), "it is at the primary");
    until("the Sentinel knows the replica", async || {
        let replicas: Vec<redis::Value> = sentinel.ask("SENTINEL REPLICAS mymaster").await;
        let synced: String = second.ask("INFO replication").await;
        !replicas.is_empty() && synced.contains("master_link_status:up")
    })
    .await;
    // The roles change. The old primary goes on, and refuses to write.
    until("the Sentinel changes the roles", async || {
        let answer: redis::RedisResult<redis::Value> = {
            let mut connection = sentinel.connection().await;
            redis::cmd("SENTINEL").arg("FAILOVER").arg("mymaster").query_async(&mut connection).await
        };
        answer.is_ok()
    })
    .await;
    until("the replica is the primary", async || {
        let (one, other): (String, String) =
            (first.ask("INFO replication").await, second.ask("INFO replication").await);
        other.contains("role:master") && one.contains("role:slave")
    })
    .await;
    until("the new primary is used", async || {
        let own = renewed(&source).await;
        pass(Duration::from_millis(50)).await;
        let before = vendor.request_count();
        let other = builder(&vendor, store.clone()).build().unwrap();
        token(&other).await == own && vendor.request_count() == before
    })
    .await;

    let unknown = RedisStore::builder("redis://othermaster", keyring()).with_sentinel(sentinel.url()).build().unwrap();
    let key = credentials_grant_client::StoreKey::new("key");
    let error = credentials_grant_client::TokenStore::read(&unknown, &key).await.unwrap_err().to_string();
    assert!(error.contains("the Sentinel does not know the primary's name"), "{error}");
}
