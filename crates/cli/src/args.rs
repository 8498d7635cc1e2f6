//! The command line, and what is said of one that makes no sense.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};

use crate::exit::{Exit, Failure, table};
use crate::input::Input;
use crate::provider::Provider;
use crate::provider_file::FLAG;
use crate::registry::all;
use crate::{demo, doctor, emulate, operation, provider_file, providers, registry, request, source, token};

/// The whole command.
pub(crate) fn command() -> Command {
    let exit_codes = Command::new("exit-codes")
        .about("What the exit codes mean")
        .long_about(table().trim_end().to_owned())
        .help_template("{about-with-newline}");
    Command::new("cgrant")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Access tokens by OAuth 2.0 client credentials, at any vendor")
        .after_help("Try it: cgrant demo")
        .max_term_width(100)
        .arg(
            Arg::new("verbose")
                .short('v')
                .long("verbose")
                .action(ArgAction::Count)
                .global(true)
                .help("Say on standard error what is done"),
        )
        .subcommands([
            token::command(),
            request::command(),
            doctor::command(),
            operation::introspect_command(),
            operation::revoke_command(),
            providers::command(),
            demo::command(),
            emulate::command(),
            exit_codes,
        ])
}

/// The help for somebody who asked for nothing.
pub(crate) fn print_help() -> Exit {
    // A reader who has gone away needs none.
    let _ = write!(anstream::stderr(), "{}", command().render_help().ansi());
    Exit::Usage
}

/// Says what is wrong with the command line, or the help that was asked for.
pub(crate) fn explain(error: &clap::Error) -> Exit {
    let of = |kind| error.get(kind).map(strings).unwrap_or_default();
    let usage = of(ContextKind::Usage).concat();
    let wants_provider = source::COMMANDS.iter().find(|(name, _)| usage.contains(&format!("cgrant {name}")));
    let all = || all().map(|provider| provider.name).collect();
    let providers = wants_provider.map_or_else(all, |(_, purpose)| purpose.providers());
    let failure = match error.kind() {
        ErrorKind::InvalidSubcommand if wants_provider.is_some() => {
            let (name, similar) = (of(ContextKind::InvalidSubcommand), of(ContextKind::SuggestedSubcommand));
            Some(unknown_provider(&name, &similar, &providers))
        }
        ErrorKind::InvalidValue if of(ContextKind::InvalidArg) == ["[PROVIDER]..."] => {
            Some(unknown_provider(&of(ContextKind::InvalidValue), &of(ContextKind::SuggestedValue), &providers))
        }
        ErrorKind::MissingSubcommand => wants_provider.map(|(command, _)| {
            let example = format!("name one of the providers, as in `cgrant {command} {}`", providers[0]);
            Failure::usage("no provider is named").with_remedy(format!("{example}: {}", providers.join(", ")))
        }),
        // The hidden flags are there to be refused, and not to be proposed.
        ErrorKind::UnknownArgument if meant_file(&of(ContextKind::SuggestedArg).concat()).is_some() => {
            let message = format!("there is no {}", of(ContextKind::InvalidArg).concat());
            let meant = meant_file(&of(ContextKind::SuggestedArg).concat()).unwrap_or_default();
            Some(Failure::usage(message).with_remedy(format!("did you mean {meant}?")))
        }
        // Words that are not flags are not repeated: one may be a secret that was put in the wrong place.
        ErrorKind::UnknownArgument if of(ContextKind::InvalidArg).iter().any(|arg| !arg.starts_with('-')) => {
            let message = "there is a word too many on the command line (not repeated: it may be a secret)";
            Some(Failure::usage(message).with_remedy("give flags only; --help lists them"))
        }
        _ => None,
    };
    if let Some(failure) = failure {
        return failure.report();
    }
    // A reader who has gone away needs no help.
    let _ = error.print();
    let _ = std::io::stdout().flush();
    if error.use_stderr() { Exit::Usage } else { Exit::Done }
}

/// The flag of a file, for the flag that would take the file's content.
fn meant_file(flag: &str) -> Option<String> {
    let mut files = all().flat_map(Provider::inputs).filter(Input::is_file);
    files.find(|input| flag.strip_prefix("--") == Some(input.name)).map(|input| input.flag())
}

fn unknown_provider(name: &[String], similar: &[String], providers: &[&str]) -> Failure {
    let names = providers.join(", ");
    let remedy = match similar.first() {
        Some(similar) if providers.contains(&similar.as_str()) => format!("did you mean {similar}? There are {names}"),
        _ => format!("use one of {names}"),
    };
    Failure::usage(format!("there is no provider {:?}", name.concat())).with_remedy(remedy)
}

fn strings(value: &ContextValue) -> Vec<String> {
    match value {
        ContextValue::String(text) => vec![text.clone()],
        ContextValue::Strings(texts) => texts.clone(),
        ContextValue::StyledStr(text) => vec![text.to_string()],
        _ => Vec::new(),
    }
}

/// The words of the command line with the vendor's name in the place of its file.
pub(crate) fn words(mut words: Vec<OsString>) -> Result<Vec<OsString>, Failure> {
    let is_command = |word: &OsString| source::COMMANDS.iter().any(|(name, _)| word == name);
    let Some(command) = words.iter().skip(1).position(is_command).map(|at| at + 1) else { return Ok(words) };
    let last = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let Some((at, path)) = (command + 1..last).find_map(|at| Some((at, path(&words, at)?))) else { return Ok(words) };
    let (path, length) = path?;
    words.drain(at..at + length);
    if let Some(named) = words.get(command + 1).and_then(|word| word.to_str()).and_then(registry::find) {
        return Err(Failure::usage(format!("{FLAG} and {} each name a provider", named.name))
            .with_remedy("leave one of them out"));
    }
    words.insert(command + 1, provider_file::describe(Path::new(&path))?.into());
    Ok(words)
}

/// The path that the flag at this word names, and how many words it takes.
fn path(words: &[OsString], at: usize) -> Option<Result<(OsString, usize), Failure>> {
    let word = words[at].to_str()?;
    let (path, length) = match word.strip_prefix(FLAG)? {
        "" => (words.get(at + 1).cloned().unwrap_or_default(), 2),
        rest => (OsString::from(rest.strip_prefix('=')?), 1),
    };
    if path.is_empty() || path.to_str().is_some_and(|path| path.starts_with("--")) {
        let message = format!("{FLAG} names no file");
        return Some(Err(Failure::usage(message).with_remedy(format!("give {FLAG} the path of a TOML file"))));
    }
    Some(Ok((path, length)))
}
