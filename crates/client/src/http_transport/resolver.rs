//! Looks up host names: once for each name at a time in the whole process, on threads of its own.
//!
//! reqwest would make a call of `getaddrinfo` for each connection, on the pool of tokio that the program shares.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, LazyLock};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::io_threads::IoThreads;

/// The system's look-ups, which all transports share.
static SYSTEM: LazyLock<Resolver> = LazyLock::new(|| Resolver::new(system));

/// Looks up names for reqwest.
#[derive(Clone, Debug)]
pub(super) struct Resolver(IoThreads<String, Arc<[SocketAddr]>>);

impl Resolver {
    /// Returns the resolver of the operating system.
    pub(super) fn system() -> Self {
        SYSTEM.clone()
    }

    pub(super) fn new(look_up: impl Fn(&String) -> io::Result<Arc<[SocketAddr]>> + Send + Sync + 'static) -> Self {
        Self(IoThreads::new(look_up))
    }
}

#[expect(clippy::ptr_arg, reason = "it is called with the key of a map")]
fn system(name: &String) -> io::Result<Arc<[SocketAddr]>> {
    // reqwest replaces port 0 by that of the URL.
    Ok((name.as_str(), 0).to_socket_addrs()?.collect())
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (threads, name) = (self.0.clone(), name.as_str().to_owned());
        Box::pin(async move {
            let addresses = threads.call(name).await.map_err(|error| io::Error::new(error.kind(), error))?;
            let addresses: Addrs = Box::new(Vec::from(&*addresses).into_iter());
            Ok(addresses)
        })
    }
}
