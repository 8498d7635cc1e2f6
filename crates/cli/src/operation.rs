//! `cgrant introspect` and `cgrant revoke`: what is done with a token that there is already.

use clap::{ArgMatches, Command};
use credentials_grant::{SecretString, Value};
use credentials_grant_client::TokenSource;
use jiff::Timestamp;
use serde_json::json;

use crate::exit::{Exit, Failure, one_line};
use crate::input::ACCESS_TOKEN;
use crate::output;
use crate::provider::Provider;
use crate::source::{self, Call, Purpose};

/// The members that are points in time (RFC 7662 section 2.2).
const TIMES: [&str; 3] = ["exp", "iat", "nbf"];

pub(crate) fn introspect_command() -> Command {
    let of_provider =
        |provider, command| of_provider(provider, command, "introspect", "Ask what is known of a token at");
    source::command("introspect", Purpose::Operation, of_provider).about("Ask a server what it knows of a token")
}

pub(crate) fn revoke_command() -> Command {
    let of_provider = |provider, command| of_provider(provider, command, "revoke", "Have a token taken back by");
    source::command("revoke", Purpose::Operation, of_provider).about("Have a server take a token back")
}

fn of_provider(provider: &'static Provider, command: Command, name: &str, about: &str) -> Command {
    let Provider { name: provider_name, title, example, .. } = provider;
    let example = format!("cgrant {name} {provider_name} {example} --access-token-file token");
    command
        .about(format!("{about} {title}"))
        .after_help(source::example(provider, &example))
        .arg(output::arg(&["text", "json"]))
}

pub(crate) fn introspect(matches: &ArgMatches) -> Result<Exit, Failure> {
    let (call, source, token) = prepare(matches)?;
    let word = output::block_on(source.introspect(&token))?;
    let word = word.map_err(|error| call.explain(error).in_words(|text| naming(text, "--introspection-url")))?;
    match output::form(call.matches) {
        "json" => output::print_json(word.members())?,
        _ => output::print(&text(word.members()))?,
    }
    Ok(if word.is_active() { Exit::Done } else { Exit::Inactive })
}

pub(crate) fn revoke(matches: &ArgMatches) -> Result<Exit, Failure> {
    let (call, source, token) = prepare(matches)?;
    let revoked = output::block_on(source.revoke(&token))?;
    revoked.map_err(|error| call.explain(error).in_words(|text| naming(text, "--revocation-url")))?;
    match output::form(call.matches) {
        "json" => output::print_json(&json!({"provider": call.provider.name, "revoked": true}))?,
        _ => {
            output::print(&"The server has taken the token back. It says so of tokens, too, that it does not know.\n")?;
        }
    }
    Ok(Exit::Done)
}

/// Whom to ask, and about which token.
fn prepare(matches: &ArgMatches) -> Result<(Call<'_>, TokenSource, SecretString), Failure> {
    let call = Call::new(matches, Purpose::Operation)?;
    let token = call.given.content(&ACCESS_TOKEN)?.ok_or_else(|| call.given.missing(&ACCESS_TOKEN))?;
    let transport = call.transport(call.authorities()?.as_ref())?;
    let source = call.source(call.credentials()?, transport)?;
    Ok((call, source, token))
}

/// A remedy with the flag for the URL that it speaks of.
fn naming(text: &str, flag: &str) -> String {
    text.replace("set its URL", &format!("set {flag}"))
}

/// The server's word, a member on each line, whether the token is active first.
fn text(members: &serde_json::Map<String, Value>) -> String {
    let others = members.iter().filter(|(name, _)| *name != "active");
    let members = members.get_key_value("active").into_iter().chain(others);
    let mut table = output::table();
    for (name, value) in members {
        table.add_row([one_line(name), one_line(&shown(name, value))]);
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn shown(name: &str, value: &Value) -> String {
    let time = value.as_i64().filter(|_| TIMES.contains(&name)).and_then(|time| Timestamp::from_second(time).ok());
    match (value, time) {
        (_, Some(time)) => format!("{value} ({time})"),
        (Value::String(text), _) => text.clone(),
        _ => value.to_string(),
    }
}
