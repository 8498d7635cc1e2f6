//! The flags of `cgrant store`, and those about the store of the commands that request tokens.

use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, ArgAction, Command};

use super::output;
use crate::output::OutputFormat::{Json, Text};

const HEADING: &str = "Store";

pub(super) fn command() -> Command {
    Command::new("store")
        .about("List, show or remove what earlier runs left, and make keys that seal it")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .after_help(
            "`cgrant token` and `cgrant request` keep what they learn for the next run: tokens, sealed with the \
             client's own secret; refusals; and how often tokens were requested, where the vendor rations them.\n\n\
             The directory is cgrant in the user's cache directory. CGRANT_STORE names another one, or is off.\n\n\
             Machines share their tokens through a Redis or Valkey, and a keyring that all of them have:\n  \
             (umask 077; cgrant store key --keyring > keyring)    # once; copy it to each machine\n  \
             export CGRANT_STORE_KEYS_FILE=keyring CGRANT_STORE_PASSWORD_FILE=password\n  \
             export CGRANT_STORE=rediss://user@cache.example.com\n\
             With -v, `cgrant token` says whether the store works.",
        )
        .subcommands([
            Command::new("list").about("List the records, without any secret").arg(output::arg(&[Text, Json])),
            Command::new("show")
                .about("Show what is known of one record, without any secret")
                .arg(
                    Arg::new("name")
                        .value_name("NAME")
                        .required(true)
                        .help("The record's name, as `cgrant store list` prints it, or how it begins"),
                )
                .arg(output::arg(&[Text, Json])),
            Command::new("clear").about("Remove all records: each token is requested anew"),
            Command::new("path").about("Print the directory"),
            Command::new("key").about("Make a key that seals tokens, as a line for a keyring").arg(
                Arg::new("keyring")
                    .long("keyring")
                    .action(ArgAction::SetTrue)
                    .help("Make a whole keyring: a key for names, and one that seals"),
            ),
        ])
}

/// Makes the flags of commands that take a token from the store.
pub(super) fn args() -> [Arg; 4] {
    [
        Arg::new("fresh")
            .long("fresh")
            .action(ArgAction::SetTrue)
            .help_heading(HEADING)
            .help("Request a new token, even if an earlier run left a valid one; later runs get the new one"),
        Arg::new("minimum-life").long("minimum-life").value_name("DURATION").help_heading(HEADING).help(
            "Take a token only if it is valid for this long, such as 10m; by default a tenth of its lifetime, at most 60s",
        ),
        Arg::new("store")
            .long("store")
            .value_name("PATH|URL")
            .value_parser(NonEmptyStringValueParser::new())
            .help_heading(HEADING)
            .help(
                "Where runs leave their tokens: a directory, or a Redis or Valkey (rediss://user@host); by default the \
                 user's cache directory [env: CGRANT_STORE]",
            ),
        Arg::new("no-store")
            .long("no-store")
            .action(ArgAction::SetTrue)
            .conflicts_with_all(["store", "fresh"])
            .help_heading(HEADING)
            .help("Take no token from earlier runs, and leave none [env: CGRANT_STORE=off]"),
    ]
}
