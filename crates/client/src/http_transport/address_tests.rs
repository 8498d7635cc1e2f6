//! Names as they are written, and the addresses behind them, of which some are dead.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use credentials_grant::{AccessToken, Endpoint, Error, ErrorKind, RequestSeed, TokenParameters, fetch_token};
use credentials_grant_test_kit::{Acme, credentials};
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::HttpTransport;
use super::connections::{ClientSettings, Connections};
use super::resolver::Resolver;
use super::trust::cryptography;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{\"access_token\":\"abc\"}";

async fn fetch(url: &str, transport: &HttpTransport) -> Result<AccessToken, Error> {
    let acme = Acme::new().with_endpoint(Endpoint::insecure(url).unwrap());
    fetch_token(&acme, &credentials(), &TokenParameters::new(), transport, RequestSeed::fixed()).await
}

/// Answers with a token, and returns the head of the request.
async fn answer(mut socket: impl AsyncRead + AsyncWrite + Unpin) -> String {
    let mut seen = Vec::new();
    while !seen.windows(4).any(|end| end == b"\r\n\r\n") {
        assert_ne!(socket.read_buf(&mut seen).await.unwrap(), 0);
    }
    socket.write_all(ANSWER).await.unwrap();
    socket.shutdown().await.unwrap();
    String::from_utf8(seen).unwrap()
}

/// Returns a server that answers every connection with a token.
async fn issuer(address: (Ipv4Addr, u16)) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind(address).await.unwrap();
    let (address, mut serving) = (listener.local_addr().unwrap(), JoinSet::new());
    serving.spawn(async move {
        loop {
            answer(listener.accept().await.unwrap().0).await;
        }
    });
    (address, serving)
}

/// A name that ends in a dot, so that the search list of the resolver is left alone, and one with underscores, as
/// Docker makes them. TLS names a host without the dot (RFC 6066 section 3).
#[tokio::test]
async fn a_name_with_a_dot_at_its_end_or_with_underscores_is_a_name() {
    for (host, name) in [
        ("login.example.com", "login.example.com"),
        ("login.example.com.", "login.example.com"),
        ("auth_server_1", "auth_server_1"),
        ("my_stack.example.com.", "my_stack.example.com"),
    ] {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.to_owned()]).unwrap().self_signed(&key).unwrap();
        let config = ServerConfig::builder_with_provider(cryptography()).with_safe_default_protocol_versions().unwrap();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let config = config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = async {
            let socket = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
            let indicated = socket.get_ref().1.server_name().map(str::to_owned);
            (indicated, answer(socket).await)
        };
        let resolver = Resolver::new(move |_| Ok([address].into()));
        let transport = HttpTransport::with_resolver(resolver).unwrap();
        let transport = transport.with_root_certificates(certificate.pem().as_bytes()).unwrap();
        let url = format!("https://{host}:{}/token", address.port());
        let (token, (indicated, head)) = tokio::join!(fetch(&url, &transport), serving);
        assert_eq!(token.unwrap().header_value(), "Bearer abc", "{host}");
        assert_eq!(indicated.as_deref(), Some(name), "{host}");
        assert!(head.contains(&format!("Host: {host}:{}\r\n", address.port())), "as it was written: {head}");
    }
}

/// Returns an address at which nothing answers, not even with a refusal, as behind a firewall.
#[cfg(target_os = "linux")]
async fn dead(port: u16) -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 2], port))).unwrap();
    let listener = socket.listen(0).unwrap();
    let (address, mut waiting) = (listener.local_addr().unwrap(), Vec::new());
    // Once its queue is full, Linux drops what else arrives.
    while let Ok(socket) = tokio::time::timeout(Duration::from_secs(1), TcpStream::connect(address)).await {
        waiting.push(socket.unwrap());
        assert!(waiting.len() < 100);
    }
    (listener, waiting)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn of_several_addresses_dead_ones_are_passed_over() {
    let (alive, _serving) = issuer((Ipv4Addr::LOCALHOST, 0)).await;
    let (dead, _waiting) = dead(alive.port()).await;
    let (dead, unreachable) = (dead.local_addr().unwrap(), SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 0)));
    for addresses in
        [vec![dead, alive], vec![dead, dead, alive], vec![unreachable, alive], vec![unreachable, dead, alive]]
    {
        let all = Arc::from(addresses.clone());
        let resolver = Resolver::new(move |_| Ok(Arc::clone(&all)));
        let plain = ClientSettings::plain(resolver.clone()).within(Duration::from_millis(900));
        let transport = HttpTransport::with_resolver(resolver).unwrap();
        let transport = HttpTransport { plain: Connections::open(plain).unwrap(), ..transport };
        let token = fetch(&format!("http://login.example:{}/", alive.port()), &transport).await;
        assert_eq!(token.unwrap().header_value(), "Bearer abc", "{addresses:?}");
    }
}

/// A container that starts before its network.
#[tokio::test]
async fn a_name_that_could_not_be_looked_up_is_looked_up_again() {
    let (address, _serving) = issuer((Ipv4Addr::LOCALHOST, 0)).await;
    let calls = Arc::new(AtomicUsize::new(0));
    let (count, found) = (Arc::clone(&calls), Arc::new(Mutex::new(false)));
    let is_found = Arc::clone(&found);
    let resolver = Resolver::new(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        let found = *is_found.lock().unwrap();
        if found { Ok([address].into()) } else { Err(std::io::Error::other("temporary failure in name resolution")) }
    });
    let transport = HttpTransport::with_resolver(resolver).unwrap();
    let url = format!("http://login.example:{}/", address.port());
    for _ in 0..2 {
        let error = fetch(&url, &transport).await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Unreachable, "could not connect to login.example"));
    }
    *found.lock().unwrap() = true;
    assert_eq!(fetch(&url, &transport).await.unwrap().header_value(), "Bearer abc");
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}
