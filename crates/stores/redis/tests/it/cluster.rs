//! A cluster of two nodes, of which the store knows one.

use std::time::Duration;

use credentials_grant_client::{Claim, Claimant, Record, StoreKey, TokenStore as _, Version};
use credentials_grant_redis::RedisStore;

use crate::machine::{keyring, machine, store, token, until, vendor};
use crate::server::{Kind, Server, free_port, on_each_server};

const HOUR: Duration = Duration::from_secs(3600);

on_each_server! {
    each_key_is_found_at_its_node,
}

fn record(version: u8) -> Record {
    Record { version: Version::from_bytes([version; 16]), value: b"sealed".to_vec(), lifetime: HOUR }
}

/// Starts two nodes with one half of the slots each.
async fn cluster(kind: Kind) -> [Server; 2] {
    let start = async || {
        // The bus has a port of its own, which is 10 000 above by default: too high for some.
        let bus = free_port().to_string();
        Server::start_with(kind, &["--cluster-enabled", "yes", "--cluster-port", &bus]).await
    };
    let nodes = [start().await, start().await];
    let bus: Vec<String> = nodes[1].ask("CONFIG GET cluster-port").await;
    nodes[0].tell("CLUSTER ADDSLOTSRANGE 0 8191").await;
    nodes[1].tell("CLUSTER ADDSLOTSRANGE 8192 16383").await;
    nodes[0].tell(&format!("CLUSTER MEET 127.0.0.1 {} {}", nodes[1].port, bus[1])).await;
    for node in &nodes {
        until("the cluster is complete", async || {
            let info: String = node.ask("CLUSTER INFO").await;
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:2")
        })
        .await;
    }
    nodes
}

async fn each_key_is_found_at_its_node(kind: Kind) {
    let nodes = cluster(kind).await;
    let store = store(&nodes[0].url());
    let claimant = Claimant::from_bytes([1; 16]);
    let keys: Vec<_> = (0..40).map(|number| StoreKey::new(format!("key-{number}"))).collect();
    for key in &keys {
        assert_eq!(store.claim(key, None, claimant, HOUR).await.unwrap(), Claim::Granted);
        assert!(store.write(key, None, &record(1)).await.unwrap());
        assert_eq!(store.read(key).await.unwrap().unwrap().value, b"sealed");
    }
    let (first, second) = (nodes[0].keys(":r").await.len(), nodes[1].keys(":r").await.len());
    assert!(first > 0 && second > 0 && first + second == keys.len(), "{first} and {second}");

    // A slot is on its way to the other node: what is not there any more is there already.
    let ids = [nodes[0].ask::<String>("CLUSTER MYID").await, nodes[1].ask::<String>("CLUSTER MYID").await];
    let moving = nodes[1].keys(":r").await.remove(0);
    let slot: u16 = nodes[1].ask(&format!("CLUSTER KEYSLOT {moving}")).await;
    let name = StoreKey::new(moving.trim_start_matches("cg1:{").trim_end_matches("}:r"));
    nodes[0].tell(&format!("CLUSTER SETSLOT {slot} IMPORTING {}", ids[1])).await;
    nodes[1].tell(&format!("CLUSTER SETSLOT {slot} MIGRATING {}", ids[0])).await;
    nodes[1].tell(&format!("DEL {moving} {}", moving.replace(":r", ":l"))).await;
    assert!(store.write(&name, None, &record(2)).await.unwrap());
    assert_eq!(store.read(&name).await.unwrap().unwrap().version, record(2).version);
    assert!(!nodes[1].keys(":r").await.contains(&moving));
    // It has arrived.
    for node in [&nodes[0], &nodes[1]] {
        node.tell(&format!("CLUSTER SETSLOT {slot} NODE {}", ids[0])).await;
    }
    assert_eq!(store.read(&name).await.unwrap().unwrap().version, record(2).version);
    assert!(store.remove(&name, record(2).version).await.unwrap());

    // Another node will do if the first one named is not there.
    let url = format!("redis://127.0.0.1:{}", free_port());
    let other = RedisStore::builder(url, keyring()).with_cluster_node(nodes[1].url()).build().unwrap();
    for key in keys.iter().filter(|key| **key != name) {
        assert_eq!(other.read(key).await.unwrap().unwrap().version, record(1).version);
    }

    let vendor = vendor();
    assert_eq!(token(&machine(&vendor, &nodes[0].url())).await, "token-1");
    assert_eq!(token(&machine(&vendor, &nodes[1].url())).await, "token-1");

    // Without one node, the other's keys are there, and calls succeed. `cluster-require-full-coverage` would end both.
    let [first, mut second] = nodes;
    first.tell("CONFIG SET cluster-require-full-coverage no").await;
    second.kill();
    let mut read = 0;
    for key in &keys {
        read += usize::from(store.read(key).await.is_ok_and(|record| record.is_some()));
    }
    assert_eq!(read, first.keys("}:r").await.iter().filter(|key| key.starts_with("cg1:{key-")).count());
    assert!(token(&machine(&vendor, &first.url())).await.starts_with("token-"));
}
