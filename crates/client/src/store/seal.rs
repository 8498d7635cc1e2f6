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

use super::keyring::Keyring;
use super::token_store::{StoreKey, Version};

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

    fn header(&self) -> [u8; MAGIC.len() + ID] {
        let mut header = [0; MAGIC.len() + ID];
        header[..MAGIC.len()].copy_from_slice(MAGIC);
        header[MAGIC.len()..].copy_from_slice(&self.id);
        header
    }
}

impl Keyring {
    /// Seals a value for the record of this name and version. `None` if the cryptographic library refuses to.
    pub(crate) fn seal(&self, key: &StoreKey, version: Version, mut value: Zeroizing<Vec<u8>>) -> Option<Vec<u8>> {
        let sealing = self.sealing().first()?;
        let header = sealing.header();
        // Room for the tag, since a vector that grows leaves a copy behind.
        value.reserve_exact(AES_256_GCM_SIV.tag_len());
        let associated = Aad::from(associated(&header, key, version));
        let nonce = sealing.key.seal_in_place_append_tag(associated, &mut *value).ok()?;
        Some([&header[..], nonce.as_ref(), &value].concat())
    }

    /// Opens a sealed value.
    pub(crate) fn open(
        &self,
        key: &StoreKey,
        version: Version,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
        let (header, rest) = sealed.split_first_chunk::<{ MAGIC.len() + ID }>().ok_or(Unreadable::Damaged)?;
        if header[..MAGIC.len() - 1] != MAGIC[..MAGIC.len() - 1] || sealed.len() > LONGEST {
            return Err(Unreadable::Damaged);
        }
        let opening = self.sealing().iter().find(|sealing| sealing.header() == *header).ok_or(Unreadable::Foreign)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE>().ok_or(Unreadable::Damaged)?;
        let mut value = Zeroizing::new(text.to_vec());
        let associated = Aad::from(associated(header, key, version));
        let opened = opening.key.open_in_place(Nonce::from(nonce), associated, &mut value);
        let length = opened.map_err(|_| Unreadable::Damaged)?.len();
        value.truncate(length);
        Ok(value)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring(secret: &str) -> Keyring {
        Keyring::of_secret(secret.as_bytes()).unwrap()
    }

    fn key(name: &str) -> StoreKey {
        StoreKey::new(name.to_owned())
    }

    const ONE: [u8; 16] = [1; 16];

    fn sealed(keyring: &Keyring) -> Vec<u8> {
        keyring.seal(&key("token-a"), Version::from_bytes(ONE), Zeroizing::new(b"a token".to_vec())).unwrap()
    }

    #[test]
    fn what_was_sealed_is_opened_with_the_same_key_name_and_version_and_in_no_other_way() {
        let keyring = keyring("secret");
        let sealed = sealed(&keyring);
        let open = |name: &str, version: [u8; 16]| {
            keyring.open(&key(name), Version::from_bytes(version), &sealed).map(|value| value.to_vec())
        };
        assert_eq!(open("token-a", ONE), Ok(b"a token".to_vec()));
        assert_eq!(open("token-b", ONE), Err(Unreadable::Damaged), "moved");
        assert_eq!(open("token-a", [2; 16]), Err(Unreadable::Damaged), "relabelled");
    }

    #[test]
    fn a_value_that_was_changed_or_cut_short_anywhere_is_damaged_or_foreign_and_never_opened() {
        let keyring = keyring("secret");
        let sealed = sealed(&keyring);
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[at] ^= 1 << bit;
                let opened = keyring.open(&key("token-a"), Version::from_bytes(ONE), &changed);
                let expected = if (3..12).contains(&at) { Unreadable::Foreign } else { Unreadable::Damaged };
                assert_eq!(opened.unwrap_err(), expected, "byte {at}, bit {bit}");
            }
            let opened = keyring.open(&key("token-a"), Version::from_bytes(ONE), &sealed[..at]);
            assert_eq!(opened.unwrap_err(), Unreadable::Damaged, "{at} bytes");
        }
    }

    #[test]
    fn a_value_of_another_key_is_foreign_and_garbage_is_damaged() {
        let sealed = sealed(&keyring("secret"));
        let open = |value: &[u8]| keyring("other").open(&key("token-a"), Version::from_bytes(ONE), value).unwrap_err();
        assert_eq!(open(&sealed), Unreadable::Foreign);
        assert_eq!(open(b"{\"access_token\": \"what another program keeps here\"}"), Unreadable::Damaged);
        assert_eq!(open(&[MAGIC, &[0; LONGEST][..]].concat()), Unreadable::Damaged, "too long");
    }

    #[test]
    fn no_two_sealed_values_are_equal_and_none_holds_the_text() {
        let keyring = keyring("secret");
        let (one, two) = (sealed(&keyring), sealed(&keyring));
        assert_ne!(one, two);
        assert!(!one.windows(5).any(|window| window == b"token"));
    }

    #[test]
    fn every_key_of_a_keyring_opens_and_the_first_one_seals() {
        let line = |kind: &str, byte: u8| {
            use base64::Engine as _;
            format!("{kind} {}\n", base64::prelude::BASE64_STANDARD.encode([byte; 32]))
        };
        let keyring = |lines: &[String]| Keyring::parse(&lines.concat().into()).unwrap();
        let name = line("name", 0);
        let old = keyring(&[name.clone(), line("seal", 1)]);
        let both = keyring(&[line("seal", 2), name.clone(), line("seal", 1)]);
        let new = keyring(&[name, line("seal", 2)]);
        let open = |keyring: &Keyring, value: &[u8]| keyring.open(&key("token-a"), Version::from_bytes(ONE), value);
        assert!(open(&both, &sealed(&old)).is_ok() && open(&new, &sealed(&both)).is_ok());
        assert_eq!(open(&old, &sealed(&both)).unwrap_err(), Unreadable::Foreign);
    }
}
