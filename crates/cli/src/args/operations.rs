//! The flags of `cgrant introspect` and `cgrant revoke`.

use clap::Command;

use super::{output, provider_command};
use crate::command_kind::CommandKind;
use crate::output::OutputFormat::{Json, Text};
use crate::provider::Provider;

pub(super) fn introspect_command() -> Command {
    let with_flags = |provider, command| with_flags(provider, command, "introspect", "Ask about a token at");
    provider_command::command("introspect", CommandKind::TakesToken, with_flags)
        .about("Ask the server about a token: is it active, for whom, until when")
}

pub(super) fn revoke_command() -> Command {
    let with_flags = |provider, command| with_flags(provider, command, "revoke", "Revoke a token at");
    provider_command::command("revoke", CommandKind::TakesToken, with_flags).about("Revoke a token at the server")
}

fn with_flags(provider: &'static Provider, command: Command, name: &str, about: &str) -> Command {
    let Provider { name: provider_name, title, example, .. } = provider;
    let example = format!("cgrant {name} {provider_name} {example} --access-token-file token");
    command
        .about(format!("{about} {title}"))
        .after_help(provider_command::example(provider, &example))
        .arg(output::arg(&[Text, Json]))
}
