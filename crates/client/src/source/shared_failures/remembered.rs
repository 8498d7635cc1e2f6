//! What processes tell each other of their failures: what is remembered of a client and of its host.

use std::time::Duration;

use credentials_grant::{Error, ErrorKind};

use super::{Party, Pause, SharedFailures};
use crate::source::validity::Reading;

/// What is remembered of a client and of a host, with what is left of each pause: to be told to other processes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Remembered {
    pub(crate) client: Option<RememberedClient>,
    pub(crate) host: Option<RememberedHost>,
}

#[derive(Clone, Debug)]
pub(crate) struct RememberedClient {
    pub(crate) refusals: u32,
    pub(crate) left: Duration,
    pub(crate) error: Error,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct RememberedHost {
    pub(crate) refusals: u32,
    /// For clients without a token.
    pub(crate) refused: Duration,
    /// For every client.
    pub(crate) told: Option<(Duration, ErrorKind)>,
}

impl SharedFailures {
    /// Returns what other processes are to know of this client and its host.
    pub(crate) fn remembered(&self, party: &Party, now: Reading) -> Remembered {
        let state = self.state();
        let left = |pause: Pause| pause.left(now).unwrap_or_default();
        let client = state.clients.get(&party.client).and_then(|client| {
            let (pause, error) = client.pause.as_ref()?;
            Some(RememberedClient { refusals: client.refusals, left: left(*pause), error: error.clone() })
        });
        let host = state.hosts.get(&party.host).map(|host| RememberedHost {
            refusals: host.refusals,
            refused: host.refused.map(left).unwrap_or_default(),
            told: host.told.map(|(pause, kind)| (left(pause), kind)),
        });
        Remembered { client, host: host.filter(RememberedHost::is_worth_telling) }
    }

    /// Adds what another process remembers. The longer pause counts.
    pub(crate) fn learn(&self, party: &Party, remembered: Remembered, now: Reading) {
        let mut state = self.state();
        let begins = |length: Duration| Pause { began: now, length };
        if let Some(RememberedClient { refusals, left, error }) = remembered.client {
            let client = state.client(party, now);
            client.refusals = client.refusals.max(refusals);
            let known = client.pause.as_ref().map(|(pause, _)| pause.left(now).unwrap_or_default());
            if known.is_none_or(|known| known < left) {
                client.pause = Some((begins(left), error));
            }
        }
        if let Some(RememberedHost { refusals, refused, told }) = remembered.host {
            let host = state.host(party, now);
            host.refusals = host.refusals.max(refusals);
            let known = |pause: Option<Pause>| pause.and_then(|pause| pause.left(now)).unwrap_or_default();
            if known(host.refused) < refused {
                host.refused = Some(begins(refused));
            }
            if let Some((left, kind)) = told.filter(|(left, _)| known(host.told.map(|(pause, _)| pause)) < *left) {
                host.told = Some((begins(left), kind));
            }
        }
    }
}

impl RememberedHost {
    fn is_worth_telling(&self) -> bool {
        self.refusals > 0 || self.told.is_some_and(|(left, _)| !left.is_zero())
    }
}
