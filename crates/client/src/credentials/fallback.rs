//! Several sources of credentials in order, for the time in which an old and a new secret overlap.

use std::hash::Hasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use credentials_grant::{ClientCredentials, CredentialsSource, Error};

/// Uses one source of credentials until they are refused, then the next, and after the last the first again.
///
/// It stays with the credentials that were accepted last, so that no request is spent on a secret that is known to be
/// refused. A source that fails to load is skipped, and tried again only after the one in use was refused.
///
/// ```
/// use credentials_grant_client::{EnvironmentCredentials, FallbackCredentials};
///
/// // APALEO_NEXT_CLIENT_ID and APALEO_NEXT_CLIENT_SECRET, until they are refused or if they are not set;
/// // then APALEO_CLIENT_ID and APALEO_CLIENT_SECRET.
/// let apaleo = FallbackCredentials::new(EnvironmentCredentials::with_prefix("APALEO_NEXT"))
///     .or(EnvironmentCredentials::with_prefix("APALEO"));
/// ```
#[derive(Clone, Debug)]
pub struct FallbackCredentials {
    sources: Vec<Arc<dyn CredentialsSource>>,
    /// The source in use. Clones share it.
    current: Arc<AtomicUsize>,
}

impl FallbackCredentials {
    /// Sets the source to try first.
    pub fn new(first: impl CredentialsSource) -> Self {
        Self { sources: vec![Arc::new(first)], current: Arc::default() }
    }

    /// Adds the source to try after those before it were refused.
    #[must_use]
    pub fn or(mut self, next: impl CredentialsSource) -> Self {
        self.sources.push(Arc::new(next));
        self
    }

    /// Returns the first credentials other than these, starting with the source at this index.
    async fn find(&self, from: usize, refused: Option<&ClientCredentials>) -> Result<ClientCredentials, Error> {
        let mut first_outcome = None;
        for at in (from..from + self.sources.len()).map(|at| at % self.sources.len()) {
            let outcome = self.sources[at].load().await;
            if outcome.as_ref().is_ok_and(|found| Some(found) != refused) {
                self.current.store(at, Ordering::Relaxed);
                return outcome;
            }
            first_outcome.get_or_insert(outcome);
        }
        match first_outcome {
            Some(outcome) => outcome,
            None => unreachable!("`new` takes one source"),
        }
    }
}

#[async_trait]
impl CredentialsSource for FallbackCredentials {
    async fn load(&self) -> Result<ClientCredentials, Error> {
        self.find(self.current.load(Ordering::Relaxed), None).await
    }

    async fn after_refusal(&self, refused: &ClientCredentials) -> Result<ClientCredentials, Error> {
        // The same source may have newer ones by now: it is tried last.
        self.find(self.current.load(Ordering::Relaxed) + 1, Some(refused)).await
    }

    fn identify(&self, state: &mut dyn Hasher) -> bool {
        state.write_usize(self.sources.len());
        self.sources.iter().all(|source| source.identify(state))
    }
}
