//! The store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use credentials_grant::async_trait;
use credentials_grant_client::{Claim, Claimant, Keyring, Record, StoreError, StoreKey, TokenStore, Version};
use redis::Value;

use crate::connector::Connector;
use crate::nodes::Nodes;
use crate::scripts::{Script, Scripts, VERSION};
use crate::target::Target;

/// The longest lifetime that is stored: a hundred years. Redis refuses more than it can add to the present.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The longest text of an error: a server may answer anything.
const MOST_TEXT: usize = 300;

/// A store in Redis or Valkey. Clones are the same store, and share one connection.
///
/// It connects when it is first asked, and again whenever the connection was lost. While the server cannot be reached,
/// sources go on without it.
///
/// ```no_run
/// # fn example(acme: impl credentials_grant::CredentialsGrant) -> Result<(), Box<dyn std::error::Error>> {
/// use credentials_grant_client::{EnvironmentCredentials, Keyring, TokenSource};
/// use credentials_grant_redis::RedisStore;
///
/// let keyring = Keyring::parse(&std::fs::read_to_string("/run/secrets/cgrant-keyring")?.into())?;
/// let store = RedisStore::new("rediss://orders:password@cache.example.com", keyring)?;
/// let source = TokenSource::builder(acme, EnvironmentCredentials::with_prefix("ACME")).with_store(store).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore(Arc<Inner>);

struct Inner {
    nodes: Nodes,
    scripts: Scripts,
    keyring: Keyring,
    prefix: String,
    patience: Duration,
}

impl RedisStore {
    pub(crate) fn connecting_by(connector: Connector, keyring: Keyring, prefix: String, patience: Duration) -> Self {
        Self(Arc::new(Inner { nodes: Nodes::new(connector), scripts: Scripts::new(), keyring, prefix, patience }))
    }

    async fn run(
        &self,
        script: impl Fn(&Scripts) -> &Script,
        keys: &[&str],
        arguments: &[&[u8]],
    ) -> Result<Value, StoreError> {
        let Inner { nodes, scripts, .. } = &*self.0;
        nodes.run(script(scripts), keys, arguments).await.map_err(|error| self.explain(error).into())
    }

    /// Returns the names of a record and of its claim. The braces have a cluster keep both in one place.
    fn names(&self, key: &StoreKey) -> (String, String) {
        let name = format!("{}{{{}}}", self.0.prefix, key.as_str());
        (format!("{name}:r"), format!("{name}:l"))
    }

    /// Returns what is wrong, without our passwords: a server may answer anything, also what it was told.
    fn explain(&self, mut text: String) -> String {
        let Connector { nodes, sentinels, .. } = self.0.nodes.connector();
        for password in nodes.iter().chain(sentinels).filter_map(|target| target.login.password()) {
            if !password.is_empty() {
                text = text.replace(password, "[redacted]");
            }
        }
        let text = text.chars().map(|character| if character.is_control() { ' ' } else { character });
        text.take(MOST_TEXT).collect()
    }
}

#[async_trait]
impl TokenStore for RedisStore {
    fn keyring(&self) -> Option<&Keyring> {
        Some(&self.0.keyring)
    }

    fn patience(&self) -> Duration {
        self.0.patience
    }

    async fn read(&self, key: &StoreKey) -> Result<Option<Record>, StoreError> {
        let (record, _) = self.names(key);
        match self.run(|scripts| &scripts.read, &[&record], &[]).await? {
            Value::Nil => Ok(None),
            found => into_record(found).map(Some),
        }
    }

    async fn claim(
        &self,
        key: &StoreKey,
        seen: Option<Version>,
        claimant: Claimant,
        window: Duration,
    ) -> Result<Claim, StoreError> {
        let (record, claim) = self.names(key);
        let (seen, window) = (bytes_of(seen.as_ref()), milliseconds(window));
        let arguments = [seen, claimant.as_bytes(), window.as_bytes()];
        match self.run(|scripts| &scripts.claim, &[&record, &claim], &arguments).await? {
            Value::Int(0) => Ok(Claim::Granted),
            Value::Int(left) => Ok(Claim::Held(duration(left)?)),
            found => into_record(found).map(Claim::Changed),
        }
    }

    async fn write(&self, key: &StoreKey, seen: Option<Version>, record: &Record) -> Result<bool, StoreError> {
        let (name, _) = self.names(key);
        let bytes = [record.version.as_bytes(), &*record.value].concat();
        let lifetime = milliseconds(record.lifetime);
        let arguments = [bytes_of(seen.as_ref()), &*bytes, lifetime.as_bytes()];
        is_done(&self.run(|scripts| &scripts.write, &[&name], &arguments).await?)
    }

    async fn release(&self, key: &StoreKey, claimant: Claimant) -> Result<(), StoreError> {
        let (_, claim) = self.names(key);
        self.run(|scripts| &scripts.release, &[&claim], &[claimant.as_bytes()]).await?;
        Ok(())
    }

    async fn remove(&self, key: &StoreKey, version: Version) -> Result<bool, StoreError> {
        let (record, _) = self.names(key);
        is_done(&self.run(|scripts| &scripts.remove, &[&record], &[version.as_bytes()]).await?)
    }
}

fn bytes_of(version: Option<&Version>) -> &[u8] {
    version.map_or(&[], |version| version.as_bytes())
}

/// Returns a length of time as a server takes it, which refuses none at all.
fn milliseconds(time: Duration) -> String {
    time.clamp(Duration::from_millis(1), LONGEST).as_millis().to_string()
}

fn duration(milliseconds: i64) -> Result<Duration, StoreError> {
    u64::try_from(milliseconds).map(Duration::from_millis).map_err(|_| unexpected())
}

fn into_record(answer: Value) -> Result<Record, StoreError> {
    let Value::Array(parts) = answer else { return Err(unexpected()) };
    let Ok([Value::BulkString(mut bytes), Value::Int(left)]) = <[Value; 2]>::try_from(parts) else {
        return Err(unexpected());
    };
    let value = if bytes.len() < VERSION { return Err(unexpected()) } else { bytes.split_off(VERSION) };
    let version = bytes.try_into().map_err(|_| unexpected())?;
    Ok(Record { version: Version::from_bytes(version), value, lifetime: duration(left)? })
}

fn is_done(answer: &Value) -> Result<bool, StoreError> {
    match answer {
        Value::Int(0) => Ok(false),
        Value::Int(1) => Ok(true),
        _ => Err(unexpected()),
    }
}

fn unexpected() -> StoreError {
    "the server gave an answer that the script does not give".into()
}

/// Shows where the servers are, and neither passwords nor keys.
impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Connector { nodes, sentinels, .. } = self.0.nodes.connector();
        let addresses =
            |targets: &[Target]| targets.iter().map(|target| target.address.to_string()).collect::<Vec<_>>();
        f.debug_struct("RedisStore")
            .field("nodes", &addresses(nodes))
            .field("sentinels", &addresses(sentinels))
            .field("prefix", &self.0.prefix)
            .finish_non_exhaustive()
    }
}
