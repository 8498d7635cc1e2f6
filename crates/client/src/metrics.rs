//! What a source counts, through the `metrics` facade, where the feature of that name is on.
//!
//! | name | kind | labels |
//! |---|---|---|
//! | `credentials_grant_reads_total` | counter | `provider`; `state`: `fresh`, `stale`, `waited`, `failed` |
//! | `credentials_grant_wait_seconds` | histogram, of those who waited | `provider` |
//! | `credentials_grant_life_left_seconds` | histogram, of tokens handed out at once | `provider` |
//! | `credentials_grant_fetches_total` | counter | `provider`; `reason`: `missing`, `stale`, `expired`, `minimum_lifetime`; `outcome`: `token`, or the error's kind |
//! | `credentials_grant_fetch_seconds` | histogram | `provider` |

use std::time::Duration;

use tokio::time::Instant;

use crate::boarding::Landing;

/// Why a token is fetched.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reason {
    Missing,
    Stale,
    Expired,
    MinimumLife,
}

#[cfg(feature = "metrics")]
mod facade {
    use metrics::{counter, histogram};

    use super::{Duration, Instant, Landing, Reason};
    use crate::life::State;

    /// A caller got the token in memory.
    pub(crate) fn served(provider: &str, state: State, left: Duration) {
        let state = if state == State::Stale { "stale" } else { "fresh" };
        counter!("credentials_grant_reads_total", "provider" => provider.to_owned(), "state" => state).increment(1);
        histogram!("credentials_grant_life_left_seconds", "provider" => provider.to_owned()).record(left);
    }

    /// A caller has waited since then.
    pub(crate) fn waited(provider: &str, landing: &Landing, since: Instant) {
        let state = if landing.is_ok() { "waited" } else { "failed" };
        counter!("credentials_grant_reads_total", "provider" => provider.to_owned(), "state" => state).increment(1);
        histogram!("credentials_grant_wait_seconds", "provider" => provider.to_owned()).record(since.elapsed());
    }

    /// A fetch is over.
    pub(crate) fn fetched(provider: &str, reason: Reason, landing: &Landing, took: Duration) {
        let reason = match reason {
            Reason::Missing => "missing",
            Reason::Stale => "stale",
            Reason::Expired => "expired",
            Reason::MinimumLife => "minimum_lifetime",
        };
        let outcome = landing.as_ref().map_or_else(|error| error.kind().name(), |_| "token");
        let provider = provider.to_owned();
        counter!(
            "credentials_grant_fetches_total",
            "provider" => provider.clone(), "reason" => reason, "outcome" => outcome
        )
        .increment(1);
        histogram!("credentials_grant_fetch_seconds", "provider" => provider).record(took);
    }
}

#[cfg(not(feature = "metrics"))]
mod facade {
    use super::{Duration, Instant, Landing, Reason};
    use crate::life::State;

    pub(crate) fn served(_: &str, _: State, _: Duration) {}
    pub(crate) fn waited(_: &str, _: &Landing, _: Instant) {}
    pub(crate) fn fetched(_: &str, _: Reason, _: &Landing, _: Duration) {}
}

pub(crate) use facade::{fetched, served, waited};
