//! Random bytes from the operating system.

use credentials_grant::{Error, ErrorKind};

/// Returns sixteen unpredictable bytes.
pub(crate) fn entropy() -> Result<[u8; 16], Error> {
    #[cfg(all(test, feature = "store"))]
    if let Some(bytes) = repeatable::bytes() {
        return Ok(bytes);
    }
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
    #[cfg(all(test, feature = "store"))]
    if let Some([a, b, c, d, ..]) = repeatable::bytes() {
        return u32::from_ne_bytes([a, b, c, d]);
    }
    getrandom::u32().unwrap_or(u32::MAX)
}

/// Random numbers that a test can repeat.
#[cfg(all(test, feature = "store"))]
pub(crate) mod repeatable {
    use std::cell::Cell;

    thread_local! {
        static STATE: Cell<Option<u64>> = const { Cell::new(None) };
    }

    /// Draws all random numbers of this thread from this seed from now on.
    pub(crate) fn seed(seed: u64) {
        STATE.set(Some(seed));
    }

    /// Returns the next number (`SplitMix64`), if there is a seed.
    fn next() -> Option<u64> {
        let state = STATE.get()?.wrapping_add(0x9e37_79b9_7f4a_7c15);
        STATE.set(Some(state));
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Some(mixed ^ (mixed >> 31))
    }

    pub(super) fn bytes() -> Option<[u8; 16]> {
        Some(((u128::from(next()?) << 64) | u128::from(next()?)).to_ne_bytes())
    }
}
