//! Seals records, so that a store can neither read them, nor change them, nor put one in another's place.
//!
//! | bytes | what |
//! |---|---|
//! | 3 | `CGT` |
//! | 1 | the format: 1 |
//! | 8 | the id of the key |
//! | 12 | the nonce, random |
//! | rest | AES-256-GCM-SIV of the value, with its tag |
//!
//! The associated data are the record's name, its version, and all that stands before the nonce.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, Nonce, RandomizedNonceKey};
use credentials_grant::{Error, ErrorKind};
use hmac_sha256::HMAC;
use zeroize::Zeroizing;

use super::record::{StoreKey, Version};

const MAGIC: &[u8; 4] = b"CGT\x01";
const ID: usize = 8;
const NONCE: usize = 12;

/// The longest sealed value that is opened.
const LONGEST: usize = 256 * 1024;

/// A key that seals.
pub(crate) struct SealingKey {
    id: [u8; ID],
    key: RandomizedNonceKey,
}

/// Why a sealed value cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unreadable {
    /// It is no sealed value, or was changed, or is that of another record. It may be replaced.
    Damaged,
    /// It has a newer format, or was sealed with a key that is not here. Others may read it, so it stays.
    Foreign,
}

impl SealingKey {
    pub(super) fn new(key: &[u8; 32]) -> Result<Self, Error> {
        let unusable = |_| Error::new(ErrorKind::Configuration, "AES-256-GCM-SIV is not available");
        let id = *HMAC::mac(b"credentials-grant key id", key).first_chunk().unwrap_or(&[0; ID]);
        Ok(Self { id, key: RandomizedNonceKey::new(&AES_256_GCM_SIV, key).map_err(unusable)? })
    }

    /// Seals a value for the record of this name and version. `None` if the cryptographic library refuses to.
    pub(super) fn seal(&self, key: &StoreKey, version: Version, mut value: Zeroizing<Vec<u8>>) -> Option<Vec<u8>> {
        let header = self.header();
        // Room for the tag, since a vector that grows leaves a copy behind.
        value.reserve_exact(AES_256_GCM_SIV.tag_len());
        let associated = Aad::from(associated(&header, key, version));
        let nonce = self.key.seal_in_place_append_tag(associated, &mut *value).ok()?;
        Some([&header[..], nonce.as_ref(), &value].concat())
    }

    /// Opens a sealed value with the one of these keys that sealed it.
    pub(super) fn open(
        keys: &[Self],
        key: &StoreKey,
        version: Version,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
        let (header, rest) = sealed.split_first_chunk::<{ MAGIC.len() + ID }>().ok_or(Unreadable::Damaged)?;
        if !header.starts_with(&MAGIC[..MAGIC.len() - 1]) || sealed.len() > LONGEST {
            return Err(Unreadable::Damaged);
        }
        let opening = keys.iter().find(|key| key.has_sealed(sealed)).ok_or(Unreadable::Foreign)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE>().ok_or(Unreadable::Damaged)?;
        let mut value = Zeroizing::new(text.to_vec());
        let associated = Aad::from(associated(header, key, version));
        let opened = opening.key.open_in_place(Nonce::from(nonce), associated, &mut value);
        let length = opened.map_err(|_| Unreadable::Damaged)?.len();
        value.truncate(length);
        Ok(value)
    }

    /// Returns `true` if a value says that it was sealed with this key.
    pub(super) fn has_sealed(&self, sealed: &[u8]) -> bool {
        sealed.starts_with(&self.header())
    }

    fn header(&self) -> [u8; MAGIC.len() + ID] {
        let mut header = [0; MAGIC.len() + ID];
        header[..MAGIC.len()].copy_from_slice(MAGIC);
        header[MAGIC.len()..].copy_from_slice(&self.id);
        header
    }
}

fn associated(header: &[u8], key: &StoreKey, version: Version) -> Vec<u8> {
    // The first two have a fixed length, so no part can pass for another.
    [header, version.as_bytes(), key.as_str().as_bytes()].concat()
}

/// Shows the id.
impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
