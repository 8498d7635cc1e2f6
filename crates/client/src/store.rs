//! Stores, in which processes share their tokens.
//!
//! A source asks its store only when it would otherwise ask the vendor: reading a token from memory knows no store. A
//! store that cannot be reached is as if there were none.

mod circuit;
#[cfg(feature = "file-store")]
mod file_store;
mod keyring;
mod memory_store;
mod record;
mod seal;
mod shared_store;
mod token_store;

#[cfg(feature = "file-store")]
pub use file_store::{FileStore, StoredFile};
pub use keyring::Keyring;
pub use memory_store::MemoryStore;
pub use record::{Claim, Claimant, Record, StoreKey, Version};
pub use token_store::{StoreError, TokenStore};

// What a fetch needs of them.
#[cfg(test)]
pub(crate) use memory_store::faults::Snapshot;
pub(crate) use seal::Unreadable;
pub(crate) use shared_store::SharedStore;
