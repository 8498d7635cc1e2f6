//! What a run was told of a provider: by flags, else by environment variables.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Arg, ArgAction, ArgMatches, value_parser};
use credentials_grant::{ClientCredentials, CredentialsGrant, SecretString, Setting, Settings};

use crate::exit::Failure;
use crate::registry::{CLIENT_ID, CLIENT_SECRET, Provider, flag};
use crate::secret;

/// The flags of a provider's settings.
pub(crate) fn args(provider: &'static Provider) -> impl Iterator<Item = Arg> {
    provider.settings().flat_map(move |setting| {
        let values = match setting.values {
            [] => String::new(),
            values => format!(" [values: {}]", values.join(", ")),
        };
        let (what, variable) = (sentence(setting.help), provider.variable(setting.name));
        let long = flag(setting).trim_start_matches('-').to_owned();
        let arg = Arg::new(setting.name).long(long).help_heading("Settings");
        if !setting.secret {
            let name = setting.name.to_ascii_uppercase().replace('-', "_");
            return vec![arg.value_name(name).help(format!("{what}{values} [env: {variable}]"))];
        }
        let help = format!("{what} in a file, - for standard input [env: {variable}, the secret itself]");
        let file = arg.value_name("PATH").value_parser(value_parser!(PathBuf)).help(help);
        // What many would try first gets an explanation, and its value is not repeated.
        let itself = Arg::new(on_command_line(setting)).long(setting.name).hide(true).action(ArgAction::Append);
        vec![file, itself.num_args(0..).value_parser(value_parser!(OsString)).allow_hyphen_values(true)]
    })
}

/// A provider and what a run was told of it.
pub(crate) struct Given<'a> {
    provider: &'static Provider,
    matches: &'a ArgMatches,
}

impl<'a> Given<'a> {
    /// Refuses a secret on the command line, whatever else is right.
    pub(crate) fn new(provider: &'static Provider, matches: &'a ArgMatches) -> Result<Self, Failure> {
        let given = Self { provider, matches };
        let exposed = |setting: &&Setting| setting.secret && matches.contains_id(&on_command_line(setting));
        match provider.settings().find(exposed) {
            None => Ok(given),
            Some(setting) => Err(given.usage(
                format!("there is no --{}: everyone on the machine can read a command line", setting.name),
                format!("use {}", given.could_write(setting)),
            )),
        }
    }

    /// The provider, built from its settings.
    pub(crate) fn build(&self) -> Result<Arc<dyn CredentialsGrant>, Failure> {
        let mut settings = Settings::new();
        for setting in self.provider.settings().filter(|setting| !setting.secret && setting.name != CLIENT_ID) {
            if let Some(value) = self.find(setting)? {
                settings = settings.with(setting.name, value);
            }
        }
        self.provider.build(&settings).map_err(|error| self.explain(error))
    }

    /// The client id, the client secret, and what other secrets there are.
    pub(crate) fn credentials(&self) -> Result<ClientCredentials, Failure> {
        self.check_stdin()?;
        let client_id = self.require(CLIENT_ID, Self::find)?;
        let client_secret = self.require(CLIENT_SECRET, Self::secret)?;
        let mut credentials = ClientCredentials::new(client_id, client_secret);
        for setting in self.provider.settings().filter(|setting| setting.secret && setting.name != CLIENT_SECRET) {
            if let Some(value) = self.secret(setting)? {
                credentials = credentials.with_secret(setting.name, value);
            }
        }
        Ok(credentials)
    }

    /// An error of the provider's, its settings named as they were written.
    pub(crate) fn explain(&self, error: credentials_grant::Error) -> Failure {
        Failure::from(error).in_words(|text| {
            self.provider.settings().fold(text.to_owned(), |text, setting| {
                text.replace(&format!("`{}`", setting.name), &self.as_written(setting))
            })
        })
    }

    fn find(&self, setting: &Setting) -> Result<Option<String>, Failure> {
        let value = match self.matches.get_one::<String>(setting.name) {
            // Somebody's variable was not set: their secret must not go where they did not mean it to.
            Some(value) if value.trim().is_empty() => {
                return Err(self.usage(format!("{} is empty", flag(setting)), "give it a value, or leave it out"));
            }
            Some(value) => Some(value.clone()),
            None => self.variable(setting)?,
        };
        Ok(value.map(|value| value.trim().to_owned()))
    }

    fn secret(&self, setting: &Setting) -> Result<Option<SecretString>, Failure> {
        match self.matches.get_one::<PathBuf>(setting.name) {
            Some(path) => secret::read(&flag(setting), path).map(Some).map_err(|failure| self.of_provider(failure)),
            None => Ok(self.variable(setting)?.map(|value| value.trim_end_matches(['\r', '\n']).into())),
        }
    }

    fn variable(&self, setting: &Setting) -> Result<Option<String>, Failure> {
        let Some(value) = self.variable_as_it_is(setting) else {
            return Ok(None);
        };
        let name = self.provider.variable(setting.name);
        tracing::debug!(provider = self.provider.name, "{} is taken from {name}", setting.name);
        let not_text = |_| self.usage(format!("{name} is not UTF-8 text"), format!("set {name} to UTF-8 text"));
        value.into_string().map(Some).map_err(not_text)
    }

    /// The environment variable, unless it is blank, which counts as not set.
    fn variable_as_it_is(&self, setting: &Setting) -> Option<OsString> {
        let value = env::var_os(self.provider.variable(setting.name))?;
        let blank = value.to_str().is_some_and(|value| value.trim().is_empty());
        (!blank).then_some(value)
    }

    fn require<T>(
        &self,
        name: &str,
        find: impl FnOnce(&Self, &Setting) -> Result<Option<T>, Failure>,
    ) -> Result<T, Failure> {
        let setting = self.provider.settings().find(|setting| setting.name == name);
        let found = setting.map_or(Ok(None), |setting| find(self, setting))?;
        found.ok_or_else(|| {
            let written = setting.map(|setting| self.could_write(setting)).unwrap_or_default();
            self.usage(format!("the {} is missing", name.replace('-', " ")), format!("give {written}"))
        })
    }

    /// Standard input can be read once.
    fn check_stdin(&self) -> Result<(), Failure> {
        let from_stdin = |setting: &&Setting| {
            setting.secret && self.matches.get_one::<PathBuf>(setting.name).is_some_and(|path| secret::is_stdin(path))
        };
        let flags: Vec<_> = self.provider.settings().filter(from_stdin).map(flag).collect();
        match flags[..] {
            [_, _, ..] => Err(self.usage(
                format!("{} cannot share standard input", flags.join(" and ")),
                "leave - to one of them and give the others files",
            )),
            _ => Ok(()),
        }
    }

    /// The setting as the user wrote it, or could have.
    fn as_written(&self, setting: &Setting) -> String {
        let variable = self.provider.variable(setting.name);
        if self.matches.contains_id(setting.name) {
            flag(setting)
        } else if self.variable_as_it_is(setting).is_some() {
            variable
        } else {
            format!("{} or {variable}", flag(setting))
        }
    }

    fn could_write(&self, setting: &Setting) -> String {
        let value = if setting.secret { " PATH (- for standard input)" } else { "" };
        format!("{}{value} or the environment variable {}", flag(setting), self.provider.variable(setting.name))
    }

    fn usage(&self, message: impl Into<String>, remedy: impl Into<String>) -> Failure {
        self.of_provider(Failure::usage(message).with_remedy(remedy))
    }

    fn of_provider(&self, failure: Failure) -> Failure {
        failure.with_provider(self.provider.name)
    }
}

/// The name under which clap keeps a secret that was given on the command line.
fn on_command_line(setting: &Setting) -> String {
    format!("{} itself", setting.name)
}

/// With a capital letter, as clap writes its own help.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
