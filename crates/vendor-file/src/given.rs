//! The values of a file's settings when a provider is made of it.

use std::cell::RefCell;
use std::collections::BTreeSet;

use credentials_grant::settings::Settings;
use credentials_grant::{Error, ErrorKind};

use crate::names::{Declared, TOKEN_URL};

/// What was set, what is the default, and what has made a difference.
pub(crate) struct Given<'a> {
    declared: &'a [Declared],
    settings: &'a Settings,
    used: RefCell<BTreeSet<&'a str>>,
}

impl<'a> Given<'a> {
    pub(crate) fn new(declared: &'a [Declared], settings: &'a Settings) -> Self {
        Self { declared, settings, used: RefCell::default() }
    }

    /// The value of a setting, or its default.
    pub(crate) fn value(&self, name: &str) -> Option<&'a str> {
        let setting = self.declared(name)?;
        self.used.borrow_mut().insert(&setting.name);
        self.settings.find(name).or(setting.default.as_deref())
    }

    /// The value of a setting, which must be there unless it is optional.
    pub(crate) fn require(&self, name: &str) -> Result<Option<&'a str>, Error> {
        match self.value(name) {
            None if self.is_optional(name) => Ok(None),
            None => self.settings.require(name).map(Some),
            value => Ok(value),
        }
    }

    /// What a setting is.
    pub(crate) fn help(&self, name: &str) -> Option<&'a str> {
        self.declared(name).map(|setting| setting.help.as_str())
    }

    pub(crate) fn is_optional(&self, name: &str) -> bool {
        self.declared(name).is_some_and(|setting| setting.optional)
    }

    pub(crate) fn is_secret(&self, name: &str) -> bool {
        self.declared(name).is_some_and(|setting| setting.secret)
    }

    /// Refuses what was set and changes nothing, beside the other settings.
    pub(crate) fn check_all_used(&self) -> Result<(), Error> {
        let used = self.used.borrow();
        let is_idle = |setting: &&Declared| {
            self.settings.find(&setting.name).is_some()
                && !used.contains(setting.name.as_str())
                && setting.name != TOKEN_URL
        };
        let Some(Declared { name, .. }) = self.declared.iter().find(is_idle) else { return Ok(()) };
        let error = |message, remedy| Err(Error::new(ErrorKind::Configuration, message).with_remedy(remedy));
        if self.settings.find(TOKEN_URL).is_some() {
            let message = format!("the settings `{name}` and `{TOKEN_URL}` contradict each other");
            return error(message, "set one of them".to_owned());
        }
        error(
            format!("the setting `{name}` changes nothing beside the others that are set"),
            format!("leave `{name}` out"),
        )
    }

    fn declared(&self, name: &str) -> Option<&'a Declared> {
        self.declared.iter().find(|setting| setting.name == name)
    }
}
