//! The command line.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;

use crate::script::Fault;

/// Runs the client for minutes against a server on loopback that fails in every way, and checks what it promises.
///
/// Many tenants share one pool, and their tokens live for less than a minute or two. Callers ask for the tokens
/// of all tenants without an end. The server follows a script: each fault lasts for a few seconds, and then the client
/// has time to recover. The program checks every call against the server's own account of what it has issued. At the
/// end, it prints each promise with its figures, and exits with 1 if one is broken.
#[derive(Debug, Parser)]
#[command(name = "soak")]
pub(crate) struct Arguments {
    /// How long to run.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,

    /// The number of tenants.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(20..=1_000_000))]
    pub(crate) tenants: u32,

    /// The number of callers. Together they call for each tenant about once a second.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) callers: u32,

    /// The shortest life of a token in seconds. The longest is twice that.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(10..=3600))]
    pub(crate) life: u32,

    /// Chooses tenants, lifetimes and delays. The same seed makes the same choices, but not at the same moments
    /// [default: random].
    #[arg(long)]
    seed: Option<u64>,

    /// Only these faults, separated by commas [default: all, in this order].
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) faults: Vec<Fault>,
}

impl Arguments {
    /// Returns how long to run.
    pub(crate) fn length(&self) -> Result<Duration> {
        let length = Duration::try_from_secs_f64(self.minutes * 60.0).context("`--minutes` is not a length of time")?;
        let seconds = length.as_secs();
        ensure!((10..=7 * 24 * 3600).contains(&seconds), "`--minutes` must be between 0.2 and 10080 (a week)");
        Ok(length)
    }

    /// Returns the seed, or a random one.
    pub(crate) fn seed(&self) -> u64 {
        // Short enough to be typed.
        self.seed.unwrap_or_else(|| fastrand::u64(..1_000_000))
    }

    /// Returns the command that repeats this run.
    pub(crate) fn command(&self, seed: u64) -> String {
        let Self { minutes, tenants, callers, life, .. } = self;
        let faults: Vec<_> = self.faults.iter().map(|fault| fault.name()).collect();
        let faults = if faults.is_empty() { String::new() } else { format!(" --faults {}", faults.join(",")) };
        format!("soak --minutes {minutes} --tenants {tenants} --callers {callers} --life {life} --seed {seed}{faults}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(line: &str) -> Result<Arguments> {
        Ok(Arguments::try_parse_from(line.split_whitespace())?)
    }

    #[test]
    fn the_command_of_a_run_repeats_it() -> Result<()> {
        let line = "soak --minutes 0.5 --tenants 500 --callers 100 --life 20 --seed 7 --faults hang,no-lifetime";
        assert_eq!(arguments(line)?.command(7), line);
        assert_eq!(arguments(line)?.seed(), 7);
        assert_eq!(
            arguments("soak")?.command(8),
            "soak --minutes 10 --tenants 20000 --callers 1000 --life 30 --seed 8"
        );
        Ok(())
    }

    #[test]
    fn a_length_that_is_none_is_refused() -> Result<()> {
        for minutes in ["0", "0.1", "NaN", "inf", "1e9"] {
            assert!(arguments(&format!("soak --minutes {minutes}"))?.length().is_err(), "{minutes}");
        }
        assert_eq!(arguments("soak --minutes 0.5")?.length()?, Duration::from_secs(30));
        Ok(())
    }
}
