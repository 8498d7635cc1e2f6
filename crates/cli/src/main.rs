//! The command `cgrant`: access tokens for those who write no Rust.
//!
//! Standard output is for the answer alone, standard error for everything else, and the exit code says what happened.

mod args;
mod ask;
mod credentials;
mod demo;
mod doctor;
mod emulate;
mod exit;
mod file;
mod flags;
mod given;
mod input;
mod operation;
mod output;
mod provider;
mod provider_file;
mod providers;
mod registry;
mod request;
mod source;
mod token;

use std::env;
use std::process::ExitCode;

use clap::ArgMatches;

use crate::exit::{Exit, Failure};

fn main() -> ExitCode {
    let words = match args::words(env::args_os().collect()) {
        Ok(words) => words,
        Err(failure) => return failure.report().into(),
    };
    let matches = match args::command().try_get_matches_from(words) {
        Ok(matches) => matches,
        Err(error) => return args::explain(&error).into(),
    };
    output::show_events(matches.get_count("verbose"));
    run(&matches).unwrap_or_else(|failure| failure.report()).into()
}

fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    match matches.subcommand() {
        Some(("demo", matches)) => demo::run(matches),
        Some(("doctor", matches)) => doctor::run(matches),
        Some(("emulate", matches)) => emulate::run(matches),
        Some(("introspect", matches)) => operation::introspect(matches),
        Some(("providers", matches)) => providers::run(matches),
        Some(("request", matches)) => request::run(matches),
        Some(("revoke", matches)) => operation::revoke(matches),
        Some(("token", matches)) => token::run(matches),
        Some(("exit-codes", _)) => output::print(&exit::table()).map(|()| Exit::Done),
        // A script whose variable is empty must not take the help for what it asked for.
        _ => Ok(args::print_help()),
    }
}
