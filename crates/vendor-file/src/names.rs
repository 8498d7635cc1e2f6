//! What the variables of a file's templates may be called: its settings, and what every attempt brings along.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;

use crate::format::{self, Named};
use crate::problem::{Problem, shown};
use crate::secrets::is_name_of_secret;

pub(crate) const CLIENT_ID: &str = "client-id";
pub(crate) const CLIENT_SECRET: &str = "client-secret";
pub(crate) const REQUEST_ID: &str = "request-id";
pub(crate) const TOKEN_HOST: &str = "token-host";
pub(crate) const TOKEN_URL: &str = "token-url";

/// Names that are no file's to give.
const RESERVED: [&str; 4] = [CLIENT_ID, CLIENT_SECRET, REQUEST_ID, TOKEN_HOST];

const LONGEST_NAME: usize = 40;

/// The most settings that an error lists.
const MOST_LISTED: usize = 20;

/// A setting as the file declares it.
#[derive(Clone, Debug)]
pub(crate) struct Declared {
    pub(crate) name: String,
    pub(crate) at: Range<usize>,
    pub(crate) help: String,
    pub(crate) values: Vec<String>,
    pub(crate) default: Option<String>,
    pub(crate) optional: bool,
    pub(crate) secret: bool,
}

/// What a variable stands for.
pub(crate) enum Variable<'a> {
    ClientId,
    ClientSecret,
    RequestId,
    Setting(&'a Declared),
    TokenHost,
}

/// The settings of a file while it is read, and which of them it uses.
pub(crate) struct Names {
    settings: Vec<Declared>,
    used: RefCell<BTreeSet<String>>,
}

impl Names {
    pub(crate) fn read(settings: Named<format::Setting>) -> Result<Self, Problem> {
        let mut settings = settings.into_iter().map(declared).collect::<Result<Vec<_>, _>>()?;
        settings.sort_by_key(|setting| setting.at.start);
        Ok(Self { settings, used: RefCell::default() })
    }

    /// What this variable stands for, which uses it.
    pub(crate) fn variable(&self, name: &str) -> Option<Variable<'_>> {
        match name {
            CLIENT_ID => Some(Variable::ClientId),
            CLIENT_SECRET => Some(Variable::ClientSecret),
            REQUEST_ID => Some(Variable::RequestId),
            TOKEN_HOST => Some(Variable::TokenHost),
            _ => self.setting(name).map(Variable::Setting),
        }
    }

    /// The setting of this name, which uses it.
    pub(crate) fn setting(&self, name: &str) -> Option<&Declared> {
        let setting = self.settings.iter().find(|setting| setting.name == name)?;
        self.used.borrow_mut().insert(name.to_owned());
        Some(setting)
    }

    /// Whether there is such a setting, which this does not use.
    pub(crate) fn declares(&self, name: &str) -> bool {
        self.settings.iter().any(|setting| setting.name == name && !setting.secret && name != TOKEN_URL)
    }

    /// The default of a setting, for trying out what it makes.
    pub(crate) fn default_of(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|setting| setting.name == name)?.default.as_deref()
    }

    /// Every setting, in the order of the file, if the file uses them all.
    pub(crate) fn into_settings(self) -> Result<Vec<Declared>, Problem> {
        let used = self.used.into_inner();
        match self.settings.iter().find(|setting| !used.contains(&setting.name)) {
            None => Ok(self.settings),
            Some(Declared { name, at, .. }) => Err(Problem::new(
                at,
                format!("nothing uses the setting `{name}`"),
                format!("write {{{name}}} where its value goes, or take the setting out"),
            )),
        }
    }

    /// The names of the settings, for a sentence.
    pub(crate) fn list(&self) -> String {
        let names: Vec<_> = self.settings.iter().take(MOST_LISTED).map(|setting| setting.name.as_str()).collect();
        let more = if self.settings.len() > MOST_LISTED { " …" } else { "" };
        match names[..] {
            [] => "a setting that you declare under [settings]".to_owned(),
            _ => names.join(", ") + more,
        }
    }
}

/// Whether this can name a provider or a setting, and thus a flag and an environment variable.
pub(crate) fn is_name(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    text.len() <= LONGEST_NAME && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.split('-').all(is_word)
}

/// A text for people, which must be there and stand on one line.
pub(crate) fn words(text: Spanned<String>, what: &str) -> Result<String, Problem> {
    if text.get_ref().trim().is_empty() || text.get_ref().contains(char::is_control) {
        let message = format!("the {what} is empty or has line breaks in it");
        return Err(Problem::new(&text.span(), message, format!("write the {what} on one line")));
    }
    Ok(text.into_inner())
}

fn declared((name, setting): (Spanned<String>, format::Setting)) -> Result<Declared, Problem> {
    let at = name.span();
    let name = name.into_inner();
    let refused = |message: &str, remedy: &str| Err(Problem::new(&at, message.replace("NAME", &shown(&name)), remedy));
    if !is_name(&name) {
        return refused("`NAME` cannot name a setting", "take lower-case letters, digits and single hyphens: api-host");
    }
    if RESERVED.contains(&name.as_str()) {
        return refused("`NAME` is there without a setting", "take another name, or leave the setting out");
    }
    let says_more = setting.default.is_some() || !setting.values.is_empty() || setting.optional || setting.secret;
    if name == TOKEN_URL && says_more {
        return refused("every provider has `token-url`", "give it no more than a help");
    }
    if setting.secret && (setting.default.is_some() || !setting.values.is_empty()) {
        return refused(
            "a file holds no secret, and `NAME` is one",
            "take its values out: they are among the credentials",
        );
    }
    if !setting.secret && is_name_of_secret(&name) {
        return refused("`NAME` seems to be a secret, and is not declared as one", "add `secret = true`");
    }
    if setting.optional && setting.default.is_some() {
        return refused("`NAME` has a default and thus is always set", "take `optional` or `default` out");
    }
    let help = words(setting.help, "help")?;
    let values = setting.values.into_iter().map(value).collect::<Result<Vec<_>, _>>()?;
    let default = match setting.default {
        Some(default) if !values.is_empty() && !values.contains(default.get_ref()) => {
            return Err(Problem::new(
                &default.span(),
                format!("the default of `{name}` is none of its values"),
                format!("use one of {}", values.join(", ")),
            ));
        }
        default => default.map(value).transpose()?,
    };
    Ok(Declared { name, at, help, values, default, optional: setting.optional, secret: setting.secret })
}

/// A value as settings have it: without spaces around it, which are not looked at.
fn value(text: Spanned<String>) -> Result<String, Problem> {
    let value = text.get_ref();
    if value.is_empty() || value.trim() != value || value.contains(char::is_control) {
        let message = "a value is empty, or has spaces around it or line breaks in it";
        return Err(Problem::new(&text.span(), message, "write the value itself, or leave it out"));
    }
    Ok(text.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_make_flags_and_environment_variables() {
        for name in ["a", "api-host", "oauth2", "x-1"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "-", "a-", "-a", "a--b", "A", "1a", "a_b", "é", "a b", &"a".repeat(41)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
