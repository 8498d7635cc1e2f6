//! A file that holds one secret, or the client id that goes with it.

use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{self, Read};
use std::path::PathBuf;
use std::str;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use credentials_grant::{Error, ErrorKind, SecretString};
use zeroize::Zeroizing;

use crate::io_threads::IoThreads;

/// The largest secret file that is read.
const LARGEST: usize = 64 * 1024;

/// All reads of secret files. A file that hangs (a pipe, a network file system) occupies one thread.
static READS: LazyLock<IoThreads<PathBuf, Arc<Zeroizing<Vec<u8>>>>> = LazyLock::new(|| IoThreads::new(read_at_most));

/// A file that holds one secret and is read anew each time.
#[derive(Clone, Debug)]
pub(super) struct SecretFile {
    /// What it holds, in words.
    content: &'static str,
    path: PathBuf,
    /// Whether it has held a secret before. Clones share it.
    was_usable: Arc<AtomicBool>,
}

impl SecretFile {
    pub(super) fn new(path: impl Into<PathBuf>) -> Self {
        Self { content: "secret", path: path.into(), was_usable: Arc::default() }
    }

    /// A file that holds the client id.
    pub(super) fn of_client_id(path: impl Into<PathBuf>) -> Self {
        Self { content: "client id", ..Self::new(path) }
    }

    pub(super) async fn read(&self) -> Result<SecretString, Error> {
        let bytes = READS.call(self.path.clone()).await;
        let bytes = bytes.map_err(|error| self.error(&format!("cannot be read ({error})"), kind_of(&error)))?;
        let secret = secret_in(&bytes).map_err(|why| self.error(why, ErrorKind::Configuration))?;
        self.was_usable.store(true, Ordering::Relaxed);
        Ok(secret.into())
    }

    fn error(&self, why: &str, kind: ErrorKind) -> Error {
        // Not every program replaces a file in one step: for a moment it may be missing, empty, or not yet readable.
        let is_replaced = kind == ErrorKind::Configuration && self.was_usable.load(Ordering::Relaxed);
        let kind = if is_replaced { ErrorKind::Unavailable } else { kind };
        let remedy = match kind {
            ErrorKind::Configuration => format!("use a file that holds the {} and nothing else", self.content),
            _ if is_replaced => "it was usable before: if it is not being replaced, restore it".to_owned(),
            _ => "check the limit of open files, the memory and the disk of this machine".to_owned(),
        };
        Error::new(kind, format!("the {} file {} {why}", self.content, self.path.display())).with_remedy(remedy)
    }
}

impl Hash for SecretFile {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.path.hash(state);
    }
}

/// Returns the secret, without the line break at its end.
fn secret_in(bytes: &[u8]) -> Result<&str, &'static str> {
    if bytes.len() > LARGEST {
        return Err("is larger than 64 KiB");
    }
    let text = str::from_utf8(bytes).map_err(|_| "is not UTF-8")?;
    // Some editors write a byte-order mark.
    match text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']) {
        "" => Err("is empty"),
        secret => Ok(secret),
    }
}

/// Returns `Configuration` for an error that lasts until somebody changes the path or the file. Any other may pass: too
/// many open files, an interrupted call, no memory, a disk or a network file system that fails.
fn kind_of(error: &io::Error) -> ErrorKind {
    use io::ErrorKind::{
        InvalidFilename, InvalidInput, IsADirectory, NotADirectory, NotFound, PermissionDenied, Unsupported,
    };
    match error.kind() {
        InvalidFilename | InvalidInput | IsADirectory | NotADirectory | NotFound | PermissionDenied | Unsupported => {
            ErrorKind::Configuration
        }
        _ => ErrorKind::Unavailable,
    }
}

/// Reads a file up to a limit: a path may lead to something endless.
fn read_at_most(path: &PathBuf) -> io::Result<Arc<Zeroizing<Vec<u8>>>> {
    let limit = LARGEST + 1;
    // With room for everything: a vector that grows leaves copies of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 1));
    File::open(path)?.take(limit as u64).read_to_end(&mut bytes)?;
    Ok(Arc::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_lasts_is_told_from_what_passes() {
        use ErrorKind::{Configuration, Unavailable};
        // By the numbers that all Unix systems share.
        for (number, name, kind) in [
            (1, "EPERM", Configuration),
            (2, "ENOENT", Configuration),
            (4, "EINTR", Unavailable),
            (5, "EIO", Unavailable),
            (12, "ENOMEM", Unavailable),
            (13, "EACCES", Configuration),
            (20, "ENOTDIR", Configuration),
            (21, "EISDIR", Configuration),
            (22, "EINVAL", Configuration),
            (23, "ENFILE", Unavailable),
            (24, "EMFILE", Unavailable),
        ] {
            assert_eq!(kind_of(&io::Error::from_raw_os_error(number)), kind, "{name}");
        }
        for passing in [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut, io::ErrorKind::StaleNetworkFileHandle] {
            assert_eq!(kind_of(&passing.into()), Unavailable, "{passing:?}");
        }
    }
}
