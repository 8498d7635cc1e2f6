//! The keys of a pool: derived from everything that shapes a request, rather than from a list, so that nothing is
//! forgotten.

use std::fmt::{self, Write};
use std::hash::{Hash, Hasher};

use credentials_grant::{CredentialsGrant, CredentialsSource, Error, ErrorKind, TokenParameters};
use siphasher::sip128::{Hasher128, SipHasher24};

use crate::random::entropy;
use crate::source::dry_run_request;

/// A keyed hash of 128 bits.
pub(crate) type Key = u128;

/// Derives keys. The hash is keyed with random bytes, so nobody can construct collisions.
pub(crate) struct Keys(SipHasher24);

impl Keys {
    pub(crate) fn new() -> Result<Self, Error> {
        Ok(Self(SipHasher24::new_with_key(&entropy()?)))
    }

    /// Returns the key for this lookup: a hash over the request that would be sent (of several, the one that a dry run
    /// builds), the provider's `Debug` output, its policy, the parameters, and where the credentials come from.
    pub(crate) fn derive(
        &self,
        provider: &impl CredentialsGrant,
        credentials: &impl CredentialsSource,
        parameters: &TokenParameters,
    ) -> Result<Key, Error> {
        let request = dry_run_request(provider, parameters)?;
        let mut hasher = self.0;
        provider.name().hash(&mut hasher);
        // An error in `Debug` cuts the text off, in the same place every time.
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

/// Hashes formatted text without storing it.
struct Printed<'a>(&'a mut SipHasher24);

impl fmt::Write for Printed<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}
