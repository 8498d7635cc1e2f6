//! What a source counts.

use std::collections::BTreeMap;

use credentials_grant_test_kit::{Answer, TestServer, clock, settle};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

use crate::acme::{SECOND, source, token};

/// Returns what was counted, by name and labels.
fn counted(snapshotter: &Snapshotter) -> BTreeMap<String, String> {
    let mut counted = BTreeMap::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let labels: Vec<_> = key.key().labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let value = match value {
            DebugValue::Counter(count) => count.to_string(),
            DebugValue::Gauge(value) => value.to_string(),
            DebugValue::Histogram(values) => format!("{} values", values.len()),
        };
        counted.insert(format!("{} {}", key.key().name(), labels.join(" ")), value);
    }
    counted
}

#[test]
fn reads_and_fetches_are_counted_by_how_they_went() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let acts = [
                Answer::http(503, ""),
                Answer::http(200, "<html>"),
                Answer::Token(1000),
                Answer::Token(1000),
                Answer::Token(1000),
            ];
            let (server, clock) = (TestServer::in_turn(acts), clock());
            let source = source(&server, &clock);
            token(&source).await.unwrap_err();
            token(&source).await.unwrap_err();
            clock.advance(SECOND);
            token(&source).await.unwrap();
            token(&source).await.unwrap();
            clock.advance(SECOND * 900);
            token(&source).await.unwrap();
            settle().await;
            clock.advance(SECOND * 1000);
            token(&source).await.unwrap();
        });
    });

    let counted = counted(&snapshotter);
    let expected = [
        ("credentials_grant_fetch_seconds provider=acme", "5 values"),
        ("credentials_grant_fetches_total provider=acme reason=expired outcome=token", "1"),
        ("credentials_grant_fetches_total provider=acme reason=missing outcome=bad_response problem=html", "1"),
        ("credentials_grant_fetches_total provider=acme reason=missing outcome=token", "1"),
        ("credentials_grant_fetches_total provider=acme reason=missing outcome=unavailable", "1"),
        ("credentials_grant_fetches_total provider=acme reason=stale outcome=token", "1"),
        ("credentials_grant_lifetime_left_seconds provider=acme", "2 values"),
        ("credentials_grant_reads_total provider=acme state=failed", "2"),
        ("credentials_grant_reads_total provider=acme state=fresh", "1"),
        ("credentials_grant_reads_total provider=acme state=stale", "1"),
        ("credentials_grant_reads_total provider=acme state=waited", "2"),
        ("credentials_grant_wait_seconds provider=acme", "4 values"),
    ];
    assert_eq!(counted, expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
}

#[cfg(feature = "store")]
#[test]
fn tokens_of_other_processes_and_failures_of_the_store_are_counted_apart_from_fetches() {
    use std::sync::atomic::Ordering;

    use credentials_grant_client::MemoryStore;

    use crate::acme::on_clock;
    use crate::faulty_store::Faulty;

    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let (server, clock) = (TestServer::new(|_, _| Answer::Token(1000)), clock());
            let store = MemoryStore::new();
            for is_adopted in [false, true] {
                let source = on_clock(&server, clock.clone()).with_store(store.clone()).build().unwrap();
                token(&source).await.unwrap();
                assert_eq!(source.status().adopted, is_adopted);
            }
            let faulty = Faulty::default();
            faulty.fails.store(true, Ordering::Relaxed);
            token(&on_clock(&server, clock).with_store(faulty).build().unwrap()).await.unwrap();
        });
    });
    let counted = counted(&snapshotter);
    let count = |name: &str| counted.get(name).map(String::as_str);
    assert_eq!(count("credentials_grant_adoptions_total provider=acme reason=missing"), Some("1"));
    assert_eq!(count("credentials_grant_fetches_total provider=acme reason=missing outcome=token"), Some("2"));
    assert!(count("credentials_grant_store_failures_total ").is_some(), "{counted:?}");
}
