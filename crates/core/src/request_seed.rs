//! The clock reading and the random bytes of one request.

use std::time::{Duration, SystemTime};

pub(crate) fn uuid(entropy: [u8; 16]) -> String {
    uuid::Builder::from_random_bytes(entropy).into_uuid().to_string()
}

/// The clock reading and the random bytes of one request. This crate reads no clock and has no random source, so the
/// caller supplies both.
///
/// ```
/// use std::time::SystemTime;
/// use credentials_grant::RequestSeed;
/// # fn random_bytes() -> [u8; 16] { [7; 16] }
///
/// let seed = RequestSeed::new(SystemTime::now(), random_bytes());
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RequestSeed {
    /// The time at which the request is sent. A token's lifetime is counted from here.
    pub now: SystemTime,
    /// Sixteen unpredictable bytes, never used twice.
    pub entropy: [u8; 16],
}

impl RequestSeed {
    /// Creates a seed from this time and these random bytes.
    #[must_use]
    pub fn new(now: SystemTime, entropy: [u8; 16]) -> Self {
        Self { now, entropy }
    }

    /// Returns a constant seed (2026-01-01T00:00:00Z and zeros), for requests that are compared and not sent.
    #[must_use]
    pub fn fixed() -> Self {
        Self { now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600), entropy: [0; 16] }
    }
}
