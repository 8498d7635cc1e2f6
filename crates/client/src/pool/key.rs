//! The keys of a pool: hashes of everything that tells one lookup from another.

use std::hash::{Hash, Hasher};

use credentials_grant::{CredentialsGrant, CredentialsSource, Error, ErrorKind, TokenParameters};
use siphasher::sip128::{Hasher128, SipHasher24};

use crate::random::entropy;

/// A keyed hash of 128 bits.
pub(crate) type Key = u128;

/// Derives keys. The hash is keyed with random bytes, so nobody can construct collisions.
pub(crate) struct Keys(SipHasher24);

impl Keys {
    pub(crate) fn new() -> Result<Self, Error> {
        Ok(Self(SipHasher24::new_with_key(&entropy()?)))
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
fn identify(
    state: &mut impl Hasher,
    provider: &impl CredentialsGrant,
    credentials: &impl CredentialsSource,
    parameters: &TokenParameters,
) -> Result<(), Error> {
    provider.name().hash(state);
    parameters.hash(state);
    if !hash_part(state, |part| provider.identify(part)) {
        let message = "this provider cannot be told from others, so a pool cannot keep its tokens apart";
        return Err(Error::new(ErrorKind::Configuration, message)
            .with_remedy("implement `CredentialsGrant::identify` for it, or use a `TokenSource` of its own"));
    }
    if !hash_part(state, |part| credentials.identify(part)) {
        let message = "these credentials cannot be told from others, so a pool cannot keep their tokens apart";
        return Err(Error::new(ErrorKind::Configuration, message).with_remedy(
            "name them, implement `CredentialsSource::identify` for them, or use a `TokenSource` of their own",
        ));
    }
    Ok(())
}

/// Hashes what a user's code writes, and its length: otherwise the end of one part could pass for the start of the
/// next.
fn hash_part<R>(state: &mut impl Hasher, write: impl FnOnce(&mut dyn Hasher) -> R) -> R {
    let mut part = Part { state, length: 0 };
    let result = write(&mut part);
    let Part { state, length } = part;
    length.hash(state);
    result
}

/// A hasher that counts the bytes.
struct Part<'a, H> {
    state: &'a mut H,
    length: usize,
}

impl<H: Hasher> Hasher for Part<'_, H> {
    fn write(&mut self, bytes: &[u8]) {
        self.length += bytes.len();
        self.state.write(bytes);
    }

    fn finish(&self) -> u64 {
        self.state.finish()
    }
}

/// Collects many short writes into a few long ones, which are hashed several times as fast.
struct Buffer {
    hasher: SipHasher24,
    bytes: [u8; 512],
    length: usize,
}

impl Buffer {
    fn new(hasher: SipHasher24) -> Self {
        Self { hasher, bytes: [0; 512], length: 0 }
    }

    fn flush(&mut self) {
        self.hasher.write(&self.bytes[..self.length]);
        self.length = 0;
    }

    fn into_hasher(mut self) -> SipHasher24 {
        self.flush();
        self.hasher
    }
}

impl Hasher for Buffer {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(free) = self.bytes.get_mut(self.length..self.length + bytes.len()) {
            free.copy_from_slice(bytes);
            self.length += bytes.len();
            return;
        }
        self.flush();
        self.hasher.write(bytes);
    }

    fn finish(&self) -> u64 {
        let mut hasher = self.hasher;
        hasher.write(&self.bytes[..self.length]);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_of_any_length_are_hashed_like_one_long_write() {
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(5000).collect();
        for length in [1, 2, 3, 100, 511, 512, 513, 1000, 5000] {
            let (mut hasher, mut buffer) = (SipHasher24::new(), Buffer::new(SipHasher24::new()));
            hasher.write(&bytes);
            bytes.chunks(length).for_each(|chunk| buffer.write(chunk));
            assert_eq!(buffer.finish(), hasher.finish(), "{length}");
            assert_eq!(buffer.into_hasher().finish128(), hasher.finish128(), "{length}");
        }
    }

    #[test]
    fn a_part_passes_on_what_it_gets_and_then_its_length() {
        let (mut hasher, mut expected) = (SipHasher24::new(), SipHasher24::new());
        let seen = hash_part(&mut hasher, |part| {
            part.write(b"tenant");
            part.write(b"-1");
            part.finish()
        });
        expected.write(b"tenant-1");
        assert_eq!(seen, expected.finish());
        8_usize.hash(&mut expected);
        assert_eq!(hasher.finish128(), expected.finish128());
    }
}
