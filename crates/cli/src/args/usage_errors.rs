//! What is wrong with a command line, where clap's own words would not help or would repeat a secret.

use std::io::Write;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::provider_command::PROVIDER_COMMANDS;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::provider::Provider;
use crate::provider::option::ProviderOption;
use crate::registry::all;

/// Prints what is wrong with the command line, or the help that was asked for.
pub(super) fn report(error: &clap::Error) -> Exit {
    if let Some(error) = explain(error) {
        return error.report();
    }
    // A reader that has closed the pipe needs no help.
    let _ = error.print();
    let _ = std::io::stdout().flush();
    if error.use_stderr() { Exit::Usage } else { Exit::Done }
}

/// Returns a better error than clap's, where there is one.
fn explain(error: &clap::Error) -> Option<CommandError> {
    let context = |kind| error.get(kind).map(strings).unwrap_or_default();
    let usage = context(ContextKind::Usage).concat();
    let command = PROVIDER_COMMANDS.iter().find(|(name, _)| usage.contains(&format!("cgrant {name}")));
    let all = || all().map(|provider| provider.name).collect();
    let providers = command.map_or_else(all, |(_, kind)| kind.provider_names());
    match error.kind() {
        ErrorKind::InvalidSubcommand if command.is_some() => {
            let (name, similar) = (context(ContextKind::InvalidSubcommand), context(ContextKind::SuggestedSubcommand));
            Some(unknown_provider(&name, &similar, &providers))
        }
        ErrorKind::InvalidValue if context(ContextKind::InvalidArg) == ["[PROVIDER]..."] => {
            let (name, similar) = (context(ContextKind::InvalidValue), context(ContextKind::SuggestedValue));
            Some(unknown_provider(&name, &similar, &providers))
        }
        ErrorKind::MissingSubcommand => command.map(|(name, _)| {
            let example = format!("name one, as in `cgrant {name} {}`", providers[0]);
            CommandError::usage("no provider given").with_remedy(format!("{example}: {}", providers.join(", ")))
        }),
        ErrorKind::UnknownArgument => {
            unexpected_argument(&context(ContextKind::InvalidArg), &context(ContextKind::SuggestedArg).concat())
        }
        _ => None,
    }
}

fn unexpected_argument(argument: &[String], similar: &str) -> Option<CommandError> {
    // The hidden flags exist to be refused, so they are not suggested.
    if let Some(flag) = file_flag(similar) {
        let message = format!("unexpected argument {}", argument.concat());
        return Some(CommandError::usage(message).with_remedy(format!("did you mean {flag}?")));
    }
    argument.iter().any(|argument| !argument.starts_with('-')).then(|| {
        CommandError::usage("unexpected argument (not shown, it may be a secret)")
            .with_remedy("remove it, or put the flag that it belongs to before it; --help lists the flags")
    })
}

/// Returns the flag for a file, for the hidden flag that would take its content.
fn file_flag(hidden: &str) -> Option<String> {
    let mut files = all().flat_map(Provider::options).filter(ProviderOption::is_file);
    files.find(|option| hidden.strip_prefix("--") == Some(option.name)).map(|option| option.flag())
}

fn unknown_provider(name: &[String], similar: &[String], providers: &[&str]) -> CommandError {
    let names = providers.join(", ");
    let remedy = match similar.first() {
        Some(similar) if providers.contains(&similar.as_str()) => {
            format!("did you mean {similar}? The providers are {names}")
        }
        _ => format!("use one of {names}"),
    };
    CommandError::usage(format!("unknown provider {:?}", name.concat())).with_remedy(remedy)
}

fn strings(value: &ContextValue) -> Vec<String> {
    match value {
        ContextValue::String(text) => vec![text.clone()],
        ContextValue::Strings(texts) => texts.clone(),
        ContextValue::StyledStr(text) => vec![text.to_string()],
        _ => Vec::new(),
    }
}
