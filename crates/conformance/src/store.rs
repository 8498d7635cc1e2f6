//! The checks that every [`TokenStore`] must pass.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use credentials_grant_client::{Claim, Claimant, Record, StoreKey, TokenStore, Version};
use futures_util::future::join_all;
use tokio::runtime::Builder;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A length of time that is short enough to wait for, and long enough for a store on a busy machine.
const MOMENT: Duration = Duration::from_secs(2);

/// How many processes do the same thing at once.
const RIVALS: u8 = 16;

type Passing = dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

/// A store to check.
///
/// ```
/// use credentials_grant_client::MemoryStore;
/// use credentials_grant_conformance::StoreSubject;
///
/// fn memory() -> StoreSubject {
///     StoreSubject::new(MemoryStore::new())
/// }
///
/// credentials_grant_conformance::store_tests!(memory);
/// ```
///
/// Each check has an empty store, or at least one in which nobody uses the same names: they begin with `check-` and a
/// random number.
#[derive(Clone)]
pub struct StoreSubject {
    store: Arc<dyn TokenStore>,
    passing: Arc<Passing>,
}

impl StoreSubject {
    /// Checks this store.
    pub fn new(store: impl TokenStore) -> Self {
        Self { store: Arc::new(store), passing: Arc::new(|time| Box::pin(tokio::time::sleep(time))) }
    }

    /// Sets how time passes for the store. By default, the checks sleep for a few seconds in all.
    #[must_use]
    pub fn with_passing<F>(mut self, passing: impl Fn(Duration) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.passing = Arc::new(move |time| Box::pin(passing(time)));
        self
    }

    fn run(&self, check: impl AsyncFnOnce(&dyn TokenStore, &StoreKey)) {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a tokio runtime");
        let number: u64 = rand();
        let key = StoreKey::new(format!("check-{number:016x}"));
        runtime.block_on(check(&*self.store, &key));
    }

    async fn pass(&self, time: Duration) {
        (self.passing)(time).await;
    }
}

impl fmt::Debug for StoreSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreSubject").field("store", &self.store).finish_non_exhaustive()
    }
}

/// Returns a number that no other check draws.
fn rand() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};

    RandomState::new().hash_one("check")
}

fn version(number: u8) -> Version {
    Version::from_bytes([number; 16])
}

fn claimant(number: u8) -> Claimant {
    Claimant::from_bytes([number; 16])
}

fn record(number: u8) -> Record {
    Record { version: version(number), value: format!("value {number}").into_bytes(), lifetime: HOUR }
}

async fn write(store: &dyn TokenStore, key: &StoreKey, seen: Option<u8>, number: u8) -> bool {
    store.write(key, seen.map(version), &record(number)).await.expect("the store writes")
}

async fn read(store: &dyn TokenStore, key: &StoreKey) -> Option<Record> {
    store.read(key).await.expect("the store reads")
}

async fn claim(store: &dyn TokenStore, key: &StoreKey, seen: Option<u8>, by: u8, window: Duration) -> Claim {
    store.claim(key, seen.map(version), claimant(by), window).await.expect("the store takes a claim")
}

/// A store that holds nothing reads nothing, removes nothing, and lets claims be given back that nobody has.
pub fn an_empty_store_is_empty(subject: &StoreSubject) {
    subject.run(async |store, key| {
        assert_eq!(read(store, key).await, None);
        assert!(!store.remove(key, version(1)).await.expect("the store removes"));
        store.release(key, claimant(1)).await.expect("the store gives a claim back");
        assert_eq!(read(store, key).await, None);
    });
}

/// A record is read as it was written: any bytes, up to 256 KiB of them, with the lifetime that is left.
pub fn what_is_written_is_read(subject: &StoreSubject) {
    subject.run(async |store, key| {
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(256 * 1024).collect();
        let mut seen = None;
        for (number, length) in [(1, 0), (2, 1), (3, 1500), (4, bytes.len())] {
            let record = Record { version: version(number), value: bytes[..length].to_vec(), lifetime: HOUR };
            assert!(store.write(key, seen, &record).await.expect("the store writes"), "{length} bytes");
            let found = read(store, key).await.expect("the record is there");
            assert_eq!((found.version, found.value.len()), (record.version, length));
            assert!(found.value == record.value, "the bytes are the same");
            assert!(found.lifetime <= HOUR && found.lifetime > HOUR / 2, "{:?}", found.lifetime);
            seen = Some(record.version);
        }
    });
}

/// A record is replaced by whoever has seen it, and by nobody else.
pub fn only_the_version_seen_is_replaced(subject: &StoreSubject) {
    subject.run(async |store, key| {
        assert!(write(store, key, None, 1).await);
        assert!(!write(store, key, None, 2).await, "written by somebody who saw nothing");
        assert!(!write(store, key, Some(7), 2).await, "written by somebody who saw another");
        assert_eq!(read(store, key).await.map(|record| record.version), Some(version(1)));
        assert!(write(store, key, Some(1), 2).await);
        assert_eq!(read(store, key).await.map(|record| record.value), Some(record(2).value));
    });
}

/// If what was seen has ended meanwhile, the place is free.
pub fn a_place_that_is_free_is_written_whatever_was_seen(subject: &StoreSubject) {
    subject.run(async |store, key| {
        assert!(write(store, key, Some(9), 1).await);
        assert_eq!(read(store, key).await.map(|record| record.version), Some(version(1)));
    });
}

/// Of several that write at once, one does.
pub fn one_writer_wins(subject: &StoreSubject) {
    subject.run(async |store, key| {
        let written = join_all((1..=RIVALS).map(|number| write(store, key, None, number))).await;
        let winners: Vec<_> = (1..=RIVALS).zip(written).filter(|(_, written)| *written).collect();
        assert_eq!(winners.len(), 1, "{winners:?}");
        assert_eq!(read(store, key).await.map(|record| record.version), Some(version(winners[0].0)));
    });
}

/// Of several that claim at once, one has the right, and the others learn for how long.
pub fn one_claimant_wins(subject: &StoreSubject) {
    subject.run(async |store, key| {
        let claims = join_all((1..=RIVALS).map(|by| claim(store, key, None, by, HOUR))).await;
        let granted = claims.iter().filter(|claim| **claim == Claim::Granted).count();
        assert_eq!(granted, 1, "{claims:?}");
        for claim in claims.into_iter().filter(|claim| *claim != Claim::Granted) {
            assert!(matches!(claim, Claim::Held(left) if !left.is_zero() && left <= HOUR), "{claim:?}");
        }
    });
}

/// Whoever has the right keeps it, gives it back, and cannot give back that of somebody else.
pub fn a_claim_is_its_claimants(subject: &StoreSubject) {
    subject.run(async |store, key| {
        assert_eq!(claim(store, key, None, 1, HOUR).await, Claim::Granted);
        assert_eq!(claim(store, key, None, 1, HOUR).await, Claim::Granted, "again");
        store.release(key, claimant(2)).await.expect("the store answers");
        assert!(matches!(claim(store, key, None, 2, HOUR).await, Claim::Held(_)));
        store.release(key, claimant(1)).await.expect("the store gives a claim back");
        assert_eq!(claim(store, key, None, 2, HOUR).await, Claim::Granted);
    });
}

/// A claim returns a record that the claimant has not seen, also while somebody else has the right.
pub fn a_claim_returns_what_was_not_seen(subject: &StoreSubject) {
    subject.run(async |store, key| {
        assert!(write(store, key, None, 1).await);
        for seen in [None, Some(9)] {
            let claim = claim(store, key, seen, 1, HOUR).await;
            assert!(matches!(&claim, Claim::Changed(found) if found.value == record(1).value), "{claim:?}");
        }
        assert_eq!(claim(store, key, Some(1), 1, HOUR).await, Claim::Granted, "it was seen");
        assert!(matches!(claim(store, key, Some(1), 2, HOUR).await, Claim::Held(_)));
        assert!(write(store, key, Some(1), 2).await);
        let claim = claim(store, key, Some(1), 2, HOUR).await;
        assert!(matches!(&claim, Claim::Changed(found) if found.version == version(2)), "{claim:?}");
    });
}

/// A record is removed by whoever knows its version.
pub fn only_the_version_named_is_removed(subject: &StoreSubject) {
    subject.run(async |store, key| {
        assert!(write(store, key, None, 1).await);
        assert!(!store.remove(key, version(2)).await.expect("the store answers"));
        assert!(read(store, key).await.is_some());
        assert!(store.remove(key, version(1)).await.expect("the store removes"));
        assert_eq!(read(store, key).await, None);
        assert!(!store.remove(key, version(1)).await.expect("the store answers"), "it is gone");
    });
}

/// Records and claims of different keys have nothing to do with each other.
pub fn keys_are_kept_apart(subject: &StoreSubject) {
    subject.run(async |store, key| {
        let other = StoreKey::new(format!("{}-2", key.as_str()));
        assert!(write(store, key, None, 1).await);
        assert_eq!(read(store, &other).await, None);
        assert_eq!(claim(store, key, Some(1), 1, HOUR).await, Claim::Granted);
        assert_eq!(claim(store, &other, None, 2, HOUR).await, Claim::Granted);
        assert!(!store.remove(&other, version(1)).await.expect("the store answers"));
        assert!(read(store, key).await.is_some());
    });
}

/// Records and claims end when their time is over.
pub fn records_and_claims_end(subject: &StoreSubject) {
    subject.run(async |store, key| {
        let short = Record { lifetime: MOMENT, ..record(1) };
        assert!(store.write(key, None, &short).await.expect("the store writes"));
        assert_eq!(claim(store, key, Some(1), 1, MOMENT).await, Claim::Granted);
        subject.pass(MOMENT + MOMENT / 4).await;
        assert_eq!(read(store, key).await, None, "the record has ended");
        assert_eq!(claim(store, key, Some(1), 2, HOUR).await, Claim::Granted, "the first claim has ended");
        assert!(write(store, key, None, 2).await, "the place is free");
    });
}
