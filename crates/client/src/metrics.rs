//! What a source counts through the `metrics` facade, if the feature `metrics` is on.
//!
//! | name | kind | labels |
//! |---|---|---|
//! | `credentials_grant_reads_total` | counter | `provider`; `state`: `fresh`, `stale`, `waited`, `failed` |
//! | `credentials_grant_wait_seconds` | histogram of the callers that waited | `provider` |
//! | `credentials_grant_lifetime_left_seconds` | histogram of the tokens returned from memory | `provider` |
//! | `credentials_grant_fetches_total` | counter | `provider`; `reason` (below); `outcome`: `token` or an error kind; `problem` |
//! | `credentials_grant_fetch_seconds` | histogram | `provider` |
//! | `credentials_grant_adoptions_total` | counter of the tokens taken from a store | `provider`; `reason` |
//! | `credentials_grant_store_failures_total` | counter of the calls that a store failed or did not answer in time | |
//!
//! Reasons: `missing`, `stale`, `expired`, `minimum_lifetime`. Only a `bad_response` has a `problem`, the name of a
//! `ResponseProblem`: `empty_body`, `html`, `no_token` …

use std::time::Duration;

use tokio::time::Instant;

use crate::source::FetchResult;

/// Why a token is fetched.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reason {
    Missing,
    Stale,
    Expired,
    MinimumLifetime,
}

#[cfg(feature = "metrics")]
impl Reason {
    fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Stale => "stale",
            Self::Expired => "expired",
            Self::MinimumLifetime => "minimum_lifetime",
        }
    }
}

#[cfg(feature = "metrics")]
mod facade {
    use credentials_grant::Error;
    use metrics::{Label, counter, histogram};

    use super::{Duration, FetchResult, Instant, Reason};
    use crate::source::State;

    /// Counts a caller that got the token in memory.
    pub(crate) fn served(provider: &str, state: State, left: Duration) {
        let state = if state == State::Stale { "stale" } else { "fresh" };
        counter!("credentials_grant_reads_total", "provider" => provider.to_owned(), "state" => state).increment(1);
        histogram!("credentials_grant_lifetime_left_seconds", "provider" => provider.to_owned()).record(left);
    }

    /// Counts a caller that has waited since then.
    pub(crate) fn waited(provider: &str, result: &FetchResult, since: Instant) {
        let state = if result.is_ok() { "waited" } else { "failed" };
        counter!("credentials_grant_reads_total", "provider" => provider.to_owned(), "state" => state).increment(1);
        histogram!("credentials_grant_wait_seconds", "provider" => provider.to_owned()).record(since.elapsed());
    }

    /// Counts a fetch.
    pub(crate) fn fetched(provider: &str, reason: Reason, result: &FetchResult, took: Duration) {
        let reason = reason.name();
        let outcome = result.as_ref().map_or_else(|error| error.kind().name(), |_| "token");
        let problem = result.as_ref().err().and_then(Error::response_problem);
        let provider = provider.to_owned();
        let mut labels = vec![
            Label::new("provider", provider.clone()),
            Label::new("reason", reason),
            Label::new("outcome", outcome),
        ];
        labels.extend(problem.map(|problem| Label::new("problem", problem.name())));
        counter!("credentials_grant_fetches_total", labels).increment(1);
        histogram!("credentials_grant_fetch_seconds", "provider" => provider).record(took);
    }

    /// Counts a token that another process requested.
    pub(crate) fn adopted(provider: &str, reason: Reason) {
        let provider = provider.to_owned();
        counter!("credentials_grant_adoptions_total", "provider" => provider, "reason" => reason.name()).increment(1);
    }

    /// Counts a call that the store did not carry out.
    #[cfg(feature = "store")]
    pub(crate) fn store_failed() {
        counter!("credentials_grant_store_failures_total").increment(1);
    }
}

#[cfg(not(feature = "metrics"))]
mod facade {
    use super::{Duration, FetchResult, Instant, Reason};
    use crate::source::State;

    pub(crate) fn served(_: &str, _: State, _: Duration) {}
    pub(crate) fn waited(_: &str, _: &FetchResult, _: Instant) {}
    pub(crate) fn fetched(_: &str, _: Reason, _: &FetchResult, _: Duration) {}
    pub(crate) fn adopted(_: &str, _: Reason) {}
    #[cfg(feature = "store")]
    pub(crate) fn store_failed() {}
}

#[cfg(feature = "store")]
pub(crate) use facade::store_failed;
pub(crate) use facade::{adopted, fetched, served, waited};
