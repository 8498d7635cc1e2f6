//! Texts that depend on settings: a list of alternatives, of which the first that applies is used.

use std::ops::Range;

use credentials_grant::Error;
use toml::Spanned;

use crate::declared_settings::{DeclaredSettings, Variable};
use crate::format::{AlternativeValue, TextValue};
use crate::problem::{Problem, printable};
use crate::setting_values::SettingValues;
use crate::template::{ResolvedTemplate, Template, VariableUse};

/// A text as alternatives, in the order of the file.
#[derive(Clone, Debug)]
pub(crate) struct ConditionalText(pub(crate) Vec<Alternative>);

/// A text, and the condition under which it applies.
#[derive(Clone, Debug)]
pub(crate) struct Alternative {
    pub(crate) at: Range<usize>,
    when: Vec<(String, Pattern)>,
    pub(crate) text: String,
    pub(crate) template: Template,
}

#[derive(Clone, Debug)]
enum Pattern {
    Exact(String),
    /// Written with a `*` at its end.
    Prefix(String),
}

/// Where a text goes. It decides which variables and functions are allowed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Destination {
    /// A header of API calls, beside the token.
    ExtraHeader,
    Host,
    /// A word with a fixed meaning, such as a client authentication method.
    Keyword,
    /// A parameter or a header of the token request.
    Request,
    Url,
}

impl ConditionalText {
    pub(crate) fn read(
        value: Spanned<TextValue>,
        destination: Destination,
        settings: &DeclaredSettings,
    ) -> Result<Self, Problem> {
        let at = value.span();
        let alternatives = value.into_inner().0.into_iter();
        let alternatives = alternatives.map(|value| Alternative::read(value, &at, destination, settings));
        let text = Self(alternatives.collect::<Result<_, _>>()?);
        let unconditional = text.0.iter().position(|alternative| alternative.when.is_empty());
        match unconditional {
            Some(index) if index + 1 < text.0.len() => Err(Problem::new(
                &text.0[index + 1].at,
                "this alternative is never used: the one before it always applies",
                "move the alternative without `when` to the end",
            )),
            None if destination.needs_value() || text.0.is_empty() => Err(Problem::new(
                &at,
                "for some settings no alternative applies",
                "end the list with a text that has no `when`",
            )),
            _ => Ok(text),
        }
    }

    /// Returns the first alternative that applies.
    pub(crate) fn choose(&self, values: &SettingValues<'_>) -> Option<&Alternative> {
        self.0.iter().find(|alternative| alternative.applies(values))
    }

    /// Fills in the alternative that applies.
    pub(crate) fn resolve(&self, values: &SettingValues<'_>) -> Result<Option<ResolvedTemplate>, Error> {
        self.choose(values).map_or(Ok(None), |alternative| alternative.template.resolve(values))
    }

    /// Returns `true` if an alternative has this variable.
    pub(crate) fn uses(&self, name: &str) -> bool {
        let variables = self.0.iter().flat_map(|alternative| alternative.template.variables());
        variables.into_iter().any(|variable| variable.name == name)
    }

    /// Returns every keyword that the settings can select, with its position.
    pub(crate) fn keywords(&self, settings: &DeclaredSettings) -> Result<Vec<(Range<usize>, String)>, Problem> {
        let mut keywords = Vec::new();
        for Alternative { at, text, template, .. } in &self.0 {
            let setting = template.single_variable().and_then(|name| settings.setting(name));
            match setting.map(|setting| &setting.values[..]) {
                _ if template.is_constant() => keywords.push((at.clone(), text.clone())),
                Some(values @ [_, ..]) => keywords.extend(values.iter().map(|value| (at.clone(), value.clone()))),
                _ => {
                    return Err(Problem::new(
                        at,
                        "the values that this can have are not listed",
                        "write one of them, or a single setting with `values`",
                    ));
                }
            }
        }
        Ok(keywords)
    }

    /// Returns the keyword that applies.
    pub(crate) fn keyword(&self, values: &SettingValues<'_>) -> Result<String, Error> {
        Ok(self.resolve(values)?.and_then(|resolved| resolved.plain()).unwrap_or_default())
    }
}

impl Alternative {
    pub(crate) fn read(
        value: Spanned<AlternativeValue>,
        outer: &Range<usize>,
        destination: Destination,
        settings: &DeclaredSettings,
    ) -> Result<Self, Problem> {
        // A text that is not in a list has no position of its own.
        let at = if value.span().is_empty() { outer.clone() } else { value.span() };
        let AlternativeValue { when, text } = value.into_inner();
        let when =
            when.into_iter().map(|condition| read_condition(condition, settings)).collect::<Result<Vec<_>, _>>()?;
        let template = Template::parse(&text).map_err(|why| {
            let (message, remedy) = why.split_once("; ").unwrap_or((&why, "correct it"));
            Problem::new(&at, message, remedy)
        })?;
        let alternative = Self { at, when, text, template };
        for variable in alternative.template.variables() {
            alternative.check(variable, destination, settings)?;
        }
        if alternative.template.has_functions() && destination != Destination::Request {
            return Err(Problem::new(
                &alternative.at,
                "functions are not allowed here",
                "use them in parameters and headers",
            ));
        }
        Ok(alternative)
    }

    pub(crate) fn applies(&self, values: &SettingValues<'_>) -> bool {
        self.when.iter().all(|(name, pattern)| values.value(name).is_some_and(|value| pattern.matches(value)))
    }

    /// Returns `true` if the text has the client secret or a secret setting in it.
    pub(crate) fn has_secret(&self, settings: &DeclaredSettings) -> bool {
        self.template.variables().iter().any(|variable| match settings.variable(&variable.name) {
            Some(Variable::ClientSecret) => true,
            Some(Variable::Setting(setting)) => setting.secret,
            _ => false,
        })
    }

    /// Returns a setting in the text that is not declared secret, if nothing in the text is.
    pub(crate) fn plain_setting<'a>(&self, settings: &'a DeclaredSettings) -> Option<&'a str> {
        if self.has_secret(settings) {
            return None;
        }
        self.template.variables().iter().find_map(|variable| match settings.variable(&variable.name) {
            Some(Variable::Setting(setting)) => Some(setting.name.as_str()),
            _ => None,
        })
    }

    /// Checks that this destination may have the variable.
    fn check(
        &self,
        variable: &VariableUse,
        destination: Destination,
        settings: &DeclaredSettings,
    ) -> Result<(), Problem> {
        let name = &variable.name;
        let refused = |message: &str, remedy: &str| {
            Err(Problem::new(&self.at, format!("{{{name}}} {message}"), remedy.replace("NAME", name)))
        };
        let is_alone = self.template.single_variable() == Some(name.as_str());
        let setting = match settings.variable(name) {
            None => return refused("is not a setting", &format!("use {}", settings.list())),
            Some(Variable::Setting(setting)) => setting,
            Some(Variable::TokenHost) if destination == Destination::Host && is_alone => return Ok(()),
            Some(Variable::TokenHost) => return refused("is allowed only in `hosts`, alone", "use it there"),
            Some(_) if destination == Destination::Request => return Ok(()),
            Some(Variable::ClientId) if destination == Destination::ExtraHeader && is_alone => return Ok(()),
            Some(_) => return refused("is not allowed here", "use it in parameters and headers"),
        };
        if setting.secret {
            return match destination {
                Destination::Request => Ok(()),
                Destination::ExtraHeader if is_alone => Ok(()),
                Destination::ExtraHeader => refused("is a secret with text beside it", "write \"{NAME}\" alone"),
                _ => refused("is a secret and would be visible here", "put it into a parameter or a header"),
            };
        }
        if variable.is_optional && destination != Destination::Url {
            return refused(
                "has a ?, which is for URLs",
                "remove the ?: a text without a value for its setting is left out",
            );
        }
        if variable.is_optional && !setting.optional {
            return refused("is always set", "remove the ?, or add `optional = true` to the setting");
        }
        let is_guarded = variable.is_optional || self.when.iter().any(|(guarded, _)| guarded == name);
        if setting.optional && !is_guarded && destination.needs_value() {
            return refused(
                "may not be set",
                "write { when = { NAME = \"*\" }, use = … }, or {NAME?} for a path segment",
            );
        }
        Ok(())
    }
}

impl Destination {
    /// Returns `true` if there must be a text, whatever the settings are.
    fn needs_value(self) -> bool {
        matches!(self, Self::Url | Self::Keyword)
    }
}

impl Pattern {
    fn matches(&self, value: &str) -> bool {
        match self {
            // Regions and the like are written in either case, and go into host names in lower case.
            Self::Exact(expected) => value.eq_ignore_ascii_case(expected),
            Self::Prefix(start) => value.get(..start.len()).is_some_and(|value| value.eq_ignore_ascii_case(start)),
        }
    }
}

fn read_condition(
    (name, value): (Spanned<String>, Spanned<String>),
    settings: &DeclaredSettings,
) -> Result<(String, Pattern), Problem> {
    let shown = printable(name.get_ref());
    let refused =
        |at: &Spanned<String>, message: String, remedy: String| Err(Problem::new(&at.span(), message, remedy));
    let Some(setting) = settings.setting(name.get_ref()) else {
        return refused(&name, format!("`{shown}` is not a setting"), format!("use {}", settings.list()));
    };
    if setting.secret {
        let message = format!("`{shown}` is a secret, which a condition must not depend on");
        return refused(&name, message, "use a setting that is not a secret".to_owned());
    }
    let pattern = match value.get_ref().strip_suffix('*') {
        Some(start) => Pattern::Prefix(start.to_owned()),
        None => Pattern::Exact(setting.canonical(value.get_ref()).to_owned()),
    };
    let can_match = setting.values.is_empty() || setting.values.iter().any(|value| pattern.matches(value));
    if value.get_ref().is_empty() || !can_match {
        let message = format!("`{shown}` never has this value");
        return refused(&value, message, format!("use one of {}", setting.values.join(", ")));
    }
    Ok((name.into_inner(), pattern))
}
