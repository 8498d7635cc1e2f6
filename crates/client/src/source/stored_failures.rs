//! What processes tell each other through a store: failures that concern a client or a host, and how many tokens were
//! requested of those that a vendor allows.
//!
//! Nothing here compares the clocks of two machines. A record says how long it lived when it was written, and the store
//! how long it still lives, which shows how old it is.

use std::hash::{DefaultHasher, Hash as _, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use credentials_grant::{
    ClientCertificate, ClientCredentials, CredentialsSource, Error, ErrorKind, ExposeSecret, Retry, Signer,
};
use futures_util::future::join;
use jiff::SignedDuration;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

use super::limits::{LimitKey, RATION, UsedUp};
use super::shared_failures::remembered::{Remembered, RememberedClient, RememberedHost};
use super::shared_failures::{Party, REMEMBERED, SharedFailures};
use super::validity::Reading;
use crate::random::entropy;
use crate::store::{Keyring, Record, SharedStore, StoreKey, Unreadable, Version};

/// How often to try again if another process writes the same record meanwhile.
const MOST_TRIES: usize = 4;

/// The store, as one fetch of one client uses it for what others are to know.
#[derive(Debug)]
pub(crate) struct StoredFailures {
    store: Arc<SharedStore>,
    credentials: ClientCredentials,
    give_up: Instant,
    /// For what concerns the client.
    own: Keyring,
    /// For what concerns a host or a limit.
    common: Keyring,
    /// The records that were found.
    found: Mutex<Option<Found>>,
}

#[derive(Clone, Debug)]
struct Found {
    names: Names,
    client: Option<Version>,
    host: Option<Version>,
}

#[derive(Clone, Debug)]
struct Names {
    client: StoreKey,
    host: StoreKey,
}

/// A refusal of a client, or a pause that it was told.
#[derive(Deserialize, Serialize)]
struct ClientRecord {
    refusals: u32,
    /// How long the pause still was, in milliseconds.
    pause: u64,
    /// How long the record lived, in milliseconds.
    lifetime: u64,
    /// Whether the credentials were refused. Otherwise, the server asked for a pause.
    refused: bool,
    /// What the server called it (RFC 6749 section 5.2). Secrets were redacted from it.
    code: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct HostRecord {
    refusals: u32,
    refused: u64,
    told: u64,
    /// Whether the pause that it told was because of a limit on requests.
    limited: bool,
    lifetime: u64,
}

/// The requests that count under a limit, as their ages in milliseconds, the oldest first.
#[derive(Deserialize, Serialize)]
struct LimitRecord {
    ages: Vec<u64>,
    lifetime: u64,
}

impl StoredFailures {
    /// Returns `None` for a client that has no secret to derive keys from, in a store without a keyring.
    ///
    /// The fetch has until `give_up`.
    pub(crate) fn new(
        store: &Arc<SharedStore>,
        credentials: &ClientCredentials,
        give_up: Instant,
    ) -> Result<Option<Self>, Error> {
        let Some(own) = keyring(store, credentials)? else { return Ok(None) };
        let common = store.store().keyring().cloned().map_or_else(Keyring::of_nobody, Ok)?;
        let (store, credentials) = (Arc::clone(store), credentials.clone());
        Ok(Some(Self { store, credentials, give_up, own, common, found: Mutex::default() }))
    }

    /// Adds to the failures of this process what others have heard.
    pub(crate) async fn read(&self, failures: &SharedFailures, party: &Party, now: impl Fn() -> Reading) {
        let names = self.names(party);
        let client = self.read_record::<ClientRecord>(&self.own, &names.client);
        let host = self.read_record::<HostRecord>(&self.common, &names.host);
        let (client, host) = join(client, host).await;
        let remembered = Remembered {
            client: client.contents.map(|(record, lifetime)| record.remembered(lifetime)),
            host: host.contents.map(|(record, lifetime)| record.remembered(lifetime)),
        };
        failures.learn(party, remembered, now());
        *self.found() = Some(Found { names, client: client.version, host: host.version });
    }

    /// Tells others what this process has heard. Waits a moment until it is in the store; if it takes longer, the
    /// writing goes on.
    pub(crate) async fn write(&self, failures: &SharedFailures, party: &Party, now: Reading) {
        let Some(Found { names, client, host }) = self.found().clone() else { return };
        let Remembered { client: own, host: common } = failures.remembered(party, now);
        let own = own.map(|remembered| ClientRecord::of(&remembered)).map(|record| (record.lifetime, record));
        let common = common.map(|remembered| HostRecord::of(&remembered)).map(|record| (record.lifetime, record));
        let writes = [
            Self::sealed(&self.own, &names.client, own, client),
            Self::sealed(&self.common, &names.host, common, host),
        ];
        let store = Arc::clone(&self.store);
        let (budget, moment) = (store.store().patience(), store.moment(self.give_up));
        let writes = tokio::spawn(async move {
            for (key, write) in [names.client, names.host].into_iter().zip(writes) {
                match write {
                    Some(Write::Replace(seen, record)) => {
                        store.call(budget, store.store().write(&key, seen, &record)).await;
                    }
                    Some(Write::Remove(version)) => {
                        store.call(budget, store.store().remove(&key, version)).await;
                    }
                    None => {}
                }
            }
        });
        let _ = timeout(moment, writes).await;
    }

    /// Counts a request under the limits that all processes keep together. If one is used up, counts nothing.
    pub(crate) async fn count(&self, limits: &[LimitKey]) -> Result<(), UsedUp> {
        let rations: Vec<_> = limits.iter().filter(|limit| limit.limit.period() >= RATION).collect();
        if rations.len() > 1 {
            for limit in &rations {
                self.counted(limit, &self.limit_name(limit)).await?;
            }
        }
        for limit in rations {
            self.count_one(limit).await?;
        }
        Ok(())
    }

    fn limit_name(&self, key: &LimitKey) -> StoreKey {
        self.common.name("limit", |state| key.hash(state))
    }

    /// Returns the ages of the requests that count under a limit, and the version of the record. An error if the limit
    /// is used up.
    async fn counted(&self, key: &LimitKey, name: &StoreKey) -> Result<(Vec<u64>, Option<Version>), UsedUp> {
        let (limit, period) = (key.limit, milliseconds(key.limit.period()));
        let StoredRecord { version, contents } = self.read_record::<LimitRecord>(&self.common, name).await;
        let ages = contents.map_or_else(Vec::new, |(record, left)| {
            let passed = record.lifetime.saturating_sub(milliseconds(left));
            record.ages.into_iter().map(|age| age.saturating_add(passed)).filter(|age| *age < period).collect()
        });
        if ages.len() >= limit.requests() as usize {
            let oldest = ages.first().copied().unwrap_or_default();
            return Err(UsedUp { key: key.clone(), wait: Some(Duration::from_millis(period - oldest)) });
        }
        Ok((ages, version))
    }

    async fn count_one(&self, key: &LimitKey) -> Result<(), UsedUp> {
        let (name, period) = (self.limit_name(key), milliseconds(key.limit.period()));
        for _ in 0..MOST_TRIES {
            let (ages, seen) = self.counted(key, &name).await?;
            let ages = ages.into_iter().chain([0]).collect();
            let record = Some((period, LimitRecord { ages, lifetime: period }));
            let Some(Write::Replace(seen, record)) = Self::sealed(&self.common, &name, record, seen) else {
                return Ok(());
            };
            match self.store.call(self.budget(), self.store.store().write(&name, seen, &record)).await {
                // Somebody else counted a request meanwhile.
                Some(false) => {}
                Some(true) | None => return Ok(()),
            }
        }
        Ok(())
    }

    /// Returns how long to wait for the store, so that there is time left for the request.
    fn budget(&self) -> Duration {
        let left = self.give_up.saturating_duration_since(Instant::now());
        self.store.store().patience().min(left / 4)
    }

    async fn read_record<T: DeserializeOwned>(&self, keyring: &Keyring, name: &StoreKey) -> StoredRecord<T> {
        let nothing = StoredRecord { version: None, contents: None };
        let found = self.store.call(self.budget(), self.store.store().read(name)).await.flatten();
        let Some(Record { version, value, lifetime }) = found else { return nothing };
        let contents = match keyring.open(name, version, &value) {
            Ok(value) => serde_json::from_slice(&value).ok().map(|contents| (contents, lifetime)),
            // It is replaced.
            Err(Unreadable::Damaged) => None,
            Err(Unreadable::Foreign) => return nothing,
        };
        StoredRecord { version: Some(version), contents }
    }

    /// Returns what to do for a record: write it, or remove the one that was found.
    fn sealed(
        keyring: &Keyring,
        name: &StoreKey,
        record: Option<(u64, impl Serialize)>,
        seen: Option<Version>,
    ) -> Option<Write> {
        let Some((lifetime, record)) = record else { return seen.map(Write::Remove) };
        let version = Version::from_bytes(entropy().ok()?);
        let json = Zeroizing::new(serde_json::to_vec(&record).ok()?);
        let value = keyring.seal(name, version, json)?;
        Some(Write::Replace(seen, Record { version, value, lifetime: Duration::from_millis(lifetime) }))
    }

    fn names(&self, party: &Party) -> Names {
        let client = self.own.name("client", |state| {
            (&party.host, &party.path).hash(state);
            state.part(|state| identify(&self.credentials, state));
        });
        Names { client, host: self.common.name("host", |state| party.host.hash(state)) }
    }

    fn found(&self) -> MutexGuard<'_, Option<Found>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was found under a name: the version to replace, and the contents with what is left of their lifetime, if they
/// can be read.
struct StoredRecord<T> {
    version: Option<Version>,
    contents: Option<(T, Duration)>,
}

enum Write {
    Replace(Option<Version>, Record),
    Remove(Version),
}

impl ClientRecord {
    fn of(RememberedClient { refusals, left, error }: &RememberedClient) -> Self {
        Self {
            refusals: *refusals,
            pause: milliseconds(*left),
            lifetime: milliseconds(*left + REMEMBERED),
            refused: error.kind() == ErrorKind::CredentialsRefused,
            code: error.oauth().and_then(|oauth| oauth.code.clone()),
        }
    }

    /// Returns what it says, if the store says that it lives this much longer.
    fn remembered(self, left: Duration) -> RememberedClient {
        let passed = self.lifetime.saturating_sub(milliseconds(left));
        let (kind, what, remedy) = if self.refused {
            let remedy = "correct the client id and secret before you try again";
            (ErrorKind::CredentialsRefused, "the server refused the client credentials", remedy)
        } else {
            (ErrorKind::RateLimited, "the server asked for a pause", "wait: `Retry-After` is obeyed")
        };
        let left = Duration::from_millis(self.pause.saturating_sub(passed));
        let ago = Duration::from_secs(passed / 1000);
        let ago = SignedDuration::try_from(ago).unwrap_or(SignedDuration::MAX);
        let mut error = Error::new(kind, "").with_own_words(what);
        if let Some(code) = &self.code {
            error = error.with_own_words(" (").with_server_words(code).with_own_words(")");
        }
        let mut error = error.with_own_words(format!(" {ago:#} ago, as another process found")).with_remedy(remedy);
        if !self.refused {
            error = error.with_retry(Retry::After(left));
        }
        RememberedClient { refusals: self.refusals, left, error }
    }
}

impl HostRecord {
    fn of(RememberedHost { refusals, refused, told }: &RememberedHost) -> Self {
        let (told, kind) = told.unwrap_or((Duration::ZERO, ErrorKind::Unavailable));
        Self {
            refusals: *refusals,
            refused: milliseconds(*refused),
            told: milliseconds(told),
            limited: kind == ErrorKind::RateLimited,
            lifetime: milliseconds(told.max(*refused) + REMEMBERED),
        }
    }

    fn remembered(self, left: Duration) -> RememberedHost {
        let passed = self.lifetime.saturating_sub(milliseconds(left));
        let left = |pause: u64| Duration::from_millis(pause.saturating_sub(passed));
        let kind = if self.limited { ErrorKind::RateLimited } else { ErrorKind::Unavailable };
        let told = left(self.told);
        RememberedHost {
            refusals: self.refusals,
            refused: left(self.refused),
            told: (!told.is_zero()).then_some((told, kind)),
        }
    }
}

/// Hashes the content of these credentials. Returns `false` if another client may have the same: a signer that has
/// only the name of its key, since two keys may have one name.
pub(super) fn identify(credentials: &ClientCredentials, mut state: &mut dyn Hasher) -> bool {
    CredentialsSource::identify(credentials, state);
    let Some(signer) = credentials.signer() else { return true };
    signer.public_key().hash(&mut state);
    signer.public_key().is_some() || signer.certificate_thumbprint().is_some() || identifies_itself(&**signer)
}

/// Returns `true` if a signer tells more of itself than [`Signer::identify`] does by default.
fn identifies_itself(signer: &dyn Signer) -> bool {
    let (mut own, mut default) = (DefaultHasher::new(), DefaultHasher::new());
    signer.identify(&mut own);
    (signer.algorithm(), signer.key_id(), signer.certificate_thumbprint()).hash(&mut default);
    own.finish() != default.finish()
}

/// Returns the keys that seal this client's records: those of the store, or of the client's own secret.
pub(super) fn keyring(store: &SharedStore, credentials: &ClientCredentials) -> Result<Option<Keyring>, Error> {
    if let Some(keyring) = store.store().keyring() {
        return Ok(Some(keyring.clone()));
    }
    // An assertion is another one in each process, so a key derived from it would open nothing.
    let secret = credentials.client_secret().ok().cloned();
    let secret = secret.or_else(|| credentials.signer()?.store_secret());
    let secret = secret.or_else(|| credentials.certificate().map(ClientCertificate::pem).cloned());
    secret.map(|secret| Keyring::of_secret(secret.expose_secret().as_bytes())).transpose()
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
