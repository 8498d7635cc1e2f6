//! The clients that are registered at the server (RFC 7591), with their secrets, keys and certificates.

use std::sync::LazyLock;

use credentials_grant_oauth2::{ClientCertificate, ClientCredentials, KeySigner, ProofKey, SigningAlgorithm};
use rcgen::{
    Certificate, CertificateParams, KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_ED25519,
    PKCS_RSA_SHA256, SignatureAlgorithm,
};
use serde_json::{Value, json};

use crate::server::{AUTHORITY, Authority};

/// Long enough for HS512 (RFC 7518 section 3.2).
pub(crate) const SECRET: &str = "a secret that is as long as HS512 wants it, which is 64 bytes or more than that";

/// Ids and secrets with every character that RFC 6749 appendix A allows.
pub(crate) const AWKWARD: [(&str, &str); 5] = [
    ("awkward:colon", "a:b::"),
    ("awkward space", " a b  c "),
    ("awkward%2Bpercent", "100%+%25%ZZ"),
    ("awkward+plus", "a+b/c=&d?e#f"),
    (
        r##"awkward !"#$%&'()*+,-./0123456789:;<=>?@AZ[\]^_`az{|}~"##,
        r##"secret !"#$%&'()*+,-./0123456789:;<=>?@AZ[\]^_`az{|}~"##,
    ),
];

/// Returns the metadata of every client.
pub(crate) fn all() -> Vec<Value> {
    let with_secrets = ["basic", "basic-raw", "detailed", "refused", "revoked", "revoked elsewhere"]
        .map(|id| json!({ "client_id": id }));
    let bound = ["bound", "bound by body", "bound by many", "bound by nonce", "revoked elsewhere and bound"];
    let bound = bound.map(|id| json!({ "client_id": id, "dpop_bound_access_tokens": true }));
    let awkward = AWKWARD.map(|(id, secret)| json!({ "client_id": id, "client_secret": secret }));
    let hmacs = hmacs().map(|algorithm| {
        json!({
            "client_id": id_for(algorithm),
            "token_endpoint_auth_method": "client_secret_jwt",
            "token_endpoint_auth_signing_alg": algorithm.name(),
        })
    });
    let signatures = signatures().map(|algorithm| {
        json!({
            "client_id": id_for(algorithm),
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": algorithm.name(),
            "public_key": key_for(algorithm).public_key_pem(),
        })
    });
    let others = [
        json!({ "client_id": "public", "token_endpoint_auth_method": "none" }),
        json!({ "client_id": "bound by certificate", "tls_client_certificate_bound_access_tokens": true }),
        json!({
            "client_id": "by authority",
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_san_dns": "client.example",
        }),
        json!({
            "client_id": "self-signed",
            "token_endpoint_auth_method": "self_signed_tls_client_auth",
            "certificate": SELF_SIGNED.certificate.pem(),
        }),
    ];
    let clients = with_secrets.into_iter().chain(bound).chain(awkward).chain(hmacs).chain(signatures).chain(others);
    clients.map(completed).collect()
}

/// Adds the default secret, if the client has no secret, and the allowed authorization details.
fn completed(mut client: Value) -> Value {
    if client.get("client_secret").is_none() {
        client["client_secret"] = SECRET.into();
    }
    client["authorization_details_types"] = json!(["booking"]);
    client
}

/// Returns the credentials of a client with [`SECRET`].
pub(crate) fn with_secret(id: &str) -> ClientCredentials {
    ClientCredentials::new(id, SECRET)
}

/// Returns the credentials of the client that signs with this algorithm.
pub(crate) fn with_signer(algorithm: SigningAlgorithm) -> ClientCredentials {
    ClientCredentials::without_secret(id_for(algorithm)).with_signer(signer(algorithm))
}

/// Returns a signer for this algorithm.
pub(crate) fn signer(algorithm: SigningAlgorithm) -> KeySigner {
    KeySigner::from_pem(key_for(algorithm).serialize_pem()).unwrap().with_algorithm(algorithm).unwrap()
}

/// Returns a new key to bind tokens to.
pub(crate) fn key() -> ProofKey {
    ProofKey::new(KeySigner::generate().unwrap()).unwrap()
}

/// Returns the id of the client that signs with this algorithm.
pub(crate) fn id_for(algorithm: SigningAlgorithm) -> String {
    format!("signs with {algorithm}")
}

/// Returns the algorithms that sign with a secret.
pub(crate) fn hmacs() -> impl Iterator<Item = SigningAlgorithm> {
    SigningAlgorithm::ALL.into_iter().filter(|algorithm| algorithm.name().starts_with("HS"))
}

/// Returns the algorithms that sign with a private key.
pub(crate) fn signatures() -> impl Iterator<Item = SigningAlgorithm> {
    SigningAlgorithm::ALL.into_iter().filter(|algorithm| !algorithm.name().starts_with("HS"))
}

/// Returns the key of the client that signs with this algorithm.
pub(crate) fn key_for(algorithm: SigningAlgorithm) -> &'static KeyPair {
    fn generated(algorithm: &'static SignatureAlgorithm) -> KeyPair {
        KeyPair::generate_for(algorithm).unwrap()
    }
    static RSA: LazyLock<KeyPair> = LazyLock::new(|| generated(&PKCS_RSA_SHA256));
    static P256: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate().unwrap());
    static P384: LazyLock<KeyPair> = LazyLock::new(|| generated(&PKCS_ECDSA_P384_SHA384));
    static P521: LazyLock<KeyPair> = LazyLock::new(|| generated(&PKCS_ECDSA_P521_SHA512));
    static ED25519: LazyLock<KeyPair> = LazyLock::new(|| generated(&PKCS_ED25519));
    match algorithm {
        SigningAlgorithm::Es256 => &P256,
        SigningAlgorithm::Es384 => &P384,
        SigningAlgorithm::Es512 => &P521,
        SigningAlgorithm::Ed25519 | SigningAlgorithm::EdDsa => &ED25519,
        _ => &RSA,
    }
}

/// The certificate of the client that the server identifies by the name in it (`tls_client_auth`).
pub(crate) static BY_AUTHORITY: LazyLock<Identity> =
    LazyLock::new(|| Identity::signed_by(&AUTHORITY, "client.example"));

/// The certificate of the client that the server identifies by the certificate itself
/// (`self_signed_tls_client_auth`).
pub(crate) static SELF_SIGNED: LazyLock<Identity> = LazyLock::new(|| Identity::self_signed("client.example"));

/// A certificate and its key.
#[derive(Debug)]
pub(crate) struct Identity {
    certificate: Certificate,
    key: KeyPair,
}

impl Identity {
    /// Creates a certificate that this authority signs.
    pub(crate) fn signed_by(authority: &Authority, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        Self { certificate: named(name).signed_by(&key, authority).unwrap(), key }
    }

    /// Creates a self-signed certificate.
    pub(crate) fn self_signed(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        Self { certificate: named(name).self_signed(&key).unwrap(), key }
    }

    /// Returns the certificate for our credentials.
    pub(crate) fn certificate(&self) -> ClientCertificate {
        ClientCertificate::from_pem(self.pem())
    }

    pub(crate) fn pem(&self) -> String {
        self.certificate.pem() + &self.key.serialize_pem()
    }
}

fn named(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).unwrap()
}
