//! The cases, one file each.

mod allocations;
mod api_call;
mod cached_read;
mod cold_failure;
mod cold_start;
mod pool;
mod renewal;
mod uncached_fetch;

use anyhow::Result;
use clap::ValueEnum;

use crate::Bench;
use crate::report::Goals;

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Case {
    /// Reads of a cached `Authorization` value, by one thread and by all.
    CachedRead,
    /// Allocations of a cached read.
    Allocations,
    /// 64 callers without a token, against a server that fails.
    ColdFailure,
    /// 10 000 callers without a token.
    ColdStart,
    /// Tokens that live for two seconds, under load.
    Renewal,
    /// Fetches from the server, compared with the bare HTTP client.
    UncachedFetch,
    /// API calls with the middleware, compared with the bare HTTP client.
    ApiCall,
    /// A pool of 100 000 tenants.
    Pool,
}

impl Case {
    pub(crate) fn run(self, bench: &Bench, goals: &mut Goals) -> Result<()> {
        match self {
            Self::CachedRead => cached_read::run(bench, goals),
            Self::Allocations => allocations::run(bench, goals),
            Self::ColdFailure => cold_failure::run(bench, goals),
            Self::ColdStart => cold_start::run(bench, goals),
            Self::Renewal => renewal::run(bench, goals),
            Self::UncachedFetch => uncached_fetch::run(bench, goals),
            Self::ApiCall => api_call::run(bench, goals),
            Self::Pool => pool::run(bench, goals),
        }
    }
}
