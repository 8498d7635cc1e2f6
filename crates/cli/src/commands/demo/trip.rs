//! One vendor's trip, step by step.

use credentials_grant::StatusCode;
use credentials_grant_emulator::RunningEmulator;
use serde::Serialize;

use super::emulated_provider::{EmulatedProvider, Outcome};
use super::http_clients::HttpClients;
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

/// The outcome of a trip. The members are a contract.
#[derive(Serialize)]
pub(super) struct Trip {
    pub(super) provider: &'static str,
    pub(super) title: &'static str,
    pub(super) ok: bool,
    /// How many token requests there were before the one with a wrong secret.
    token_requests: u64,
    pub(super) steps: [Step; 10],
}

#[derive(Serialize)]
pub(super) struct Step {
    #[serde(rename = "step")]
    pub(super) name: &'static str,
    pub(super) ok: bool,
    /// How many token requests the emulator has counted by the end of the step.
    pub(super) token_requests: u64,
    pub(super) detail: String,
}

impl Trip {
    /// Takes a vendor through every step.
    pub(super) async fn take(
        clients: &HttpClients,
        provider: &'static Provider,
        emulated: credentials_grant_emulator::EmulatedVendor,
    ) -> Self {
        let (steps, token_requests) = match EmulatedProvider::start(clients, provider, emulated) {
            Ok(vendor) => {
                let mut log = Log::of(&vendor.emulator);
                // A step that fails ends the walk; the log has it.
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
        Self { provider: provider.name, title: provider.title, ok, token_requests, steps }
    }
}

/// Takes the steps until one fails, each with the number of token requests that it should need.
async fn walk(vendor: &EmulatedProvider<'_>, log: &mut Log<'_>) -> Option<()> {
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

/// The steps of one trip so far.
#[derive(Default)]
struct Log<'a> {
    /// `None` if the emulator did not start.
    emulator: Option<&'a RunningEmulator>,
    steps: Vec<Step>,
}

impl<'a> Log<'a> {
    fn of(emulator: &'a RunningEmulator) -> Self {
        Self { emulator: Some(emulator), steps: Vec::new() }
    }

    /// Adds a step. It has also failed if it took more or fewer token requests than it should.
    fn record<T>(&mut self, name: &'static str, expected: u64, outcome: Outcome<T>) -> Option<T> {
        let token_requests = self.token_requests();
        let took = token_requests - self.steps.last().map_or(0, |step| step.token_requests);
        let outcome = outcome.and_then(|done| match took {
            took if took == expected => Ok(done),
            took => Err(format!("{took} token requests instead of {expected}")),
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

    /// Returns every step. Those that the trip did not reach have failed.
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
        assert_eq!((token.ok, &*token.detail), (false, "0 token requests instead of 1"));
    }
}
