//! What a run was told of a provider: by flags, else by environment variables.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use clap::ArgMatches;
use credentials_grant::settings::Settings;
use credentials_grant::{CredentialsGrant, SecretString};

use crate::exit::Failure;
use crate::file;
use crate::input::{Input, Topic};
use crate::provider::Provider;

/// A provider and what a run was told of it.
pub(crate) struct Given<'a> {
    pub(crate) provider: &'static Provider,
    /// All that can be said to the command that runs.
    inputs: Vec<Input>,
    pub(crate) matches: &'a ArgMatches,
}

impl<'a> Given<'a> {
    /// Refuses a secret on the command line, whatever else is right.
    pub(crate) fn new(
        provider: &'static Provider,
        inputs: Vec<Input>,
        matches: &'a ArgMatches,
    ) -> Result<Self, Failure> {
        let given = Self { provider, inputs, matches };
        let exposed = |input: &&Input| input.is_file() && matches.contains_id(&input.on_command_line());
        match given.inputs.iter().find(exposed) {
            None => Ok(given),
            Some(input) => {
                let why = if input.is_secret() { ": everyone on the machine can read a command line" } else { "" };
                Err(given
                    .usage(format!("there is no --{}{why}", input.name), format!("use {}", given.could_write(input))))
            }
        }
    }

    /// The provider, built from these settings.
    pub(crate) fn build(&self, settings: &Settings) -> Result<Arc<dyn CredentialsGrant>, Failure> {
        self.provider.build(settings).map_err(|error| self.explain(error))
    }

    /// The settings that were given.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        let mut settings = Settings::new();
        for input in self.inputs.iter().filter(|input| input.topic == Topic::Settings) {
            if let Some(value) = self.word(input)? {
                settings = settings.with(input.name, value);
            }
        }
        Ok(settings)
    }

    /// An error of the provider's, its settings named as they were written.
    pub(crate) fn explain(&self, error: credentials_grant::Error) -> Failure {
        Failure::from(error).in_words(|text| {
            self.inputs.iter().fold(text.to_owned(), |text, input| {
                text.replace(&format!("`{}`", input.name), &self.as_written(input))
            })
        })
    }

    /// What was given as a word.
    pub(crate) fn word(&self, input: &Input) -> Result<Option<String>, Failure> {
        let value = match self.matches.get_one::<String>(input.name) {
            // Somebody's variable was not set: their secret must not go where they did not mean it to.
            Some(value) if value.trim().is_empty() => {
                return Err(self.usage(format!("{} is empty", input.flag()), "give it a value, or leave it out"));
            }
            Some(value) => Some(value.clone()),
            None => self.in_environment(input)?,
        };
        Ok(value.map(|value| value.trim().to_owned()))
    }

    /// What was given in a file, on standard input, or as the content of a variable.
    pub(crate) fn content(&self, input: &Input) -> Result<Option<SecretString>, Failure> {
        if let Some((name, path)) = self.path(input)? {
            return file::read(&name, &path, input.form).map(Some).map_err(|failure| self.of_provider(failure));
        }
        Ok(self.in_environment(input)?.map(|content| content.trim_end_matches(['\r', '\n']).into()))
    }

    /// Which file it is in, if it is in one, and who says so.
    fn path(&self, input: &Input) -> Result<Option<(String, PathBuf)>, Failure> {
        if let Some(path) = self.matches.get_one::<PathBuf>(input.name) {
            return Ok(Some((input.flag(), path.clone())));
        }
        let (content, path) = (self.provider.variable(input.name), self.provider.path_variable(input.name));
        match self.variable(&path)? {
            Some(_) if is_set(&content) => {
                Err(self.usage(format!("{content} and {path} contradict each other"), "set one of them"))
            }
            Some(value) => Ok(Some((path, PathBuf::from(value.trim())))),
            None => Ok(None),
        }
    }

    fn in_environment(&self, input: &Input) -> Result<Option<String>, Failure> {
        let name = self.provider.variable(input.name);
        let value = self.variable(&name)?;
        if value.is_some() {
            tracing::debug!(provider = self.provider.name, "{} is taken from {name}", input.flag());
        }
        Ok(value)
    }

    fn variable(&self, name: &str) -> Result<Option<String>, Failure> {
        let Some(value) = value_of(name) else {
            return Ok(None);
        };
        let not_text = |_| self.usage(format!("{name} is not UTF-8 text"), format!("set {name} to UTF-8 text"));
        value.into_string().map(Some).map_err(not_text)
    }

    /// Standard input can be read once: by one of the inputs, or of these others.
    pub(crate) fn check_stdin(&self, others: &[&str]) -> Result<(), Failure> {
        let mut readers: Vec<_> = others.iter().map(|&name| name.to_owned()).collect();
        for input in self.inputs.iter().filter(|input| input.is_file()) {
            readers.extend(self.path(input)?.filter(|(_, path)| file::is_stdin(path)).map(|(name, _)| name));
        }
        match readers[..] {
            [_, _, ..] => Err(self.usage(
                format!("{} cannot share standard input", readers.join(" and ")),
                "leave - to one of them and give the others files",
            )),
            _ => Ok(()),
        }
    }

    /// Whether it was given, by whatever means.
    pub(crate) fn has(&self, input: &Input) -> bool {
        self.has_flag(input)
            || is_set(&self.provider.variable(input.name))
            || input.is_file() && is_set(&self.provider.path_variable(input.name))
    }

    pub(crate) fn has_flag(&self, input: &Input) -> bool {
        self.inputs.iter().any(|other| other.name == input.name) && self.matches.contains_id(input.name)
    }

    /// The input as the user wrote it, or could have.
    pub(crate) fn as_written(&self, input: &Input) -> String {
        let (variable, path) = (self.provider.variable(input.name), self.provider.path_variable(input.name));
        match () {
            () if self.has_flag(input) => input.flag(),
            () if is_set(&variable) => variable,
            () if input.is_file() && is_set(&path) => path,
            () => format!("{} or {variable}", input.flag()),
        }
    }

    pub(crate) fn could_write(&self, input: &Input) -> String {
        let value = if input.is_file() { " PATH (- for standard input)" } else { "" };
        format!("{}{value} or the environment variable {}", input.flag(), self.provider.variable(input.name))
    }

    /// What must be given, in words.
    pub(crate) fn missing(&self, input: &Input) -> Failure {
        let message = format!("the {} is missing", input.what());
        self.usage(message, format!("give {}", self.could_write(input)))
    }

    pub(crate) fn usage(&self, message: impl Into<String>, remedy: impl Into<String>) -> Failure {
        self.of_provider(Failure::usage(message).with_remedy(remedy))
    }

    pub(crate) fn of_provider(&self, failure: Failure) -> Failure {
        failure.with_provider(self.provider.name)
    }
}

/// The environment variable, unless it is blank, which counts as not set.
fn value_of(name: &str) -> Option<OsString> {
    let value = env::var_os(name)?;
    let blank = value.to_str().is_some_and(|value| value.trim().is_empty());
    (!blank).then_some(value)
}

fn is_set(name: &str) -> bool {
    value_of(name).is_some()
}
