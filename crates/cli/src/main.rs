//! The command `cgrant`: OAuth 2.0 access tokens without writing Rust.
//!
//! Data flows one way: the arguments are parsed (`args`), each option gets its value from a flag, a variable or a
//! default (`settings`), all of it becomes one typed `Invocation`, and that runs and prints (`commands`). Standard
//! output is for the answer alone, standard error for everything else, and the exit code says what happened.

mod args;
mod command_kind;
mod commands;
mod error;
mod exit;
mod invocation;
mod output;
mod provider;
mod registry;
mod runtime;
mod settings;
mod text;
mod tls;

use std::env;
use std::process::ExitCode;

use crate::error::CommandError;
use crate::invocation::Invocation;

fn main() -> ExitCode {
    let matches = match args::parse(env::args_os().collect()) {
        Ok(matches) => matches,
        Err(exit) => return exit.into(),
    };
    output::show_events(matches.get_count("verbose"));
    let outcome = Invocation::resolve(&matches).and_then(commands::run);
    outcome.unwrap_or_else(|error: CommandError| error.report()).into()
}
