//! Commands that take a provider: a subcommand for each, with its settings as flags.

use std::ffi::OsString;

use clap::{Arg, Command, value_parser};

use super::flags;
use crate::command_kind::CommandKind;
use crate::provider::{Provider, file};
use crate::registry::all;

/// The commands that take a provider.
pub(super) const PROVIDER_COMMANDS: [(&str, CommandKind); 5] = [
    ("doctor", CommandKind::FetchesToken),
    ("introspect", CommandKind::TakesToken),
    ("request", CommandKind::CallsApi),
    ("revoke", CommandKind::TakesToken),
    ("token", CommandKind::FetchesToken),
];

/// Makes a command with a subcommand for each provider. `with_flags` adds the command's own flags to a subcommand.
pub(super) fn command(
    name: &'static str,
    kind: CommandKind,
    with_flags: fn(&'static Provider, Command) -> Command,
) -> Command {
    let subcommand = |provider: &'static Provider| {
        let command = Command::new(provider.name).hide(!kind.is_supported_by(provider));
        with_flags(provider, command.args(flags::args(provider, &kind.options(provider))))
    };
    // For the help alone: `provider_file::replace` removes it before clap parses.
    let provider_file = Arg::new("provider-file")
        .long("provider-file")
        .value_name("PATH")
        .value_parser(value_parser!(OsString))
        .help("A TOML file that describes a vendor, in place of a provider's name; its settings become flags");
    let help = format!("Settings of a provider: cgrant {name} PROVIDER --help\nExit codes: cgrant help exit-codes");
    Command::new(name)
        .subcommand_value_name("PROVIDER")
        .subcommand_help_heading("Providers")
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .after_help(help)
        .arg(provider_file)
        .subcommands(all().map(subcommand))
}

/// Returns an example for the end of a provider's help.
pub(super) fn example(provider: &Provider, command: &str) -> String {
    let (id, secret) = (provider.variable("client-id"), provider.variable("client-secret"));
    let command = if file::is_from_file(provider) {
        &command.replacen(provider.name, "--provider-file PATH", 1)
    } else {
        command
    };
    format!("Example:\n  export {id}=… {secret}=…\n  {}\n\nFlags override environment variables.", command.trim_end())
}
