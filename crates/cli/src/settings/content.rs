//! The content of files and standard input: secrets, keys, certificates, headers.

use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::Path;

use credentials_grant::SecretString;
use credentials_grant_client::KeySigner;

use crate::error::CommandError;
use crate::provider::option::FileContent;

/// The largest secret.
const LARGEST_SECRET: u64 = 64 * 1024;

/// The largest file of any other kind: all CA certificates of a system fit.
const LARGEST_FILE: u64 = 1024 * 1024;

/// Returns `true` if this path stands for standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Reads the file that `flag` names, without the line break at its end.
pub(crate) fn read(flag: &str, path: &Path, kind: FileContent) -> Result<SecretString, CommandError> {
    let source = match path {
        _ if is_stdin(path) => "standard input".to_owned(),
        _ if path.exists() => path.display().to_string(),
        // Not shown: a user who mistakes the flag for the secret's own has written the secret here.
        _ => "the file".to_owned(),
    };
    let (content, stdin) = (kind.noun(), if kind == FileContent::Headers { "@-" } else { "-" });
    let refused = |why: &str| {
        CommandError::usage(format!("{flag}: {source} {why}")).with_remedy(format!(
            "give {flag} a file that holds {content} and nothing else, or {stdin} for standard input"
        ))
    };
    let is_one_line = matches!(kind, FileContent::ClientId | FileContent::Secret);
    let limit = if is_one_line { LARGEST_SECRET } else { LARGEST_FILE };
    let bytes = bytes(path, kind, limit + 1).map_err(|error| refused("cannot be read").with_cause(&error))?;
    if bytes.len() as u64 > limit {
        return Err(refused(&format!("is larger than {} KiB", limit / 1024)));
    }
    let text = String::from_utf8(bytes).map_err(|error| match KeySigner::from_bytes(error.as_bytes()) {
        // It says what kind of file it is, and how to convert it.
        Err(error) if kind == FileContent::PrivateKey => {
            refused("is not text").with_remedy(error.remedy().unwrap_or_default())
        }
        _ => refused("is not UTF-8 text"),
    })?;
    // Some editors put a byte-order mark at the start of a file.
    match text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']) {
        "" => Err(refused("is empty")),
        secret if is_one_line && secret.contains(['\r', '\n']) => Err(refused("has more than one line")),
        content => Ok(content.into()),
    }
}

impl FileContent {
    fn noun(self) -> &'static str {
        match self {
            Self::Certificates => "the certificates",
            Self::ClientId => "the client id",
            Self::Headers => "the headers, one 'Name: value' per line,",
            Self::Keyring => "the keyring, as `cgrant store key --keyring` makes it,",
            Self::PrivateKey => "the key",
            Self::Secret => "the secret",
        }
    }
}

/// Reads at most this many bytes.
fn bytes(path: &Path, kind: FileContent, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let stdin = io::stdin();
    if !is_stdin(path) {
        File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    } else if stdin.is_terminal() && kind == FileContent::Secret {
        let _ = writeln!(anstream::stderr(), "Type the secret (it is visible as you type) and press Enter:");
        stdin.lock().take(limit).read_until(b'\n', &mut bytes)?;
    } else {
        if stdin.is_terminal() {
            let _ = writeln!(anstream::stderr(), "Paste {}, then press Ctrl-D on an empty line:", kind.noun());
        }
        stdin.lock().take(limit).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
