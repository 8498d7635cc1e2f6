//! Secrets from files and from standard input.

use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::Path;

use credentials_grant::SecretString;

use crate::exit::Failure;

/// The largest file that is taken for a secret.
const LARGEST: u64 = 64 * 1024;

/// Whether this path stands for standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// The secret in the file that `flag` names. A line break at its end is not part of it.
pub(crate) fn read(flag: &str, path: &Path) -> Result<SecretString, Failure> {
    let from = match path {
        _ if is_stdin(path) => "standard input".to_owned(),
        _ if path.exists() => path.display().to_string(),
        // Not repeated: who takes the flag for the secret's own has written the secret.
        _ => "the file".to_owned(),
    };
    let refused = |why: &str| {
        Failure::usage(format!("{flag}: {from} {why}"))
            .with_remedy(format!("give {flag} a file that holds the secret and nothing else, or - for standard input"))
    };
    let bytes = bytes(path).map_err(|error| refused("cannot be read").with_cause(&error))?;
    if bytes.len() as u64 > LARGEST {
        return Err(refused("is larger than 64 KiB"));
    }
    let text = String::from_utf8(bytes).map_err(|_| refused("is not UTF-8 text"))?;
    // Some editors put a byte-order mark before what they save.
    match text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']) {
        "" => Err(refused("is empty")),
        secret if secret.contains(['\r', '\n']) => Err(refused("has more than one line")),
        secret => Ok(secret.into()),
    }
}

/// What is there, and one byte more than there may be at the most.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let stdin = io::stdin();
    if !is_stdin(path) {
        File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    } else if stdin.is_terminal() {
        let _ = writeln!(anstream::stderr(), "Enter the secret (it shows as you type), then press Enter:");
        stdin.lock().take(LARGEST + 1).read_until(b'\n', &mut bytes)?;
    } else {
        stdin.lock().take(LARGEST + 1).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
