//! Runs the client for minutes against a server that fails in every way, and checks what it promises.
//!
//! The server, the callers and the checks are in one process, over loopback, in real time.

mod arguments;
mod book;
mod callers;
mod conductor;
#[path = "../descriptors.rs"]
mod descriptors;
mod process;
mod promises;
mod recovery;
mod report;
#[path = "../request.rs"]
mod request;
mod script;
mod server;
#[path = "../standard.rs"]
mod standard;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use credentials_grant::ClientCredentials;
use credentials_grant_client::TokenPool;
use fastrand::Rng;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::arguments::Arguments;
use crate::book::Book;
use crate::callers::{Callers, Tally};
use crate::conductor::Conductor;
use crate::promises::{Findings, Promise};
use crate::recovery::Recovery;
use crate::report::Report;
use crate::script::{Fault, Phase, Script};
use crate::server::Server;
use crate::standard::Standard;

/// How long the client waits for the server.
const TIMEOUT: Duration = Duration::from_secs(2);

/// There is one visitor for this many tenants, and room for one of this many visitors.
const TENANTS_PER_VISITOR: u32 = 4;
const VISITORS_PER_PLACE: u32 = 4;

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let seed = arguments.seed();
    let command = arguments.command(seed);
    let faults = if arguments.faults.is_empty() { Fault::value_variants().to_vec() } else { arguments.faults.clone() };
    let script = Script::new(arguments.length()?, faults);
    descriptors::raise_limit()?;
    report::start(&command, &script);

    let mut report = run(&arguments, script, seed)?;
    report.print();
    Ok(report.conclude(&command))
}

/// Runs the script, and returns what happened.
fn run(arguments: &Arguments, script: Script, seed: u64) -> Result<Report> {
    let mut rng = Rng::with_seed(seed);
    let findings = Arc::new(Findings::new());
    let (regulars, visitors) = (arguments.tenants, arguments.tenants / TENANTS_PER_VISITOR);
    let book = Arc::new(Book::new(regulars, visitors, TIMEOUT, Arc::clone(&findings)));
    let (phase, phases) = watch::channel(Phase { number: None, fault: None, since: Instant::now() });
    let (visitors_pool, visitors_pools) = watch::channel(None);

    // Runtimes of their own, so that the server does not wait for the callers.
    let (server_runtime, runtime) = (multi_threaded(1)?, multi_threaded(thread::available_parallelism()?.get())?);
    let url = {
        let _inside = server_runtime.enter();
        Server::start(Arc::clone(&book), phases.clone(), arguments.life, TIMEOUT, rng.fork())?
    };

    let longest = script.longest_recovery(TIMEOUT);
    let recovery = Recovery::new(longest, script.faults.len(), Arc::clone(&findings));
    let callers = Arc::new(Callers {
        pool: TokenPool::builder().with_capacity(regulars as usize).with_timeout(TIMEOUT).build()?,
        visitors_pool: visitors_pools,
        phase: phases,
        provider: Standard::new(&url)?,
        credentials: (0..regulars + visitors)
            .map(|tenant| ClientCredentials::new(tenant.to_string(), "a-secret"))
            .collect(),
        regulars,
        timeout: TIMEOUT,
        pause: Duration::from_secs(1).mul_f64(f64::from(arguments.callers) / f64::from(regulars)),
        book: Arc::clone(&book),
        findings: Arc::clone(&findings),
        recovery,
        tally: Tally::default(),
        turn: AtomicU32::new(0),
        is_over: AtomicBool::new(false),
    });
    let conductor = Conductor {
        script: &script,
        longest_recovery: longest,
        phase,
        visitors_pool,
        small_pool: || small_pool(visitors),
        callers: Arc::clone(&callers),
        book: Arc::clone(&book),
        runtime: runtime.handle().clone(),
    };
    let course = runtime.block_on(conductor.run(arguments.callers, &mut rng))?;
    let (totals, failures) = (callers.tally.totals(), callers.recovery.all());
    drop(callers);
    let tasks_left = runtime.block_on(tasks_left(&runtime));
    if tasks_left > 0 {
        findings.broken(Promise::LeavesNoTask, || format!("{tasks_left} tasks still run"));
    }
    let requests = book.totals();
    Ok(Report { script, findings, longest_recovery: longest, totals, requests, failures, course, tasks_left })
}

fn multi_threaded(threads: usize) -> Result<Runtime> {
    Ok(Builder::new_multi_thread().worker_threads(threads).enable_all().build()?)
}

/// Returns a pool that has room for a few of the visitors, and renews their tokens by itself.
fn small_pool(visitors: u32) -> Result<TokenPool> {
    let capacity = (visitors / VISITORS_PER_PLACE).max(1) as usize;
    Ok(TokenPool::builder().with_capacity(capacity).with_timeout(TIMEOUT).keep_warm().build()?)
}

/// Returns how many tasks are left once all requests are over and all connections are closed.
async fn tasks_left(runtime: &Runtime) -> usize {
    let until = Instant::now() + 3 * TIMEOUT;
    while runtime.metrics().num_alive_tasks() > 0 && Instant::now() < until {
        sleep(Duration::from_millis(10)).await;
    }
    runtime.metrics().num_alive_tasks()
}
