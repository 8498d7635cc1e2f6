//! Compares the client with other libraries in one process, and prints the ratios.
//!
//! The libraries run in turns (A B C A B C …), so that a busy machine slows down all of them equally. Compare the
//! ratios; the times are only for orientation. The program exits with 0 even if a goal is missed.

mod cases;
mod contender;
mod measure;
mod peers;
mod report;
mod request;
mod rush;
mod server;
mod standard;
mod timing;

use std::thread;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use tokio::runtime::{Builder, Runtime};

use crate::cases::Case;
use crate::report::Goals;
use crate::server::Loopback;

/// Compares the client with other libraries, on loopback.
#[derive(Debug, Parser)]
struct Arguments {
    /// The cases to measure [default: all].
    #[arg(value_enum)]
    cases: Vec<Case>,

    /// Run fewer rounds, to check in about a minute that everything works.
    #[arg(long)]
    quick: bool,
}

/// The data that every case needs.
struct Bench {
    /// Runs the contenders.
    runtime: Runtime,
    /// Runs their servers.
    loopback: Loopback,
    threads: usize,
    quick: bool,
}

impl Bench {
    /// Returns `full` or `quick`, depending on the kind of run.
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
