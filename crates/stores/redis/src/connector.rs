//! Makes connections: to one of the servers that were named, to the primary that a Sentinel names, to a node of a
//! cluster.

use std::io;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::io::tcp::socket2::{SockRef, TcpKeepalive};
use redis::{AsyncConnectionConfig, RedisConnectionInfo, RedisError, RedisResult, cmd};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::link::Connected;
use crate::lookups::Lookups;
use crate::target::{Address, Target};
use crate::tls::Tls;

/// How long it may take to connect to a server, from its name to the log-in.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How often a connection without traffic shows that it is alive. Some firewalls forget it after five minutes.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Whom to connect to, and how.
#[derive(Debug)]
pub(crate) struct Connector {
    /// One of these is asked first. All are of the same cluster.
    pub(crate) nodes: Vec<Target>,
    /// Those who know where the primary is. Its name is that of the first node.
    pub(crate) sentinels: Vec<Target>,
    pub(crate) tls: Tls,
    pub(crate) lookups: Lookups,
    /// Whether what is sent to other machines may be readable on the way.
    pub(crate) allows_plain_text: bool,
}

impl Connector {
    /// Connects to the first of the named servers that can be reached, or to the primary that the Sentinels name.
    pub(crate) async fn connect(&self) -> RedisResult<Connected> {
        let mut outcome = Err(io::Error::other("no server was named").into());
        let servers = if self.sentinels.is_empty() { &self.nodes } else { &self.sentinels };
        for server in servers {
            let reached = self.connect_as(&server.address, server).await;
            outcome = match reached {
                Ok(connected) if !self.sentinels.is_empty() => self.connect_to_primary(connected.connection).await,
                reached => reached,
            };
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    /// Connects to another node of the same cluster.
    pub(crate) async fn connect_to(&self, address: &Address) -> RedisResult<Connected> {
        match self.nodes.first() {
            Some(node) => self.connect_as(address, node).await,
            None => Err(io::Error::other("no server was named").into()),
        }
    }

    async fn connect_to_primary(&self, mut sentinel: MultiplexedConnection) -> RedisResult<Connected> {
        let Some(Target { address: Address::Tcp(name, _), .. }) = self.nodes.first() else {
            return Err(io::Error::other("the primary has no name").into());
        };
        let mut question = cmd("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(name);
        let answer = timeout(CONNECT_TIMEOUT, question.query_async(&mut sentinel)).await.map_err(io::Error::from)?;
        let answer: Option<(String, u16)> = answer?;
        let (host, port) = answer.ok_or_else(|| io::Error::other("the Sentinel does not know the primary's name"))?;
        self.connect_to(&Address::Tcp(host, port)).await
    }

    /// Connects to an address, with the TLS and the log-in of this server.
    async fn connect_as(&self, address: &Address, server: &Target) -> RedisResult<Connected> {
        let connection = timeout(CONNECT_TIMEOUT, self.open(address, server)).await;
        let connection = connection.map_err(io::Error::from).map_err(RedisError::from).flatten().map_err(|error| {
            // There may be several servers, and some of them named by others.
            RedisError::from(io::Error::other(format!("{address}: {error}")))
        })?;
        Ok(Connected { address: address.clone(), connection })
    }

    async fn open(&self, address: &Address, server: &Target) -> RedisResult<MultiplexedConnection> {
        if !server.is_tls && !address.is_local() && !self.allows_plain_text {
            return Err(io::Error::other("it was named by another server, and would be sent plain text").into());
        }
        let (host, port) = match address {
            Address::Tcp(host, port) => (host.as_str(), *port),
            #[cfg(unix)]
            Address::Unix(path) => return log_in(&server.login, UnixStream::connect(path).await?).await,
            #[cfg(not(unix))]
            Address::Unix(_) => return Err(io::Error::from(io::ErrorKind::Unsupported).into()),
        };
        let addresses = self.lookups.look_up(host, port).await?;
        let stream = TcpStream::connect(&*addresses).await?;
        stream.set_nodelay(true)?;
        let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE / 4);
        SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
        if server.is_tls {
            log_in(&server.login, self.tls.connect(host, stream).await?).await
        } else {
            log_in(&server.login, stream).await
        }
    }
}

/// Logs in, and leaves the connection to a task, which ends when nobody has the connection any more.
async fn log_in<S>(login: &RedisConnectionInfo, stream: S) -> RedisResult<MultiplexedConnection>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    // The time-outs are ours, so that they include everything.
    let config = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
    let (connection, task) = MultiplexedConnection::new_with_config(login, stream, config).await?;
    tokio::spawn(task);
    Ok(connection)
}
