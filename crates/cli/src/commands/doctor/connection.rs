//! Checks the connection to a host, or to the proxy before it: DNS, TCP, TLS.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use credentials_grant::{ClientCertificate, Error, ErrorKind, SecretString, Url};
use credentials_grant_client::{EnvironmentProxy, HttpTransport};
use http::{HeaderValue, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tower_service::Service;

use super::report::{Report, Step};
use super::tls::{Handshake, Tls};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::settings::option_names::in_flags;

/// A step failed; the report has its error.
#[derive(Debug)]
pub(super) struct Reported;

/// Connects step by step, and reports each.
pub(super) struct Connections {
    report: Arc<Report>,
    root_certificates: Option<SecretString>,
    limit: Duration,
    /// What else a failed connection may mean.
    advice: Option<&'static str>,
}

/// What to connect to: the host itself, or the proxy before it.
struct Peer {
    host: String,
    port: u16,
    /// The host in messages.
    shown: String,
    /// Where its name comes from.
    named_by: String,
}

impl Connections {
    /// Trusts these CA certificates instead of the system's. Each step may take as long as `limit`.
    pub(super) fn new(report: Arc<Report>, root_certificates: Option<SecretString>, limit: Duration) -> Self {
        Self { report, root_certificates, limit, advice: None }
    }

    /// Sets what else a failed connection may mean.
    pub(super) fn with_advice(mut self, advice: Option<&'static str>) -> Self {
        self.advice = advice;
        self
    }

    /// Connects to the host of this URL as a request would.
    pub(super) async fn check(&self, url: &Url, certificate: Option<&ClientCertificate>) -> Result<(), Reported> {
        let host = without_brackets(url);
        let proxy = match ProxyServer::before(url) {
            Ok(proxy) => proxy,
            Err(error) => return Err(self.stop(Step::new("proxy"), CommandError::from(error))),
        };
        if let Some(proxy) = &proxy {
            self.report.add(proxy.step());
        }
        let peer = match &proxy {
            Some(proxy) => Peer::proxy(proxy),
            None => Peer {
                host: host.to_owned(),
                port: url.port_or_known_default().unwrap_or_default(),
                shown: host.to_owned(),
                named_by: "the URL".to_owned(),
            },
        };
        let addresses = self.resolve(&peer).await?;
        let socket = self.connect(&peer, &addresses).await?;
        match proxy {
            _ if url.scheme() != "https" => {
                self.report.skip("tls", "plain HTTP, which works for loopback only");
                Ok(())
            }
            None => self.handshake(host, "", socket, certificate).await,
            Some(proxy) if proxy.uri.scheme_str() == Some("http") => {
                drop(socket);
                let tunnel = self.tunnel(url, &proxy, &peer).await?;
                self.handshake(host, "through the proxy: ", tunnel, certificate).await
            }
            Some(_) => {
                self.report.skip("tls", "not checked through a proxy that is not http://");
                Ok(())
            }
        }
    }

    async fn resolve(&self, peer: &Peer) -> Result<Vec<SocketAddr>, Reported> {
        let step = Step::new("dns").with_host(&peer.host);
        if let Ok(address) = peer.host.parse::<IpAddr>() {
            self.report.skip("dns", &format!("{} is an IP address", peer.shown));
            return Ok(vec![SocketAddr::new(address, peer.port)]);
        }
        let unknown = || {
            let remedy = "check the spelling; if it is right, check this machine's network and DNS server";
            CommandError::new(Exit::Unavailable, format!("the host name {} does not resolve", peer.shown))
                .with_remedy(remedy)
        };
        let found = self.in_time(lookup_host((peer.host.as_str(), peer.port))).await;
        let addresses = match found.map(Iterator::collect::<Vec<_>>) {
            Ok(addresses) if addresses.is_empty() => return Err(self.stop(step, unknown())),
            Ok(addresses) => addresses,
            Err(error) => return Err(self.stop(step, unknown().with_cause(&error))),
        };
        let ips: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
        self.report.add(step.with_detail(format!("{}: {}", peer.shown, ips.join(", "))).with("addresses", json!(ips)));
        Ok(addresses)
    }

    /// Connects to the first address that accepts a connection.
    async fn connect(&self, peer: &Peer, addresses: &[SocketAddr]) -> Result<TcpStream, Reported> {
        let step = Step::new("tcp").with_host(&peer.host);
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        let mut refused = Vec::new();
        for address in addresses {
            let began = Instant::now();
            match self.in_time(TcpStream::connect(address)).await {
                Ok(socket) => {
                    let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                    let detail = format!("{address}, in {took} ms{}", refused.concat());
                    let step = step.with("address", json!(address.to_string())).with("milliseconds", json!(took));
                    self.report.add(step.with_detail(detail));
                    return Ok(socket);
                }
                Err(error) => {
                    refused.push(format!("; not {address} ({error})"));
                    last = error;
                }
            }
        }
        let remedy = match last.kind() {
            io::ErrorKind::ConnectionRefused => Some(format!(
                "nothing listens there: check {} and its port, and whether the server is up",
                peer.named_by
            )),
            io::ErrorKind::TimedOut => Some(format!(
                "nothing answers there: check {}, and whether a firewall is in the way or this machine needs a proxy \
                 (HTTPS_PROXY)",
                peer.named_by
            )),
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
                Some("this machine has no route there: check its network".to_owned())
            }
            _ => None,
        };
        let error = CommandError::from(HttpTransport::explain(last, &format!("{}, port {}", peer.shown, peer.port)));
        let error = remedy.into_iter().fold(error, CommandError::with_remedy);
        Err(self.stop(step, self.advice.into_iter().fold(error, CommandError::with_further_remedy)))
    }

    /// Connects to the host through the proxy.
    async fn tunnel(&self, url: &Url, proxy: &ProxyServer, peer: &Peer) -> Result<TcpStream, Reported> {
        let mut tunnel = Tunnel::new(proxy.uri.clone(), HttpConnector::new());
        if let Some(login) = &proxy.login {
            tunnel = tunnel.with_auth(login.clone());
        }
        let host = url.host_str().unwrap_or_default();
        let destination = format!("https://{host}:{}", url.port_or_known_default().unwrap_or(443));
        let connecting = async {
            let destination: Uri = destination.parse().map_err(io::Error::other)?;
            tunnel.call(destination).await.map_err(io::Error::other)
        };
        match self.in_time(connecting).await {
            Ok(stream) => Ok(stream.into_inner()),
            Err(error) => {
                let timed_out = error.kind() == io::ErrorKind::TimedOut;
                let error = CommandError::from(HttpTransport::explain(error, host));
                let error = if timed_out { error.about(&peer.shown) } else { error };
                Err(self.stop(Step::new("tls").with_host(host), error))
            }
        }
    }

    async fn handshake(
        &self,
        host: &str,
        prefix: &str,
        socket: impl AsyncRead + AsyncWrite + Unpin,
        certificate: Option<&ClientCertificate>,
    ) -> Result<(), Reported> {
        let step = Step::new("tls").with_host(host);
        let tls = match Tls::new(self.root_certificates.as_ref()) {
            Ok(tls) => tls,
            Err(error) => {
                let error = CommandError::from(error).with_further_remedy("or set --ca-file");
                return Err(self.stop(step, error));
            }
        };
        let handshake = tls.shake_hands(host, socket, certificate);
        let Handshake { outcome, certificate } = match timeout(self.limit, handshake).await {
            Ok(handshake) => handshake,
            Err(_) => Handshake { outcome: Err(io::ErrorKind::TimedOut.into()), certificate: None },
        };
        let shown = certificate.as_ref().map(|certificate| certificate.described(jiff::Timestamp::now()));
        let step = match &certificate {
            Some(certificate) => certificate.add_to(step),
            None => step,
        };
        match outcome {
            Ok(version) => {
                let parts: Vec<_> = [Some(format!("{prefix}{version}")), shown].into_iter().flatten().collect();
                self.report.add(step.with_detail(parts.join(", ")).with("tls_version", json!(version)));
                Ok(())
            }
            Err(error) => {
                let error = CommandError::from(HttpTransport::explain(error, host)).reworded(in_flags);
                Err(self.stop(step.with_detail(shown.unwrap_or_default()), error))
            }
        }
    }

    fn stop(&self, step: Step, error: CommandError) -> Reported {
        self.report.fail(step, error);
        Reported
    }

    async fn in_time<T>(&self, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        timeout(self.limit, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// The proxy that a request goes through.
struct ProxyServer {
    /// Without user and password.
    uri: Uri,
    login: Option<HeaderValue>,
    named_by: &'static str,
}

impl ProxyServer {
    /// Returns the proxy before this URL. Plain HTTP, for loopback, uses none.
    fn before(url: &Url) -> Result<Option<Self>, Error> {
        if url.scheme() != "https" {
            return Ok(None);
        }
        if let Some(proxy) = EnvironmentProxy::read()? {
            let uri = proxy.url().as_str().parse().ok().filter(|_| proxy.serves(url));
            let login = proxy.authorization().cloned();
            return Ok(uri.map(|uri| Self { uri, login, named_by: proxy.variable() }));
        }
        // That of macOS or Windows, which reqwest finds in the same way.
        let uri: Option<Uri> = url.origin().ascii_serialization().parse().ok();
        Ok(uri.and_then(|uri| Matcher::from_system().intercept(&uri)).map(|proxy| Self {
            uri: proxy.uri().clone(),
            login: proxy.basic_auth().cloned(),
            named_by: "the system's settings",
        }))
    }

    fn host(&self) -> &str {
        self.uri.host().unwrap_or_default().trim_matches(['[', ']'])
    }

    fn port(&self) -> u16 {
        self.uri.port_u16().unwrap_or(if self.uri.scheme_str() == Some("https") { 443 } else { 80 })
    }

    fn step(&self) -> Step {
        let address = format!("{}:{}", self.uri.host().unwrap_or_default(), self.port());
        let login = if self.login.is_some() { "with a login" } else { "without a login" };
        Step::new("proxy")
            .with_host(self.host())
            .with_detail(format!("through {address}, which {} names, {login}", self.named_by))
            .with("named_by", json!(self.named_by))
            .with("has_login", json!(self.login.is_some()))
    }
}

impl Peer {
    fn proxy(proxy: &ProxyServer) -> Self {
        let (host, named_by) = (proxy.host().to_owned(), proxy.named_by.to_owned());
        Self { shown: format!("{host} (the proxy from {named_by})"), host, port: proxy.port(), named_by }
    }
}

/// Returns the host, an IPv6 address without its brackets.
fn without_brackets(url: &Url) -> &str {
    url.host_str().unwrap_or_default().trim_matches(['[', ']'])
}

/// Ends the token request. The report has the error that counts.
impl From<Reported> for Error {
    fn from(_: Reported) -> Self {
        Error::new(ErrorKind::Unreachable, "a step before this request failed")
    }
}
