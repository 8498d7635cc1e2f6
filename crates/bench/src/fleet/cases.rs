//! The cases, one file each.

mod absent;
mod away;
mod cached_read;
mod cold_start;
mod faults;
mod holder;
mod lifetimes;
mod refusal;
mod rejection;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;

use crate::report::{Goals, times};

/// How much longer than its fetch a caller may wait for the others.
const PATIENCE: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Case {
    /// All machines start at once.
    ColdStart,
    /// Ten lifetimes of a token.
    Lifetimes,
    /// The server is killed, frozen or emptied in the middle of a renewal.
    Faults,
    /// The server is never there.
    Absent,
    /// The server is away for four minutes of an hour's life, while the tokens are renewed.
    Away,
    /// The machine that requests the first token dies meanwhile.
    Holder,
    /// The API rejects the token of all machines at once.
    Rejection,
    /// All machines have a wrong secret.
    Refusal,
    /// A token in memory is read, by one machine.
    CachedRead,
}

/// What every case needs to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting<'a> {
    /// The server's program.
    pub(crate) program: &'a Path,
    pub(crate) machines: u32,
    /// How long tokens live.
    pub(crate) life: Duration,
    /// How long they live if they have to outlast the server.
    pub(crate) long_life: Duration,
    /// How many lifetimes to measure.
    pub(crate) lifetimes: usize,
    /// How often a case of a few seconds is repeated.
    pub(crate) rounds: usize,
}

impl Case {
    pub(crate) async fn run(self, setting: &Setting<'_>, goals: &mut Goals) -> Result<()> {
        match self {
            Self::ColdStart => cold_start::run(setting, goals).await,
            Self::Lifetimes => lifetimes::run(setting, goals).await,
            Self::Faults => faults::run(setting, goals).await,
            Self::Absent => absent::run(setting, goals).await,
            Self::Away => away::run(setting, goals).await,
            Self::Holder => holder::run(setting, goals).await,
            Self::Rejection => rejection::run(setting, goals).await,
            Self::Refusal => refusal::run(setting, goals).await,
            Self::CachedRead => cached_read::run(setting, goals).await,
        }
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

/// Formats how many times as many one is as the other.
fn ratio(of: usize, to: usize) -> String {
    if to == 0 { "-".to_owned() } else { times(float(of) / float(to)) }
}

/// Formats a share of the whole in percent.
fn percent(part: usize, whole: usize) -> String {
    format!("{:.1} %", 100.0 * float(part) / float(whole))
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Makes a row of a table.
fn row<const N: usize>(name: &str, figures: [String; N]) -> Vec<String> {
    [name.to_owned()].into_iter().chain(figures).collect()
}
