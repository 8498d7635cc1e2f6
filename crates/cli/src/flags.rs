//! The flags for what a user can say of a provider.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgAction, value_parser};

use crate::input::Input;
use crate::provider::Provider;

/// The flags of these inputs.
pub(crate) fn args(provider: &'static Provider, inputs: Vec<Input>) -> impl Iterator<Item = Arg> {
    inputs.into_iter().flat_map(move |input| {
        let values = match &input.values()[..] {
            [] => String::new(),
            values => format!(" [values: {}]", values.join(", ")),
        };
        let (what, variable) = (sentence(input.help), provider.variable(input.name));
        let long = input.flag().trim_start_matches('-').to_owned();
        let arg = Arg::new(input.name).long(long).help_heading(input.topic.heading());
        if !input.is_file() {
            let name = input.name.to_ascii_uppercase().replace('-', "_");
            return vec![arg.value_name(name).help(format!("{what}{values} [env: {variable}]"))];
        }
        let help =
            format!("{what}: a file, or - for standard input [env: {variable}_FILE, or {variable} for its content]");
        let file = arg.value_name("PATH").value_parser(value_parser!(PathBuf)).help(help);
        // What many would try first gets an explanation, and its value is not repeated.
        let itself = Arg::new(input.on_command_line()).long(input.name).hide(true).action(ArgAction::Append);
        vec![file, itself.num_args(0..).value_parser(value_parser!(OsString)).allow_hyphen_values(true)]
    })
}

/// With a capital letter, as clap writes its own help.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
