//! One vendor's trip, step by step, and what became of it.

use std::sync::Arc;
use std::time::Duration;

use credentials_grant::StatusCode;
use credentials_grant_client::HttpTransport;
use credentials_grant_emulator::RunningEmulator;
use reqwest::Client;
use serde::Serialize;

use super::vendor::{Outcome, Vendor};
use crate::exit::{Exit, Failure};
use crate::provider::Provider;

/// The steps, in their order.
const STEPS: [&str; 10] = [
    "token",
    "api-call",
    "cached-call",
    "shared-flight",
    "renewal",
    "revocation",
    "401",
    "new-token",
    "success",
    "wrong-secret",
];

/// How long anything may take that is waited for.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// What became of a trip. The members are a contract.
#[derive(Serialize)]
pub(super) struct Trip {
    pub(super) provider: &'static str,
    pub(super) title: &'static str,
    pub(super) ok: bool,
    /// Until the wrong secret was tried.
    token_requests: u64,
    pub(super) steps: [Step; 10],
}

#[derive(Serialize)]
pub(super) struct Step {
    #[serde(rename = "step")]
    pub(super) name: &'static str,
    pub(super) ok: bool,
    /// How many the emulator has counted by the end of the step.
    pub(super) token_requests: u64,
    pub(super) detail: String,
}

/// What carries requests on every trip.
pub(super) struct Means {
    pub(super) tokens: Arc<HttpTransport>,
    pub(super) api: Client,
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
    pub(super) async fn trip(
        &self,
        provider: &'static Provider,
        emulated: credentials_grant_emulator::EmulatedVendor,
    ) -> Trip {
        let (steps, token_requests) = match Vendor::start(self, provider, emulated) {
            Ok(vendor) => {
                let mut log = Log::of(&vendor.emulator);
                // A step that fails ends the walk, and is on record.
                let _ = walk(&vendor, &mut log).await;
                let token_requests = log.token_requests();
                log.record("wrong-secret", 1, vendor.wrong_secret().await);
                (log.all_steps(), token_requests)
            }
            Err(error) => {
                let mut log = Log::default();
                log.record::<()>("token", 0, Err(error.to_string()));
                (log.all_steps(), 0)
            }
        };
        let ok = steps.iter().all(|step| step.ok);
        Trip { provider: provider.name, title: provider.title, ok, token_requests, steps }
    }
}

/// Each step, with the number of token requests that it takes.
async fn walk(vendor: &Vendor<'_>, log: &mut Log<'_>) -> Option<()> {
    let (source, first) = log.record("token", 1, vendor.first_token().await)?;
    log.record("api-call", 0, vendor.api_call(&first).await)?;
    log.record("cached-call", 0, vendor.cached_call(&source, &first).await)?;
    log.record("shared-flight", 1, vendor.shared_flight().await)?;
    let renewed = log.record("renewal", 1, vendor.renewal(&source, &first).await)?;
    log.record("revocation", 0, vendor.revocation(&renewed))?;
    log.record("401", 0, vendor.same_call(&renewed, StatusCode::UNAUTHORIZED).await)?;
    let third = log.record("new-token", 1, vendor.new_token(&source, &renewed).await)?;
    log.record("success", 0, vendor.same_call(&third, StatusCode::OK).await)
}

/// What the steps of one trip did, as far as it went.
#[derive(Default)]
struct Log<'a> {
    /// `None` if it did not start.
    emulator: Option<&'a RunningEmulator>,
    steps: Vec<Step>,
}

impl<'a> Log<'a> {
    fn of(emulator: &'a RunningEmulator) -> Self {
        Self { emulator: Some(emulator), steps: Vec::new() }
    }

    /// Keeps a step, which has failed also if it took more or fewer token requests than it should.
    fn record<T>(&mut self, name: &'static str, due: u64, outcome: Outcome<T>) -> Option<T> {
        let token_requests = self.token_requests();
        let took = token_requests - self.steps.last().map_or(0, |step| step.token_requests);
        let outcome = outcome.and_then(|done| match took {
            took if took == due => Ok(done),
            took => Err(format!("it took {took} token requests, where {due} were due")),
        });
        let (value, ok, detail) = match outcome {
            Ok((value, detail)) => (Some(value), true, detail),
            Err(detail) => (None, false, detail),
        };
        self.steps.push(Step { name, ok, token_requests, detail });
        value
    }

    fn token_requests(&self) -> u64 {
        self.emulator.map_or(0, RunningEmulator::token_requests)
    }

    /// Every step; those that the trip did not get to have failed.
    fn all_steps(mut self) -> [Step; 10] {
        let token_requests = self.token_requests();
        STEPS.map(|name| match self.steps.iter().position(|done| done.name == name) {
            Some(at) => self.steps.remove(at),
            None => Step { name, ok: false, token_requests, detail: "not reached".to_owned() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_goes_wrong_fails_those_behind_it() {
        let mut log = Log::default();
        log.record("token", 0, Ok(((), "a token".to_owned())));
        log.record::<()>("api-call", 0, Err("500 Internal Server Error".to_owned()));
        log.record("wrong-secret", 0, Ok(((), "refused".to_owned())));
        let steps = log.all_steps();
        assert_eq!(steps.each_ref().map(|step| step.name), STEPS);
        let went_well: Vec<_> = steps.iter().filter(|step| step.ok).map(|step| step.name).collect();
        assert_eq!(went_well, ["token", "wrong-secret"]);
        assert_eq!(steps[2].detail, "not reached");
    }

    #[test]
    fn a_step_that_takes_another_number_of_token_requests_has_failed() {
        let mut log = Log::default();
        assert!(log.record("token", 1, Ok(((), "a token".to_owned()))).is_none());
        let [token, ..] = log.all_steps();
        assert_eq!((token.ok, &*token.detail), (false, "it took 0 token requests, where 1 were due"));
    }
}
