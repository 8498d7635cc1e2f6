//! The command line: the commands, their flags and their help.

mod demo;
mod doctor;
mod emulate;
mod flags;
mod operations;
mod output;
mod provider_command;
mod provider_file;
mod providers;
mod request;
mod store;
mod token;
mod usage_errors;
mod values;

use std::ffi::OsString;
use std::io::Write;

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::exit::{Exit, table};

/// Parses the command line. Prints what is wrong with it, or the help that was asked for.
pub(crate) fn parse(words: Vec<OsString>) -> Result<ArgMatches, Exit> {
    let words = provider_file::replace(words).map_err(|error| error.report())?;
    let command = command();
    let words = values::join_to_flags(&command, words);
    command.try_get_matches_from(words).map_err(|error| usage_errors::report(&error))
}

/// Prints the help on standard error: a script whose variable is empty must not take it for an answer.
pub(crate) fn print_help() -> Exit {
    // If standard error is closed, there is nowhere left to print it.
    let _ = write!(anstream::stderr(), "{}", command().render_help().ansi());
    Exit::Usage
}

fn command() -> Command {
    let exit_codes = Command::new("exit-codes")
        .about("List the exit codes")
        .long_about(table().trim_end().to_owned())
        .help_template("{about-with-newline}");
    Command::new("cgrant")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Get access tokens with OAuth 2.0 client credentials, from any vendor")
        .after_help("Try it without an account: cgrant demo")
        .max_term_width(100)
        .arg(
            Arg::new("verbose")
                .short('v')
                .long("verbose")
                .action(ArgAction::Count)
                .global(true)
                .help("Log to standard error; -vv logs more"),
        )
        .subcommands([
            token::command(),
            request::command(),
            doctor::command(),
            operations::introspect_command(),
            operations::revoke_command(),
            providers::command(),
            store::command(),
            demo::command(),
            emulate::command(),
            exit_codes,
        ])
}
