//! What the transport lets through, and what it does not.

use std::io::Write;

use credentials_grant::{Ask, ClientCredentials, Error, ErrorKind, Retry, Surroundings, TokenEndpoint, grant};
use credentials_grant_client::HttpTransport;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::matchers::{any, header, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::acme::Acme;

const TOKEN: &[u8] = br#"{"access_token":"abc","expires_in":3600}"#;

async fn ask_at(url: &str) -> Result<String, Error> {
    let acme = Acme(TokenEndpoint::parse(url)?);
    let credentials = ClientCredentials::new("id", "canary");
    let transport = HttpTransport::new()?;
    let token = grant(&acme, &credentials, &Ask::new(), &transport, Surroundings::frozen()).await?;
    Ok(token.authorization().to_str().unwrap().to_owned())
}

async fn answered(answer: ResponseTemplate) -> Result<String, Error> {
    let server = MockServer::start().await;
    Mock::given(path("/token")).respond_with(answer).expect(1).mount(&server).await;
    ask_at(&format!("{}/token", server.uri())).await
}

/// A server that reads a request, writes these bytes and hangs up.
async fn raw(answer: &'static [u8]) -> Result<String, Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"client_credentials") {
            assert_ne!(socket.read_buf(&mut request).await.unwrap(), 0);
        }
        socket.write_all(answer).await.unwrap();
    });
    let outcome = ask_at(&url).await;
    serving.await.unwrap();
    outcome
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_compressed_answer_is_read() {
    let answer = ResponseTemplate::new(200).set_body_bytes(gzipped(TOKEN)).insert_header("content-encoding", "gzip");
    assert_eq!(answered(answer).await.unwrap(), "Bearer abc");
}

#[tokio::test]
async fn a_body_of_more_than_one_mib_is_refused_and_so_is_one_that_only_decompresses_to_it() {
    let mut large = TOKEN.to_vec();
    large.resize(1024 * 1024, b' ');
    assert_eq!(answered(ResponseTemplate::new(200).set_body_bytes(large.clone())).await.unwrap(), "Bearer abc");
    large.push(b' ');
    let plain = ResponseTemplate::new(200).set_body_bytes(large);
    let bomb = gzipped(&vec![b' '; 64 * 1024 * 1024]);
    assert!(bomb.len() < 1024 * 1024, "on the wire it is small");
    let bomb = ResponseTemplate::new(200).set_body_bytes(bomb).insert_header("content-encoding", "gzip");
    for answer in [plain, bomb] {
        let error = answered(answer).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadResponse);
        assert!(error.to_string().contains("more than 1 MiB"), "{error}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).expect(0).mount(&elsewhere).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}/login?secret=canary", elsewhere.uri());
        let error = answered(ResponseTemplate::new(status).insert_header("location", location)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadResponse);
        assert!(error.to_string().contains(&format!("{}/login", elsewhere.uri())), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn the_transport_says_who_it_is_and_what_it_accepts() {
    let server = MockServer::start().await;
    Mock::given(header("accept", "application/json"))
        .and(header("accept-encoding", "gzip"))
        .and(header("user-agent", concat!("credentials-grant/", env!("CARGO_PKG_VERSION"))))
        .respond_with(ResponseTemplate::new(200).set_body_bytes(TOKEN))
        .expect(1)
        .mount(&server)
        .await;
    ask_at(&format!("{}/token", server.uri())).await.unwrap();
}

#[tokio::test]
async fn what_does_not_answer_is_unreachable_and_worth_another_try() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/token?secret=canary", listener.local_addr().unwrap())
    };
    let outcomes = [
        ("could not connect to 127.0.0.1", ask_at(&closed).await),
        ("could not connect to nowhere.invalid", ask_at("https://nowhere.invalid/token?secret=canary").await),
        ("the connection to 127.0.0.1 broke", raw(b"").await),
        ("the connection to 127.0.0.1 broke", raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{").await),
        ("the connection to 127.0.0.1 broke", raw(b"\x15\x03\x01\x00\x02\x02\x28").await),
    ];
    for (what, outcome) in outcomes {
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unreachable, Retry::Soon), "{error}");
        assert!(error.to_string().contains(what), "{error}");
        let mut link: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = link {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("canary") && !shown.contains("aWQ6Y2Fu"), "{shown}");
            link = error.source();
        }
    }
}

#[tokio::test]
async fn a_refusal_whose_body_breaks_off_is_a_refusal_all_the_same() {
    let error = raw(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 100\r\n\r\n{").await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::CredentialsRefused, Retry::Never), "{error}");
}

#[tokio::test]
async fn a_refusal_with_a_body_that_is_too_large_is_a_refusal_all_the_same() {
    for (status, kind) in [
        (401, ErrorKind::CredentialsRefused),
        (403, ErrorKind::CredentialsRefused),
        (429, ErrorKind::RateLimited),
        (503, ErrorKind::Unavailable),
    ] {
        let error = answered(ResponseTemplate::new(status).set_body_bytes(vec![b' '; 2_000_000])).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_decompressed_is_a_bad_answer() {
    let answer = ResponseTemplate::new(200).set_body_bytes(TOKEN).insert_header("content-encoding", "gzip");
    let error = answered(answer).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadResponse, "{error}");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(200));
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_unreachable_over_https() {
    let server = MockServer::start().await;
    let url = server.uri().replace("http://", "https://");
    let error = ask_at(&format!("{url}/token")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
}
