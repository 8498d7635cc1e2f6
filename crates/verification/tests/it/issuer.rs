//! An issuer with keys, the tokens that it signs, and a clock that the test sets.
//!
//! The keys are those of `crates/client/tests/it/keys`.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use credentials_grant::Signer as _;
use credentials_grant_client::KeySigner;
use credentials_grant_test_kit::{self as test_kit, TestServer, clock, response, settle};
use credentials_grant_verification::{
    ManualClock, SecretString, SigningAlgorithm, TokenVerifier, TokenVerifierBuilder,
};
use serde_json::Value;
use tokio::sync::Semaphore;

pub(crate) const ISSUER: &str = "https://login.example.com/t";
pub(crate) const AUDIENCE: &str = "https://api.example.com";
pub(crate) const OAUTH: &str = "GET https://login.example.com/.well-known/oauth-authorization-server/t";
pub(crate) const OIDC: &str = "GET https://login.example.com/t/.well-known/openid-configuration";
pub(crate) const JWKS: &str = "GET https://login.example.com/t/keys";
pub(crate) const METADATA: &str = r#"{"issuer":"https://login.example.com/t","token_endpoint":"https://login.example.com/t/token","jwks_uri":"https://login.example.com/t/keys"}"#;

/// 2026-01-01T00:00:00Z, the start of every test.
pub(crate) const NOW: u64 = 1_767_225_600;

/// A key pair, and the header of a token that names it.
pub(crate) struct Pair {
    id: &'static str,
    jwk: &'static str,
    pub(crate) header: &'static str,
}

pub(crate) const RSA: Pair = Pair {
    id: "rsa",
    jwk: include_str!("../../../client/tests/it/keys/rsa.jwk.json"),
    header: r#"{"alg":"RS256","typ":"at+jwt","kid":"rsa"}"#,
};

pub(crate) const P256: Pair = Pair {
    id: "p256",
    jwk: include_str!("../../../client/tests/it/keys/p256.jwk.json"),
    header: r#"{"alg":"ES256","typ":"at+jwt","kid":"p256"}"#,
};

/// RFC 8037 appendix A.1.
pub(crate) const ED25519: Pair = Pair {
    id: "ed25519",
    jwk: r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
    header: r#"{"alg":"EdDSA","typ":"at+jwt","kid":"ed25519"}"#,
};

/// The public half of `p384-sec1.pem`.
const P384: &str = r#"{"kid":"p384","kty":"EC","crv":"P-384","x":"KzCuAi_RQ92U9VmDL6NX_RQCvQwUEA_G3Tg7WvQiFp3JWV3sFX8nIDGmvgsL6qBZ","y":"d8epgwhFGHpvaOKmlJL3KTwidHoqkzdcoGDCWqVXJnvuo5kghOKCehsSSR8KKT9_"}"#;

impl Pair {
    pub(crate) fn signer(&self) -> KeySigner {
        KeySigner::from_jwk(self.jwk).unwrap()
    }

    /// Returns the public key as a JWK with this id.
    pub(crate) fn public(&self, id: &str) -> String {
        let jwk: Value = serde_json::from_str(self.jwk).unwrap();
        let mut public = format!(r#"{{"kid":"{id}""#);
        for member in ["kty", "crv", "n", "e", "x", "y"] {
            if let Some(value) = jwk.get(member) {
                write!(public, r#","{member}":{value}"#).unwrap();
            }
        }
        public + "}"
    }
}

/// Returns a key that signs by this algorithm, and its id.
pub(crate) fn key(algorithm: SigningAlgorithm) -> (&'static str, KeySigner) {
    let pair = match algorithm.name() {
        "ES256" => P256,
        "ES384" => {
            let pem = include_str!("../../../client/tests/it/keys/p384-sec1.pem");
            return ("p384", KeySigner::from_pem(pem).unwrap());
        }
        "EdDSA" | "Ed25519" => ED25519,
        _ => RSA,
    };
    (pair.id, pair.signer().with_algorithm(algorithm).unwrap())
}

/// Returns the public keys of the issuer.
pub(crate) fn keys() -> Vec<String> {
    [&RSA, &P256, &ED25519].map(|pair| pair.public(pair.id)).into_iter().chain([P384.to_owned()]).collect()
}

/// Returns claims that are valid for ten minutes.
pub(crate) fn claims() -> String {
    let exp = NOW + 600;
    format!(
        r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","sub":"canary","client_id":"canary","iat":{NOW},"exp":{exp},"jti":"1"}}"#
    )
}

/// Returns these claims with another value for one of them. An empty value leaves it out.
pub(crate) fn with(claim: &str, value: &str) -> String {
    let claims: Value = serde_json::from_str(&claims()).unwrap();
    let others = claims.as_object().unwrap().iter().filter(|(name, _)| *name != claim);
    let mut members: Vec<_> = others.map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
    members.extend((!value.is_empty()).then(|| format!(r#""{claim}":{value}"#)));
    format!("{{{}}}", members.join(","))
}

pub(crate) async fn signed(signer: &KeySigner, header: &str, claims: &str) -> SecretString {
    let message = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
    let signature = signer.sign(message.as_bytes()).await.unwrap();
    format!("{message}.{}", BASE64.encode(signature)).into()
}

/// Returns a token that is accepted.
pub(crate) async fn good() -> SecretString {
    signed(&RSA.signer(), RSA.header, &claims()).await
}

/// A response: status, header (the value of `Cache-Control`, or name and value), body. `None` stands for no response.
pub(crate) type Answer = Option<(u16, &'static str, String)>;

#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    answers: Arc<Mutex<Answers>>,
    server: TestServer,
    clock: ManualClock,
    /// Holds responses back.
    gate: Arc<Gate>,
}

/// Holds responses back, of metadata and of keys.
#[derive(Debug)]
struct Gate {
    metadata: Semaphore,
    keys: Semaphore,
}

#[derive(Debug)]
struct Answers {
    metadata: Answer,
    keys: Answer,
}

impl Issuer {
    /// Makes an issuer with all keys, and a verifier of its tokens.
    pub(crate) fn with_keys() -> (Self, TokenVerifier) {
        let issuer = Self::new();
        let verifier = issuer.verifier().build().unwrap();
        (issuer, verifier)
    }

    pub(crate) fn new() -> Self {
        let answers = Answers { metadata: Some((200, "", METADATA.to_owned())), keys: None };
        let answers = Arc::new(Mutex::new(answers));
        let open = || Semaphore::new(Semaphore::MAX_PERMITS);
        let gate = Arc::new(Gate { metadata: open(), keys: open() });
        let server = server(Arc::clone(&answers), Arc::clone(&gate));
        let issuer = Self { answers, server, clock: clock(), gate };
        issuer.lists(&keys());
        issuer
    }

    /// Returns a builder for a verifier of its tokens.
    pub(crate) fn verifier(&self) -> TokenVerifierBuilder {
        let builder = TokenVerifier::builder(ISSUER.parse().unwrap(), AUDIENCE);
        builder.with_clock(self.clock.clone()).with_transport(self.server.clone())
    }

    pub(crate) fn lists(&self, keys: &[String]) {
        self.answers_keys(Some((200, "", format!(r#"{{"keys":[{}]}}"#, keys.join(",")))));
    }

    pub(crate) fn answers_keys(&self, answer: Answer) {
        self.answers().keys = answer;
    }

    pub(crate) fn answers_metadata(&self, answer: Answer) {
        self.answers().metadata = answer;
    }

    /// Returns the requests since the last call, those of tasks in the background too.
    pub(crate) async fn asked(&self) -> Vec<String> {
        settle().await;
        self.server.take_request_lines()
    }

    /// Returns `true` if nothing was requested since the last call of [`asked`](Self::asked), by no task that has run.
    pub(crate) fn has_asked_nothing(&self) -> bool {
        self.server.take_request_lines().is_empty()
    }

    /// Sets the clock to this many seconds after the start.
    pub(crate) fn set_clock(&self, seconds: i64) {
        let now = NOW.checked_add_signed(seconds).unwrap();
        self.clock.set(SystemTime::UNIX_EPOCH + Duration::from_secs(now));
    }

    /// Holds responses back until [`release`](Self::release).
    pub(crate) fn hold_back(&self) {
        self.gate.metadata.forget_permits(Semaphore::MAX_PERMITS);
        self.gate.keys.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// Lets the keys pass again.
    pub(crate) fn hold_back_metadata_only(&self) {
        self.gate.keys.add_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn release(&self) {
        for gate in [&self.gate.metadata, &self.gate.keys] {
            gate.forget_permits(Semaphore::MAX_PERMITS);
            gate.add_permits(Semaphore::MAX_PERMITS);
        }
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap()
    }
}

fn server(answers: Arc<Mutex<Answers>>, gate: Arc<Gate>) -> TestServer {
    TestServer::new_async(move |request, _| {
        let is_metadata = request.url().path().contains(".well-known");
        let (answers, gate) = (Arc::clone(&answers), Arc::clone(&gate));
        async move {
            let gate = if is_metadata { &gate.metadata } else { &gate.keys };
            let _permit = gate.acquire().await.unwrap();
            let answers = answers.lock().unwrap();
            let answer = if is_metadata { answers.metadata.clone() } else { answers.keys.clone() };
            let Some((status, header, body)) = answer else { return test_kit::Answer::unreachable() };
            let header = header.split_once(": ").unwrap_or(("cache-control", header));
            response(status, &[header], body).into()
        }
    })
}
