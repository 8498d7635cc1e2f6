//! The directory of a store: whom it belongs to, its lock, and its files.
//!
//! | file | what |
//! |---|---|
//! | `NAME.record` | a record. It is written beside it and renamed, so that nobody reads half of one |
//! | `NAME.claim` | empty; locked by the process that requests the token |
//! | `lock` | empty; locked for a moment by whoever changes something |
//! | `swept` | empty; its time is that of the last sweep |
//! | `NAME.new` | a record that is being written |
//!
//! Other files stay as they are.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::store::record::StoreKey;

pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long to wait until no other process has the lock. Whoever has it needs a millisecond, but others may wait too.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// How often to look whether the lock is free.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// The longest file that is read as a record.
const LONGEST_RECORD: u64 = 512 * 1024;

/// Clones are the same directory.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// The threads of this process wait in line: hundreds that look whether the lock is free would not all get it.
    in_process: Arc<Mutex<()>>,
}

impl Directory {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, in_process: Arc::default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn exists(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok()
    }

    /// Runs `work` while nobody else changes the directory, which is made if it is not there.
    pub(super) fn locked<T>(&self, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let _turn = self.in_process.lock().unwrap_or_else(PoisonError::into_inner);
        self.make()?;
        self.check()?;
        let lock = opened(&self.path.join("lock"))?;
        let began = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if began.elapsed() < LONGEST_WAIT => thread::sleep(LOOK_EVERY),
                Err(TryLockError::WouldBlock) => {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "another process keeps its lock"));
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        // Unlocked when it is closed.
        work()
    }

    /// Returns the names of all records, ended or not.
    pub(super) fn records(&self) -> io::Result<Vec<StoreKey>> {
        if !self.exists() {
            return Ok(Vec::new());
        }
        self.check()?;
        let mut keys = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            if let Some(name) = name.to_str().and_then(|name| name.strip_suffix(".record"))
                && is_name(name)
            {
                keys.push(StoreKey::new(name.to_owned()));
            }
        }
        Ok(keys)
    }

    /// Returns the bytes of a record; `None` if there is none.
    pub(super) fn read_record(&self, key: &StoreKey) -> io::Result<Option<Vec<u8>>> {
        if !self.exists() {
            return Ok(None);
        }
        self.check()?;
        let file = match private().read(true).open(self.record_path(key)) {
            Ok(file) => file,
            // It is replaced.
            #[cfg(unix)]
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(LONGEST_RECORD).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Writes a record beside its place, and then puts it there.
    pub(super) fn write_record(&self, key: &StoreKey, bytes: &[u8]) -> io::Result<()> {
        let (temporary, place) = (self.file(key, "new"), self.record_path(key));
        let written = private().write(true).create(true).truncate(true).open(&temporary).and_then(|mut file| {
            // Not synced: should the machine lose power now, the next process finds a damaged record and replaces it.
            file.write_all(bytes)
        });
        let placed = written.and_then(|()| fs::rename(&temporary, &place));
        if placed.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        placed
    }

    pub(super) fn remove_record(&self, key: &StoreKey) -> io::Result<()> {
        fs::remove_file(self.record_path(key))
    }

    /// Locks the file of a claim; `None` if another process has it.
    pub(super) fn try_claim(&self, key: &StoreKey) -> io::Result<Option<File>> {
        self.make()?;
        self.check()?;
        let path = self.file(key, "claim");
        loop {
            let file = opened(&path)?;
            match file.try_lock() {
                Ok(()) if is_at(&file, &path) => return Ok(Some(file)),
                // It was removed before it was locked.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// Returns `true` once a day.
    pub(super) fn is_sweep_due(&self, now: SystemTime) -> bool {
        let swept = fs::metadata(self.path.join("swept")).and_then(|swept| swept.modified());
        let age = swept.map_or(DAY, |swept| now.duration_since(swept).unwrap_or_default());
        age >= DAY && opened(&self.path.join("swept")).and_then(|file| file.set_modified(now)).is_ok()
    }

    /// Removes the records that have ended, and the claims without a record that nobody holds. To be called while
    /// nobody else changes the directory.
    pub(super) fn sweep(&self, has_ended: impl Fn(&StoreKey) -> bool) {
        for key in self.records().unwrap_or_default() {
            if has_ended(&key) {
                let _ = self.remove_record(&key);
            }
        }
        let Ok(entries) = fs::read_dir(&self.path) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|extension| extension == "new")
                && path.file_stem().and_then(OsStr::to_str).is_some_and(is_name)
            {
                // Its writer was ended before it had written all.
                let _ = fs::remove_file(&path);
            }
            let is_claim = path.extension().is_some_and(|extension| extension == "claim");
            if !is_claim || path.with_extension("record").exists() {
                continue;
            }
            // Removed while it is locked: whoever opened it before finds that it is not there any more.
            if let Ok(file) = opened(&path)
                && file.try_lock().is_ok()
            {
                let _ = fs::remove_file(&path);
            }
        }
    }

    /// Returns where a record is.
    pub(super) fn record_path(&self, key: &StoreKey) -> PathBuf {
        self.file(key, "record")
    }

    fn file(&self, key: &StoreKey, extension: &str) -> PathBuf {
        self.path.join(format!("{}.{extension}", key.as_str()))
    }

    fn make(&self) -> io::Result<()> {
        if self.exists() {
            return Ok(());
        }
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.path)
    }

    /// Refuses a directory in which somebody else could put something.
    fn check(&self) -> io::Result<()> {
        let metadata = fs::symlink_metadata(&self.path)?;
        let refused = |why: &str| Err(io::Error::new(io::ErrorKind::PermissionDenied, why.to_owned()));
        if !metadata.is_dir() {
            return refused("it is not a directory, or a symbolic link; remove it, or name another directory");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;

            if metadata.uid() != rustix::process::geteuid().as_raw() {
                return refused("it belongs to another user; name a directory of your own");
            }
            if metadata.mode() & 0o022 != 0 {
                return refused(
                    "others can write to it; name a directory of your own, or `chmod go-w` this one if it is yours alone",
                );
            }
        }
        Ok(())
    }
}

/// Returns `true` if the file that is open is the one that this path names.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let id = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    matches!((file.metadata().map(id), fs::metadata(path).map(id)), (Ok(open), Ok(named)) if open == named)
}

/// A file that is open cannot be replaced there.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// Returns `true` for the name of a record, as opposed to a file of somebody else's.
fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=40).contains(&name.len()) && name.bytes().all(is_allowed)
}

/// Opens a file that has no contents.
fn opened(path: &Path) -> io::Result<File> {
    private().write(true).create(true).truncate(false).open(path)
}

/// Options for files that only the user can read, and that follow no symbolic link.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        // A pipe that nobody writes to would keep the reader waiting.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    options
}
