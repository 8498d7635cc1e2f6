//! The tokens that an emulator issued, and whether they are still valid.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{SHA256, digest};

use crate::clock::age;
use crate::lock::lock;

/// The most tokens that are kept. The oldest is dropped for a new one, and counts as never issued.
const MAX_TOKENS: usize = 100_000;

/// How long an expired token is kept, so that the API can say that it expired.
const KEPT_AFTER_EXPIRY: Duration = Duration::from_secs(3600);

/// The tokens that one emulator issued, except for old ones.
///
/// A token is looked up by the hash of its whole text, so one with a changed claim or signature is not found.
#[derive(Default)]
pub(crate) struct IssuedTokens(Mutex<Tokens>);

#[derive(Default)]
struct Tokens {
    entries: HashMap<Fingerprint, Entry>,
    /// The oldest first.
    order: VecDeque<Fingerprint>,
    /// Including those that were dropped.
    count: u64,
}

type Fingerprint = [u8; 32];

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
    /// Never issued, revoked, or dropped.
    Invalid,
}

impl IssuedTokens {
    pub(crate) fn insert(&self, token: &str, issued_at: SystemTime, lifetime: Duration) {
        let mut tokens = lock(&self.0);
        tokens.drop_old(issued_at);
        let entry = Entry { issued_at, lifetime, revoked: false };
        let fingerprint = fingerprint(token);
        if tokens.entries.insert(fingerprint, entry).is_none() {
            tokens.order.push_back(fingerprint);
        }
        tokens.count += 1;
    }

    pub(crate) fn status(&self, token: &str, now: SystemTime) -> TokenStatus {
        match lock(&self.0).entries.get(&fingerprint(token)) {
            Some(entry) if entry.revoked => TokenStatus::Invalid,
            Some(entry) if age(entry.issued_at, now) < entry.lifetime => TokenStatus::Active,
            Some(_) => TokenStatus::Expired,
            None => TokenStatus::Invalid,
        }
    }

    /// Revokes one token. Returns `false` if it was never issued, or dropped.
    pub(crate) fn revoke(&self, token: &str) -> bool {
        match lock(&self.0).entries.get_mut(&fingerprint(token)) {
            Some(entry) => {
                entry.revoked = true;
                true
            }
            None => false,
        }
    }

    pub(crate) fn revoke_all(&self) {
        for entry in lock(&self.0).entries.values_mut() {
            entry.revoked = true;
        }
    }

    /// Returns how many were issued.
    pub(crate) fn count(&self) -> u64 {
        lock(&self.0).count
    }
}

impl Tokens {
    /// Drops what expired long ago, and makes room for one more.
    fn drop_old(&mut self, now: SystemTime) {
        while let Some(oldest) = self.order.front() {
            let is_old = self
                .entries
                .get(oldest)
                .is_none_or(|entry| age(entry.issued_at, now) >= entry.lifetime.saturating_add(KEPT_AFTER_EXPIRY));
            if !is_old && self.order.len() < MAX_TOKENS {
                return;
            }
            self.entries.remove(oldest);
            self.order.pop_front();
        }
    }
}

fn fingerprint(token: &str) -> Fingerprint {
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    fingerprint
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Duration = Duration::from_secs(60);

    fn kept(tokens: &IssuedTokens) -> (usize, usize) {
        let tokens = lock(&tokens.0);
        (tokens.entries.len(), tokens.order.len())
    }

    #[test]
    fn an_expired_token_is_dropped_an_hour_later() {
        let tokens = IssuedTokens::default();
        let start = SystemTime::UNIX_EPOCH;
        tokens.insert("first", start, LIFETIME);
        let dropped_at = start + LIFETIME + KEPT_AFTER_EXPIRY;
        tokens.insert("second", dropped_at - Duration::from_secs(1), LIFETIME);
        assert_eq!(tokens.status("first", dropped_at), TokenStatus::Expired);
        assert!(tokens.revoke("second"));
        tokens.insert("third", dropped_at, LIFETIME);
        assert_eq!(tokens.status("first", dropped_at), TokenStatus::Invalid);
        assert!(!tokens.revoke("first"));
        assert_eq!((kept(&tokens), tokens.count()), ((2, 2), 3));
    }

    #[test]
    fn the_oldest_token_is_dropped_where_there_are_too_many() {
        let tokens = IssuedTokens::default();
        let now = SystemTime::UNIX_EPOCH;
        for number in 0..=MAX_TOKENS {
            tokens.insert(&number.to_string(), now, LIFETIME);
        }
        assert_eq!((kept(&tokens), tokens.count()), ((MAX_TOKENS, MAX_TOKENS), MAX_TOKENS as u64 + 1));
        assert_eq!(tokens.status("0", now), TokenStatus::Invalid);
        for kept in ["1".to_owned(), MAX_TOKENS.to_string()] {
            assert_eq!(tokens.status(&kept, now), TokenStatus::Active);
        }
    }
}
