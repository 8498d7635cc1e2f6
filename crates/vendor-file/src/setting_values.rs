//! The values of a file's settings when a provider is built from it.

use std::cell::RefCell;
use std::collections::BTreeSet;

use credentials_grant::settings::Settings;
use credentials_grant::{Error, ErrorKind};

use crate::declared_settings::{DeclaredSetting, TOKEN_URL};

/// The values that the caller set, the defaults, and which settings have been read so far.
pub(crate) struct SettingValues<'a> {
    declared: &'a [DeclaredSetting],
    settings: &'a Settings,
    read: RefCell<BTreeSet<&'a str>>,
}

impl<'a> SettingValues<'a> {
    pub(crate) fn new(declared: &'a [DeclaredSetting], settings: &'a Settings) -> Self {
        Self { declared, settings, read: RefCell::default() }
    }

    /// Returns the value of a setting, or its default.
    pub(crate) fn value(&self, name: &str) -> Option<&'a str> {
        let setting = self.declared(name)?;
        self.read.borrow_mut().insert(&setting.name);
        let set = self.settings.find(name).map(|value| setting.canonical(value));
        set.or(setting.default.as_deref())
    }

    /// Returns the value of a setting, which must be set unless it is optional.
    pub(crate) fn require(&self, name: &str) -> Result<Option<&'a str>, Error> {
        match self.value(name) {
            None if self.is_optional(name) => Ok(None),
            None => self.settings.require(name).map(Some),
            value => Ok(value),
        }
    }

    /// Returns the help of a setting.
    pub(crate) fn help(&self, name: &str) -> Option<&'a str> {
        self.declared(name).map(|setting| setting.help.as_str())
    }

    pub(crate) fn is_optional(&self, name: &str) -> bool {
        self.declared(name).is_some_and(|setting| setting.optional)
    }

    pub(crate) fn is_secret(&self, name: &str) -> bool {
        self.declared(name).is_some_and(|setting| setting.secret)
    }

    /// Refuses a setting that was set and has no effect beside the others.
    pub(crate) fn check_all_read(&self) -> Result<(), Error> {
        let read = self.read.borrow();
        let has_no_effect = |setting: &&DeclaredSetting| {
            self.settings.find(&setting.name).is_some()
                && !read.contains(setting.name.as_str())
                && setting.name != TOKEN_URL
        };
        let Some(DeclaredSetting { name, .. }) = self.declared.iter().find(has_no_effect) else { return Ok(()) };
        let error = |message, remedy| Err(Error::new(ErrorKind::Configuration, message).with_remedy(remedy));
        if self.settings.find(TOKEN_URL).is_some() {
            let message = format!("the settings `{name}` and `{TOKEN_URL}` contradict each other");
            return error(message, "set one of them".to_owned());
        }
        error(format!("the setting `{name}` has no effect beside the others that are set"), format!("remove `{name}`"))
    }

    fn declared(&self, name: &str) -> Option<&'a DeclaredSetting> {
        self.declared.iter().find(|setting| setting.name == name)
    }
}
