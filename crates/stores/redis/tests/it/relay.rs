//! A relay between a store and its server, which does to the connection what networks do.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::Duration;

use credentials_grant_test_kit::pass;
use redis::io::tcp::socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

/// What the relay does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Does {
    /// Passes everything on.
    Pass,
    /// Listens no more, and cuts what is connected.
    Refuse,
    /// Accepts connections, and passes nothing on.
    Hang,
    /// Passes on what belongs to new connections only: the network has forgotten those before.
    ForgetOld,
    /// Passes everything on after this time.
    Delay(Duration),
    /// Closes each connection after this many bytes of answers.
    CutAfter(usize),
    /// Resets each connection at the first answer.
    Reset,
}

#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) port: u16,
    does: watch::Sender<Does>,
    target: Arc<AtomicU16>,
    connections: Arc<AtomicUsize>,
    task: AbortHandle,
}

impl Relay {
    /// Starts a relay to this port.
    pub(crate) async fn to(target: u16) -> Self {
        let listener = listen(0).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (does, receiver) = watch::channel(Does::Pass);
        let (target, connections) = (Arc::new(AtomicU16::new(target)), Arc::new(AtomicUsize::new(0)));
        let task = tokio::spawn(accept(listener, port, Arc::clone(&target), receiver, Arc::clone(&connections)));
        Self { port, does, target, connections, task: task.abort_handle() }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn does(&self, what: Does) {
        self.does.send_replace(what);
    }

    /// Leads new connections to this port, as a name does that gets another address.
    pub(crate) fn leads_to(&self, target: u16) {
        self.target.store(target, Ordering::Relaxed);
    }

    /// Returns how many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

async fn accept(
    listener: TcpListener,
    port: u16,
    target: Arc<AtomicU16>,
    mut does: watch::Receiver<Does>,
    connections: Arc<AtomicUsize>,
) {
    let mut listener = Some(listener);
    // Those of a set end with it.
    let mut streams = JoinSet::new();
    loop {
        if *does.borrow_and_update() == Does::Refuse {
            listener = None;
            streams.shutdown().await;
            let Ok(()) = does.changed().await else { return };
            continue;
        }
        if listener.is_none() {
            listener = listen(port).await.ok();
        }
        let Some(open) = &listener else {
            // The port is not free yet.
            pass(Duration::from_millis(10)).await;
            continue;
        };
        tokio::select! {
            accepted = open.accept() => {
                let Ok((client, _)) = accepted else { continue };
                connections.fetch_add(1, Ordering::Relaxed);
                streams.spawn(relay(client, target.load(Ordering::Relaxed), does.clone()));
            }
            changed = does.changed() => if changed.is_err() { return },
        }
    }
}

async fn relay(client: TcpStream, target: u16, does: watch::Receiver<Does>) {
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else { return };
    let is_old_once_forgotten = *does.borrow() != Does::ForgetOld;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let requests = pump(from_client, to_server, does.clone(), is_old_once_forgotten, false);
    let answers = pump(from_server, to_client, does, is_old_once_forgotten, true);
    // Both ends are closed with the first that closes.
    tokio::select! {
        () = requests => {}
        () = answers => {}
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut does: watch::Receiver<Does>,
    is_old_once_forgotten: bool,
    is_answer: bool,
) {
    let (mut buffer, mut passed) = ([0; 4096], 0);
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let is_held = |does: &Does| *does == Does::Hang || (*does == Does::ForgetOld && is_old_once_forgotten);
        let Ok(now) = does.wait_for(|does| !is_held(does)).await.map(|does| *does) else { return };
        let mut end = read;
        match now {
            Does::Delay(time) => pass(time).await,
            Does::CutAfter(most) if is_answer => end = read.min(most - passed),
            Does::Reset if is_answer => {
                // No time to linger means a reset.
                let _ = SockRef::from(to.as_ref()).set_linger(Some(Duration::ZERO));
                return;
            }
            _ => {}
        }
        if to.write_all(&buffer[..end]).await.is_err() || end < read {
            return;
        }
        passed += end;
        if matches!(now, Does::CutAfter(most) if is_answer && passed >= most) {
            return;
        }
    }
}
