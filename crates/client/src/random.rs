//! Random bytes from the operating system.

use credentials_grant::{Error, ErrorKind};

/// Returns sixteen unpredictable bytes.
pub(crate) fn entropy() -> Result<[u8; 16], Error> {
    let mut entropy = [0; 16];
    getrandom::fill(&mut entropy).map_err(|source| {
        Error::new(ErrorKind::Configuration, "the operating system returned no random bytes")
            .with_remedy("give the program access to the system's random source")
            .with_source(source)
    })?;
    Ok(entropy)
}

/// Returns a random number for jitter. Without a random source it is the largest, so that pauses are only longer.
pub(crate) fn random_number() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX)
}
