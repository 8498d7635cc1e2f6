//! Turns the options of a provider into flags.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgAction, value_parser};
use credentials_grant::ClientAuthentication;

use crate::provider::Provider;
use crate::provider::option::{ProviderOption, ValueKind};
use crate::provider::options::{AUTH, DPOP, DPOP_KEY, TIMEOUT};

/// Makes the flags of these options.
pub(super) fn args(provider: &'static Provider, options: &[ProviderOption]) -> Vec<Arg> {
    options.iter().flat_map(|option| flags(option, &help(provider, option, options))).collect()
}

fn flags(option: &ProviderOption, help: &str) -> Vec<Arg> {
    let long = option.flag().trim_start_matches('-').to_owned();
    let arg = Arg::new(option.name).long(long).help_heading(option.group.heading()).help(help.to_owned());
    let arg = if option.kind == ValueKind::Switch { arg } else { arg.value_name(option.metavar()) };
    match option.kind {
        // So that the message about a negative duration is ours.
        ValueKind::Text => vec![arg.allow_hyphen_values(option.name == TIMEOUT.name)],
        ValueKind::List => vec![arg.action(ArgAction::Append)],
        ValueKind::Switch => {
            let arg = arg.action(ArgAction::SetTrue);
            vec![if option.name == DPOP.name { arg.conflicts_with(DPOP_KEY.name) } else { arg }]
        }
        ValueKind::Path(_) => vec![arg.value_parser(value_parser!(PathBuf))],
        ValueKind::File(_) => {
            let file = arg.value_parser(value_parser!(PathBuf));
            // Many people try `--client-secret SECRET` first. They get an explanation that does not repeat the secret.
            let exposed = Arg::new(option.exposed_id()).long(option.name).hide(true).action(ArgAction::Append);
            let exposed = exposed.num_args(0..).value_parser(value_parser!(OsString)).allow_hyphen_values(true);
            vec![file, exposed]
        }
    }
}

/// Returns the help of a flag, with the values to choose from and the environment variables.
fn help(provider: &Provider, option: &ProviderOption, options: &[ProviderOption]) -> String {
    let with_flag = |text: String, other: &ProviderOption| text.replace(&format!("`{}`", other.name), &other.flag());
    let text = sentence(&options.iter().fold(option.help.to_owned(), with_flag));
    let source = match option.kind {
        ValueKind::File(_) => "; a file, or - for standard input",
        ValueKind::Path(_) => "; - for standard input",
        _ => "",
    };
    let values = match &option.values()[..] {
        [] => String::new(),
        values => format!(" [values: {}{}]", values.join(", "), short_forms(option)),
    };
    let variable = provider.variable(option.name);
    let variables = match option.kind {
        _ if !option.has_variable => String::new(),
        ValueKind::File(_) => format!(" [env: {variable}_FILE, or {variable} for the content itself]"),
        _ => format!(" [env: {variable}]"),
    };
    [&text, source, &values, &variables].concat()
}

/// Returns the short forms of client authentication methods, for those that have one.
fn short_forms(option: &ProviderOption) -> String {
    let methods = option.values().into_iter().filter_map(|value| value.parse::<ClientAuthentication>().ok());
    let short = methods.filter_map(|method| method.aliases().first().copied()).collect::<Vec<_>>().join(", ");
    if short.is_empty() || option.name != AUTH { String::new() } else { format!("; short forms: {short}") }
}

/// Starts with a capital letter, like clap's own help.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
