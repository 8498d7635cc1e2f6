//! Tests of the emulators over HTTP: one file per vendor, and one per feature that all of them have.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, wherever in it that is")]

mod admin;
mod apaleo;
mod cognito;
mod handle;
mod limits;
mod misbehaviour;
mod octorate;
mod ptv;
mod resamania;

use std::time::{Duration, SystemTime};

use credentials_grant_emulator::{EmulatedVendor, Emulator, EmulatorClock, RunningEmulator};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use serde_json::Value;

/// 2026-01-01T00:00:00Z.
const START: u64 = 1_767_225_600;

/// A response whose body was read to the end.
#[derive(Debug)]
struct Response {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Response {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn token(&self) -> String {
        let token = self.json()["access_token"].as_str().map(str::to_owned);
        token.unwrap_or_else(|| panic!("no token in {self:?}"))
    }
}

fn start(vendor: EmulatedVendor) -> RunningEmulator {
    Emulator::new(vendor).start().unwrap()
}

fn standing_clock() -> EmulatorClock {
    EmulatorClock::manual(SystemTime::UNIX_EPOCH + Duration::from_secs(START))
}

/// Returns a client that changes nothing: no proxy, no redirects.
fn http() -> Client {
    Client::builder().no_proxy().redirect(Policy::none()).build().unwrap()
}

async fn send(request: RequestBuilder) -> Response {
    let response = request.send().await.unwrap();
    Response {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: response.text().await.unwrap(),
    }
}

/// Returns the token request of the vendor's page.
fn token_request(emulator: &RunningEmulator) -> RequestBuilder {
    let post = http().post(emulator.token_url().clone());
    let (id, secret) = (emulator.client_id(), emulator.client_secret());
    let parameters = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    match emulator.vendor() {
        EmulatedVendor::Octorate => post.json(&std::collections::BTreeMap::from(parameters)),
        EmulatedVendor::Resamania => {
            post.header("X-Gravitee-Api-Key", emulator.gateway_key().unwrap()).form(&parameters)
        }
        _ => post.basic_auth(id, Some(secret)).form(&[("grant_type", "client_credentials")]),
    }
}

/// Sends the one call of the API, with or without a token.
async fn call_api(emulator: &RunningEmulator, token: Option<&str>) -> Response {
    let call = emulator.api_call();
    let mut request = http().request(call.method, call.url).headers(call.headers);
    if let Some(body) = call.body {
        request = request.json(&body);
    }
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    send(request).await
}

/// Verifies the signature of a token with the published key of the emulator, and returns its claims.
async fn claims(emulator: &RunningEmulator, token: &str) -> Value {
    let url = emulator.token_url().join("/_emulator/jwks").unwrap();
    let keys: JwkSet = serde_json::from_str(&send(http().get(url)).await.body).unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    let key = keys.find(&header.kid.unwrap()).unwrap();
    let mut validation = Validation::new(header.alg);
    validation.validate_aud = false;
    validation.validate_exp = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode(token, &DecodingKey::from_jwk(key).unwrap(), &validation).unwrap().claims
}
