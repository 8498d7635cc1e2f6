//! The values of a provider's options, read as what they are.

use std::cell::RefCell;
use std::collections::BTreeMap;

use clap::ArgMatches;
use credentials_grant::SecretString;
use credentials_grant::settings::Settings;

use super::content;
use super::option_names::OptionNames;
use super::resolve::{Origin, Resolved, Value, resolve, unset_name, utf8, ways_to_set};
use crate::error::CommandError;
use crate::provider::Provider;
use crate::provider::option::{OptionGroup, ProviderOption, ValueKind};

/// The values of a provider's options, each with its origin.
pub(crate) struct ResolvedOptions {
    pub(crate) provider: &'static Provider,
    options: Vec<ProviderOption>,
    values: BTreeMap<&'static str, Resolved>,
    /// The options whose values were used so far, each with its flag or variable.
    used: RefCell<BTreeMap<&'static str, String>>,
}

impl ResolvedOptions {
    /// Finds the values of these options. Reads no file and no standard input.
    pub(crate) fn new(
        provider: &'static Provider,
        options: Vec<ProviderOption>,
        matches: &ArgMatches,
    ) -> Result<Self, CommandError> {
        let values = resolve(provider, &options, matches)?;
        Ok(Self { provider, options, values, used: RefCell::default() })
    }

    /// Returns the values of the provider's settings.
    pub(crate) fn settings(&self) -> Result<Settings, CommandError> {
        let mut settings = Settings::new();
        for option in self.options.iter().filter(|option| option.group == OptionGroup::Settings) {
            if let Some(value) = self.read_text(option)? {
                settings = settings.with(option.name, value);
            }
        }
        Ok(settings)
    }

    /// Marks the provider's settings as used.
    pub(crate) fn use_settings(&self) {
        for option in self.options.iter().filter(|option| option.group == OptionGroup::Settings) {
            self.mark_used(option);
        }
    }

    /// Returns the options whose values were used so far, each with the flag or the variable that it came from.
    pub(crate) fn sources(&self) -> BTreeMap<&'static str, String> {
        self.used.borrow().clone()
    }

    /// Returns a word.
    pub(crate) fn text(&self, option: &ProviderOption) -> Result<Option<String>, CommandError> {
        self.mark_used(option);
        self.read_text(option)
    }

    fn read_text(&self, option: &ProviderOption) -> Result<Option<String>, CommandError> {
        let text = match self.values.get(option.name) {
            Some((Value::Text(text), _)) => text.trim().to_owned(),
            Some((Value::Raw(raw), Origin::Variable(name))) => {
                utf8(self.provider, name, raw.clone())?.trim().to_owned()
            }
            _ => return Ok(None),
        };
        if text.is_empty() {
            // A script's variable was empty. Falling back to another value could send a secret to the wrong place.
            return Err(self.usage(format!("{} is empty", self.written(option)), "give it a value, or remove it"));
        }
        Ok(Some(text))
    }

    /// Returns the words of an option that may be repeated.
    pub(crate) fn list(&self, option: &ProviderOption) -> &[String] {
        match self.values.get(option.name) {
            Some((Value::List(words), _)) => words,
            _ => &[],
        }
    }

    /// Returns the content of a file, of standard input or of a variable.
    pub(crate) fn content(&self, option: &ProviderOption) -> Result<Option<SecretString>, CommandError> {
        let (ValueKind::File(kind) | ValueKind::Path(kind), Some((value, origin))) =
            (option.kind, self.values.get(option.name))
        else {
            return Ok(None);
        };
        let name = origin.written().unwrap_or_default();
        self.mark_used(option);
        match value {
            Value::Path(path) => {
                let content = content::read(name, path, kind);
                content.map(Some).map_err(|error| error.with_provider(self.provider.name))
            }
            Value::Raw(raw) => {
                let content = utf8(self.provider, name, raw.clone())?;
                Ok(Some(content.trim_end_matches(['\r', '\n']).into()))
            }
            Value::Text(_) | Value::List(_) | Value::On => Ok(None),
        }
    }

    /// Returns `true` if the option's content is in a file that can be read again. A pipe cannot.
    pub(crate) fn is_in_file(&self, option: &ProviderOption) -> bool {
        matches!(self.values.get(option.name), Some((Value::Path(path), _)) if path.is_file())
    }

    /// Checks that standard input is read once: by one of the options, or by one of these other flags.
    pub(crate) fn check_stdin(&self, other_readers: &[&str]) -> Result<(), CommandError> {
        let readers = self.options.iter().filter_map(|option| match self.values.get(option.name) {
            Some((Value::Path(path), origin)) if content::is_stdin(path) => origin.written(),
            _ => None,
        });
        let readers: Vec<_> = other_readers.iter().copied().chain(readers).collect();
        match readers[..] {
            [_, _, ..] => Err(self.usage(
                format!("{} cannot share standard input", readers.join(" and ")),
                "use - for one of them and files for the others",
            )),
            _ => Ok(()),
        }
    }

    /// Returns `true` if the option has a value, even the default.
    pub(crate) fn has(&self, option: &ProviderOption) -> bool {
        self.values.contains_key(option.name)
    }

    /// Returns `true` if the option is set by a flag.
    pub(crate) fn has_flag(&self, option: &ProviderOption) -> bool {
        matches!(self.origin(option), Some(Origin::Flag(_)))
    }

    /// Returns `true` if the option has its default value.
    pub(crate) fn is_default(&self, option: &ProviderOption) -> bool {
        matches!(self.origin(option), Some(Origin::Default))
    }

    /// Returns `true` if both options are set, the first from a place that takes precedence.
    pub(crate) fn overrides(&self, option: &ProviderOption, other: &ProviderOption) -> bool {
        matches!((self.origin(option), self.origin(other)), (Some(one), Some(other)) if one.overrides(other))
    }

    /// Drops the value of an option that contradicts one which takes precedence.
    pub(crate) fn drop_overridden(&mut self, option: &ProviderOption, by: &ProviderOption) {
        let by_name = self.written(by);
        self.drop_because_of(option, &by_name);
    }

    /// Drops the value of an option that contradicts this flag.
    pub(crate) fn drop_because_of(&mut self, option: &ProviderOption, by_name: &str) {
        let option_name = self.written(option);
        tracing::debug!(provider = self.provider.name, "ignoring {option_name}, because {by_name} is given");
        self.values.remove(option.name);
    }

    /// Returns the option of this name.
    pub(crate) fn option(&self, name: &str) -> Option<ProviderOption> {
        self.options.iter().find(|option| option.name == name).copied()
    }

    /// Returns the flag or variable that the option was set with, or could be.
    pub(crate) fn written(&self, option: &ProviderOption) -> String {
        let written = self.origin(option).and_then(Origin::written).map(str::to_owned);
        written.unwrap_or_else(|| unset_name(self.provider, option))
    }

    /// Returns how to set an option, in words.
    pub(crate) fn ways_to_set(&self, option: &ProviderOption) -> String {
        ways_to_set(self.provider, option)
    }

    /// Returns the names of the options for errors.
    pub(crate) fn names(&self) -> OptionNames {
        let name = |option: &ProviderOption| (format!("`{}`", option.name), self.written(option));
        OptionNames::new(self.options.iter().map(name).collect())
    }

    /// Makes an error about an option that must be set.
    pub(crate) fn missing(&self, option: &ProviderOption) -> CommandError {
        let message = format!("the {} is missing", option.noun());
        self.usage(message, format!("set {}", self.ways_to_set(option)))
    }

    /// Makes an error about two settings of which one is too many.
    pub(crate) fn contradiction(&self, one: &str, other: &str) -> CommandError {
        self.usage(format!("{one} and {other} contradict each other"), "remove one of them")
    }

    pub(crate) fn usage(&self, message: impl Into<String>, remedy: impl Into<String>) -> CommandError {
        CommandError::usage(message).with_remedy(remedy).with_provider(self.provider.name)
    }

    fn origin(&self, option: &ProviderOption) -> Option<&Origin> {
        self.values.get(option.name).map(|(_, origin)| origin)
    }

    /// Notes where the value comes from, and logs a variable, whose effect a user may not have expected.
    fn mark_used(&self, option: &ProviderOption) {
        let Some(written) = self.origin(option).and_then(Origin::written) else { return };
        let is_new = self.used.borrow_mut().insert(option.name, written.to_owned()).is_none();
        if is_new && matches!(self.origin(option), Some(Origin::Variable(_) | Origin::PathVariable(_))) {
            tracing::debug!(provider = self.provider.name, "using {written} for {}", option.flag());
        }
    }
}
