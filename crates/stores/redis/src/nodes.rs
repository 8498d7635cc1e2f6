//! Runs scripts at whichever server has their keys: the only one, the primary, or a node of a cluster.
//!
//! A cluster needs no setting: a server that has other keys says who has these, and that is remembered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis::{ErrorKind, RedisError, ServerErrorKind, Value};

use crate::connector::Connector;
use crate::link::{Failed, Link, Request};
use crate::scripts::Script;
use crate::target::Address;

/// How many servers are asked for one call, while a cluster moves its slots.
const MOST_HOPS: usize = 5;

/// The most nodes that are remembered: a cluster has no more than a thousand.
const MOST_NODES: usize = 1000;

/// The servers of a store.
#[derive(Debug)]
pub(crate) struct Nodes {
    connector: Arc<Connector>,
    /// To a server that was named, or to the primary.
    first: Link,
    known: Mutex<Known>,
}

/// What was learned of a cluster.
#[derive(Debug, Default)]
struct Known {
    slots: HashMap<u16, Address>,
    links: HashMap<Address, Arc<Link>>,
}

impl Nodes {
    pub(crate) fn new(connector: Connector) -> Self {
        Self { connector: Arc::new(connector), first: Link::default(), known: Mutex::default() }
    }

    pub(crate) fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Runs a script at the server that has its keys, which are all of one slot. Does so once more if a connection
    /// from before turns out to be lost: the scripts may be run twice.
    pub(crate) async fn run(&self, script: &Script, keys: &[&str], arguments: &[&[u8]]) -> Result<Value, String> {
        let slot = keys.first().map_or(0, |key| slot(key));
        let mut request = Request { script, keys, arguments, is_asking: false };
        let mut node = self.known().slots.get(&slot).cloned();
        let mut is_second = false;
        for _ in 0..MOST_HOPS {
            let connector = Arc::clone(&self.connector);
            let outcome = match node.clone() {
                None => self.first.run(|| async move { connector.connect().await }, &request).await,
                Some(address) => {
                    let link = self.link(&address);
                    link.run(|| async move { connector.connect_to(&address).await }, &request).await
                }
            };
            let Failed { error, address, is_lost, is_new } = match outcome {
                Ok(value) => return Ok(value),
                Err(failed) => failed,
            };
            request.is_asking = false;
            if let Some(next) = redirect(&error, address.as_ref()) {
                request.is_asking = error.kind() == ErrorKind::Server(ServerErrorKind::Ask);
                if !request.is_asking {
                    self.remember(slot, next.clone());
                }
                node = Some(next);
            } else if is_lost && !is_second && (node.is_some() || !is_new) {
                // The cluster may have given the slot to another node meanwhile.
                self.known().slots.remove(&slot);
                node = None;
                is_second = true;
            } else {
                return Err(match address {
                    Some(address) => format!("{address}: {error}"),
                    None => error.to_string(),
                });
            }
        }
        Err("the cluster sends each question to another node".to_owned())
    }

    fn link(&self, address: &Address) -> Arc<Link> {
        Arc::clone(self.known().links.entry(address.clone()).or_default())
    }

    fn remember(&self, slot: u16, address: Address) {
        let mut known = self.known();
        if known.links.len() >= MOST_NODES {
            *known = Known::default();
        }
        known.slots.insert(slot, address);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns who has the slot, if this is what the error says. A host that is left out is that of the server that says
/// it.
fn redirect(error: &RedisError, from: Option<&Address>) -> Option<Address> {
    let (place, _) = error.redirect_node()?;
    let (host, port) = place.rsplit_once(':')?;
    let port = port.parse().ok()?;
    match (host, from?) {
        ("", Address::Tcp(host, _)) => Some(Address::Tcp(host.clone(), port)),
        ("", Address::Unix(_)) => None,
        (host, _) => Some(Address::Tcp(host.trim_matches(['[', ']']).to_owned(), port)),
    }
}

/// Returns the slot of a key in a cluster: that of what is between its braces.
fn slot(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    let tag = tag.filter(|tag| !tag.is_empty()).unwrap_or(key);
    // CRC-16 of XMODEM.
    let crc = tag.bytes().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 })
    });
    crc % 16384
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_that_of_the_specification() {
        // From the cluster specification, and from `CLUSTER KEYSLOT`.
        for (key, expected) in [("123456789", 12739), ("foo", 12182), ("x{foo}y", 12182), ("", 0)] {
            assert_eq!(slot(key), expected, "{key}");
        }
    }
}
