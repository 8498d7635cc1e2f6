//! Odd ids and secrets, by each way of client authentication that a provider offers.

use credentials_grant_apaleo::{
    Apaleo, ClientAuthentication, ClientCredentials, CredentialsGrant, Endpoint, ErrorKind, HttpTransport, RequestSeed,
    TokenParameters, fetch_token,
};
use credentials_grant_cognito::Cognito;
use credentials_grant_emulator::{EmulatedVendor, Emulator, RunningEmulator};
use credentials_grant_octorate::Octorate;
use credentials_grant_ptv::Ptv;
use credentials_grant_resamania::Resamania;

use ClientAuthentication::{ClientSecretBasic, ClientSecretBasicRaw, ClientSecretPost};
use Outcome::{Impossible, Refused, Token};

use crate::odd;

/// What comes of a request with an id and a secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Token,
    /// The server does not know the client.
    Refused,
    /// Nothing is sent, because the method cannot carry the id.
    Impossible,
}

/// How a server reads HTTP Basic.
#[derive(Clone, Copy)]
enum Reads {
    /// As it is.
    Plain,
    /// Decoded, and a `%` that begins no escape stays as it is.
    Decoded,
    /// Decoded, and invalid escapes are refused.
    StrictlyDecoded,
}

impl Reads {
    /// Returns what becomes of a text that is sent by this method.
    fn outcome(self, method: ClientAuthentication, text: &str) -> Outcome {
        let arrives = match (self, method) {
            (_, ClientSecretPost) | (Self::Plain, ClientSecretBasicRaw) => true,
            (Self::Plain, _) => odd::is_unreserved(text),
            (Self::Decoded, ClientSecretBasicRaw) => !text.contains('+') && !odd::has_escape(text),
            (Self::StrictlyDecoded, ClientSecretBasicRaw) => !text.contains(['+', '%']),
            (Self::Decoded | Self::StrictlyDecoded, _) => true,
        };
        if arrives { Token } else { Refused }
    }
}

fn outcome(reads: Reads, method: ClientAuthentication, id: &str, secret: &str) -> Outcome {
    if method == ClientSecretBasicRaw && id.contains(':') {
        return Impossible;
    }
    match [id, secret].map(|text| reads.outcome(method, text)) {
        [Token, Token] => Token,
        _ => Refused,
    }
}

/// Returns odd secrets with plain ids, and odd ids with odd secrets.
fn pairs() -> Vec<(String, String)> {
    let texts = odd::texts();
    let plain_ids = texts.iter().enumerate().map(|(at, secret)| (format!("plain-id-{at}"), secret.clone()));
    let odd_ids = texts.iter().zip(texts.iter().cycle().skip(7)).map(|(id, secret)| (id.clone(), secret.clone()));
    plain_ids.chain(odd_ids).collect()
}

/// Starts an emulator that knows all pairs.
fn start(vendor: EmulatedVendor) -> RunningEmulator {
    let emulator = Emulator::new(vendor).without_rate_limit().without_address_block();
    pairs()
        .into_iter()
        .fold(emulator, |emulator, (id, secret)| emulator.with_further_client(id, secret))
        .start()
        .unwrap()
}

fn endpoint(emulator: &RunningEmulator) -> Endpoint {
    emulator.token_url().as_str().parse().unwrap()
}

struct Pairing<'a> {
    provider: &'a dyn CredentialsGrant,
    emulator: &'a RunningEmulator,
    transport: &'a HttpTransport,
}

impl Pairing<'_> {
    /// Fetches a token, and returns what came of it with the remedy of the error.
    async fn fetch(&self, id: &str, secret: &str) -> (Outcome, String) {
        let mut credentials = ClientCredentials::new(id, secret);
        if let Some(key) = self.emulator.gateway_key() {
            credentials = credentials.with_secret("api-key", key);
        }
        let parameters = TokenParameters::new();
        let fetched = fetch_token(self.provider, &credentials, &parameters, self.transport, RequestSeed::fixed()).await;
        let Err(error) = fetched else { return (Token, String::new()) };
        let outcome = match error.kind() {
            ErrorKind::CredentialsRefused => Refused,
            ErrorKind::Configuration => Impossible,
            _ => panic!("{id:?} {secret:?}: {error}"),
        };
        (outcome, error.remedy().unwrap_or_default().to_owned())
    }

    /// Checks every pair against what is expected of it, and that a refusal which the encoding explains says so.
    async fn check(&self, method: ClientAuthentication, expected: impl Fn(&str, &str) -> Outcome) {
        for (id, secret) in pairs() {
            let (outcome, remedy) = self.fetch(&id, &secret).await;
            let name = self.provider.name();
            assert_eq!(outcome, expected(&id, &secret), "{name} by {method}: {id:?} {secret:?}: {remedy}");
            let other = match method {
                ClientSecretBasic => "`client_secret_basic_raw`",
                _ => "`client_secret_basic`",
            };
            let is_plain = odd::is_unreserved(&id) && odd::is_unreserved(&secret);
            if outcome == Refused {
                assert_eq!(
                    remedy.ends_with(other),
                    !is_plain && !id.contains(':'),
                    "{name} by {method}: {id:?}: {remedy}"
                );
            }
        }
    }
}

#[tokio::test]
async fn apaleo_understands_every_id_and_secret_of_up_to_a_hundred_characters() {
    let (emulator, transport) = (start(EmulatedVendor::Apaleo), HttpTransport::new().unwrap());
    let by = |method| Apaleo::at(endpoint(&emulator)).with_client_authentication(method);
    for (method, provider) in [
        (ClientSecretBasic, Apaleo::at(endpoint(&emulator))),
        (ClientSecretBasic, by(ClientSecretBasic)),
        (ClientSecretBasicRaw, by(ClientSecretBasicRaw)),
    ] {
        let pairing = Pairing { provider: &provider, emulator: &emulator, transport: &transport };
        let expected = |id: &str, secret: &str| match outcome(Reads::Decoded, method, id, secret) {
            Token if id.len().max(secret.len()) > 100 => Refused,
            outcome => outcome,
        };
        pairing.check(method, expected).await;
    }
}

#[tokio::test]
async fn cognito_understands_raw_basic_and_the_body() {
    let (emulator, transport) = (start(EmulatedVendor::Cognito), HttpTransport::new().unwrap());
    for method in [ClientSecretBasicRaw, ClientSecretBasic, ClientSecretPost] {
        let provider = Cognito::at(endpoint(&emulator)).with_client_authentication(method);
        let pairing = Pairing { provider: &provider, emulator: &emulator, transport: &transport };
        pairing.check(method, |id, secret| outcome(Reads::Plain, method, id, secret)).await;
    }
    let default = Cognito::at(endpoint(&emulator));
    let pairing = Pairing { provider: &default, emulator: &emulator, transport: &transport };
    let raw = |id: &str, secret: &str| outcome(Reads::Plain, ClientSecretBasicRaw, id, secret);
    pairing.check(ClientSecretBasicRaw, raw).await;
}

#[tokio::test]
async fn octorate_understands_every_id_and_secret_in_json() {
    let (emulator, transport) = (start(EmulatedVendor::Octorate), HttpTransport::new().unwrap());
    let provider = Octorate::at(endpoint(&emulator));
    let pairing = Pairing { provider: &provider, emulator: &emulator, transport: &transport };
    pairing.check(ClientSecretPost, |_, _| Token).await;
}

#[tokio::test]
async fn ptv_understands_encoded_basic_and_the_body() {
    let (emulator, transport) = (start(EmulatedVendor::Ptv), HttpTransport::new().unwrap());
    for method in [ClientSecretBasic, ClientSecretBasicRaw, ClientSecretPost] {
        let provider = Ptv::at(endpoint(&emulator)).with_client_authentication(method);
        let pairing = Pairing { provider: &provider, emulator: &emulator, transport: &transport };
        pairing.check(method, |id, secret| outcome(Reads::StrictlyDecoded, method, id, secret)).await;
    }
    let default = Ptv::at(endpoint(&emulator));
    let pairing = Pairing { provider: &default, emulator: &emulator, transport: &transport };
    pairing.check(ClientSecretBasic, |_, _| Token).await;
}

#[tokio::test]
async fn resamania_understands_every_id_and_secret_in_the_body() {
    let (emulator, transport) = (start(EmulatedVendor::Resamania), HttpTransport::new().unwrap());
    let provider = Resamania::at(endpoint(&emulator));
    let pairing = Pairing { provider: &provider, emulator: &emulator, transport: &transport };
    pairing.check(ClientSecretPost, |_, _| Token).await;
}
