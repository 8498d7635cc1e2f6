//! How much an address may ask, and what it gets for failing to log in.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use crate::clock::age;
use crate::lock;

/// When an address is blocked, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AddressBlock {
    /// Failed logins in a row.
    pub(crate) failed_logins: u32,
    pub(crate) lasting: Duration,
}

/// What each address has done lately.
pub(crate) struct Limits {
    requests_per_second: Option<u32>,
    block: Option<AddressBlock>,
    addresses: Mutex<HashMap<IpAddr, AddressState>>,
}

#[derive(Default)]
struct AddressState {
    /// When the requests of the last second were admitted.
    admitted: VecDeque<SystemTime>,
    failed_logins: u32,
    blocked_at: Option<SystemTime>,
}

impl Limits {
    pub(crate) fn new(requests_per_second: Option<u32>, block: Option<AddressBlock>) -> Self {
        Self { requests_per_second, block, addresses: Mutex::default() }
    }

    /// Whether the address may ask once more within this second.
    pub(crate) fn allow(&self, address: IpAddr, now: SystemTime) -> bool {
        let Some(allowed) = self.requests_per_second else {
            return true;
        };
        let mut addresses = lock(&self.addresses);
        let admitted = &mut addresses.entry(address).or_default().admitted;
        admitted.retain(|at| age(*at, now) < Duration::from_secs(1));
        let admit = admitted.len() < allowed as usize;
        if admit {
            admitted.push_back(now);
        }
        admit
    }

    /// A login ends the row of failed ones.
    pub(crate) fn record_success(&self, address: IpAddr) {
        lock(&self.addresses).entry(address).or_default().failed_logins = 0;
    }

    /// A failed login, and perhaps the one too many.
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

    /// Whether the address is blocked.
    pub(crate) fn blocks(&self, address: IpAddr, now: SystemTime) -> bool {
        let blocked_at = lock(&self.addresses).get(&address).and_then(|state| state.blocked_at);
        match (self.block, blocked_at) {
            (Some(block), Some(blocked_at)) => age(blocked_at, now) < block.lasting,
            _ => false,
        }
    }
}
