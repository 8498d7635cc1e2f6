//! The flags of `cgrant doctor`.

use clap::{Arg, ArgAction, Command};

use super::{output, provider_command};
use crate::command_kind::CommandKind;
use crate::output::OutputFormat::{Json, Text};
use crate::provider::Provider;
use crate::provider::options::TIMEOUT;

pub(super) fn command() -> Command {
    provider_command::command("doctor", CommandKind::FetchesToken, with_flags)
        .about("Find out why there is no token: check network, TLS, clock and credentials")
}

fn with_flags(provider: &'static Provider, command: Command) -> Command {
    let Provider { name, title, example, .. } = provider;
    command
        .about(format!("Find out why there is no token from {title}: check network, TLS, clock and credentials"))
        .after_help(provider_command::example(provider, &format!("cgrant doctor {name} {example}")))
        .mut_arg(TIMEOUT.name, |arg| {
            arg.help(
                "How long each step may take, such as 500ms, 10s or 1m; by default 10s to connect and 30s for a response",
            )
        })
        .arg(
            Arg::new("no-token")
                .long("no-token")
                .action(ArgAction::SetTrue)
                .help("Check everything but request no token, for example because each one is billed"),
        )
        .arg(output::arg(&[Text, Json]))
}
