//! A process that forks, as servers with worker processes do: what was built before has no threads in the child.
//!
//! Without the test harness, whose threads a child would miss too.

#![cfg_attr(not(unix), allow(unused))]
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "it is a test, without the harness")]

use std::process::exit;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use credentials_grant::ErrorKind;
use credentials_grant_client::{Authorizer, TokenSource, blocking};
use credentials_grant_test_kit::{Acme, Answer, TestServer, credentials};

fn source(server: &TestServer) -> TokenSource {
    TokenSource::builder(Acme::new(), credentials()).with_transport(server.clone()).build().unwrap()
}

fn token(source: &blocking::TokenSource) -> String {
    source.token().unwrap().header_value().to_str().unwrap().to_owned()
}

/// Ends the process if the child waits for ever.
fn watch() {
    thread::spawn(|| {
        let (_sender, never) = channel::<()>();
        let _ = never.recv_timeout(Duration::from_secs(60));
        exit(9);
    });
}

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
fn main() {
    let server = TestServer::new(|_, _| Answer::Token(3600));
    let before = blocking::TokenSource::from_async(source(&server)).unwrap();
    let asynchronous = Authorizer::builder(source(&server)).with_host("api.example.com").build().unwrap();
    let authorizer = blocking::Authorizer::from_async(asynchronous).unwrap();
    assert_eq!(token(&before), "Bearer token-1");
    match fork::fork().unwrap() {
        fork::Fork::Parent(child) => {
            let status = fork::waitpid(child).unwrap();
            assert_eq!(fork::WEXITSTATUS(status), 0, "{status}");
            assert_eq!(token(&before), "Bearer token-1", "the parent goes on");
            println!("test a_child_is_told_to_build_its_own_source_and_can ... ok");
        }
        fork::Fork::Child => {
            watch();
            // What is in memory is there for the child too.
            assert_eq!(token(&before), "Bearer token-1");
            before.invalidate(&before.token().unwrap());
            let error = before.token().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(error.to_string().contains("forked") && error.to_string().contains("in the child"), "{error}");
            let mut request = http::Request::get("https://api.example.com/").body(()).unwrap();
            assert!(authorizer.authorize(&mut request).unwrap_err().to_string().contains("forked"));
            let after = blocking::TokenSource::from_async(source(&server)).unwrap();
            assert_eq!(token(&after), "Bearer token-2");
            drop((before, authorizer, after));
            exit(0);
        }
    }
}
