//! Puts into a store what nobody sealed: any bytes, and sealed bytes that were changed, cut short or relabelled. The
//! input is a choice, and the bytes or the changes.

#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use credentials_grant_client::{MemoryStore, Record, StoreKey, TokenSource, TokenStore as _, Version};
use credentials_grant_test_kit::{Acme, Answer, TestServer, TokioClock, credentials};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().expect("a runtime"));

/// The name of a token's record, and the record.
static STORED: LazyLock<(StoreKey, Record)> = LazyLock::new(|| {
    let store = MemoryStore::new();
    RUNTIME.block_on(async {
        let server = TestServer::in_turn([Answer::Token(3600)]);
        source(&store, &server).token().await.expect("a token");
        let is_token = |key: &StoreKey| key.as_str().starts_with("token-");
        let key = store.keys().into_iter().find(is_token).expect("a record");
        let record = store.read(&key).await.expect("a store").expect("a record");
        (key, record)
    })
});

fuzz_target!(|input: &[u8]| {
    let Some((&choice, changes)) = input.split_first() else { return };
    let (key, original) = &*STORED;
    let mut record = original.clone();
    match choice % 4 {
        0 => record.value = changes.to_vec(),
        1 => record.value.truncate(changes.iter().map(|&byte| usize::from(byte)).sum()),
        2 => {
            for change in changes.chunks_exact(3) {
                let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % record.value.len();
                record.value[at] ^= change[2];
            }
        }
        _ => record.version = Version::from_bytes(std::array::from_fn(|at| changes.get(at).copied().unwrap_or(7))),
    }
    if record == *original {
        return;
    }
    RUNTIME.block_on(async {
        let (store, server) = (MemoryStore::new(), TestServer::new(|_, _| Answer::http(200, FRESH)));
        let record = Record { lifetime: Duration::from_secs(3000), ..record };
        assert!(store.write(key, None, &record).await.expect("a store"));
        let token = source(&store, &server).token().await.expect("a token, whatever is in the store");
        assert_eq!((token.header_value(), server.request_count()), (&"Bearer fresh".parse().expect("a value"), 1));
    });
});

const FRESH: &str = r#"{"access_token":"fresh","expires_in":3600}"#;

fn source(store: &MemoryStore, server: &TestServer) -> TokenSource {
    let builder = TokenSource::builder(Acme::new(), credentials()).with_transport(server.clone());
    builder.with_clock(TokioClock::new()).with_store(store.clone()).build().expect("a source")
}
