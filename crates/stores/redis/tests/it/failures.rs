//! Every way in which a store fails: no call fails that would have succeeded without one, no caller with a valid token
//! waits, and once the store is back, it is used again.
//!
//! Time is real here, since the servers' is. Nothing is said of how long a call takes, except that it is answered.

use std::time::Duration;

use credentials_grant_client::{ManualClock, TokenSource};
use credentials_grant_test_kit::{Answer, TestServer, clock, pass};
use futures_util::FutureExt as _;
use rustix::process::{Signal, kill_process};

use crate::machine::{builder, machine, machine_in_a_hurry, renewed, store, token, until_shared, vendor};
use crate::relay::{Does, Relay};
use crate::server::{Kind, Server, on_each_server};

on_each_server! {
    a_frozen_server,
    a_full_server,
    a_network_that_cuts_anywhere,
    a_network_that_hangs,
    a_network_that_is_slow,
    a_network_that_refuses,
    a_network_that_resets,
    a_read_only_replica,
    a_server_that_dies_between_claim_and_write,
    a_server_that_is_emptied,
    a_server_that_kills_its_clients,
    a_server_that_was_never_there,
    a_token_that_is_due_for_renewal_is_handed_out_at_once,
}

/// Returns the token if the call needs no waiting: not for the store, and not for anything else.
fn at_once(source: &TokenSource) -> Option<String> {
    token(source).now_or_never()
}

async fn a_network_that_refuses(kind: Kind) {
    let server = Server::start(kind).await;
    let (relay, vendor) = (Relay::to(server.port).await, vendor());
    let source = machine(&vendor, &relay.url());
    assert_eq!(token(&source).await, "token-1");
    relay.does(Does::Refuse);
    assert_eq!(at_once(&source).unwrap(), "token-1");
    assert_eq!(token(&machine(&vendor, &relay.url())).await, "token-2");
    assert_eq!(renewed(&source).await, "token-3");
    assert_eq!(vendor.request_count(), 3, "as many as without a store");
    relay.does(Does::Pass);
    until_shared(&vendor, &source, &relay.url()).await;
}

async fn a_network_that_hangs(kind: Kind) {
    let server = Server::start(kind).await;
    let (relay, vendor) = (Relay::to(server.port).await, vendor());
    let source = machine_in_a_hurry(&vendor, &relay.url());
    assert_eq!(token(&source).await, "token-1");
    relay.does(Does::Hang);
    assert_eq!(at_once(&source).unwrap(), "token-1");
    assert_eq!(token(&machine_in_a_hurry(&vendor, &relay.url())).await, "token-2");
    assert_eq!(renewed(&source).await, "token-3");
    assert_eq!(vendor.request_count(), 3);
    relay.does(Does::Pass);
    until_shared(&vendor, &source, &relay.url()).await;
}

async fn a_network_that_resets(kind: Kind) {
    let server = Server::start(kind).await;
    let (relay, vendor) = (Relay::to(server.port).await, vendor());
    let source = machine(&vendor, &relay.url());
    assert_eq!(token(&source).await, "token-1");
    relay.does(Does::Reset);
    assert_eq!(token(&machine(&vendor, &relay.url())).await, "token-2");
    assert_eq!(renewed(&source).await, "token-3");
    relay.does(Does::Pass);
    until_shared(&vendor, &source, &relay.url()).await;
}

async fn a_network_that_cuts_anywhere(kind: Kind) {
    let server = Server::start(kind).await;
    let (relay, vendor) = (Relay::to(server.port).await, vendor());
    assert_eq!(token(&machine(&vendor, &relay.url())).await, "token-1");
    for bytes in (0..40).chain([100, 200, 300, 400]) {
        relay.does(Does::CutAfter(bytes));
        let token = token(&machine(&vendor, &relay.url())).await;
        assert_eq!(token, format!("token-{}", if token == "token-1" { 1 } else { vendor.request_count() }), "{bytes}");
    }
    relay.does(Does::Pass);
    let source = machine(&vendor, &relay.url());
    until_shared(&vendor, &source, &relay.url()).await;
}

async fn a_network_that_is_slow(kind: Kind) {
    let server = Server::start(kind).await;
    let (relay, vendor) = (Relay::to(server.port).await, vendor());
    relay.does(Does::Delay(Duration::from_millis(30)));
    for _ in 0..5 {
        let source = machine(&vendor, &relay.url());
        assert_eq!(token(&source).await, "token-1");
        assert_eq!(at_once(&source).unwrap(), "token-1");
    }
    assert_eq!(vendor.request_count(), 1, "it is used all the same");
}

async fn a_server_that_was_never_there(kind: Kind) {
    let (port, vendor) = (crate::server::free_port(), vendor());
    let url = format!("redis://127.0.0.1:{port}");
    for request in 1..=5 {
        let source = machine(&vendor, &url);
        assert_eq!(token(&source).await, format!("token-{request}"));
        assert_eq!(at_once(&source).unwrap(), format!("token-{request}"));
    }
    assert_eq!(vendor.request_count(), 5);
    // It comes up later, and the program need not be started again.
    let server = Server::start(kind).await;
    let relay = Relay::to(server.port).await;
    let source = machine(&vendor, &relay.url());
    until_shared(&vendor, &source, &server.url()).await;
}

async fn a_server_that_dies_between_claim_and_write(kind: Kind) {
    let mut server = Server::start(kind).await;
    let (process, url) = (server.process(), server.url());
    let vendor = TestServer::new(move |_, number| {
        if number == 1 {
            kill_process(process, Signal::KILL).unwrap();
        }
        Answer::Token(3600)
    });
    let source = machine(&vendor, &url);
    assert_eq!(token(&source).await, "token-1");
    assert_eq!(at_once(&source).unwrap(), "token-1");
    server.kill();
    assert_eq!(token(&machine(&vendor, &url)).await, "token-2");
    server.start_again().await;
    until_shared(&vendor, &source, &url).await;
}

async fn a_server_that_is_emptied(kind: Kind) {
    let mut server = Server::start(kind).await;
    let (vendor, url) = (vendor(), server.url());
    let source = machine(&vendor, &url);
    assert_eq!(token(&source).await, "token-1");
    server.tell("FLUSHALL").await;
    assert_eq!(at_once(&source).unwrap(), "token-1");
    for _ in 0..5 {
        assert_eq!(token(&machine(&vendor, &url)).await, "token-2", "one request for all newcomers");
    }
    server.kill();
    assert_eq!(at_once(&source).unwrap(), "token-1");
    server.start_again().await;
    let source = machine(&vendor, &url);
    for _ in 0..5 {
        assert_eq!(token(&machine(&vendor, &url)).await, "token-3");
    }
    assert_eq!(token(&source).await, "token-3");
    assert_eq!(vendor.request_count(), 3);
}

async fn a_full_server(kind: Kind) {
    let server = Server::start(kind).await;
    let (vendor, url) = (vendor(), server.url());
    let source = machine(&vendor, &url);
    server.tell("CONFIG SET maxmemory 1").await;
    assert_eq!(token(&source).await, "token-1");
    assert_eq!(at_once(&source).unwrap(), "token-1");
    assert_eq!(token(&machine(&vendor, &url)).await, "token-2");
    assert!(server.keys("").await.is_empty());
    server.tell("CONFIG SET maxmemory 0").await;
    until_shared(&vendor, &source, &url).await;
}

async fn a_read_only_replica(kind: Kind) {
    let server = Server::start(kind).await;
    let (vendor, url) = (vendor(), server.url());
    let source = machine(&vendor, &url);
    assert_eq!(token(&source).await, "token-1");
    server.tell(&format!("REPLICAOF 127.0.0.1 {}", crate::server::free_port())).await;
    assert_eq!(at_once(&source).unwrap(), "token-1");
    assert_eq!(token(&machine(&vendor, &url)).await, "token-1", "it can be read");
    assert_eq!(renewed(&source).await, "token-2");
    server.tell("REPLICAOF NO ONE").await;
    until_shared(&vendor, &source, &url).await;
}

async fn a_server_that_kills_its_clients(kind: Kind) {
    let server = Server::start(kind).await;
    let (vendor, shared) = (vendor(), store(&server.url()));
    let of_one_program = || builder(&vendor, shared.clone()).build().unwrap();
    assert_eq!(token(&of_one_program()).await, "token-1");
    for _ in 0..20 {
        server.tell("CLIENT KILL TYPE normal SKIPME yes").await;
        assert_eq!(token(&of_one_program()).await, "token-1");
    }
    assert_eq!(vendor.request_count(), 1, "no call went on without the store");
}

async fn a_frozen_server(kind: Kind) {
    let server = Server::start(kind).await;
    let (vendor, url) = (vendor(), server.url());
    let source = machine_in_a_hurry(&vendor, &url);
    assert_eq!(token(&source).await, "token-1");
    server.freeze();
    assert_eq!(at_once(&source).unwrap(), "token-1");
    assert_eq!(token(&machine_in_a_hurry(&vendor, &url)).await, "token-2");
    assert_eq!(renewed(&source).await, "token-3");
    assert_eq!(vendor.request_count(), 3);
    server.thaw();
    until_shared(&vendor, &source, &url).await;
}

async fn a_token_that_is_due_for_renewal_is_handed_out_at_once(kind: Kind) {
    let server = Server::start(kind).await;
    let (relay, vendor, clock): (_, _, ManualClock) = (Relay::to(server.port).await, vendor(), clock());
    let source = builder(&vendor, store(&relay.url())).with_clock(clock.clone()).build().unwrap();
    assert_eq!(token(&source).await, "token-1");
    clock.advance(Duration::from_secs(3600 * 93 / 100));
    for does in [Does::Hang, Does::Refuse, Does::Hang] {
        relay.does(does);
        for _ in 0..100 {
            assert_eq!(at_once(&source).unwrap(), "token-1");
            pass(Duration::from_millis(2)).await;
        }
    }
    assert_eq!(vendor.request_count(), 1, "the renewal looks again later");
}
