//! The authorization server and the API: one process for all tests, which ends when the tests end.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Arc, LazyLock};

use credentials_grant_oauth2::{
    AccessToken, Authorizer, ClientAuthentication, ClientCredentials, CredentialsSource, Error, HttpTransport, OAuth2,
    StatusCode, TokenParameters, TokenSource, Url,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clients::{self, Identity};

/// The server. The first test that needs it starts it.
pub(crate) static SERVER: LazyLock<Server> = LazyLock::new(Server::start);

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/server");

/// The URLs of the servers.
#[derive(Debug)]
pub(crate) struct Server {
    /// The issuer of the authorization server, at the root of its host.
    pub(crate) issuer: String,
    /// The issuer of a second authorization server, below a path of the same host.
    pub(crate) tenant: String,
    /// The URL of the API.
    pub(crate) api: String,
    admin: String,
    /// The process ends when its standard input is closed, which is when the tests end.
    _input: ChildStdin,
}

#[derive(Deserialize)]
struct Started {
    issuer: String,
    tenant: String,
    api: String,
    admin: String,
    version: String,
}

/// A certificate authority.
pub(crate) type Authority = CertifiedIssuer<'static, KeyPair>;

/// The certificate authority of the servers and of the clients.
pub(crate) static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| authority("tests"));

/// Creates a certificate authority with this name.
pub(crate) fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

impl Server {
    #[expect(clippy::zombie_processes, reason = "the process ends after the tests, so nothing can wait for it")]
    fn start() -> Self {
        let installed = Path::new(FOLDER).join("node_modules/oidc-provider").is_dir();
        assert!(installed, "the server is not installed: npm ci --prefix crates/certified/server");
        let key = KeyPair::generate().unwrap();
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &*AUTHORITY).unwrap();
        let settings = json!({
            "certificate": certificate.pem(),
            "key": key.serialize_pem(),
            "authority": AUTHORITY.pem(),
            "clients": clients::all(),
        });

        let mut node = Command::new("node");
        node.arg("main.mjs").current_dir(FOLDER).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = node.spawn().expect("`node` can be started");
        let mut input = child.stdin.take().unwrap();
        writeln!(input, "{settings}").unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let started = serde_json::from_str(&line).expect("the server prints its URLs");
        let Started { issuer, tenant, api, admin, version } = started;
        println!("oidc-provider {version} at {issuer}");
        Self { issuer, tenant, api, admin, _input: input }
    }

    /// Returns a provider that discovers the authorization server.
    pub(crate) fn discovered(&self) -> OAuth2 {
        OAuth2::discover(self.issuer.parse().unwrap())
    }

    /// Returns a provider that discovers the authorization server, with this authentication method.
    pub(crate) fn with(&self, method: ClientAuthentication) -> OAuth2 {
        self.discovered().with_client_authentication(method)
    }

    /// Returns parameters for a token of the API, which verifies `jwt` tokens itself and introspects `opaque` tokens.
    pub(crate) fn parameters_for(&self, format: &str) -> TokenParameters {
        TokenParameters::new().with_resource(format!("{}/{format}", self.api)).with_scope("read")
    }

    /// Calls the API with the source's token. Returns the claims that the API found, or the status of its refusal.
    pub(crate) async fn claims_seen(&self, source: &TokenSource, path: &str) -> Result<Value, StatusCode> {
        let response = self.client(source).get(format!("{}{path}", self.api)).send().await.unwrap();
        match response.status() {
            StatusCode::OK => Ok(serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()),
            status => Err(status),
        }
    }

    /// Returns a client that calls the API with the source's tokens.
    pub(crate) fn client(&self, source: &TokenSource) -> ClientWithMiddleware {
        let host = self.api.trim_start_matches("https://").to_owned();
        let authorizer = Authorizer::builder(source.clone()).with_host(host).build().unwrap();
        ClientBuilder::new(http_client()).with(authorizer).build()
    }

    /// Makes the API forget the nonces that it has issued at this path.
    pub(crate) async fn forget_nonces(&self, path: &str) {
        let url = self.admin_url("nonces", path);
        assert_eq!(http_client().post(url).send().await.unwrap().status(), 204);
    }

    /// Returns the outcome of each request of a client at the token endpoint, or of each call at a path of the API.
    ///
    /// An outcome is `ok` or the error's code, followed by the state of the proof's nonce.
    pub(crate) async fn outcomes(&self, name: &str) -> Vec<String> {
        let response = http_client().get(self.admin_url("requests", name)).send().await.unwrap();
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
    }

    fn admin_url(&self, what: &str, name: &str) -> Url {
        Url::parse_with_params(&format!("{}/{what}", self.admin), [("of", name)]).unwrap()
    }
}

/// Returns a source of tokens from the server.
pub(crate) fn source(
    provider: OAuth2,
    credentials: impl CredentialsSource,
    parameters: TokenParameters,
) -> TokenSource {
    TokenSource::builder(provider, credentials).with_transport(transport()).with_parameters(parameters).build().unwrap()
}

/// Fetches a token with these credentials.
pub(crate) async fn token(provider: OAuth2, credentials: ClientCredentials) -> Result<Arc<AccessToken>, Error> {
    token_with(provider, credentials, TokenParameters::new()).await
}

/// Fetches a token with these credentials and parameters.
pub(crate) async fn token_with(
    provider: OAuth2,
    credentials: ClientCredentials,
    parameters: TokenParameters,
) -> Result<Arc<AccessToken>, Error> {
    source(provider, credentials, parameters).token().await
}

/// Returns a transport that trusts only our certificate authority.
pub(crate) fn transport() -> HttpTransport {
    HttpTransport::new().unwrap().with_root_certificates(AUTHORITY.pem().as_bytes()).unwrap()
}

/// Returns an HTTP client that trusts only our certificate authority.
pub(crate) fn http_client() -> reqwest::Client {
    http_client_as(None)
}

/// Returns an HTTP client that trusts only our certificate authority, with a client certificate.
pub(crate) fn http_client_as(identity: Option<&Identity>) -> reqwest::Client {
    let authority = reqwest::Certificate::from_pem(AUTHORITY.pem().as_bytes()).unwrap();
    let mut builder = reqwest::Client::builder().tls_certs_only([authority]);
    if let Some(identity) = identity {
        builder = builder.identity(reqwest::Identity::from_pem(identity.pem().as_bytes()).unwrap());
    }
    builder.build().unwrap()
}

/// The other tests rely on the API to refuse invalid tokens.
#[test]
#[ignore = "needs Node: crates/certified/README.md"]
fn the_api_refuses_invalid_tokens_and_proofs() {
    let output = Command::new("node").arg("--test").current_dir(FOLDER).output().expect("`node` can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
