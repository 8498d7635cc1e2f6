//! A request as it arrives on a socket.

use credentials_grant::{ClientCredentials, CredentialsGrant, Endpoint, RequestSeed, TokenParameters, fetch_token};
use credentials_grant_client::HttpTransport;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::fixture::{Fixture, lines};
use crate::subject::Subject;

/// Headers that the HTTP client adds. Fixtures leave them out.
const CLIENT_HEADERS: [&str; 4] = ["accept-encoding", "content-length", "host", "user-agent"];

/// Sends the subject's request to a loopback socket, and returns what arrived, in the format of a fixture.
pub(crate) async fn request_on_the_wire(subject: &Subject, fixture: &Fixture<'_>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback is available");
    let origin = format!("http://{}", listener.local_addr().expect("the listener is bound"));
    let url = fixture.url();
    // The provider writes the query.
    let path = url[origin_end(url)..].split('?').next().unwrap_or_default();
    let endpoint: Endpoint = format!("{origin}{path}").parse().unwrap_or_else(|error| panic!("{error}"));
    let provider = (subject.at)(endpoint);
    let (arrived, ()) = tokio::join!(receive(&listener), send(&*provider, &subject.credentials, &subject.parameters));
    rendered(&arrived, &url[..origin_end(url)])
}

/// Returns the index at which the path begins.
fn origin_end(url: &str) -> usize {
    let host = url.find("://").map_or(0, |scheme| scheme + 3);
    url[host..].find('/').map_or(url.len(), |path| host + path)
}

async fn send(provider: &dyn CredentialsGrant, credentials: &ClientCredentials, parameters: &TokenParameters) {
    let transport = HttpTransport::new().unwrap_or_else(|error| panic!("{error}"));
    // The result does not matter here: only the request is compared.
    let _ = fetch_token(provider, credentials, parameters, &transport, RequestSeed::fixed()).await;
}

async fn receive(listener: &TcpListener) -> Vec<u8> {
    let (mut socket, _) = listener.accept().await.expect("the transport connects");
    let mut arrived = Vec::new();
    while Arrived::read(&arrived).is_none_or(|request| request.body.len() < request.length) {
        let read = socket.read_buf(&mut arrived).await.expect("the transport sends");
        assert_ne!(read, 0, "the transport sent only a part of a request");
    }
    let response = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    socket.write_all(response).await.expect("the transport listens");
    arrived
}

fn rendered(arrived: &[u8], origin: &str) -> String {
    let request = Arrived::read(arrived).expect("the request is complete");
    let headers = request.headers.iter().map(|(name, value)| (name.as_str(), *value));
    let own = headers.filter(|(name, _)| !CLIENT_HEADERS.contains(name));
    lines(&format!("{} {origin}{}", request.method, request.path), own, request.body)
}

struct Arrived<'a> {
    method: &'a str,
    path: &'a str,
    /// Their names in lower case: in HTTP, case does not count.
    headers: Vec<(String, &'a [u8])>,
    length: usize,
    body: &'a [u8],
}

impl<'a> Arrived<'a> {
    /// Parses a request. Returns `None` until its head has arrived.
    fn read(arrived: &'a [u8]) -> Option<Self> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Request::new(&mut headers);
        let end = match head.parse(arrived).expect("the transport speaks HTTP/1.1") {
            httparse::Status::Complete(end) => end,
            httparse::Status::Partial => return None,
        };
        let headers: Vec<_> =
            head.headers.iter().map(|header| (header.name.to_ascii_lowercase(), header.value)).collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.and_then(|(_, length)| std::str::from_utf8(length).ok()?.parse().ok());
        let (method, path) = (head.method.unwrap_or_default(), head.path.unwrap_or_default());
        Some(Self { method, path, headers, length: length.unwrap_or_default(), body: &arrived[end..] })
    }
}
