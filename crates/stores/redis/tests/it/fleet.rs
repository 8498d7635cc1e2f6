//! Many machines with one server.

use std::time::Duration;

use credentials_grant::ErrorKind;
use credentials_grant_client::TokenSource;
use credentials_grant_test_kit::{Answer, TestServer, clock, pass};
use futures_util::future::join_all;

use crate::machine::{builder, machine, store, token, until};
use crate::server::{Kind, Server, on_each_server};

on_each_server! {
    of_many_machines_that_start_at_once_one_requests_the_token,
    ten_machines_with_a_wrong_secret_send_it_once_in_each_pause,
    the_first_of_many_machines_whose_token_is_rejected_requests_the_next_one,
}

/// A vendor that takes a while.
fn slow_vendor() -> TestServer {
    TestServer::new_async(|_, _| async {
        pass(Duration::from_millis(300)).await;
        Answer::Token(3600)
    })
}

async fn of_many_machines_that_start_at_once_one_requests_the_token(kind: Kind) {
    let server = Server::start(kind).await;
    let vendor = slow_vendor();
    let machines: Vec<_> = (0..200).map(|_| machine(&vendor, &server.url())).collect();
    let tokens = join_all(machines.iter().map(token)).await;
    assert!(tokens.iter().all(|token| token == "token-1"), "{tokens:?}");
    assert_eq!(vendor.request_count(), 1);
}

async fn the_first_of_many_machines_whose_token_is_rejected_requests_the_next_one(kind: Kind) {
    let server = Server::start(kind).await;
    let vendor = slow_vendor();
    let machines: Vec<_> = (0..50).map(|_| machine(&vendor, &server.url())).collect();
    for life in 1..=2 {
        let tokens = join_all(machines.iter().map(|machine| async { machine.token().await.unwrap() })).await;
        assert_eq!(vendor.request_count(), life);
        for (machine, token) in machines.iter().zip(&tokens) {
            machine.invalidate(token);
        }
    }
}

async fn ten_machines_with_a_wrong_secret_send_it_once_in_each_pause(kind: Kind) {
    let server = Server::start(kind).await;
    let vendor = TestServer::new(|_, _| Answer::http(401, r#"{"error":"invalid_client"}"#));
    // Their clock is the test's, so that the pause is over when the test says so.
    let clock = clock();
    let machine = || builder(&vendor, store(&server.url())).with_clock(clock.clone()).build().unwrap();
    let machines: Vec<_> = (0..10).map(|_| machine()).collect();
    for requests in 1..=3 {
        let outcomes = join_all(machines.iter().map(TokenSource::token)).await;
        for outcome in outcomes {
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::CredentialsRefused);
        }
        assert_eq!(vendor.request_count(), requests);
        until("it is in the store", async || server.keys(":r").await.iter().any(|key| key.contains("client-"))).await;
        clock.advance(Duration::from_secs(600));
        // The server's clock goes on too, and the record with it.
        for key in server.keys(":r").await {
            let left: i64 = server.ask(&format!("PTTL {key}")).await;
            server.tell(&format!("PEXPIRE {key} {}", (left - 600_000).max(1))).await;
        }
    }
}
