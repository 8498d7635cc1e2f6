//! `cgrant token`: an access token on standard output.

use std::fmt::Write as _;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use clap::{Arg, ArgAction, ArgMatches, Command};
use credentials_grant::{AccessToken, Ask, ErrorKind, ExposeSecret, Value};
use credentials_grant_client::TokenSource;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::output;
use crate::registry::{PROVIDERS, Provider};
use crate::settings::{self, Given};

/// How long a call may take unless said otherwise; the help says so too.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What may be behind a connection that fails, at a vendor that does so.
const BLOCKED: &str = "if this vendor refused the credentials before, it may have blocked this address for a while: \
                       correct them, wait, and do not try again in a loop";

pub(crate) fn command() -> Command {
    Command::new("token")
        .about("Print an access token")
        .subcommand_value_name("PROVIDER")
        .subcommand_help_heading("Providers")
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .after_help("The settings of each: cgrant token PROVIDER --help\nThe exit codes: cgrant help exit-codes")
        .subcommands(PROVIDERS.iter().map(of_provider))
}

fn of_provider(provider: &'static Provider) -> Command {
    Command::new(provider.name)
        .about(format!("Print an access token for {}", provider.title))
        .after_help(example(provider))
        .args(settings::args(provider))
        .arg(
            Arg::new("scope")
                .long("scope")
                .value_name("SCOPE")
                .action(ArgAction::Append)
                .help_heading("Request")
                .help("A scope to ask for; may be repeated"),
        )
        .arg(
            Arg::new("param")
                .long("param")
                .value_name("KEY=VALUE")
                .action(ArgAction::Append)
                .help_heading("Request")
                .help("A further parameter of the token request; may be repeated; no place for secrets"),
        )
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .value_name("DURATION")
                .value_parser(timeout)
                .allow_hyphen_values(true)
                .help_heading("Request")
                .help("How long the whole call may take, such as 500ms, 10s or 1m; 30s unless set"),
        )
        .arg(output::arg(&["text", "json", "header", "env"]).help(
            "What to print: the token, JSON, the headers of an API call (for curl -H @-), or lines for a shell to eval",
        ))
}

fn example(provider: &Provider) -> String {
    let Provider { name, example, .. } = provider;
    let (id, secret) = (provider.variable("client-id"), provider.variable("client-secret"));
    let command = format!("cgrant token {name} {example}");
    let command = command.trim_end();
    format!("Example:\n  export {id}=… {secret}=…\n  {command}\n\nA flag wins over its environment variable.")
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let named = matches.subcommand().and_then(|(name, matches)| Some((Provider::find(name)?, matches)));
    let (provider, matches) = named.ok_or_else(|| Failure::usage("no provider is named"))?;
    let given = Given::new(provider, matches)?;
    let grant = given.build()?;
    let ask = ask(matches).map_err(|failure| failure.with_provider(provider.name))?;
    let credentials = given.credentials()?;
    let timeout = matches.get_one::<Duration>("timeout").copied().unwrap_or(TIMEOUT);
    let blocks = grant.policy().refusals_block_address();
    let source = TokenSource::builder(grant, credentials).with_ask(ask).with_timeout(timeout).build();
    let source = source.map_err(|error| given.explain(error))?;
    let token = output::block_on(source.token())?.map_err(|error| {
        // Each run is a program of its own, so none knows whether an earlier one was refused.
        let may_be_blocked = blocks && error.kind() == ErrorKind::Unreachable;
        let failure = given.explain(error);
        if may_be_blocked { failure.with_further_remedy(BLOCKED) } else { failure }
    })?;
    match output::form(matches) {
        "json" => output::print_json(&Answer::new(provider, &token))?,
        "header" => output::print(&headers(&token))?,
        "env" => output::print(&variables(provider, &token))?,
        _ => output::print(&format_args!("{}\n", token.secret().expose_secret()))?,
    }
    Ok(Exit::Done)
}

fn timeout(text: &str) -> Result<Duration, &'static str> {
    let duration = SignedDuration::from_str(text).ok().and_then(|duration| Duration::try_from(duration).ok());
    duration.filter(|duration| !duration.is_zero()).ok_or("give a length of time above zero, such as 500ms, 10s or 1m")
}

/// The scopes and parameters that were asked for.
fn ask(matches: &ArgMatches) -> Result<Ask, Failure> {
    let all = |name| matches.get_many::<String>(name).into_iter().flatten();
    all("param").try_fold(Ask::new().with_scopes(all("scope")), |ask, pair| match pair.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok(ask.with_parameter(name, value)),
        // The text is not repeated: it may be a value that was meant for something else.
        _ => Err(Failure::usage("a --param is not of the form KEY=VALUE").with_remedy("write --param KEY=VALUE")),
    })
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
            extra: token.extras(),
        }
    }
}

/// The headers of an API call, a line each.
fn headers(token: &AccessToken) -> String {
    token.headers().fold(String::new(), |mut lines, (name, value)| {
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
