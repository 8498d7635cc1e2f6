//! The command line.

use std::path::Path;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::cases::{Case, Setting};
use crate::server::Kind;

/// Measures how many tokens a fleet of machines requests with a store in Redis or Valkey, and without one.
///
/// Each machine is a source with a store and a connection of its own, in this process. The server is a real one, which
/// the program starts, freezes and kills. The vendor is in the process. Compare the ratios.
#[derive(Debug, Parser)]
#[command(name = "fleet")]
pub(crate) struct Arguments {
    /// The cases to measure [default: all].
    #[arg(value_enum)]
    cases: Vec<Case>,

    /// The number of machines [default: 1000, or 100 with `--quick`].
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=5000))]
    machines: Option<u32>,

    /// The life of a token in seconds [default: 20, or 10 with `--quick`; 60 in the case `away`].
    #[arg(long, value_parser = clap::value_parser!(u32).range(10..=3600))]
    life: Option<u32>,

    /// The server of the store. It is what `CGRANT_TEST_VALKEY` or `CGRANT_TEST_REDIS` names, or else `valkey-server`
    /// or `redis-server` on the path.
    #[arg(long, value_enum, default_value_t = Kind::Valkey)]
    pub(crate) server: Kind,

    /// Use fewer machines, for fewer and shorter lifetimes, to check in three minutes that everything works.
    #[arg(long)]
    quick: bool,
}

impl Arguments {
    /// Returns the number of machines.
    pub(crate) fn machines(&self) -> u32 {
        self.machines.unwrap_or(if self.quick { 100 } else { 1000 })
    }

    /// Returns the cases to measure.
    pub(crate) fn cases(&self) -> Vec<Case> {
        if self.cases.is_empty() { Case::value_variants().to_vec() } else { self.cases.clone() }
    }

    /// Returns what every case needs to know.
    pub(crate) fn setting<'a>(&self, program: &'a Path) -> Setting<'a> {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        let short = if self.quick { 10 } else { 20 };
        Setting {
            program,
            machines: self.machines(),
            life: seconds(self.life.unwrap_or(short)),
            long_life: seconds(self.life.unwrap_or(60)),
            lifetimes: if self.quick { 3 } else { 10 },
            rounds: if self.quick { 1 } else { 3 },
        }
    }
}
