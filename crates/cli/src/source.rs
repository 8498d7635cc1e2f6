//! What every command that gets tokens is told: a provider, who asks, what for, and for how long to wait.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};
use credentials_grant::{
    Ask, ClientCredentials, CredentialsGrant, Error, ErrorKind, ExposeSecret, SecretString, Transport,
};
use credentials_grant_client::{HttpTransport, TokenSource};
use jiff::SignedDuration;

use crate::credentials;
use crate::exit::Failure;
use crate::given::Given;
use crate::input::{self, AUTHORITIES};
use crate::registry::{PROVIDERS, Provider};

/// The commands that are told all this.
pub(crate) const COMMANDS: [&str; 3] = ["doctor", "request", "token"];

/// How long a call may take unless said otherwise; the help says so too.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// What may be behind a connection that fails, at a vendor that does so.
const BLOCKED: &str = "if this vendor refused the credentials before, it may have blocked this address for a while: \
                       correct them, wait, and do not try again in a loop";

/// A command with a subcommand for each provider, which takes what all take and what `of_provider` adds.
pub(crate) fn command(name: &'static str, of_provider: fn(&'static Provider, Command) -> Command) -> Command {
    let help = format!("The settings of each: cgrant {name} PROVIDER --help\nThe exit codes: cgrant help exit-codes");
    let of_provider = |provider: &'static Provider| {
        of_provider(provider, Command::new(provider.name).args(input::args(provider)).args(args()))
    };
    Command::new(name)
        .subcommand_value_name("PROVIDER")
        .subcommand_help_heading("Providers")
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .after_help(help)
        .subcommands(PROVIDERS.iter().map(of_provider))
}

/// What is asked for, in the same words at every provider.
fn args() -> [Arg; 5] {
    let arg = |name, value| Arg::new(name).long(name).value_name(value).help_heading("Request");
    [
        arg("scope", "SCOPE").action(ArgAction::Append).help("A scope to ask for; may be repeated"),
        arg("audience", "AUDIENCE").help("The API that the token is for, as Auth0 and others have it"),
        arg("resource", "URL")
            .action(ArgAction::Append)
            .help("A resource that the token is for (RFC 8707); may be repeated"),
        arg("param", "KEY=VALUE")
            .action(ArgAction::Append)
            .help("A further parameter of the token request; may be repeated; no place for secrets"),
        arg("timeout", "DURATION")
            .value_parser(duration)
            .allow_hyphen_values(true)
            .help("How long the whole call may take, such as 500ms, 10s or 1m; 30s unless set"),
    ]
}

/// An example for the end of a provider's help.
pub(crate) fn example(provider: &Provider, command: &str) -> String {
    let (id, secret) = (provider.variable("client-id"), provider.variable("client-secret"));
    format!(
        "Example:\n  export {id}=… {secret}=…\n  {}\n\nA flag wins over its environment variable.",
        command.trim_end()
    )
}

/// A provider, and what was said of who asks and what for.
pub(crate) struct Call<'a> {
    pub(crate) provider: &'static Provider,
    pub(crate) matches: &'a ArgMatches,
    pub(crate) grant: Arc<dyn CredentialsGrant>,
    given: Given<'a>,
    ask: Ask,
}

impl<'a> Call<'a> {
    /// What a command with a subcommand for each provider was told. Nothing is sent, and no secret read.
    pub(crate) fn new(matches: &'a ArgMatches) -> Result<Self, Failure> {
        let named = matches.subcommand().and_then(|(name, matches)| Some((Provider::find(name)?, matches)));
        let (provider, matches) = named.ok_or_else(|| Failure::usage("no provider is named"))?;
        let given = Given::new(provider, matches)?;
        given.check_stdin(&[])?;
        let grant = given.build()?;
        let ask = ask(matches).map_err(|failure| failure.with_provider(provider.name))?;
        Ok(Self { provider, matches, grant, given, ask })
    }

    /// Who asks. Secrets are read here.
    pub(crate) fn credentials(&self) -> Result<ClientCredentials, Failure> {
        credentials::read(&self.given)
    }

    /// The source of the tokens that are asked for.
    pub(crate) fn source(
        &self,
        credentials: ClientCredentials,
        transport: impl Transport,
    ) -> Result<TokenSource, Failure> {
        self.source_within(self.timeout(), credentials, transport)
    }

    /// The source, which may take this long for a token.
    pub(crate) fn source_within(
        &self,
        timeout: Duration,
        credentials: ClientCredentials,
        transport: impl Transport,
    ) -> Result<TokenSource, Failure> {
        let source = TokenSource::builder(Arc::clone(&self.grant), credentials);
        let source = source.with_ask(self.ask.clone()).with_timeout(timeout).with_transport(transport);
        source.build().map_err(|error| self.given.explain(error))
    }

    /// The authorities to trust instead of the machine's.
    pub(crate) fn authorities(&self) -> Result<Option<SecretString>, Failure> {
        self.given.content(&AUTHORITIES)
    }

    /// What carries requests to the token endpoint.
    pub(crate) fn transport(&self, authorities: Option<&SecretString>) -> Result<HttpTransport, Failure> {
        let transport = HttpTransport::new().map_err(|error| self.given.explain(error))?.with_timeout(self.timeout());
        let Some(pem) = authorities else { return Ok(transport) };
        let trusting = transport.with_root_certificates(pem.expose_secret().as_bytes());
        trusting.map_err(|error| {
            self.given.explain(error).about(&self.given.as_written(&AUTHORITIES)).with_provider(self.provider.name)
        })
    }

    /// Standard input can be read once, these flags included.
    pub(crate) fn check_stdin(&self, readers: &[&str]) -> Result<(), Failure> {
        self.given.check_stdin(readers)
    }

    pub(crate) fn usage(&self, message: impl Into<String>, remedy: impl Into<String>) -> Failure {
        self.given.usage(message, remedy)
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.matches.get_one("timeout").copied().unwrap_or(TIMEOUT)
    }

    /// An error of the way to a token.
    pub(crate) fn explain(&self, error: Error) -> Failure {
        let is_connection = error.kind() == ErrorKind::Unreachable;
        let failure = self.given.explain(error).in_words(in_flags);
        self.advice().filter(|_| is_connection).into_iter().fold(failure, Failure::with_further_remedy)
    }

    /// What else may be behind a connection that fails. Each run is a program of its own, so none knows whether an earlier
    /// one was refused.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        self.grant.policy().refusals_block_address().then_some(BLOCKED)
    }
}

/// What the libraries call by its name in Rust, by that of its flag.
pub(crate) fn in_flags(text: &str) -> String {
    text.replace("(in Rust, `HttpTransport::with_root_certificates`)", "or give it by --ca-file")
        .replace("`with_host(\"", "--host ")
        .replace("\")`", "")
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    let duration = SignedDuration::from_str(text).ok().and_then(|duration| Duration::try_from(duration).ok());
    duration.filter(|duration| !duration.is_zero()).ok_or("give a length of time above zero, such as 500ms, 10s or 1m")
}

/// What is asked for.
fn ask(matches: &ArgMatches) -> Result<Ask, Failure> {
    let all = |name| matches.get_many::<String>(name).into_iter().flatten();
    let mut ask = Ask::new().with_scopes(all("scope"));
    if let Some(audience) = matches.get_one::<String>("audience") {
        ask = ask.with_audience(audience);
    }
    ask = all("resource").fold(ask, Ask::with_resource);
    all("param").try_fold(ask, |ask, pair| match pair.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok(ask.with_parameter(name, value)),
        // The text is not repeated: it may be a value that was meant for something else.
        _ => Err(Failure::usage("a --param is not of the form KEY=VALUE").with_remedy("write --param KEY=VALUE")),
    })
}
