//! Limits per address: requests a second, and failed logins before a block.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use crate::clock::age;
use crate::lock::lock;

/// When an address is blocked, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AddressBlock {
    /// The number of failed logins in a row that leads to the block.
    pub(crate) failed_logins: u32,
    pub(crate) duration: Duration,
}

/// The limits, and what each address did recently.
pub(crate) struct Limits {
    requests_per_second: Option<u32>,
    block: Option<AddressBlock>,
    addresses: Mutex<HashMap<IpAddr, AddressState>>,
}

#[derive(Default)]
struct AddressState {
    /// The times of the requests that were allowed within the last second.
    allowed: VecDeque<SystemTime>,
    failed_logins: u32,
    blocked_at: Option<SystemTime>,
}

impl Limits {
    pub(crate) fn new(requests_per_second: Option<u32>, block: Option<AddressBlock>) -> Self {
        Self { requests_per_second, block, addresses: Mutex::default() }
    }

    /// Returns whether the address may send one more request within this second, and counts it if so.
    pub(crate) fn allow(&self, address: IpAddr, now: SystemTime) -> bool {
        let Some(limit) = self.requests_per_second else {
            return true;
        };
        let mut addresses = lock(&self.addresses);
        let allowed = &mut addresses.entry(address).or_default().allowed;
        allowed.retain(|at| age(*at, now) < Duration::from_secs(1));
        let allow = allowed.len() < limit as usize;
        if allow {
            allowed.push_back(now);
        }
        allow
    }

    /// Records a successful login, which resets the count of failed ones.
    pub(crate) fn record_success(&self, address: IpAddr) {
        lock(&self.addresses).entry(address).or_default().failed_logins = 0;
    }

    /// Records a failed login, and blocks the address if that was one too many.
    pub(crate) fn record_failure(&self, address: IpAddr, now: SystemTime) {
        let Some(block) = self.block else {
            return;
        };
        let mut addresses = lock(&self.addresses);
        let state = addresses.entry(address).or_default();
        state.failed_logins += 1;
        if state.failed_logins >= block.failed_logins {
            state.failed_logins = 0;
            state.blocked_at = Some(now);
        }
    }

    /// Returns whether the address is blocked.
    pub(crate) fn is_blocked(&self, address: IpAddr, now: SystemTime) -> bool {
        let blocked_at = lock(&self.addresses).get(&address).and_then(|state| state.blocked_at);
        match (self.block, blocked_at) {
            (Some(block), Some(blocked_at)) => age(blocked_at, now) < block.duration,
            _ => false,
        }
    }
}
