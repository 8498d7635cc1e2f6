//! The trait of stores.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::keyring::Keyring;

/// Why a store did not do what it was asked to. A source goes on as if it had no store, and logs the reason.
pub type StoreError = Box<dyn std::error::Error + Send + Sync>;

/// A store in which processes share tokens: one file system, one Redis, one database.
///
/// A store keeps small records under keys. It sees sealed bytes only, and needs to know nothing of tokens. Implement it
/// for a store of your own, and check it with `store_checks!` of `credentials-grant-conformance`.
///
/// Each method is one atomic step in the store. An error means that the store is not there: the source fetches its
/// token itself. A source stops waiting for a method that takes too long, and drops its future.
#[async_trait]
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// Returns the keys that seal the records, or `None` to seal the records of each client with its own secret.
    ///
    /// A client's secret protects as well as it is hard to guess. Return keys if others can read the store: a keyring
    /// is random.
    fn keyring(&self) -> Option<&Keyring>;

    /// Returns how long a caller without a token waits for an answer before it goes on without the store: half a second
    /// unless implemented.
    fn patience(&self) -> Duration {
        Duration::from_millis(500)
    }

    /// Returns the record under this key, unless it has ended.
    async fn read(&self, key: &StoreKey) -> Result<Option<Record>, StoreError>;

    /// Returns the record under this key if it has another version than the one `seen`. Otherwise claims the right to
    /// replace it, which one claimant has at a time, for `window` at the longest.
    ///
    /// Whoever has the right and claims it again keeps it.
    async fn claim(
        &self,
        key: &StoreKey,
        seen: Option<Version>,
        claimant: Claimant,
        window: Duration,
    ) -> Result<Claim, StoreError>;

    /// Writes a record under this key if the one that is there has the version `seen`, or if none is there. It ends
    /// when its lifetime is over. Returns `false` if another version is there.
    ///
    /// Claims make no difference: a claim is for whoever wants to make a record, and this is for one that is made.
    async fn write(&self, key: &StoreKey, seen: Option<Version>, record: &Record) -> Result<bool, StoreError>;

    /// Gives a claim back, if this claimant still has it.
    async fn release(&self, key: &StoreKey, claimant: Claimant) -> Result<(), StoreError>;

    /// Removes the record under this key, if it still has this version. Returns `false` if it has another.
    async fn remove(&self, key: &StoreKey, version: Version) -> Result<bool, StoreError>;
}

/// The name of a record: letters, digits, `-` and `_`, 40 bytes at most. It tells nothing of what the record is for.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct StoreKey(String);

impl StoreKey {
    /// Creates a name, for tests of a store.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The version of a record: sixteen random bytes, drawn by its writer.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Version([u8; 16]);

impl Version {
    /// Creates a version from the bytes that were stored.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Who claims the right to replace a record: sixteen random bytes, drawn for each fetch.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Claimant([u8; 16]);

impl Claimant {
    /// Creates a claimant from its bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// A record, as a store keeps it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores make records")]
pub struct Record {
    /// Its version.
    pub version: Version,
    /// The sealed bytes: 256 KiB at most, some 1.5 KiB for most tokens.
    pub value: Vec<u8>,
    /// How much longer it lives, by the store's clock and not by that of the machine that reads it. Where the store has
    /// no clock, the machine's has to do.
    pub lifetime: Duration,
}

/// What became of a claim.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a claim has no other outcome")]
pub enum Claim {
    /// The claimant has the right to replace the record.
    Granted,
    /// Somebody else has it, for this long at the longest.
    Held(Duration),
    /// There is a record of another version.
    Changed(Record),
}
