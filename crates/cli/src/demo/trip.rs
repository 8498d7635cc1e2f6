//! One vendor's trip: token, call, revocation, 401, new token, success; and a wrong secret.

use std::sync::Arc;
use std::time::Duration;

use credentials_grant::{AccessToken, ClientCredentials, Error, ErrorKind, ExposeSecret, Settings, StatusCode};
use credentials_grant_client::{HttpTransport, TokenSource};
use credentials_grant_emulator::{Emulator, RunningEmulator};
use jiff::SignedDuration;
use reqwest::Client;
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::registry::{CLIENT_ID, CLIENT_SECRET, Provider, TOKEN_URL};

/// The steps, in their order.
const STEPS: [&str; 8] =
    ["token", "api-call", "cached-call", "revocation", "401", "new-token", "success", "wrong-secret"];

const TIMEOUT: Duration = Duration::from_secs(10);

/// What became of a trip. The members are a contract.
#[derive(Serialize)]
pub(super) struct Trip {
    pub(super) provider: &'static str,
    title: &'static str,
    pub(super) ok: bool,
    /// Until the wrong secret was tried.
    token_requests: u64,
    pub(super) steps: [Step; 8],
}

#[derive(Serialize)]
pub(super) struct Step {
    #[serde(rename = "step")]
    pub(super) name: &'static str,
    pub(super) ok: bool,
    pub(super) detail: String,
}

/// What carries requests on every trip.
pub(super) struct Means {
    tokens: Arc<HttpTransport>,
    api: Client,
}

impl Means {
    pub(super) fn new() -> Result<Self, Failure> {
        let api = Client::builder().no_proxy().tls_certs_only([]).timeout(TIMEOUT).build();
        Ok(Self {
            tokens: Arc::new(HttpTransport::new()?),
            api: api
                .map_err(|error| Failure::new(Exit::Failed, "the HTTP client cannot be set up").with_cause(&error))?,
        })
    }

    /// Takes a vendor through every step.
    pub(super) async fn trip(&self, provider: &'static Provider) -> Trip {
        let mut log = Log::default();
        let token_requests = match Emulator::new(provider.emulator).start() {
            Ok(emulator) => {
                let vendor = Vendor { means: self, provider, emulator };
                // A step that fails ends the walk, and is on record.
                let _ = vendor.walk(&mut log).await;
                let token_requests = vendor.emulator.token_requests();
                log.record("wrong-secret", vendor.wrong_secret().await);
                token_requests
            }
            Err(error) => {
                log.record::<()>("token", Err(error.to_string()));
                0
            }
        };
        let steps = log.all_steps();
        let ok = steps.iter().all(|step| step.ok);
        Trip { provider: provider.name, title: provider.title, ok, token_requests, steps }
    }
}

/// What a step brought and what to say of it, or why it did not do what it should.
type Outcome<T = ()> = Result<(T, String), String>;

/// A vendor, as far as this machine has one.
struct Vendor<'a> {
    means: &'a Means,
    provider: &'static Provider,
    emulator: RunningEmulator,
}

impl Vendor<'_> {
    async fn walk(&self, log: &mut Log) -> Option<()> {
        let (source, first) = log.record("token", self.first_token().await)?;
        log.record("api-call", self.call(&first, StatusCode::OK).await)?;
        log.record("cached-call", self.cached_call(&source, &first).await)?;
        log.record("revocation", self.revocation(&first))?;
        log.record("401", self.call(&first, StatusCode::UNAUTHORIZED).await)?;
        source.invalidate(&first);
        let second = log.record("new-token", self.new_token(&source, 2).await)?;
        log.record("success", self.call(&second, StatusCode::OK).await)
    }

    async fn first_token(&self) -> Outcome<(TokenSource, Arc<AccessToken>)> {
        let source = self.source(self.emulator.client_secret()).map_err(|error| what_happened(&error))?;
        let (token, detail) = self.new_token(&source, 1).await?;
        Ok(((source, token), detail))
    }

    /// A token by one request: the emulator has then seen `requests` in all.
    async fn new_token(&self, source: &TokenSource, requests: u64) -> Outcome<Arc<AccessToken>> {
        let token = source.token().await.map_err(|error| what_happened(&error))?;
        let seen = self.emulator.token_requests();
        if seen != requests {
            return Err(format!("{seen} token requests in all, where {requests} were due"));
        }
        let life = token.expires_at().duration_since(token.requested_at()).unwrap_or_default();
        let life = SignedDuration::try_from(life).unwrap_or(SignedDuration::MAX);
        Ok((token, format!("a token for {life:#}, by one request")))
    }

    /// Calls the vendor's API, which should answer with this status.
    async fn call(&self, token: &AccessToken, due: StatusCode) -> Outcome {
        let call = self.emulator.api_call();
        let said = format!("{} {}", call.method, call.url.path());
        // The gateway's key is among them, and among the token's companions: let it be the provider that brings it.
        let plain = call.headers.iter().filter(|(_, value)| !value.is_sensitive());
        let headers = plain.chain(token.headers()).map(|(name, value)| (name.clone(), value.clone())).collect();
        let mut request = self.means.api.request(call.method, call.url).headers(headers);
        if let Some(body) = call.body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.map_err(|error| format!("{said}: {}", error.without_url()))?;
        match response.status() {
            status if status == due => Ok(((), format!("{said}: {status}"))),
            status => Err(format!("{said}: {status}, where {due} was due")),
        }
    }

    async fn cached_call(&self, source: &TokenSource, first: &Arc<AccessToken>) -> Outcome {
        let token = source.token().await.map_err(|error| what_happened(&error))?;
        if !Arc::ptr_eq(&token, first) || self.emulator.token_requests() != 1 {
            return Err("another token, where the first was still good".to_owned());
        }
        let ((), call) = self.call(&token, StatusCode::OK).await?;
        Ok(((), format!("{call}, with the token from memory")))
    }

    fn revocation(&self, token: &AccessToken) -> Outcome {
        if self.emulator.revoke(token.secret().expose_secret()) {
            Ok(((), "the vendor takes the token back".to_owned()))
        } else {
            Err("the vendor does not know the token".to_owned())
        }
    }

    async fn wrong_secret(&self) -> Outcome {
        let source = self.source("not-the-secret").map_err(|error| what_happened(&error))?;
        match source.token().await {
            Err(error) if error.kind() == ErrorKind::CredentialsRefused => Ok(((), refusal(&error))),
            Err(error) => Err(format!("not taken for a refusal: {}", what_happened(&error))),
            Ok(_) => Err("a token for a wrong secret".to_owned()),
        }
    }

    fn source(&self, client_secret: &str) -> Result<TokenSource, Error> {
        let mut settings = Settings::new();
        let mut credentials = ClientCredentials::new(self.emulator.client_id(), client_secret);
        for (name, value) in self.provider.at_emulator(&self.emulator) {
            match name {
                CLIENT_ID | CLIENT_SECRET => {}
                TOKEN_URL => settings = settings.with(name, value),
                _ => credentials = credentials.with_secret(name, value),
            }
        }
        TokenSource::builder(self.provider.build(&settings)?, credentials)
            .with_transport(Arc::clone(&self.means.tokens))
            .with_timeout(TIMEOUT)
            .build()
    }
}

/// What the steps of one trip did, as far as it went.
#[derive(Default)]
struct Log(Vec<Step>);

impl Log {
    fn record<T>(&mut self, name: &'static str, outcome: Outcome<T>) -> Option<T> {
        let (value, ok, detail) = match outcome {
            Ok((value, detail)) => (Some(value), true, detail),
            Err(detail) => (None, false, detail),
        };
        self.0.push(Step { name, ok, detail });
        value
    }

    /// Every step; those that the trip did not get to have failed.
    fn all_steps(mut self) -> [Step; 8] {
        STEPS.map(|name| match self.0.iter().position(|done| done.name == name) {
            Some(at) => self.0.swap_remove(at),
            None => Step { name, ok: false, detail: "not reached".to_owned() },
        })
    }
}

fn refusal(error: &Error) -> String {
    let code = error.oauth().and_then(|oauth| oauth.code.as_deref()).unwrap_or("no reason given");
    let status = error.status().map(|status| status.to_string()).unwrap_or_default();
    format!("refused: {code} ({status})")
}

fn what_happened(error: &Error) -> String {
    format!("{} ({})", error.message(), error.kind().name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_goes_wrong_fails_those_behind_it() {
        let mut log = Log::default();
        log.record("token", Ok(((), "a token".to_owned())));
        log.record::<()>("api-call", Err("500 Internal Server Error".to_owned()));
        log.record("wrong-secret", Ok(((), "refused".to_owned())));
        let steps = log.all_steps();
        assert_eq!(steps.each_ref().map(|step| step.name), STEPS);
        let went_well: Vec<_> = steps.iter().filter(|step| step.ok).map(|step| step.name).collect();
        assert_eq!(went_well, ["token", "wrong-secret"]);
        assert_eq!(steps[2].detail, "not reached");
    }
}
