//! URLs in a file: checked when it is read, as far as they can be without the values that go into them.

use credentials_grant::Endpoint;
use toml::Spanned;

use crate::choice::{Alternative, Choice, Place};
use crate::format;
use crate::names::{Names, TOKEN_URL};
use crate::problem::Problem;
use crate::secrets::{is_name_of_secret, is_secret};
use crate::template::Used;

pub(crate) fn read_url(raw: Spanned<format::Choice>, names: &Names) -> Result<Choice, Problem> {
    let url = Choice::read(raw, Place::Url, names)?;
    url.0.iter().try_for_each(|alternative| check(alternative, names))?;
    Ok(url)
}

fn check(alternative: &Alternative, names: &Names) -> Result<(), Problem> {
    let Alternative { at, text, template, .. } = alternative;
    if template.lone_variable() == Some(TOKEN_URL) {
        return Ok(());
    }
    if template.variables().iter().any(|used| used.name == TOKEN_URL) {
        let message = format!("{{{TOKEN_URL}}} is a whole URL");
        return Err(Problem::new(at, message, format!("write url = \"{{{TOKEN_URL}}}\", and nothing beside it")));
    }
    if text.contains("{{") || text.contains("}}") {
        return Err(Problem::new(at, "a URL has no braces", "write %7B and %7D"));
    }
    if let Some((_, behind)) = text.strip_prefix('{').and_then(|text| text.split_once('}'))
        && !behind.is_empty()
        && !behind.starts_with('/')
    {
        return Err(Problem::new(
            at,
            "a base URL is followed by a slash: all else would make another host of its own",
            "add it",
        ));
    }
    check_query(alternative)?;
    // With every optional value, and without any.
    for omits in [|_: &Used| false, |used: &Used| used.question] {
        let variables = template.variables();
        let value = |used: &Used| if omits(used) { "" } else { sample(text, &used.name) };
        let values: Vec<_> = variables
            .iter()
            .map(|used| (used.name.as_str(), names.default_of(&used.name).unwrap_or_else(|| value(used))))
            .collect();
        Endpoint::expand(text, &values).map_err(|error| {
            let message = format!("this makes no URL that a secret may be sent to: {}", error.message());
            Problem::new(at, message, "write an https URL, with a variable for what differs from customer to customer")
        })?;
    }
    Ok(())
}

/// A value that fits the variable's place, as [`Endpoint::expand`] has places.
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

/// No secret stands in the query, where it would be logged, too.
fn check_query(alternative: &Alternative) -> Result<(), Problem> {
    let query = alternative.text.split_once('?').map_or("", |(_, query)| query);
    let is_written_out = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        !value.is_empty() && (is_name_of_secret(name) || is_secret(value))
    };
    if is_secret(&alternative.text) || query.split('&').any(is_written_out) {
        let message = "here seems to stand a secret in a URL, and a file holds none";
        return Err(Problem::new(&alternative.at, message, "place it by a parameter or a header"));
    }
    Ok(())
}
