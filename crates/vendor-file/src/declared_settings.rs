//! The settings that a file declares, and the variables that its texts may use.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

use credentials_grant::ClientAuthentication;
use credentials_grant::settings::Setting;
use toml::Spanned;

use crate::format::{Named, SettingTable, TextValue};
use crate::problem::{Problem, printable};
use crate::secrets::is_secret_name;

pub(crate) const CLIENT_ID: &str = "client-id";
pub(crate) const CLIENT_SECRET: &str = "client-secret";
pub(crate) const REQUEST_ID: &str = "request-id";
pub(crate) const TOKEN_HOST: &str = "token-host";
pub(crate) const TOKEN_URL: &str = "token-url";

/// Variables that exist without a setting.
const BUILT_IN: [&str; 4] = [CLIENT_ID, CLIENT_SECRET, REQUEST_ID, TOKEN_HOST];

const MAX_NAME_LENGTH: usize = 40;

/// The most settings that an error lists.
const MAX_LISTED: usize = 20;

/// A setting as the file declares it.
#[derive(Clone, Debug)]
pub(crate) struct DeclaredSetting {
    pub(crate) name: String,
    at: Range<usize>,
    pub(crate) help: String,
    pub(crate) values: Vec<String>,
    pub(crate) default: Option<String>,
    pub(crate) optional: bool,
    pub(crate) secret: bool,
    /// Its values are names of client authentication methods, or aliases of theirs.
    is_client_authentication: bool,
}

impl DeclaredSetting {
    /// Returns a value in the spelling that the file's conditions and texts are compared with: the registered name of a
    /// client authentication method, whichever alias was given.
    pub(crate) fn canonical<'a>(&self, value: &'a str) -> &'a str {
        if !self.is_client_authentication {
            return value;
        }
        value.parse().map_or(value, |method: ClientAuthentication| method.name())
    }

    /// Converts the setting for commands. Its default goes into the help, as it does with other providers.
    pub(crate) fn to_setting(&self) -> Setting {
        let Self { name, help, values, default, optional, secret, .. } = self;
        let help = match default {
            Some(default) => format!("{help}: {default} unless set"),
            None if *optional => format!("{help}; optional"),
            None => help.clone(),
        };
        let setting = Setting::dynamic(name, help);
        if *secret {
            return setting.into_secret();
        }
        let method = |value: &String| value.parse().ok().filter(|_| self.is_client_authentication);
        let methods: Vec<ClientAuthentication> = values.iter().filter_map(method).collect();
        setting.with_values(values.iter().filter(|value| method(value).is_none())).with_client_authentications(methods)
    }
}

/// What a variable stands for.
pub(crate) enum Variable<'a> {
    ClientId,
    ClientSecret,
    RequestId,
    Setting(&'a DeclaredSetting),
    TokenHost,
}

/// The settings that a file declares, and which of them it has used so far.
pub(crate) struct DeclaredSettings {
    settings: Vec<DeclaredSetting>,
    used: RefCell<BTreeSet<String>>,
}

impl DeclaredSettings {
    /// Reads the settings of a file with this client authentication.
    pub(crate) fn read(tables: Named<SettingTable>, authentication: &TextValue) -> Result<Self, Problem> {
        let chooses_method = |name: &str| {
            let variable = format!("{{{name}}}");
            authentication.0.iter().any(|alternative| alternative.get_ref().text == variable)
        };
        let read = |(name, table): (Spanned<String>, _)| {
            let is_client_authentication = chooses_method(name.get_ref());
            read_setting(name, table, is_client_authentication)
        };
        let mut settings = tables.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        settings.sort_by_key(|setting| setting.at.start);
        Ok(Self { settings, used: RefCell::default() })
    }

    /// Returns what this variable stands for, and marks a setting as used.
    pub(crate) fn variable(&self, name: &str) -> Option<Variable<'_>> {
        match name {
            CLIENT_ID => Some(Variable::ClientId),
            CLIENT_SECRET => Some(Variable::ClientSecret),
            REQUEST_ID => Some(Variable::RequestId),
            TOKEN_HOST => Some(Variable::TokenHost),
            _ => self.setting(name).map(Variable::Setting),
        }
    }

    /// Returns the setting with this name, and marks it as used.
    pub(crate) fn setting(&self, name: &str) -> Option<&DeclaredSetting> {
        let setting = self.settings.iter().find(|setting| setting.name == name)?;
        self.used.borrow_mut().insert(name.to_owned());
        Some(setting)
    }

    /// Returns `true` if a caller can set this name beside others. Does not mark it as used.
    pub(crate) fn is_settable(&self, name: &str) -> bool {
        self.settings.iter().any(|setting| setting.name == name && !setting.secret && name != TOKEN_URL)
    }

    /// Returns the default of a setting, to try out what it produces.
    pub(crate) fn default_of(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|setting| setting.name == name)?.default.as_deref()
    }

    /// Returns every setting in the order of the file, or a problem if the file does not use one.
    pub(crate) fn into_used(self) -> Result<Vec<DeclaredSetting>, Problem> {
        let used = self.used.into_inner();
        match self.settings.iter().find(|setting| !used.contains(&setting.name)) {
            None => Ok(self.settings),
            Some(DeclaredSetting { name, at, .. }) => Err(Problem::new(
                at,
                format!("the setting `{name}` is not used"),
                format!("write {{{name}}} where its value goes, or remove the setting"),
            )),
        }
    }

    /// Lists the names of the settings for an error.
    pub(crate) fn list(&self) -> String {
        let names: Vec<_> = self.settings.iter().take(MAX_LISTED).map(|setting| setting.name.as_str()).collect();
        let more = if self.settings.len() > MAX_LISTED { " …" } else { "" };
        match names[..] {
            [] => "a setting that you declare under [settings]".to_owned(),
            _ => names.join(", ") + more,
        }
    }
}

/// Returns `true` for a name that can be a provider's or a setting's, and thus a flag and an environment variable.
pub(crate) fn is_name(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    text.len() <= MAX_NAME_LENGTH && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.split('-').all(is_word)
}

/// Returns a text for people, which must be on one line and not empty.
pub(crate) fn one_line(text: Spanned<String>, what: &str) -> Result<String, Problem> {
    if text.get_ref().trim().is_empty() || text.get_ref().contains(is_control) {
        let message = format!("the {what} is empty, or has line breaks or control characters");
        return Err(Problem::new(&text.span(), message, format!("write the {what} on one line")));
    }
    Ok(text.into_inner())
}

/// Returns `true` for a character that moves the cursor of a terminal, or changes the lines or the direction of text:
/// help and titles are printed.
pub(crate) fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn read_setting(
    name: Spanned<String>,
    table: SettingTable,
    is_client_authentication: bool,
) -> Result<DeclaredSetting, Problem> {
    let at = name.span();
    let name = name.into_inner();
    check_setting(&name, &at, &table)?;
    let help = one_line(table.help, "help")?;
    let SettingTable { optional, secret, .. } = table;
    let setting = DeclaredSetting {
        name,
        at,
        help,
        values: Vec::new(),
        default: None,
        optional,
        secret,
        is_client_authentication,
    };
    let canonical = |text| read_value(text).map(|value| setting.canonical(&value).to_owned());
    let mut values = Vec::new();
    for value in table.values {
        let at = value.span();
        let value = canonical(value)?;
        if values.contains(&value) {
            let message = format!("the setting `{}` lists this value twice", setting.name);
            return Err(Problem::new(&at, message, "remove one: names of one authentication method are one value"));
        }
        values.push(value);
    }
    let default_at = table.default.as_ref().map(Spanned::span).unwrap_or_default();
    let default = table.default.map(canonical).transpose()?;
    if let Some(default) = &default
        && !values.is_empty()
        && !values.contains(default)
    {
        let message = format!("the default of `{}` is not one of its values", setting.name);
        return Err(Problem::new(&default_at, message, format!("use one of {}", values.join(", "))));
    }
    Ok(DeclaredSetting { values, default, ..setting })
}

fn check_setting(name: &str, at: &Range<usize>, table: &SettingTable) -> Result<(), Problem> {
    let refused =
        |message: &str, remedy: &str| Err(Problem::new(at, message.replace("NAME", &printable(name)), remedy));
    if !is_name(name) {
        return refused(
            "`NAME` is not a valid name of a setting",
            "use lower-case letters, digits and single hyphens: api-host",
        );
    }
    if BUILT_IN.contains(&name) {
        return refused("`NAME` is a built-in variable", "choose another name, or remove the setting");
    }
    let has_more_than_help = table.default.is_some() || !table.values.is_empty() || table.optional || table.secret;
    if name == TOKEN_URL && has_more_than_help {
        return refused("every provider has the setting `token-url`", "give it a help and nothing else");
    }
    if table.secret && (table.default.is_some() || !table.values.is_empty()) {
        return refused(
            "`NAME` is a secret, and a file must not hold secrets",
            "remove its values: the credentials hold them",
        );
    }
    if !table.secret && is_secret_name(name) {
        return refused("`NAME` looks like a secret and is not declared as one", "add `secret = true`");
    }
    if table.optional && table.default.is_some() {
        return refused("`NAME` is optional and has a default", "remove `optional` or `default`");
    }
    Ok(())
}

/// Reads a value. Spaces around it would never match: settings are trimmed.
fn read_value(text: Spanned<String>) -> Result<String, Problem> {
    let value = text.get_ref();
    if value.is_empty() || value.trim() != value || value.contains(is_control) {
        let message = "a value is empty, or has line breaks, control characters or spaces around it";
        return Err(Problem::new(&text.span(), message, "write the value itself, or remove it"));
    }
    Ok(text.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_be_flags_and_environment_variables() {
        for name in ["a", "api-host", "oauth2", "x-1"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "-", "a-", "-a", "a--b", "A", "1a", "a_b", "é", "a b", &"a".repeat(41)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
