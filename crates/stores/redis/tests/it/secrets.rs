//! Nothing secret is in the server: not in a key or a value, not in what it is asked, not in its dump.

use credentials_grant::{ClientCredentials, ErrorKind, TokenParameters};
use credentials_grant_client::TokenSource;
use credentials_grant_test_kit::{Acme, Answer, TestServer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::machine::{renewed, store, until};
use crate::server::{Kind, Server, on_each_server};

on_each_server! {
    no_secret_and_no_token_is_in_the_server,
}

const SECRET: &str = "CanarySecretOfTheClient";
const TOKEN: &str = "CanaryTokenOfTheVendor";
const SCOPE: &str = "CanaryScope";

async fn no_secret_and_no_token_is_in_the_server(kind: Kind) {
    let server = Server::start_with(kind, &["--rdbcompression", "no", "--dbfilename", "dump.rdb"]).await;
    let mut monitor = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    monitor.write_all(b"MONITOR\r\n").await.unwrap();
    let mut answer = [0; 5];
    monitor.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"+OK\r\n");
    let mut seen = Vec::new();

    let source = |vendor: &TestServer, id: &str| {
        TokenSource::builder(Acme::new(), ClientCredentials::new(id, SECRET))
            .with_transport(vendor.clone())
            .with_parameters(TokenParameters::new().with_scope(SCOPE))
            .with_store(store(&server.url()))
            .build()
            .unwrap()
    };
    let body = format!(r#"{{"access_token":"{TOKEN}","token_type":"bearer","expires_in":3600}}"#);
    let vendor = TestServer::new(move |_, _| Answer::http(200, &body));
    renewed(&source(&vendor, "first")).await;
    // A refusal that quotes everything is stored too.
    let quoting = format!(r#"{{"error":"invalid_client","error_description":"{SECRET} {TOKEN}"}}"#);
    let refusing = TestServer::new(move |_, _| Answer::http(401, &quoting));
    assert_eq!(source(&refusing, "second").token().await.unwrap_err().kind(), ErrorKind::CredentialsRefused);
    until("it is stored", async || server.keys(":r").await.len() >= 2).await;

    server.tell("SAVE").await;
    let dump = std::fs::read(server.directory.path().join("dump.rdb")).unwrap();
    let log = std::fs::read(server.directory.path().join("log")).unwrap();
    let mut values = Vec::new();
    let keys = server.keys("").await;
    for key in keys.iter().filter(|key| key.ends_with(":r")) {
        values.extend(server.ask::<Vec<u8>>(&format!("GET {key}")).await);
        let key = key.as_bytes();
        assert!(contains(&dump, key), "the dump shows what is there");
    }
    server.tell("ECHO the-end-of-the-test").await;
    while !contains(&seen, b"the-end-of-the-test") {
        assert!(monitor.read_buf(&mut seen).await.unwrap() > 0);
    }
    assert!(contains(&seen, b"EVALSHA"), "the monitor shows what was asked");
    for secret in [SECRET, TOKEN, SCOPE, "Q2FuYXJ5"] {
        for (place, bytes) in [("dump", &dump), ("monitor", &seen), ("values", &values), ("log", &log)] {
            assert!(!contains(bytes, secret.as_bytes()), "{secret} in the {place}");
        }
        assert!(keys.iter().all(|key| !key.contains(secret)));
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
