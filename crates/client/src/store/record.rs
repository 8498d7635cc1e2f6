//! What stores keep and exchange: names, versions, records and claims.

use std::time::Duration;

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
