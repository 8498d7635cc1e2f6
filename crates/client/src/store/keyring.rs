//! The keys that name and seal the records of a store.

use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use credentials_grant::{Error, ErrorKind, ExposeSecret, SecretString};
use hmac_sha256::{HKDF, HMAC};
use zeroize::Zeroizing;

use super::record::{StoreKey, Version};
use super::seal::{SealingKey, Unreadable};

/// The length of a key in bytes.
const KEY: usize = 32;

/// How many bytes of a name's HMAC are used.
const NAME: usize = 16;

/// The keys of a store that several machines share: one that names its records, and those that seal them.
///
/// Its text has one key a line, as `cgrant store key` makes them. The first `seal` key seals, and all of them open:
///
/// ```
/// use credentials_grant_client::Keyring;
///
/// let text = "\
///     name KCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/QEFCQ0RFRkc=
///     seal jI2Oj5CRkpOUlZaXmJmam5ydnp+goaKjpKWmp6ipqqs=
/// ";
/// let keyring = Keyring::parse(&text.into())?;
/// # Ok::<(), credentials_grant::Error>(())
/// ```
///
/// To rotate the key that seals: add a new one as the last line and deploy; move it before the others and deploy;
/// remove the old one when the tokens that it sealed have expired. Keep the key that names: with another one, no record
/// is found again, and each token is requested anew.
#[derive(Clone)]
pub struct Keyring(Arc<Keys>);

struct Keys {
    naming: Zeroizing<[u8; KEY]>,
    /// The first one seals.
    sealing: Vec<SealingKey>,
}

impl Keyring {
    /// Reads a keyring from its text.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration), naming the line, if a key is not 32 bytes in base64, stands there
    /// twice, or is of another kind than `name` and `seal`; or if there is not one `name` and at least one `seal`.
    pub fn parse(text: &SecretString) -> Result<Self, Error> {
        let (mut naming, mut sealing, mut seen) = (None, Vec::new(), HashSet::new());
        for (number, line) in text.expose_secret().lines().enumerate() {
            let refused = |why: &str| Err(wrong(format!("line {} of the keyring {why}", number + 1)));
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((kind, key)) = line.split_once(char::is_whitespace) else {
                return refused("is not `name KEY` or `seal KEY`");
            };
            let Some(key) = decoded(key.trim()) else { return refused("has no key of 32 bytes in base64") };
            if !seen.insert(HMAC::mac(b"credentials-grant keyring", *key)) {
                return refused("repeats a key");
            }
            match kind {
                "name" if naming.is_some() => return refused("has a second `name` key"),
                "name" => naming = Some(key),
                "seal" => sealing.push(SealingKey::new(&key)?),
                _ => return refused("is not `name KEY` or `seal KEY`"),
            }
        }
        match naming {
            None => Err(wrong("the keyring has no `name` key".to_owned())),
            Some(_) if sealing.is_empty() => Err(wrong("the keyring has no `seal` key".to_owned())),
            Some(naming) => Ok(Self(Arc::new(Keys { naming, sealing }))),
        }
    }

    /// Makes the text of a new keyring, with one key of each kind.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the operating system returns no random bytes.
    pub fn generate() -> Result<SecretString, Error> {
        let name = new_key()?;
        let seal = Self::generate_sealing_key()?;
        Ok(format!("name {}\n{}", name.expose_secret(), seal.expose_secret()).into())
    }

    /// Makes the line of a further key that seals, to add to a keyring.
    ///
    /// # Errors
    ///
    /// As [`generate`](Self::generate).
    pub fn generate_sealing_key() -> Result<SecretString, Error> {
        Ok(format!("seal {}\n", new_key()?.expose_secret()).into())
    }

    /// Derives the keys from a secret.
    pub(crate) fn of_secret(secret: &[u8]) -> Result<Self, Error> {
        let derived = Zeroizing::new(HKDF::extract(b"credentials-grant store", secret));
        let expanded = |purpose: &str| {
            let mut key = Zeroizing::new([0; KEY]);
            HKDF::expand(&mut *key, *derived, purpose);
            key
        };
        let sealing = vec![SealingKey::new(&expanded("values"))?];
        Ok(Self(Arc::new(Keys { naming: expanded("names"), sealing })))
    }

    /// Returns the keys for what concerns a host or a limit, and no secret, in a store without a keyring: every process
    /// has them.
    pub(crate) fn of_nobody() -> Result<Self, Error> {
        Self::of_secret(b"")
    }

    /// Names a record. `write` hashes everything that tells it from others of its kind.
    pub(crate) fn name(&self, kind: &str, write: impl FnOnce(&mut NameHasher)) -> StoreKey {
        let mut hasher = NameHasher { mac: HMAC::new(*self.0.naming), written: 0 };
        write(&mut hasher);
        hasher.write(kind.as_bytes());
        let mac = hasher.mac.finalize();
        StoreKey::new(format!("{kind}-{}", BASE64_URL_SAFE_NO_PAD.encode(&mac[..NAME])))
    }

    /// Seals a value for the record of this name and version, with the first key. `None` if that is not possible.
    pub(crate) fn seal(&self, key: &StoreKey, version: Version, value: Zeroizing<Vec<u8>>) -> Option<Vec<u8>> {
        self.0.sealing.first()?.seal(key, version, value)
    }

    /// Opens a sealed value with the key that sealed it.
    pub(crate) fn open(
        &self,
        key: &StoreKey,
        version: Version,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
        SealingKey::open(&self.0.sealing, key, version, sealed)
    }
}

#[cfg(feature = "file-store")]
impl Keyring {
    /// Returns which key sealed a value, counted from 1. `None` if it is none of these.
    pub(super) fn position_of(&self, sealed: &[u8]) -> Option<usize> {
        self.0.sealing.iter().position(|key| key.has_sealed(sealed)).map(|index| index + 1)
    }
}

/// Hashes what names a record. Nobody without the key can tell what was named.
pub(crate) struct NameHasher {
    mac: HMAC,
    written: usize,
}

impl NameHasher {
    /// Hashes what a user's code writes, and its length: otherwise the end of one part could pass for the start of the
    /// next.
    pub(crate) fn part<R>(&mut self, write: impl FnOnce(&mut dyn Hasher) -> R) -> R {
        let before = self.written;
        let result = write(self);
        (self.written - before).hash(self);
        result
    }
}

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.mac.update(bytes);
        self.written += bytes.len();
    }

    /// Nothing: the name is taken from the whole HMAC.
    fn finish(&self) -> u64 {
        0
    }
}

fn decoded(key: &str) -> Option<Zeroizing<[u8; KEY]>> {
    let bytes = Zeroizing::new(BASE64_STANDARD.decode(key).ok()?);
    bytes.as_slice().try_into().ok().map(Zeroizing::new)
}

fn new_key() -> Result<SecretString, Error> {
    let mut key = Zeroizing::new([0; KEY]);
    getrandom::fill(&mut *key).map_err(|source| {
        Error::new(ErrorKind::Configuration, "the operating system returned no random bytes")
            .with_remedy("give the program access to the system's random source")
            .with_source(source)
    })?;
    Ok(BASE64_STANDARD.encode(*key).into())
}

fn wrong(why: String) -> Error {
    Error::new(ErrorKind::Configuration, why)
        .with_remedy("make one by `cgrant store key`: a line `name KEY`, and at least one `seal KEY`")
}

/// Shows no key.
impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("sealing", &self.0.sealing).finish_non_exhaustive()
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
        assert_eq!(open(&[&b"CGT\x01"[..], &vec![0; 256 * 1024]].concat()), Unreadable::Damaged, "too long");
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
        let line = |kind: &str, byte: u8| format!("{kind} {}\n", BASE64_STANDARD.encode([byte; 32]));
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
