//! Looks up the addresses of host names, on threads of its own.
//!
//! tokio would use its pool for blocking work, for whose end a runtime waits: a program that has its token would hang
//! at its end for as long as a name server is silent.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, io, thread};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::oneshot;

/// How many names are looked up at once. A store has one, and a cluster some more.
const MOST_LOOKUPS: usize = 16;

type Run = dyn Fn(&str) -> io::Result<Arc<[IpAddr]>> + Send + Sync;
type Lookup = Shared<BoxFuture<'static, Result<Arc<[IpAddr]>, Arc<io::Error>>>>;

/// The look-ups in progress, one for each name.
pub(crate) struct Lookups {
    run: Arc<Run>,
    in_progress: Mutex<HashMap<String, Lookup>>,
}

impl Lookups {
    /// Asks the operating system.
    pub(crate) fn new() -> Self {
        Self::asking(|host| Ok((host, 0).to_socket_addrs()?.map(|address| address.ip()).collect()))
    }

    fn asking(run: impl Fn(&str) -> io::Result<Arc<[IpAddr]>> + Send + Sync + 'static) -> Self {
        Self { run: Arc::new(run), in_progress: Mutex::default() }
    }

    /// Returns the addresses of a host. Joins the look-up that is in progress, if there is one.
    pub(crate) async fn look_up(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let addresses = self.join(host)?.await.map_err(|error| io::Error::new(error.kind(), error.to_string()))?;
        Ok(addresses.iter().map(|address| SocketAddr::new(*address, port)).collect())
    }

    fn join(&self, host: &str) -> io::Result<Lookup> {
        let mut in_progress = self.in_progress.lock().unwrap_or_else(PoisonError::into_inner);
        in_progress.retain(|_, lookup| lookup.peek().is_none());
        if let Some(lookup) = in_progress.get(host) {
            return Ok(lookup.clone());
        }
        if in_progress.len() >= MOST_LOOKUPS {
            return Err(io::Error::other("too many host names are being looked up"));
        }
        let (sender, receiver) = oneshot::channel();
        let (run, name) = (Arc::clone(&self.run), host.to_owned());
        thread::Builder::new().name("redis-lookup".to_owned()).spawn(move || {
            // All callers may have given up.
            let _ = sender.send(run(&name));
        })?;
        let lookup = async { receiver.await.map_err(io::Error::other).flatten().map_err(Arc::new) };
        let lookup = lookup.boxed().shared();
        in_progress.insert(host.to_owned(), lookup.clone());
        Ok(lookup)
    }
}

impl fmt::Debug for Lookups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookups").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    use futures_util::future::join3;
    use tokio::runtime::Builder;
    use tokio::time::timeout;

    use super::*;

    #[test]
    fn a_name_server_that_is_silent_holds_up_no_runtime_and_is_asked_once() {
        let (answers, silence) = mpsc::channel::<()>();
        let (silence, asked) = (Mutex::new(silence), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&asked);
        let lookups = Lookups::asking(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            silence.lock().unwrap().recv().map_err(io::Error::other)?;
            Ok([IpAddr::from(Ipv4Addr::LOCALHOST)].into())
        });
        for _ in 0..3 {
            // The runtime ends although the look-up does not.
            let runtime = Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async {
                let most = Duration::from_millis(1);
                timeout(most, lookups.look_up("cache.example", 1)).await.unwrap_err();
                assert!(lookups.look_up("192.0.2.1", 1).await.is_ok(), "an address needs no look-up");
            });
        }
        let runtime = Builder::new_current_thread().build().unwrap();
        // The answer comes when both have asked.
        let (one, other, ()) =
            runtime.block_on(join3(lookups.look_up("cache.example", 1), lookups.look_up("cache.example", 2), async {
                answers.send(()).unwrap();
            }));
        assert_eq!(one.unwrap(), ["127.0.0.1:1".parse().unwrap()]);
        assert_eq!(other.unwrap(), ["127.0.0.1:2".parse().unwrap()]);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn names_that_hang_are_limited_in_number() {
        let (_answers, silence) = mpsc::channel::<()>();
        let silence = Mutex::new(silence);
        let lookups = Lookups::asking(move |_| {
            let _ = silence.lock().unwrap().recv();
            Ok([].into())
        });
        for number in 0..MOST_LOOKUPS {
            assert!(lookups.join(&format!("host-{number}")).is_ok());
        }
        assert!(lookups.join("one-more").is_err());
    }
}
