//! Measures how many tokens a fleet of machines requests with a store in Redis or Valkey, and without one, and what its
//! callers notice when the store fails.
//!
//! The machines are in one process: each is a source with a store and a connection of its own. The server of the store
//! is a real one. The vendor is in the process too, or the sockets of its clients would be what is measured. Time is
//! real. The program exits with 0 even if a goal is missed.

mod arguments;
mod cases;
#[path = "../descriptors.rs"]
mod descriptors;
mod machines;
#[path = "../report.rs"]
mod report;
mod server;
#[path = "../standard.rs"]
mod standard;
mod tally;
#[path = "../timing.rs"]
mod timing;
mod vendor;

use std::fs;
use std::thread;

use anyhow::{Result, ensure};
use clap::Parser;
use tokio::runtime::Builder;

use crate::arguments::Arguments;
use crate::report::{Goals, note, title};
use crate::server::Server;

/// How many fleets run at the same time, at the most.
const FLEETS: u64 = 4;

/// How many files are open besides the connections of the machines.
const OTHER_FILES: u64 = 200;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let (machines, cases) = (arguments.machines(), arguments.cases());
    let needed = FLEETS * u64::from(machines) + OTHER_FILES;
    if let Some(limit) = descriptors::raise_limit()? {
        ensure!(
            limit >= needed,
            "at most {limit} files may be open, and {machines} machines need {needed}: `ulimit -n`"
        );
    }
    let threads = thread::available_parallelism()?.get();
    let runtime = Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    runtime.block_on(async {
        let program = arguments.server.program()?;
        title(format!("{machines} machines, {threads} threads, {}", Server::start(&program).await?.version().await?));
        let mut goals = Goals::default();
        for case in cases {
            case.run(&arguments.setting(&program), &mut goals).await?;
            note(load());
        }
        goals.summary();
        Ok(())
    })
}

/// Returns how busy the machine is, on Linux.
fn load() -> String {
    let read = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let averages: Vec<_> = read.split(' ').take(3).collect();
    if averages.len() < 3 { String::new() } else { format!("\nLoad of this machine: {}", averages.join(", ")) }
}
