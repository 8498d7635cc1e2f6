//! A request as it arrives on a socket.

use credentials_grant::{ClientCredentials, CredentialsGrant, Endpoint, RequestSeed, TokenParameters, fetch_token};
use credentials_grant_client::HttpTransport;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::fixture::{Fixture, lines};
use crate::subject::Subject;

/// What the transport adds, and no fixture has: it belongs to the connection.
const OF_THE_CONNECTION: [&str; 4] = ["accept-encoding", "content-length", "host", "user-agent"];

/// Sends the subject's request to a loopback socket, and gives back what arrived as the fixture would have it.
pub(crate) async fn request_on_the_wire(subject: &Subject, fixture: &Fixture<'_>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback is there");
    let origin = format!("http://{}", listener.local_addr().expect("it is bound"));
    let url = fixture.url();
    // A query is the provider's to write.
    let path = url[origin_end(url)..].split('?').next().unwrap_or_default();
    let endpoint: Endpoint = format!("{origin}{path}").parse().unwrap_or_else(|error| panic!("{error}"));
    let provider = (subject.at)(endpoint);
    let (arrived, ()) = tokio::join!(receive(&listener), send(&*provider, &subject.credentials, &subject.parameters));
    rendered(&arrived, &url[..origin_end(url)])
}

/// Where the path begins.
fn origin_end(url: &str) -> usize {
    let host = url.find("://").map_or(0, |scheme| scheme + 3);
    url[host..].find('/').map_or(url.len(), |path| host + path)
}

async fn send(provider: &dyn CredentialsGrant, credentials: &ClientCredentials, parameters: &TokenParameters) {
    let transport = HttpTransport::new().unwrap_or_else(|error| panic!("{error}"));
    // What comes of it is another check's business.
    let _ = fetch_token(provider, credentials, parameters, &transport, RequestSeed::fixed()).await;
}

async fn receive(listener: &TcpListener) -> Vec<u8> {
    let (mut socket, _) = listener.accept().await.expect("the transport connects");
    let mut arrived = Vec::new();
    while Arrived::read(&arrived).is_none_or(|request| request.body.len() < request.length) {
        let read = socket.read_buf(&mut arrived).await.expect("the transport sends");
        assert_ne!(read, 0, "the transport sent only a part of a request");
    }
    let answer = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    socket.write_all(answer).await.expect("the transport listens");
    arrived
}

fn rendered(arrived: &[u8], origin: &str) -> String {
    let request = Arrived::read(arrived).expect("it is whole");
    let own = request.headers.iter().filter(|(name, _)| !OF_THE_CONNECTION.contains(name)).copied();
    lines(&format!("{} {origin}{}", request.method, request.path), own, request.body)
}

struct Arrived<'a> {
    method: &'a str,
    path: &'a str,
    headers: Vec<(&'a str, &'a [u8])>,
    length: usize,
    body: &'a [u8],
}

impl<'a> Arrived<'a> {
    /// Takes a request apart, once its head has arrived.
    fn read(arrived: &'a [u8]) -> Option<Self> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Request::new(&mut headers);
        let end = match head.parse(arrived).expect("the transport speaks HTTP/1.1") {
            httparse::Status::Complete(end) => end,
            httparse::Status::Partial => return None,
        };
        let headers: Vec<_> = head.headers.iter().map(|header| (header.name, header.value)).collect();
        let length = headers.iter().find(|(name, _)| *name == "content-length");
        let length = length.and_then(|(_, length)| std::str::from_utf8(length).ok()?.parse().ok());
        let (method, path) = (head.method.unwrap_or_default(), head.path.unwrap_or_default());
        Some(Self { method, path, headers, length: length.unwrap_or_default(), body: &arrived[end..] })
    }
}
