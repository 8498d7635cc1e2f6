//! What a store is built from.

use credentials_grant::ErrorKind;
use credentials_grant_client::{StoreKey, TokenStore as _};
use credentials_grant_redis::RedisStore;

use crate::machine::keyring;
use crate::server::{Kind, Server, on_each_server};

on_each_server! {
    a_database_a_prefix_and_a_unix_socket_are_used,
}

#[test]
fn plain_text_to_another_machine_is_refused_unless_it_is_allowed() {
    for url in ["redis://user:hunter2@cache.example.com", "redis://:hunter2@192.0.2.1:6379", "valkey://[2001:db8::1]"] {
        let error = RedisStore::new(url, keyring()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        let text = format!("{error} {error:?}");
        assert!(text.contains("plain text") && text.contains("`rediss://`") && text.contains("`allow_plain_text`"));
        assert!(!text.contains("hunter2"), "{text}");
        assert!(RedisStore::builder(url, keyring()).allow_plain_text().build().is_ok());
        // One of several is enough, and with Sentinels it is their addresses that count.
        assert!(RedisStore::builder("rediss://a", keyring()).with_cluster_node(url).build().is_err());
        assert!(RedisStore::builder("rediss://mymaster", keyring()).with_sentinel(url).build().is_err());
    }
    assert_eq!(
        RedisStore::new("redis://u:p@cache.example.com:7000", keyring()).unwrap_err().to_string(),
        "the Redis store at cache.example.com:7000 would be sent its password in plain text; use a URL that begins \
         with `rediss://`, or allow it by `allow_plain_text`"
    );
    for url in ["redis://127.0.0.1", "redis://localhost:7000", "redis://[::1]", "unix:///run/redis.sock", "rediss://a"]
    {
        assert!(RedisStore::new(url, keyring()).is_ok(), "{url}");
    }
}

#[test]
fn settings_that_cannot_be_used_are_refused() {
    let build = |prefix: &str| RedisStore::builder("rediss://cache", keyring()).with_prefix(prefix).build();
    for prefix in ["a{b}", "a b", "a*", "ü", &"a".repeat(65)] {
        assert_eq!(build(prefix).unwrap_err().kind(), ErrorKind::Configuration, "{prefix}");
    }
    assert!(build("").is_ok() && build("team/orders_1:cg1.").is_ok());
    let builder = || RedisStore::builder("rediss://cache", keyring());
    for pem in ["", "hunter2", "-----BEGIN CERTIFICATE-----\naGk=\n-----END CERTIFICATE-----\n"] {
        let error = builder().with_root_certificates(pem.as_bytes()).unwrap_err();
        assert_eq!(error.message(), "the CA certificates cannot be used");
        let certificate = credentials_grant::ClientCertificate::from_pem(pem);
        let error = builder().with_client_certificate(certificate).build().unwrap_err();
        assert_eq!(error.message(), "the client certificate cannot be used");
        assert!(!format!("{error:?}").contains("hunter2"));
    }
    let both = builder().with_sentinel("rediss://s").with_cluster_node("rediss://n").build();
    assert_eq!(both.unwrap_err().kind(), ErrorKind::Configuration);
    let socket = RedisStore::builder("unix:///run/redis.sock", keyring()).with_sentinel("rediss://s").build();
    assert_eq!(socket.unwrap_err().kind(), ErrorKind::Configuration);
}

#[test]
fn debug_shows_where_it_is_and_no_password_and_no_key() {
    let builder = RedisStore::builder("rediss://orders:hunter2@mymaster", keyring())
        .with_sentinel("rediss://:hunter2@sentinel.example.com:26379");
    let text = format!("{builder:?} {:?}", builder.clone().build().unwrap());
    assert!(text.contains("mymaster:6379") && text.contains("sentinel.example.com:26379"), "{text}");
    for secret in
        ["hunter2", "uPzFPCBQaYQUKzVIkQb3gqmqGZqHAkhpMPKrQSdYFJk", "3nnWz0oFj2DfBzK8eJmqn5oEt1oCYEKOaYWlvbGWhFw"]
    {
        assert!(!text.contains(secret), "{text}");
    }
}

async fn a_database_a_prefix_and_a_unix_socket_are_used(kind: Kind) {
    let server = Server::start_with(kind, &["--unixsocket", "redis.sock"]).await;
    let socket = format!("unix://{}/redis.sock?db=3", server.directory.path().display());
    let key = StoreKey::new("key");
    let record = credentials_grant_client::Record {
        version: credentials_grant_client::Version::from_bytes([1; 16]),
        value: b"sealed".to_vec(),
        lifetime: std::time::Duration::from_secs(3600),
    };
    for (number, url) in [(3, socket), (2, format!("{}/2", server.url()))] {
        let store = RedisStore::builder(url, keyring()).with_prefix("team:").build().unwrap();
        assert!(store.write(&key, None, &record).await.unwrap());
        let mut connection = server.connection().await;
        redis::cmd("SELECT").arg(number).exec_async(&mut connection).await.unwrap();
        let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
        assert_eq!(keys, ["team:{key}:r"], "in database {number}");
    }
}
