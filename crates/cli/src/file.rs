//! What stands in files or comes by standard input: secrets, keys, certificates.

use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::Path;

use credentials_grant::SecretString;

use crate::exit::Failure;
use crate::input::Form;

/// The largest file that is taken for a secret.
const LARGEST_SECRET: u64 = 64 * 1024;

/// The largest file that is taken for a key or for certificates: all authorities of a machine fit.
const LARGEST: u64 = 1024 * 1024;

/// Whether this path stands for standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// What is in the file that `flag` names. A line break at the end of a secret is not part of it.
pub(crate) fn read(flag: &str, path: &Path, form: Form) -> Result<SecretString, Failure> {
    let from = match path {
        _ if is_stdin(path) => "standard input".to_owned(),
        _ if path.exists() => path.display().to_string(),
        // Not repeated: who takes the flag for the secret's own has written the secret.
        _ => "the file".to_owned(),
    };
    let (what, stdin) = (form.content(), if form == Form::Headers { "@-" } else { "-" });
    let refused = |why: &str| {
        Failure::usage(format!("{flag}: {from} {why}")).with_remedy(format!(
            "give {flag} a file that holds {what} and nothing else, or {stdin} for standard input"
        ))
    };
    let limit = if form == Form::Secret { LARGEST_SECRET } else { LARGEST };
    let bytes = bytes(path, form, limit + 1).map_err(|error| refused("cannot be read").with_cause(&error))?;
    if bytes.len() as u64 > limit {
        return Err(refused(&format!("is larger than {} KiB", limit / 1024)));
    }
    let text = String::from_utf8(bytes).map_err(|_| refused("is not UTF-8 text"))?;
    // Some editors put a byte-order mark before what they save.
    match text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']) {
        "" => Err(refused("is empty")),
        secret if form == Form::Secret && secret.contains(['\r', '\n']) => Err(refused("has more than one line")),
        content => Ok(content.into()),
    }
}

impl Form {
    fn content(self) -> &'static str {
        match self {
            Self::Certificates => "the certificates",
            Self::Headers => "the headers, each on a line as 'Name: value',",
            Self::Key => "the key",
            Self::Secret | Self::Word => "the secret",
        }
    }
}

/// What is there, up to this many bytes.
fn bytes(path: &Path, form: Form, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let stdin = io::stdin();
    if !is_stdin(path) {
        File::open(path)?.take(most).read_to_end(&mut bytes)?;
    } else if stdin.is_terminal() && form == Form::Secret {
        let _ = writeln!(anstream::stderr(), "Enter the secret (it shows as you type), then press Enter:");
        stdin.lock().take(most).read_until(b'\n', &mut bytes)?;
    } else {
        if stdin.is_terminal() {
            let _ = writeln!(anstream::stderr(), "Paste {}, then press Ctrl-D on a line of its own:", form.content());
        }
        stdin.lock().take(most).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
