//! A store in a directory, for the processes of one user on one machine.

mod directory;
mod record_file;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};
use std::{fmt, io};

use async_trait::async_trait;
use credentials_grant::{Error, ErrorKind};
use etcetera::{BaseStrategy, choose_base_strategy};
use tokio::runtime::Handle;

use self::directory::Directory;
use self::record_file::RecordFile;
use super::keyring::Keyring;
use super::record::{Claim, Claimant, Record, StoreKey, Version};
use super::token_store::{StoreError, TokenStore};
use crate::clock::Clock;
use crate::system_clock::SystemClock;

/// How long a caller waits for the file system.
const PATIENCE: Duration = Duration::from_secs(5);

/// A store in a directory, for the processes of one user on one machine. Clones are the same store.
///
/// Records are files that only the user can read, sealed with the client's own secret: who copies the directory without
/// the secret has nothing. The right to request a token is a lock that the operating system ends with its process.
///
/// ```no_run
/// # fn example(acme: impl credentials_grant::CredentialsGrant) -> Result<(), credentials_grant::Error> {
/// use credentials_grant_client::{EnvironmentCredentials, FileStore, TokenSource};
///
/// let source = TokenSource::builder(acme, EnvironmentCredentials::with_prefix("ACME"))
///     .with_store(FileStore::new()?)
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// The directory is made when it is needed. If it is a symbolic link, belongs to somebody else, or others can write to
/// it, the store fails: the source goes on without it. So it does where files cannot be locked, as on some network
/// file systems.
#[derive(Clone)]
pub struct FileStore(Arc<Inner>);

struct Inner {
    directory: Directory,
    keyring: Option<Keyring>,
    clock: Arc<dyn Clock>,
    is_system_clock: bool,
    /// The claims of this process, and the locked files.
    claims: Mutex<HashMap<StoreKey, HeldClaim>>,
}

#[derive(Debug)]
struct HeldClaim {
    claimant: Claimant,
    /// Unlocked when it is closed. `None` while the file system is asked for it.
    file: Option<File>,
}

/// Gives a claim back when it is dropped: when its window is over, or with the runtime.
struct Window {
    inner: Weak<Inner>,
    key: StoreKey,
    claimant: Claimant,
}

impl Drop for Window {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.upgrade() {
            inner.release(&self.key, self.claimant);
        }
    }
}

/// A record of a [`FileStore`], as it is listed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct StoredFile {
    /// The record's name.
    pub key: String,
    /// Where it is.
    pub path: PathBuf,
    /// How long ago it was written.
    pub age: Duration,
    /// How much longer it lives.
    pub lifetime: Duration,
    /// How many bytes are sealed in it.
    pub size: u64,
    /// Which `seal` key of the store's keyring sealed it, counted from 1. `None` if none did: the client's own secret,
    /// or a key that is not in the keyring.
    pub sealing_key: Option<usize>,
}

impl FileStore {
    /// Returns the store of this user: the directory `cgrant` in `$XDG_CACHE_HOME` or `~/.cache`, in `~/Library/Caches`
    /// on macOS, in `%LOCALAPPDATA%` on Windows. It is the one that the command `cgrant` uses.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the user has no home directory.
    pub fn new() -> Result<Self, Error> {
        let nowhere = || {
            Error::new(ErrorKind::Configuration, "there is no home directory to keep tokens in").with_remedy(
                "set `HOME` or `XDG_CACHE_HOME` to an absolute path, or name a directory (`FileStore::at`)",
            )
        };
        let strategy = choose_base_strategy().map_err(|source| nowhere().with_source(source))?;
        let directory = strategy.cache_dir().join("cgrant");
        // Otherwise each working directory would have a store.
        if directory.is_absolute() { Ok(Self::at(directory)) } else { Err(nowhere()) }
    }

    /// Returns the store in this directory, which must hold nothing else.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self(Arc::new(Inner {
            directory: Directory::new(directory.into()),
            keyring: None,
            clock: Arc::new(SystemClock::new()),
            is_system_clock: true,
            claims: Mutex::default(),
        }))
    }

    /// Seals with these keys, instead of each client's own secret. Clients that have no secret, such as those that sign
    /// with a key, are stored with a keyring only.
    #[must_use]
    pub fn with_keyring(self, keyring: Keyring) -> Self {
        self.changed(|inner| inner.keyring = Some(keyring))
    }

    /// Sets the clock, for tests.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock) -> Self {
        self.changed(|inner| {
            inner.clock = Arc::new(clock);
            inner.is_system_clock = false;
        })
    }

    fn changed(self, change: impl FnOnce(&mut Inner)) -> Self {
        let Inner { directory, keyring, clock, is_system_clock, .. } = &*self.0;
        let mut inner = Inner {
            directory: directory.clone(),
            keyring: keyring.clone(),
            clock: Arc::clone(clock),
            is_system_clock: *is_system_clock,
            claims: Mutex::default(),
        };
        change(&mut inner);
        Self(Arc::new(inner))
    }

    /// Returns the directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.0.directory.path()
    }

    /// Lists the records that have not ended, by name. Blocks on the file system.
    ///
    /// # Errors
    ///
    /// If the directory cannot be read, or is not to be trusted. One that is not there is empty.
    pub fn list(&self) -> io::Result<Vec<StoredFile>> {
        let mut files = Vec::new();
        for key in self.0.directory.records()? {
            if let Some(file) = self.0.read_file(&key)?
                && let Some(lifetime) = self.0.lifetime(&file)
            {
                let sealing_key = self.0.keyring.as_ref().and_then(|keyring| keyring.position_of(file.value()));
                files.push(StoredFile {
                    path: self.0.directory.record_path(&key),
                    age: file.lifetime().saturating_sub(lifetime),
                    lifetime,
                    size: u64::try_from(file.value().len()).unwrap_or(u64::MAX),
                    sealing_key,
                    key: key.as_str().to_owned(),
                });
            }
        }
        files.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(files)
    }

    /// Removes every record, and returns how many there were. Blocks on the file system.
    ///
    /// # Errors
    ///
    /// If the directory cannot be changed, or is not to be trusted.
    pub fn clear(&self) -> io::Result<usize> {
        if !self.0.directory.exists() {
            return Ok(0);
        }
        self.0.directory.locked(|| {
            let keys = self.0.directory.records()?;
            keys.iter().try_for_each(|key| self.0.directory.remove_record(key))?;
            Ok(keys.len())
        })
    }

    /// Runs what blocks on a thread for it.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || {
            work(&inner).map_err(|error| format!("{}: {error}", inner.directory.path().display()))
        });
        Ok(done.await??)
    }
}

impl Inner {
    fn read(&self, key: &StoreKey) -> io::Result<Option<Record>> {
        let Some(file) = self.read_file(key)? else { return Ok(None) };
        let lifetime = self.lifetime(&file);
        Ok(lifetime.map(|lifetime| file.into_record(lifetime)))
    }

    /// Returns the file, or `None` if there is none that can be read as one.
    fn read_file(&self, key: &StoreKey) -> io::Result<Option<RecordFile>> {
        Ok(self.directory.read_record(key)?.and_then(|bytes| RecordFile::parse(&bytes)))
    }

    /// Returns how much longer a record lives, unless it has ended.
    fn lifetime(&self, file: &RecordFile) -> Option<Duration> {
        let left = file.left(self.clock.now(), self.boot());
        (!left.is_zero()).then_some(left)
    }

    fn boot(&self) -> Option<(String, Duration)> {
        if self.is_system_clock { record_file::boot() } else { None }
    }

    fn claim(&self, key: &StoreKey, seen: Option<Version>, claimant: Claimant, window: Duration) -> io::Result<Claim> {
        let changed = || {
            let record = self.read(key)?.filter(|record| Some(record.version) != seen);
            Ok::<_, io::Error>(record)
        };
        if let Some(record) = changed()? {
            return Ok(Claim::Changed(record));
        }
        // Without the lock while the file system is asked: it may hang, and whoever gives a claim back must not.
        match self.claims().entry(key.clone()) {
            Entry::Occupied(held) if held.get().claimant == claimant => return Ok(Claim::Granted),
            Entry::Occupied(_) => return Ok(Claim::Held(window)),
            Entry::Vacant(vacant) => vacant.insert(HeldClaim { claimant, file: None }),
        };
        let claim = match self.directory.try_claim(key) {
            // Nobody knows for how long another process has it. The operating system ends it with the process.
            Ok(None) => Ok(Claim::Held(window)),
            Ok(Some(file)) => {
                // Whoever had it a moment ago may have written the record.
                changed().map(|record| record.map_or_else(|| self.keep_claim(key, claimant, file), Claim::Changed))
            }
            Err(error) => Err(error),
        };
        if !matches!(claim, Ok(Claim::Granted)) {
            self.release(key, claimant);
        }
        claim
    }

    /// Keeps the locked file of a claim.
    fn keep_claim(&self, key: &StoreKey, claimant: Claimant, file: File) -> Claim {
        if let Some(held) = self.claims().get_mut(key).filter(|held| held.claimant == claimant) {
            held.file = Some(file);
        }
        Claim::Granted
    }

    fn write(&self, key: &StoreKey, seen: Option<Version>, record: &Record) -> io::Result<bool> {
        self.directory.locked(|| {
            if self.read(key)?.is_some_and(|there| Some(there.version) != seen) {
                return Ok(false);
            }
            let file = RecordFile::new(record, self.clock.now(), self.boot());
            self.directory.write_record(key, &file.to_bytes())?;
            self.sweep();
            Ok(true)
        })
    }

    fn remove(&self, key: &StoreKey, version: Version) -> io::Result<bool> {
        self.directory.locked(|| {
            let is_there = self.read(key)?.is_some_and(|record| record.version == version);
            if is_there {
                self.directory.remove_record(key)?;
            }
            Ok(is_there)
        })
    }

    fn release(&self, key: &StoreKey, claimant: Claimant) {
        let mut claims = self.claims();
        if claims.get(key).is_some_and(|held| held.claimant == claimant) {
            claims.remove(key);
        }
    }

    /// Once a day, removes what ended more than a day ago. What cannot be removed stays.
    fn sweep(&self) {
        let now = self.clock.now();
        if !self.directory.is_sweep_due(now) {
            return;
        }
        let has_ended = |key: &StoreKey| {
            let file = self.read_file(key).ok().flatten();
            file.is_none_or(|file| file.ended_before(now.checked_sub(directory::DAY).unwrap_or(SystemTime::UNIX_EPOCH)))
        };
        self.directory.sweep(has_ended);
    }

    fn claims(&self) -> MutexGuard<'_, HashMap<StoreKey, HeldClaim>> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TokenStore for FileStore {
    fn keyring(&self) -> Option<&Keyring> {
        self.0.keyring.as_ref()
    }

    /// A machine that is busy needs its time, and no network is waited for.
    fn patience(&self) -> Duration {
        PATIENCE
    }

    async fn read(&self, key: &StoreKey) -> Result<Option<Record>, StoreError> {
        let key = key.clone();
        self.run(move |inner| inner.read(&key)).await
    }

    async fn claim(
        &self,
        key: &StoreKey,
        seen: Option<Version>,
        claimant: Claimant,
        window: Duration,
    ) -> Result<Claim, StoreError> {
        let (key, runtime) = (key.clone(), Handle::current());
        let given_back = Window { inner: Arc::downgrade(&self.0), key: key.clone(), claimant };
        self.run(move |inner| {
            let claim = inner.claim(&key, seen, claimant, window);
            if matches!(claim, Ok(Claim::Granted)) {
                // Other processes cannot tell how long this one has had the right. Begun here, since it may be that
                // nobody waits for the claim any more.
                runtime.spawn(async move {
                    tokio::time::sleep(window).await;
                    drop(given_back);
                });
            }
            claim
        })
        .await
    }

    async fn write(&self, key: &StoreKey, seen: Option<Version>, record: &Record) -> Result<bool, StoreError> {
        let (key, record) = (key.clone(), record.clone());
        self.run(move |inner| inner.write(&key, seen, &record)).await
    }

    async fn release(&self, key: &StoreKey, claimant: Claimant) -> Result<(), StoreError> {
        self.0.release(key, claimant);
        Ok(())
    }

    async fn remove(&self, key: &StoreKey, version: Version) -> Result<bool, StoreError> {
        let key = key.clone();
        self.run(move |inner| inner.remove(&key, version)).await
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore").field("directory", &self.directory()).finish_non_exhaustive()
    }
}
