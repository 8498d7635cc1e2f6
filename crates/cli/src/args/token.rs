//! The flags of `cgrant token`.

use clap::Command;

use super::{output, provider_command, store};
use crate::command_kind::CommandKind;
use crate::output::OutputFormat::{Env, Header, Json, Text};
use crate::provider::Provider;

pub(super) fn command() -> Command {
    provider_command::command("token", CommandKind::FetchesToken, with_flags).about("Print an access token")
}

fn with_flags(provider: &'static Provider, command: Command) -> Command {
    let Provider { name, title, example, .. } = provider;
    command
        .about(format!("Print an access token from {title}"))
        .after_help(provider_command::example(provider, &format!("cgrant token {name} {example}")))
        .args(store::args())
        .arg(output::arg(&[Text, Json, Header, Env]).help(
            "The output format: the token alone, JSON, the headers of an API call (for curl -H @-), or variables for a \
             shell to eval",
        ))
}
