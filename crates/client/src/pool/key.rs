//! The keys of a pool: hashes of everything that tells one lookup from another.

use std::hash::{BuildHasherDefault, Hash, Hasher};

use credentials_grant::{CredentialsGrant, CredentialsSource, Error, ErrorKind, TokenParameters};
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::random::entropy;

/// A keyed hash of 128 bits.
pub(crate) type Key = u128;

/// The hash for a map whose keys are hashes already.
pub(crate) type KeyHash = BuildHasherDefault<KeyHasher>;

/// Takes the first half of a key for its hash.
#[derive(Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, key: &[u8]) {
        if let Some(half) = key.first_chunk() {
            self.0 = u64::from_ne_bytes(*half);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Derives keys. The hash is keyed with random bytes, so nobody can construct collisions: 128 bits of SipHash-1-3 are
/// enough, because nobody sees a hash.
pub(crate) struct Keys(SipHasher13);

impl Keys {
    pub(crate) fn new() -> Result<Self, Error> {
        Ok(Self(SipHasher13::new_with_key(&entropy()?)))
    }

    /// Returns the key for this lookup.
    pub(crate) fn derive(
        &self,
        provider: &impl CredentialsGrant,
        credentials: &impl CredentialsSource,
        parameters: &TokenParameters,
    ) -> Result<Key, Error> {
        let mut buffer = Buffer::new(self.0);
        identify(&mut buffer, provider, credentials, parameters)?;
        Ok(buffer.into_hasher().finish128().as_u128())
    }
}

/// Hashes everything that tells this lookup from others: all settings of the provider, which decide on requests, on how
/// responses are read and on the policy; the token parameters; and where the credentials come from.
fn identify<H: Hasher>(
    state: &mut Buffer<H>,
    provider: &impl CredentialsGrant,
    credentials: &impl CredentialsSource,
    parameters: &TokenParameters,
) -> Result<(), Error> {
    provider.name().hash(state);
    parameters.hash(state);
    if !hash_part(state, |state| provider.identify(state)) {
        let message = "this provider cannot be told from others, so a pool cannot keep its tokens apart";
        return Err(Error::new(ErrorKind::Configuration, message)
            .with_remedy("implement `CredentialsGrant::identify` for it, or use a `TokenSource` of its own"));
    }
    if !hash_part(state, |state| credentials.identify(state)) {
        let message = "these credentials cannot be told from others, so a pool cannot keep their tokens apart";
        return Err(Error::new(ErrorKind::Configuration, message).with_remedy(
            "name them, implement `CredentialsSource::identify` for them, or use a `TokenSource` of their own",
        ));
    }
    Ok(())
}

/// Hashes what a user's code writes, and its length: otherwise the end of one part could pass for the start of the
/// next.
fn hash_part<H: Hasher, R>(state: &mut Buffer<H>, write: impl FnOnce(&mut dyn Hasher) -> R) -> R {
    let before = state.written();
    let result = write(state);
    (state.written() - before).hash(state);
    result
}

/// Collects the many short writes of a derived `Hash` into one long write, which is hashed several times as fast.
///
/// Small lengths and discriminants, which are most of them, take one byte instead of eight.
struct Buffer<H> {
    hasher: H,
    bytes: [u8; 256],
    length: usize,
    /// How many bytes the hasher got so far.
    flushed: usize,
}

impl<H: Hasher> Buffer<H> {
    fn new(hasher: H) -> Self {
        Self { hasher, bytes: [0; 256], length: 0, flushed: 0 }
    }

    fn written(&self) -> usize {
        self.flushed + self.length
    }

    fn flush(&mut self) {
        self.hasher.write(&self.bytes[..self.length]);
        self.flushed += self.length;
        self.length = 0;
    }

    fn into_hasher(mut self) -> H {
        self.flush();
        self.hasher
    }
}

impl<H: Hasher> Hasher for Buffer<H> {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(free) = self.bytes[self.length..].get_mut(..bytes.len()) {
            free.copy_from_slice(bytes);
            self.length += bytes.len();
            return;
        }
        self.flush();
        self.hasher.write(bytes);
        self.flushed += bytes.len();
    }

    fn write_u8(&mut self, byte: u8) {
        if self.length == self.bytes.len() {
            self.flush();
        }
        self.bytes[self.length] = byte;
        self.length += 1;
    }

    fn write_usize(&mut self, number: usize) {
        match u8::try_from(number) {
            Ok(small) if small < u8::MAX => self.write_u8(small),
            _ => {
                self.write_u8(u8::MAX);
                self.write(&number.to_ne_bytes());
            }
        }
    }

    fn write_isize(&mut self, number: isize) {
        self.write_usize(number.cast_unsigned());
    }

    /// The hash of what was flushed: nobody needs it before the end, and `identify` only writes.
    fn finish(&self) -> u64 {
        self.hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::BuildHasher;

    use super::*;

    /// Keeps what it gets.
    #[derive(Default)]
    struct Bytes(Vec<u8>);

    impl Hasher for Bytes {
        fn write(&mut self, bytes: &[u8]) {
            self.0.extend(bytes);
        }

        fn finish(&self) -> u64 {
            self.0.len() as u64
        }
    }

    #[test]
    fn writes_of_any_length_arrive_whole_and_in_order() {
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(3000).collect();
        for length in [1, 2, 3, 100, 255, 256, 257, 3000] {
            let mut buffer = Buffer::new(Bytes::default());
            for chunk in bytes.chunks(length) {
                match chunk {
                    [byte] => buffer.write_u8(*byte),
                    _ => buffer.write(chunk),
                }
            }
            assert_eq!(buffer.written(), 3000, "{length}");
            assert_eq!(buffer.finish(), buffer.flushed as u64, "{length}");
            assert_eq!(buffer.into_hasher().0, bytes, "{length}");
        }
    }

    #[test]
    fn a_byte_that_follows_a_full_buffer_is_written_too() {
        let mut buffer = Buffer::new(Bytes::default());
        buffer.write(&[7; 256]);
        buffer.write_u8(8);
        assert_eq!(buffer.into_hasher().0, [&[7; 256][..], &[8]].concat());
    }

    #[test]
    fn keys_are_spread_over_a_map() {
        let hashes: HashSet<_> =
            (0..1000).map(|_| KeyHash::default().hash_one(u128::from_ne_bytes(entropy().unwrap()))).collect();
        assert_eq!(hashes.len(), 1000);
        assert_eq!(KeyHash::default().hash_one(u128::from_ne_bytes([7; 16])), u64::from_ne_bytes([7; 8]));
    }

    #[test]
    fn no_two_numbers_are_written_alike() {
        let written = |write: &dyn Fn(&mut Buffer<Bytes>)| {
            let mut buffer = Buffer::new(Bytes::default());
            write(&mut buffer);
            buffer.into_hasher().0
        };
        assert_eq!(written(&|buffer| buffer.write_usize(254)), [254]);
        let long = [&[255], &255_usize.to_ne_bytes()[..]].concat();
        assert_eq!(written(&|buffer| buffer.write_usize(255)), long);
        assert_eq!(written(&|buffer| buffer.write_isize(-1)), [255; 1 + size_of::<isize>()]);
        assert_eq!(written(&|buffer| buffer.write_isize(3)), [3]);
    }

    #[test]
    fn a_part_is_followed_by_its_length() {
        let mut buffer = Buffer::new(Bytes::default());
        buffer.write(b"before");
        assert!(hash_part(&mut buffer, |state| {
            state.write(&[7; 300]);
            state.write(b"-1");
            true
        }));
        let expected = [b"before", &[7; 300][..], b"-1", &[255], &302_usize.to_ne_bytes()].concat();
        assert_eq!(buffer.into_hasher().0, expected);
    }
}
