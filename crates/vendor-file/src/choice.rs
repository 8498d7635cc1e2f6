//! Texts that depend on settings: alternatives, of which the first that applies is taken.

use std::ops::Range;

use credentials_grant::Error;
use toml::Spanned;

use crate::format;
use crate::given::Given;
use crate::names::{Names, Variable};
use crate::problem::{Problem, shown};
use crate::template::{Filled, Template, Used};

/// Alternatives, in their order.
#[derive(Clone, Debug)]
pub(crate) struct Choice(pub(crate) Vec<Alternative>);

/// A text, and when it applies.
#[derive(Clone, Debug)]
pub(crate) struct Alternative {
    pub(crate) at: Range<usize>,
    when: Vec<(String, Pattern)>,
    pub(crate) text: String,
    pub(crate) template: Template,
}

#[derive(Clone, Debug)]
enum Pattern {
    Exactly(String),
    /// Written with a `*` at its end.
    Starting(String),
}

/// Where a text goes, and thus what may stand in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    /// A header of API calls, beside the token.
    Companion,
    Host,
    /// A parameter or a header of the token request.
    Request,
    Url,
    /// A word with a meaning, such as a way to authenticate.
    Word,
}

impl Choice {
    pub(crate) fn read(raw: Spanned<format::Choice>, place: Place, names: &Names) -> Result<Self, Problem> {
        let at = raw.span();
        let alternatives = raw.into_inner().0.into_iter();
        let alternatives = alternatives.map(|raw| Alternative::read(raw, &at, place, names));
        let choice = Self(alternatives.collect::<Result<_, _>>()?);
        let always = choice.0.iter().position(|alternative| alternative.when.is_empty());
        match always {
            Some(always) if always + 1 < choice.0.len() => Err(Problem::new(
                &choice.0[always + 1].at,
                "this alternative is never reached: the one before it always applies",
                "put the one that always applies last",
            )),
            None if place.must_be_decided() || choice.0.is_empty() => Err(Problem::new(
                &at,
                "there may be no alternative that applies",
                "end the list with a text that has no `when`",
            )),
            _ => Ok(choice),
        }
    }

    /// The first alternative that applies.
    pub(crate) fn choose(&self, given: &Given<'_>) -> Option<&Alternative> {
        self.0.iter().find(|alternative| alternative.applies(given))
    }

    /// The text that applies, filled in.
    pub(crate) fn fill(&self, given: &Given<'_>) -> Result<Option<Filled>, Error> {
        self.choose(given).map_or(Ok(None), |alternative| alternative.template.fill(given))
    }

    /// Whether any of the texts has this variable.
    pub(crate) fn uses(&self, name: &str) -> bool {
        self.0.iter().flat_map(|alternative| alternative.template.variables()).any(|used| used.name == name)
    }

    /// Every word that the settings can make of it.
    pub(crate) fn words(&self, names: &Names) -> Result<Vec<(Range<usize>, String)>, Problem> {
        let mut words = Vec::new();
        for Alternative { at, text, template, .. } in &self.0 {
            let setting = template.lone_variable().and_then(|name| names.setting(name));
            match setting.map(|setting| &setting.values[..]) {
                _ if template.is_constant() => words.push((at.clone(), text.clone())),
                Some(values @ [_, ..]) => words.extend(values.iter().map(|value| (at.clone(), value.clone()))),
                _ => {
                    let message = "it is not known which word this will be";
                    return Err(Problem::new(
                        at,
                        message,
                        "write a word, or a setting alone whose `values` are listed",
                    ));
                }
            }
        }
        Ok(words)
    }

    /// The word that applies.
    pub(crate) fn word(&self, given: &Given<'_>) -> Result<String, Error> {
        Ok(self.fill(given)?.and_then(|filled| filled.plain()).unwrap_or_default())
    }
}

impl Alternative {
    pub(crate) fn read(
        raw: Spanned<format::Alternative>,
        outer: &Range<usize>,
        place: Place,
        names: &Names,
    ) -> Result<Self, Problem> {
        // A text that is the whole choice has no place of its own.
        let at = if raw.span().is_empty() { outer.clone() } else { raw.span() };
        let format::Alternative { when, text } = raw.into_inner();
        let when = when.into_iter().map(|condition| read_condition(condition, names)).collect::<Result<Vec<_>, _>>()?;
        let template = Template::parse(&text).map_err(|why| {
            let (message, remedy) = why.split_once("; ").unwrap_or((&why, "correct it"));
            Problem::new(&at, message, remedy)
        })?;
        let alternative = Self { at, when, text, template };
        for used in alternative.template.variables() {
            alternative.check(used, place, names)?;
        }
        if alternative.template.has_functions() && place != Place::Request {
            return Err(Problem::new(
                &alternative.at,
                "no function can stand here",
                "use one in parameters and headers",
            ));
        }
        Ok(alternative)
    }

    pub(crate) fn applies(&self, given: &Given<'_>) -> bool {
        self.when.iter().all(|(name, pattern)| given.value(name).is_some_and(|value| pattern.fits(value)))
    }

    /// Checks a variable against its place.
    fn check(&self, used: &Used, place: Place, names: &Names) -> Result<(), Problem> {
        let name = &used.name;
        let refused = |message: &str, remedy: &str| {
            Err(Problem::new(&self.at, format!("{{{name}}} {message}"), remedy.replace("NAME", name)))
        };
        let is_alone = self.template.lone_variable() == Some(name.as_str());
        let setting = match names.variable(name) {
            None => return refused("is no setting", &format!("use {}", names.list())),
            Some(Variable::Setting(setting)) => setting,
            Some(Variable::TokenHost) if place == Place::Host && is_alone => return Ok(()),
            Some(Variable::TokenHost) => return refused("is for `hosts`, alone", "write it there"),
            Some(_) if place == Place::Request => return Ok(()),
            Some(Variable::ClientId) if place == Place::Companion && is_alone => return Ok(()),
            Some(_) => return refused("cannot stand here", "use it in parameters and headers"),
        };
        if setting.secret {
            return match place {
                Place::Request => Ok(()),
                Place::Companion if is_alone => Ok(()),
                Place::Companion => refused("is a secret, and has text beside it", "write \"{NAME}\" alone"),
                _ => refused("is a secret, which is shown where this goes", "put it into a parameter or a header"),
            };
        }
        if used.question && place != Place::Url {
            return refused("has a ?, which is for URLs", "take the ? out: a text without its value is left out");
        }
        if used.question && !setting.optional {
            return refused("is always set", "take the ? out, or add `optional = true` to the setting");
        }
        let is_assured = used.question || self.when.iter().any(|(known, _)| known == name);
        if setting.optional && !is_assured && place.must_be_decided() {
            return refused(
                "may not be set",
                "write { when = { NAME = \"*\" }, use = … }, or {NAME?} for a path segment",
            );
        }
        Ok(())
    }
}

impl Place {
    fn must_be_decided(self) -> bool {
        matches!(self, Self::Url | Self::Word)
    }
}

impl Pattern {
    fn fits(&self, value: &str) -> bool {
        match self {
            // Regions and the like are written in either case, and go into host names in lower case.
            Self::Exactly(known) => value.eq_ignore_ascii_case(known),
            Self::Starting(start) => value.get(..start.len()).is_some_and(|value| value.eq_ignore_ascii_case(start)),
        }
    }
}

fn read_condition(
    (name, value): (Spanned<String>, Spanned<String>),
    names: &Names,
) -> Result<(String, Pattern), Problem> {
    let shown_name = shown(name.get_ref());
    let refused =
        |at: &Spanned<String>, message: String, remedy: String| Err(Problem::new(&at.span(), message, remedy));
    let Some(setting) = names.setting(name.get_ref()) else {
        return refused(&name, format!("`{shown_name}` is no setting"), format!("use {}", names.list()));
    };
    if setting.secret {
        let remedy = "let a setting that is no secret decide".to_owned();
        return refused(&name, format!("`{shown_name}` is a secret, and decides nothing"), remedy);
    }
    let pattern = match value.get_ref().strip_suffix('*') {
        Some(start) => Pattern::Starting(start.to_owned()),
        None => Pattern::Exactly(value.get_ref().clone()),
    };
    let may_fit = setting.values.is_empty() || setting.values.iter().any(|value| pattern.fits(value));
    if value.get_ref().is_empty() || !may_fit {
        let message = format!("`{shown_name}` never has this value");
        return refused(&value, message, format!("use one of {}", setting.values.join(", ")));
    }
    Ok((name.into_inner(), pattern))
}
