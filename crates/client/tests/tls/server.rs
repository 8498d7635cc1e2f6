//! Authorities, and a server on loopback that answers over TLS with a token.

use std::sync::Arc;

use credentials_grant::{
    AccessToken, ClientCertificate, ClientCredentials, Endpoint, Error, RequestSeed, TokenParameters, fetch_token,
};
use credentials_grant_client::HttpTransport;
use credentials_grant_test_kit::Acme;
use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{ALL_VERSIONS, RootCertStore, ServerConfig, SupportedProtocolVersion};

pub(crate) async fn parameters(url: &str, transport: &HttpTransport) -> Result<AccessToken, Error> {
    ask_by(&client(), url, transport).await
}

pub(crate) async fn ask_by(
    credentials: &ClientCredentials,
    url: &str,
    transport: &HttpTransport,
) -> Result<AccessToken, Error> {
    let acme = Acme::new().with_endpoint(Endpoint::parse(url)?);
    fetch_token(&acme, credentials, &TokenParameters::new(), transport, RequestSeed::fixed()).await
}

fn client() -> ClientCredentials {
    ClientCredentials::new("id", "canary")
}

pub(crate) type Authority = CertifiedIssuer<'static, KeyPair>;

/// An authority with this name.
pub(crate) fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

pub(crate) fn trusting(authority: &Authority) -> HttpTransport {
    HttpTransport::new().unwrap().with_root_certificates(authority.pem().as_bytes()).unwrap()
}

/// A certificate and its key.
#[derive(Debug)]
pub(crate) struct Certified {
    pub(crate) certificate: Certificate,
    pub(crate) key: KeyPair,
    /// What the server sends with it.
    pub(crate) others: Vec<CertificateDer<'static>>,
}

/// What a server on loopback needs.
pub(crate) fn params() -> CertificateParams {
    CertificateParams::new(["127.0.0.1".to_owned()]).unwrap()
}

impl Certified {
    pub(crate) fn signed_by(authority: &Authority, params: &CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        Self { certificate: params.signed_by(&key, authority).unwrap(), key, others: Vec::new() }
    }

    pub(crate) fn self_signed(params: &CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        Self { certificate: params.self_signed(&key).unwrap(), key, others: Vec::new() }
    }

    pub(crate) fn sent_with(mut self, other: &CertificateDer<'static>) -> Self {
        self.others.push(other.clone());
        self
    }

    pub(crate) fn pem(&self) -> String {
        self.certificate.pem() + &self.key.serialize_pem()
    }

    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        [&[self.certificate.der().clone()], &self.others[..]].concat()
    }

    pub(crate) fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }
}

/// How a server sets up TLS.
pub(crate) fn config(certified: &Certified) -> ServerConfig {
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_protocol_versions(ALL_VERSIONS).unwrap().with_no_client_auth();
    builder.with_single_cert(certified.chain(), certified.private_key()).unwrap()
}

/// A server that lets in only whom this authority vouches for.
pub(crate) fn demanding(
    certified: &Certified,
    authority: &Authority,
    version: &'static SupportedProtocolVersion,
) -> ServerConfig {
    let provider = Arc::new(default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
    let builder = builder.with_client_cert_verifier(verifier);
    builder.with_single_cert(certified.chain(), certified.private_key()).unwrap()
}

pub(crate) const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 22\r\n\r\n{\"access_token\":\"abc\"}";

/// A server on loopback.
#[derive(Debug)]
pub(crate) struct Server(TcpListener);

impl Server {
    pub(crate) async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}/token", self.0.local_addr().unwrap())
    }

    pub(crate) async fn connection(&self) -> TcpStream {
        self.0.accept().await.unwrap().0
    }

    /// Answers one request with a token, if the client agrees to TLS.
    pub(crate) async fn serve(&self, config: ServerConfig) {
        let accepted = TlsAcceptor::from(Arc::new(config)).accept(self.connection().await).into_fallible().await;
        match accepted {
            Ok(mut stream) => {
                if read_request(&mut stream).await {
                    stream.write_all(ANSWER).await.unwrap();
                }
                // What lies there unread would reset the connection, and the alert with it.
                drain(stream.into_inner().0).await;
            }
            Err((_, socket)) => drain(socket).await,
        }
    }
}

/// Whether there was one.
pub(crate) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> bool {
    let mut request = Vec::new();
    while !request.ends_with(b"grant_type=client_credentials") {
        if !stream.read_buf(&mut request).await.is_ok_and(|read| read > 0) {
            return false;
        }
    }
    true
}

/// Says that nothing more will come, and waits until the client has hung up too.
pub(crate) async fn drain(mut socket: TcpStream) {
    let _ = socket.shutdown().await;
    let mut rest = [0; 1024];
    while socket.read(&mut rest).await.is_ok_and(|read| read > 0) {}
}

/// What comes of it if the server sets up TLS so.
pub(crate) async fn answered(config: ServerConfig, transport: &HttpTransport) -> Result<AccessToken, Error> {
    answered_to(&client(), config, transport).await
}

/// As [`answered`], to a client that shows this certificate: PEM, with its key.
pub(crate) async fn answered_with(
    pem: &str,
    config: ServerConfig,
    transport: &HttpTransport,
) -> Result<AccessToken, Error> {
    answered_to(&client().with_certificate(ClientCertificate::from_pem(pem)), config, transport).await
}

async fn answered_to(
    credentials: &ClientCredentials,
    config: ServerConfig,
    transport: &HttpTransport,
) -> Result<AccessToken, Error> {
    let server = Server::start().await;
    let url = server.url();
    let (outcome, ()) = tokio::join!(ask_by(credentials, &url, transport), server.serve(config));
    outcome
}
