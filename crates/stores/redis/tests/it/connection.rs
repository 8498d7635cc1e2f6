//! The connection: lazy, one for all calls, and made again when it was lost.

use std::time::Duration;

use credentials_grant_client::{Record, StoreKey, TokenStore as _, Version};
use credentials_grant_redis::RedisStore;
use credentials_grant_test_kit::pass;
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::machine::{keyring, store, until};
use crate::relay::{Does, Relay};
use crate::server::{Kind, Server, on_each_server, run};

on_each_server! {
    a_connection_that_the_network_forgot_is_replaced,
    a_connection_that_was_killed_is_made_again_by_the_call_that_finds_it_dead,
    a_primary_that_became_a_replica_is_left_for_the_one_that_has_its_name_now,
    a_store_is_used_from_several_runtimes,
    calls_that_are_given_up_leave_the_connection_to_the_others,
    connecting_goes_on_if_the_caller_gives_up,
    nothing_is_connected_before_the_first_call_and_one_connection_serves_all,
}

fn key() -> StoreKey {
    StoreKey::new("token-abc")
}

fn record() -> Record {
    Record { version: Version::from_bytes([1; 16]), value: vec![0; 1500], lifetime: Duration::from_secs(3600) }
}

async fn nothing_is_connected_before_the_first_call_and_one_connection_serves_all(kind: Kind) {
    let server = Server::start(kind).await;
    let relay = Relay::to(server.port).await;
    let store = store(&relay.url());
    pass(Duration::from_millis(50)).await;
    assert_eq!(relay.connections(), 0);
    let other = store.clone();
    let reads = (0..1000).map(|call| if call % 2 == 0 { &store } else { &other }).map(|store| async {
        store.read(&key()).await.unwrap();
    });
    join_all(reads).await;
    assert_eq!(relay.connections(), 1);
}

async fn calls_that_are_given_up_leave_the_connection_to_the_others(kind: Kind) {
    let server = Server::start(kind).await;
    let relay = Relay::to(server.port).await;
    let store = store(&relay.url());
    assert!(store.write(&key(), None, &record()).await.unwrap());
    relay.does(Does::Delay(Duration::from_millis(20)));
    let key = key();
    for most in [0, 1, 5, 10, 15, 19, 20, 21, 22] {
        let reads = (0..20).map(|_| timeout(Duration::from_millis(most), store.read(&key)));
        let patient = store.read(&key);
        let (_, read) = futures_util::future::join(join_all(reads), patient).await;
        assert_eq!(read.unwrap().unwrap().value, record().value, "given up after {most} ms");
    }
    // On a busy machine, a call may be given up later than it was to be.
    assert!(relay.connections() < 4, "{}", relay.connections());
}

async fn a_connection_that_was_killed_is_made_again_by_the_call_that_finds_it_dead(kind: Kind) {
    let server = Server::start(kind).await;
    let store = store(&server.url());
    assert!(store.write(&key(), None, &record()).await.unwrap());
    for _ in 0..20 {
        server.tell("CLIENT KILL TYPE normal SKIPME yes").await;
        assert_eq!(store.read(&key()).await.unwrap().unwrap().value, record().value);
    }
}

async fn a_connection_that_the_network_forgot_is_replaced(kind: Kind) {
    let server = Server::start(kind).await;
    let relay = Relay::to(server.port).await;
    let store = store(&relay.url());
    assert!(store.write(&key(), None, &record()).await.unwrap());
    relay.does(Does::ForgetOld);
    // Whoever waits long enough gets an answer, by a new connection.
    assert!(store.read(&key()).await.unwrap().is_some());
    assert_eq!(relay.connections(), 2);
    // Whoever does not leaves a new connection to the next one.
    relay.does(Does::Hang);
    assert!(timeout(Duration::from_millis(500), store.read(&key())).await.is_err());
    relay.does(Does::Pass);
    assert!(store.read(&key()).await.unwrap().is_some());
    assert_eq!(relay.connections(), 3);
}

async fn a_primary_that_became_a_replica_is_left_for_the_one_that_has_its_name_now(kind: Kind) {
    let (old, new) = (Server::start(kind).await, Server::start(kind).await);
    let relay = Relay::to(old.port).await;
    let store = store(&relay.url());
    assert!(store.write(&key(), None, &record()).await.unwrap());
    old.tell(&format!("REPLICAOF 127.0.0.1 {}", crate::server::free_port())).await;
    // The connection to the old one stays, and it says that it is read-only.
    relay.leads_to(new.port);
    assert!(store.write(&key(), Some(record().version), &record()).await.unwrap());
    assert_eq!(new.keys(":r").await.len(), 1);
    assert_eq!(relay.connections(), 2);
}

async fn connecting_goes_on_if_the_caller_gives_up(kind: Kind) {
    let server = Server::start(kind).await;
    server.tell("ACL SETUSER orders on >secret +@all ~*").await;
    let relay = Relay::to(server.port).await;
    let store = store(&format!("redis://orders:secret@127.0.0.1:{}/1", relay.port));
    // The log-in takes longer than the caller waits.
    relay.does(Does::Delay(Duration::from_millis(400)));
    assert!(timeout(Duration::from_millis(300), store.read(&key())).await.is_err());
    until("the connection is there", async || {
        relay.does(Does::Delay(Duration::ZERO));
        store.read(&key()).await.is_ok()
    })
    .await;
    assert_eq!(relay.connections(), 1);
}

async fn a_store_is_used_from_several_runtimes(kind: Kind) {
    let server = Server::start(kind).await;
    let store = store(&server.url());
    for _ in 0..3 {
        let store = store.clone();
        let in_another = move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { store.write(&key(), None, &record()).await.map_err(|error| error.to_string()) })
        };
        // The connection that it made ended with its runtime.
        assert_eq!(std::thread::spawn(in_another).join().unwrap(), Ok(true));
    }
    assert!(store.read(&key()).await.unwrap().is_some());
}

/// Answers every request with these bytes, and then closes.
async fn answering(answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                while let Ok(1..) = stream.read(&mut request).await {
                    if stream.write_all(answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

#[test]
fn what_a_server_answers_panics_nothing_and_shows_no_password() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for answer in [
            &b"-ERR you said hunter2\x1b[31m\r\n"[..],
            b"-OOM hunter2\r\n",
            b"+OK\r\n",
            b"$-1\r\n",
            b":5\r\n",
            b":-5\r\n",
            b"*2\r\n$3\r\nabc\r\n:1\r\n",
            b"*2\r\n$20\r\n01234567890123456789\r\n:-1\r\n",
            b"*2\r\n:1\r\n:1\r\n",
            b"*3\r\n:1\r\n:1\r\n:1\r\n",
            b"*-1\r\n",
            b"-MOVED 1 hunter2\r\n",
            b"-MOVED 99999 127.0.0.1:1\r\n",
            b"-MOVED 1 203.0.113.1:6379\r\n",
            b"-ASK 1 :\r\n",
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            b"\xff\xff\xff\r\n",
        ] {
            for log_in in ["", ":hunter2@"] {
                let store = store(&format!("redis://{log_in}127.0.0.1:{}", answering(answer).await));
                let calls = async {
                    let claimant = credentials_grant_client::Claimant::from_bytes([1; 16]);
                    let read = store.read(&key()).await.map(|_| ());
                    let claim = store.claim(&key(), None, claimant, Duration::from_secs(1)).await.map(|_| ());
                    let write = store.write(&key(), None, &record()).await.map(|_| ());
                    [read, claim, write]
                };
                let shown = String::from_utf8_lossy(answer);
                for outcome in timeout(Duration::from_secs(60), calls).await.expect(&shown) {
                    if let Err(error) = outcome {
                        let text = format!("{error} {error:?}");
                        assert!(!text.contains('\x1b'), "{text:?}");
                        assert!(log_in.is_empty() || !text.contains("hunter2"), "{text:?}");
                    }
                }
            }
        }
    });
}

#[test]
fn an_error_names_the_server_that_could_not_be_reached() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let port = crate::server::free_port();
        let nodes = RedisStore::builder(format!("redis://user:hunter2@127.0.0.1:{port}"), keyring());
        let error = nodes.build().unwrap().read(&key()).await.unwrap_err().to_string();
        assert!(error.contains(&format!("127.0.0.1:{port}: ")) && error.contains("refused"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    });
}

#[test]
fn a_wrong_password_is_an_error_that_does_not_show_it() {
    run(Kind::Redis, async |kind| {
        let server = Server::start(kind).await;
        server.tell("ACL SETUSER orders on >right +@all ~*").await;
        let store = store(&format!("redis://orders:hunter2@127.0.0.1:{}", server.port));
        let error = store.read(&key()).await.unwrap_err().to_string();
        assert!(error.to_lowercase().contains("password") && !error.contains("hunter2"), "{error}");
        assert!(error.contains(&format!("127.0.0.1:{}: ", server.port)), "{error}");
    });
}
