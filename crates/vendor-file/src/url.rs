//! The token URL in a file. It is checked when the file is read, with sample values for settings.

use credentials_grant::Endpoint;
use toml::Spanned;

use crate::conditional_text::{Alternative, ConditionalText, Destination};
use crate::declared_settings::{DeclaredSettings, TOKEN_URL};
use crate::format::TextValue;
use crate::problem::Problem;
use crate::secrets::{contains_secret, is_secret_name};
use crate::template::VariableUse;

pub(crate) fn read_url(value: Spanned<TextValue>, settings: &DeclaredSettings) -> Result<ConditionalText, Problem> {
    let url = ConditionalText::read(value, Destination::Url, settings)?;
    url.0.iter().try_for_each(|alternative| check(alternative, settings))?;
    Ok(url)
}

fn check(alternative: &Alternative, settings: &DeclaredSettings) -> Result<(), Problem> {
    let Alternative { at, text, template, .. } = alternative;
    if template.single_variable() == Some(TOKEN_URL) {
        return Ok(());
    }
    if template.variables().iter().any(|variable| variable.name == TOKEN_URL) {
        let message = format!("{{{TOKEN_URL}}} is a whole URL");
        return Err(Problem::new(at, message, format!("write url = \"{{{TOKEN_URL}}}\" and nothing else")));
    }
    if text.contains("{{") || text.contains("}}") {
        return Err(Problem::new(at, "a URL cannot have literal braces", "write %7B and %7D"));
    }
    if let Some((_, after)) = text.strip_prefix('{').and_then(|text| text.split_once('}'))
        && !after.is_empty()
        && !after.starts_with('/')
    {
        return Err(Problem::new(
            at,
            "a base URL must be followed by a slash: other text would change the host",
            "add the slash",
        ));
    }
    check_query(alternative)?;
    // With every optional segment, and without any.
    for omits in [|_: &VariableUse| false, |variable: &VariableUse| variable.is_optional] {
        let variables = template.variables();
        let value = |variable: &VariableUse| if omits(variable) { "" } else { sample(text, &variable.name) };
        let values: Vec<_> = variables
            .iter()
            .map(|variable| {
                let default = settings.default_of(&variable.name);
                (variable.name.as_str(), default.unwrap_or_else(|| value(variable)))
            })
            .collect();
        Endpoint::expand(text, &values).map_err(|error| {
            let message = format!("a secret cannot be sent to this URL: {}", error.message());
            Problem::new(
                at,
                message,
                "write an https URL, with a variable for each part that differs between customers",
            )
        })?;
    }
    Ok(())
}

/// Returns a value that is valid at the variable's position, by the rules of [`Endpoint::expand`].
fn sample(text: &str, name: &str) -> &'static str {
    let begins_with = |start: String| text.starts_with(&start);
    if begins_with(format!("{{{name}}}")) {
        "https://a.example"
    } else if begins_with(format!("https://{{{name}}}/")) {
        "a.example"
    } else {
        "a"
    }
}

/// Checks that the URL holds no secret. One in the query would also be logged.
fn check_query(alternative: &Alternative) -> Result<(), Problem> {
    let query = alternative.text.split_once('?').map_or("", |(_, query)| query);
    let is_written_out = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        !value.is_empty() && (is_secret_name(name) || contains_secret(value))
    };
    if contains_secret(&alternative.text) || query.split('&').any(is_written_out) {
        let message = "this URL looks like it has a secret, and a file must not hold secrets";
        return Err(Problem::new(&alternative.at, message, "send it in a parameter or a header"));
    }
    Ok(())
}
