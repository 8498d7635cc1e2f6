//! Puts the client beside its peers in one process, and prints the ratios.
//!
//! What is compared runs in turns (A B C A B C …), so that a busy machine hurts all alike. Times are for orientation;
//! what counts are the ratios. It ends well also where a goal is missed: it measures, and judges nobody.

mod cases;
mod contender;
mod measure;
mod peers;
mod report;
mod rush;
mod server;

use std::thread;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use tokio::runtime::{Builder, Runtime};

use crate::cases::Case;
use crate::report::Goals;
use crate::server::Loopback;

/// Compares the client with its peers, on loopback.
#[derive(Debug, Parser)]
struct Arguments {
    /// What to measure; all if none is named.
    #[arg(value_enum)]
    cases: Vec<Case>,

    /// Fewer rounds and a shorter load: shows that everything runs, in about a minute.
    #[arg(long)]
    quick: bool,
}

/// What every case needs.
struct Bench {
    /// Where the contenders run.
    runtime: Runtime,
    /// Where their servers run.
    loopback: Loopback,
    threads: usize,
    quick: bool,
}

impl Bench {
    /// The one for a full run, the other for a quick one.
    fn either<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let threads = thread::available_parallelism()?.get();
    let bench = Bench {
        runtime: Builder::new_multi_thread().worker_threads(threads).enable_all().build()?,
        loopback: Loopback::start()?,
        threads,
        quick: arguments.quick,
    };
    let cases = if arguments.cases.is_empty() { Case::value_variants().to_vec() } else { arguments.cases };

    let mut goals = Goals::default();
    for case in cases {
        case.run(&bench, &mut goals)?;
    }
    goals.summary();
    Ok(())
}
