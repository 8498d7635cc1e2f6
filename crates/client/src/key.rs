//! What tells one source of a pool from all others: derived from all that shapes a request, and not listed by hand, so
//! that nothing can be forgotten.

use std::fmt::{self, Write};
use std::hash::{Hash, Hasher};

use credentials_grant::{CredentialsGrant, CredentialsSource, Error, ErrorKind, TokenParameters};
use siphasher::sip128::{Hasher128, SipHasher24};

use crate::builder::dry_run_request;
use crate::fetch::entropy;

/// A keyed hash of 128 bits.
pub(crate) type Key = u128;

/// Derives keys. Nobody outside of the process knows the key of the hash, so nobody can choose what collides.
pub(crate) struct Keys(SipHasher24);

impl Keys {
    pub(crate) fn new() -> Result<Self, Error> {
        Ok(Self(SipHasher24::new_with_key(&entropy()?)))
    }

    /// The key of whoever asks this of this provider, from the bytes that would be sent, the provider as it prints (of
    /// several requests, the bytes are those of the first), its policy, the ask, and where the credentials come from.
    pub(crate) fn derive(
        &self,
        provider: &impl CredentialsGrant,
        credentials: &impl CredentialsSource,
        parameters: &TokenParameters,
    ) -> Result<Key, Error> {
        let request = dry_run_request(provider, parameters)?;
        let mut hasher = self.0;
        provider.name().hash(&mut hasher);
        // What cannot be printed has been printed as far as it goes, each time in the same way.
        let _ = write!(Printed(&mut hasher), "{provider:?}{:?}", provider.policy());
        (request.method(), request.url().as_str(), request.body()).hash(&mut hasher);
        for (name, value) in request.headers() {
            (name, value.as_bytes()).hash(&mut hasher);
        }
        parameters.hash(&mut hasher);
        if !credentials.identify(&mut hasher) {
            let message = "these credentials cannot be told from others, so a pool cannot keep their tokens apart";
            return Err(Error::new(ErrorKind::Configuration, message)
                .with_remedy("implement `CredentialsSource::identify` for them, or use a `TokenSource` of their own"));
        }
        Ok(hasher.finish128().as_u128())
    }
}

/// Hashes what is printed, without keeping it.
struct Printed<'a>(&'a mut SipHasher24);

impl fmt::Write for Printed<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}
