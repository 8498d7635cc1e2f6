//! What the transport sends and reads where all is well. Where it is not: `tests/hostile` and `tests/tls`.

use std::io::Write;

use credentials_grant::{ClientCredentials, Endpoint, Error, RequestSeed, TokenParameters, fetch_token};
use credentials_grant_client::HttpTransport;
use flate2::Compression;
use flate2::write::GzEncoder;
use wiremock::matchers::{header, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::acme::acme;

const TOKEN: &[u8] = br#"{"access_token":"abc","expires_in":3600}"#;

async fn ask_at(url: &str) -> Result<String, Error> {
    let acme = acme().with_endpoint(Endpoint::parse(url)?);
    let credentials = ClientCredentials::new("id", "canary");
    let transport = HttpTransport::new()?;
    let token = fetch_token(&acme, &credentials, &TokenParameters::new(), &transport, RequestSeed::fixed()).await?;
    Ok(token.header_value().to_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_compressed_answer_is_read() {
    let server = MockServer::start().await;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(TOKEN).unwrap();
    let answer = ResponseTemplate::new(200).set_body_bytes(encoder.finish().unwrap());
    let answer = answer.insert_header("content-encoding", "gzip");
    Mock::given(path("/token")).respond_with(answer).expect(1).mount(&server).await;
    assert_eq!(ask_at(&format!("{}/token", server.uri())).await.unwrap(), "Bearer abc");
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
