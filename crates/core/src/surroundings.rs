//! The clock and the chance of one attempt, as values.

use std::time::{Duration, SystemTime};

pub(crate) fn uuid(entropy: [u8; 16]) -> String {
    uuid::Builder::from_random_bytes(entropy).into_uuid().to_string()
}

/// The clock and the chance of one attempt, read by whoever has a clock and a source of chance.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Surroundings {
    /// The time at which the request is sent. A token's life is counted from here.
    pub now: SystemTime,
    /// Sixteen unpredictable bytes, never used twice.
    pub entropy: [u8; 16],
}

impl Surroundings {
    /// This time, and this chance.
    #[must_use]
    pub fn new(now: SystemTime, entropy: [u8; 16]) -> Self {
        Self { now, entropy }
    }

    /// A fixed time (2026-01-01T00:00:00Z) and fixed chance, for requests that are compared and not sent.
    #[must_use]
    pub fn frozen() -> Self {
        Self { now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600), entropy: [0; 16] }
    }
}
