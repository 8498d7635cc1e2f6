//! The tokens that an emulator issued, and whether they are still valid.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use crate::clock::age;
use crate::lock::lock;

/// Every token that one emulator issued. None is ever removed, because an emulator runs for a short time.
///
/// A token is looked up by its whole text, so one with a changed claim or signature is not found.
#[derive(Default)]
pub(crate) struct IssuedTokens(Mutex<HashMap<String, Entry>>);

struct Entry {
    issued_at: SystemTime,
    lifetime: Duration,
    revoked: bool,
}

/// Whether a token is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenStatus {
    /// Issued, and neither expired nor revoked.
    Active,
    /// Older than its lifetime.
    Expired,
    /// Never issued, or revoked.
    Invalid,
}

impl IssuedTokens {
    pub(crate) fn insert(&self, token: String, issued_at: SystemTime, lifetime: Duration) {
        let entry = Entry { issued_at, lifetime, revoked: false };
        lock(&self.0).insert(token, entry);
    }

    pub(crate) fn status(&self, token: &str, now: SystemTime) -> TokenStatus {
        match lock(&self.0).get(token) {
            Some(entry) if entry.revoked => TokenStatus::Invalid,
            Some(entry) if age(entry.issued_at, now) < entry.lifetime => TokenStatus::Active,
            Some(_) => TokenStatus::Expired,
            None => TokenStatus::Invalid,
        }
    }

    /// Revokes one token. Returns `false` if it was never issued.
    pub(crate) fn revoke(&self, token: &str) -> bool {
        match lock(&self.0).get_mut(token) {
            Some(entry) => {
                entry.revoked = true;
                true
            }
            None => false,
        }
    }

    pub(crate) fn revoke_all(&self) {
        for entry in lock(&self.0).values_mut() {
            entry.revoked = true;
        }
    }

    pub(crate) fn count(&self) -> u64 {
        lock(&self.0).len() as u64
    }
}
