//! What is true, whatever the machines think: which tokens there are and how old, and whether the invariants hold.

use std::collections::HashMap;
use std::time::Duration;

use credentials_grant::{AccessToken, ExposeSecret};

use crate::store::{StoreKey, Version};

/// The window of a claim, where a second request costs next to nothing.
pub(super) const WINDOW: Duration = Duration::from_secs(3);

/// How much older a machine may think a token than it is, since answers took their time.
const SLOW: Duration = Duration::from_secs(12);

/// How long a token may be used after its end if its writing arrived so late that its writer had given it up, or was
/// stopped: the calendars of the machines are the bound then.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// A token that the vendor issued.
#[derive(Clone, Copy, Debug)]
struct TokenFacts {
    client: &'static str,
    requested: Duration,
    issued: Duration,
    /// Which machines complained of it.
    complaints: [bool; 3],
    is_rejected: bool,
    arrived_late: bool,
}

/// The claims on a key since its record was last replaced.
#[derive(Clone, Copy, Debug)]
struct Claims {
    first: Duration,
    count: u32,
}

#[derive(Debug)]
pub(super) struct Truth {
    lifetime: Duration,
    tokens: Vec<TokenFacts>,
    /// Which token the record of a version holds.
    records: HashMap<Version, usize>,
    claims: HashMap<StoreKey, Claims>,
    /// Whether a machine has the right to request, or took it.
    granted: [bool; 3],
    /// Whether anything failed so far, or took so long that somebody gave it up.
    pub(super) somebody_failed: bool,
    /// Whether the vendor failed, or took so long that callers may fail.
    pub(super) vendor_failed: bool,
    /// Whether somebody tampered with the records.
    pub(super) is_tampered: bool,
    pub(super) violation: Option<String>,
}

impl Truth {
    pub(super) fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            tokens: Vec::new(),
            records: HashMap::new(),
            claims: HashMap::new(),
            granted: [false; 3],
            somebody_failed: false,
            vendor_failed: false,
            is_tampered: false,
            violation: None,
        }
    }

    /// Checks that this holds.
    pub(super) fn hold(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds && self.violation.is_none() {
            self.violation = Some(what());
        }
    }

    /// The vendor issues a token. Returns its number.
    pub(super) fn issue(&mut self, client: &'static str, requested: Duration, now: Duration) -> usize {
        let complaints = [false; 3];
        self.tokens.push(TokenFacts {
            client,
            requested,
            issued: now,
            complaints,
            is_rejected: false,
            arrived_late: false,
        });
        self.tokens.len() - 1
    }

    /// The API rejects a token, and this machine says so.
    pub(super) fn reject(&mut self, token: &AccessToken, machine: usize) {
        let token = &mut self.tokens[number(token)];
        token.is_rejected = true;
        token.complaints[machine] = true;
    }

    /// A machine starts anew.
    pub(super) fn forget_complaints(&mut self, machine: usize) {
        self.tokens.iter_mut().for_each(|token| token.complaints[machine] = false);
    }

    /// I2, I4 and I6, when a caller of a machine is handed a token, or would be.
    pub(super) fn handed_out(&mut self, token: &AccessToken, machine: usize, client: &str, now: Duration) {
        let number = number(token);
        let TokenFacts { client: owner, issued, arrived_late, complaints, .. } = self.tokens[number];
        self.hold(!complaints[machine], || {
            format!("I6: machine {machine} hands out token {number} again, of which it complained")
        });
        let end = issued + self.lifetime + if arrived_late { TOLERANCE } else { Duration::ZERO };
        self.hold(now < end, || format!("I2: token {number}, which ended at {end:?}, is handed out at {now:?}"));
        self.hold(client == owner, || format!("I4: `{client}` is handed token {number} of `{owner}`"));
    }

    /// I3 and I5, when a machine that has this token requests another one.
    pub(super) fn requested(&mut self, machine: usize, cached: Option<&AccessToken>, key: &StoreKey, now: Duration) {
        if let Some(cached) = cached.map(number) {
            self.hold(self.may_be_replaced(cached, now), || {
                format!("I3: machine {machine} requests a token at {now:?} beside token {cached}, which is fresh")
            });
        }
        let is_granted = std::mem::take(&mut self.granted[machine]);
        let waited_long = self.claims.get(key).is_some_and(|claims| now.saturating_sub(claims.first) >= WINDOW * 2);
        self.hold(is_granted || waited_long || self.somebody_failed, || {
            format!("I5: machine {machine} goes alone at {now:?}, although nobody failed")
        });
    }

    /// I5, when the store grants the right to replace this record.
    pub(super) fn granted(&mut self, key: &StoreKey, record: Option<Version>, now: Duration) {
        if let Some(token) = record.and_then(|version| self.records.get(&version)).copied() {
            let may_be_replaced = self.may_be_replaced(token, now) || self.is_tampered;
            self.hold(may_be_replaced, || format!("I5: the right to replace token {token} is granted at {now:?}"));
        }
        let claims = self.claims.entry(key.clone()).or_insert(Claims { first: now, count: 0 });
        claims.count += 1;
        let Claims { first, count } = *claims;
        let most = u32::try_from(now.saturating_sub(first).as_millis() / WINDOW.as_millis()).unwrap() + 1;
        self.hold(count <= most || self.somebody_failed, || {
            format!("I5: the right was granted {count} times between {first:?} and {now:?}")
        });
    }

    /// A machine learns that it has the right.
    pub(super) fn has_right(&mut self, machine: usize) {
        self.granted[machine] = true;
    }

    /// A machine writes the newest token that it requested.
    pub(super) fn writes(&mut self, version: Version, token: usize) {
        self.records.insert(version, token);
    }

    /// I6, when a record comes into the store, or goes, in the place of another one.
    pub(super) fn replaced(&mut self, key: &StoreKey, old: Option<Version>, new: Option<Version>, now: Duration) {
        self.claims.remove(key);
        if old == new {
            return;
        }
        let Some(old) = old.and_then(|version| self.records.get(&version)).copied() else { return };
        let may_be_replaced = self.may_be_replaced(old, now) || self.is_tampered || self.tokens[old].arrived_late;
        let new = new.and_then(|version| self.records.get(&version)).copied();
        self.hold(may_be_replaced, || {
            format!("I6: token {old} is replaced by {new:?} at {now:?}, although it is good")
        });
    }

    /// The record of this version arrives after its writer gave it up or was stopped.
    pub(super) fn arrives_late(&mut self, version: Version) {
        if let Some(token) = self.records.get(&version) {
            self.tokens[*token].arrived_late = true;
        }
    }

    /// Returns `true` if the token is stale, or was rejected.
    fn may_be_replaced(&self, token: usize, now: Duration) -> bool {
        let TokenFacts { requested, is_rejected, .. } = self.tokens[token];
        is_rejected || now.saturating_sub(requested) + SLOW >= self.lifetime / 10 * 8
    }
}

fn number(token: &AccessToken) -> usize {
    token.secret().expose_secret()[1..].parse().unwrap()
}
