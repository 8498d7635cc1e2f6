//! `cgrant token`: an access token on standard output.

use std::fmt::Write as _;
use std::time::SystemTime;

use clap::{ArgMatches, Command};
use credentials_grant::{AccessToken, ExposeSecret, ProofKey, Value};
use jiff::Timestamp;
use serde::Serialize;

use crate::exit::{Exit, Failure, note};
use crate::provider::Provider;
use crate::source::{self, Call, Purpose};
use crate::{ask, output};

pub(crate) fn command() -> Command {
    source::command("token", Purpose::Token, of_provider).about("Print an access token")
}

fn of_provider(provider: &'static Provider, command: Command) -> Command {
    let Provider { name, title, example, .. } = provider;
    command
        .about(format!("Print an access token for {title}"))
        .after_help(source::example(provider, &format!("cgrant token {name} {example}")))
        .arg(output::arg(&["text", "json", "header", "env"]).help(
            "What to print: the token, JSON, the headers of an API call (for curl -H @-), or lines for a shell to eval",
        ))
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let call = Call::new(matches, Purpose::Token)?;
    let transport = call.transport(call.authorities()?.as_ref())?;
    let source = call.source(call.credentials()?, transport)?;
    let token = output::block_on(source.token())?.map_err(|error| call.explain(error))?;
    match output::form(call.matches) {
        "json" => output::print_json(&Answer::new(call.provider, &token))?,
        "header" => output::print(&headers(&token))?,
        "env" => output::print(&variables(call.provider, &token))?,
        _ => output::print(&format_args!("{}\n", token.secret().expose_secret()))?,
    }
    if ask::binds_to_new_key(&call.given) {
        note("the key that this token is bound to is gone; to use a token, keep its key, by --dpop-key-file");
    }
    Ok(Exit::Done)
}

/// What programs get. The members are a contract.
#[derive(Serialize)]
struct Answer<'a> {
    provider: &'a str,
    access_token: &'a str,
    token_type: &'a str,
    expires_at: String,
    expires_in: u64,
    scopes: &'a [String],
    /// What names the key that the token is bound to (RFC 9449 section 6.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    jkt: Option<&'a str>,
    extra: &'a serde_json::Map<String, Value>,
}

impl<'a> Answer<'a> {
    fn new(provider: &'a Provider, token: &'a AccessToken) -> Self {
        Self {
            provider: provider.name,
            access_token: token.secret().expose_secret(),
            // A type that is not said is bearer.
            token_type: token.token_type().unwrap_or("Bearer"),
            expires_at: expires_at(token),
            expires_in: token.expires_at().duration_since(SystemTime::now()).unwrap_or_default().as_secs(),
            scopes: token.scopes(),
            jkt: token.proof_key().map(ProofKey::thumbprint),
            extra: token.extras(),
        }
    }
}

/// The headers of an API call, a line each.
fn headers(token: &AccessToken) -> String {
    token.header_pairs().fold(String::new(), |mut lines, (name, value)| {
        let name: Vec<_> = name.as_str().split('-').map(capitalized).collect();
        let _ = writeln!(lines, "{}: {}", name.join("-"), String::from_utf8_lossy(value.as_bytes()));
        lines
    })
}

/// Assignments that a shell can read.
fn variables(provider: &Provider, token: &AccessToken) -> String {
    let values = [("access-token", token.secret().expose_secret()), ("access-token-expires-at", &expires_at(token))];
    values.into_iter().fold(String::new(), |mut lines, (name, value)| {
        let _ = writeln!(lines, "{}={}", provider.variable(name), output::quoted(value));
        lines
    })
}

/// RFC 3339 in UTC, to the second.
fn expires_at(token: &AccessToken) -> String {
    let whole = token.expires_at().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let timestamp = i64::try_from(whole).ok().and_then(|whole| Timestamp::from_second(whole).ok());
    timestamp.unwrap_or(Timestamp::MAX).to_string()
}

fn capitalized(word: &str) -> String {
    let (first, rest) = word.split_at(word.len().min(1));
    first.to_ascii_uppercase() + rest
}
