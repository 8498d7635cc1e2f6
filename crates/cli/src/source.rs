//! What every command that gets tokens is told: a provider, who asks, what for, and for how long to wait.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::{Arg, ArgMatches, Command};
use credentials_grant::{
    ClientCredentials, CredentialsGrant, Error, ErrorKind, ExposeSecret, SecretString, TokenParameters, Transport,
};
use credentials_grant_client::{HttpTransport, TokenSource};
use jiff::SignedDuration;

use crate::exit::Failure;
use crate::given::Given;
use crate::input::{ACCESS_TOKEN, AUTHORITIES, Input, PROOF_KEY};
use crate::provider::{Proof, Provider};
use crate::registry::all;
use crate::{ask, credentials, flags, provider_file, registry};

/// The commands that are told all this, and what each wants.
pub(crate) const COMMANDS: [(&str, Purpose); 5] = [
    ("doctor", Purpose::Token),
    ("introspect", Purpose::Operation),
    ("request", Purpose::Token),
    ("revoke", Purpose::Operation),
    ("token", Purpose::Token),
];

/// How long a call may take unless said otherwise; the help says so too.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// What may be behind a connection that fails, at a vendor that does so.
const BLOCKED: &str = "if this vendor refused the credentials before, it may have blocked this address for a while: \
                       correct them, wait, and do not try again in a loop";

/// What a command wants of a provider.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Purpose {
    /// A token.
    Token,
    /// To do something with a token that there is already.
    Operation,
}

impl Purpose {
    /// All that can be said to the provider for this.
    pub(crate) fn inputs(self, provider: &'static Provider) -> Vec<Input> {
        let further = match self {
            Self::Token => provider.binds_tokens.then_some(PROOF_KEY),
            Self::Operation => Some(ACCESS_TOKEN),
        };
        provider.inputs().chain(further).collect()
    }

    fn args(self, provider: &Provider) -> Vec<Arg> {
        match self {
            Self::Token => ask::args(provider),
            Self::Operation => Vec::new(),
        }
    }

    fn is_served_by(self, provider: &Provider) -> bool {
        self == Self::Token || provider.has_operations
    }

    /// The names of the providers that serve it.
    pub(crate) fn providers(self) -> Vec<&'static str> {
        all().filter(|provider| self.is_served_by(provider)).map(|provider| provider.name).collect()
    }
}

/// A command with a subcommand for each provider, which takes what all take and what `of_provider` adds.
pub(crate) fn command(
    name: &'static str,
    purpose: Purpose,
    of_provider: fn(&'static Provider, Command) -> Command,
) -> Command {
    let timeout = Arg::new("timeout")
        .long("timeout")
        .value_name("DURATION")
        .value_parser(duration)
        .allow_hyphen_values(true)
        .help_heading("Request")
        .help("How long the whole call may take, such as 500ms, 10s or 1m; 30s unless set");
    let of_provider = |provider: &'static Provider| {
        let command = Command::new(provider.name).hide(!purpose.is_served_by(provider));
        let command = command.args(flags::args(provider, purpose.inputs(provider))).args(purpose.args(provider));
        of_provider(provider, command.arg(timeout.clone()))
    };
    let help = format!("The settings of each: cgrant {name} PROVIDER --help\nThe exit codes: cgrant help exit-codes");
    Command::new(name)
        .subcommand_value_name("PROVIDER")
        .subcommand_help_heading("Providers")
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .after_help(help)
        .arg(provider_file::arg())
        .subcommands(all().map(of_provider))
}

/// An example for the end of a provider's help.
pub(crate) fn example(provider: &Provider, command: &str) -> String {
    let (id, secret) = (provider.variable("client-id"), provider.variable("client-secret"));
    let command = if provider_file::is_of_file(provider) {
        &command.replacen(provider.name, "--provider-file PATH", 1)
    } else {
        command
    };
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
    pub(crate) given: Given<'a>,
    /// By what the client is to prove who it is; nothing if that is for the server's metadata to say.
    proof: Option<Proof>,
    purpose: Purpose,
    parameters: TokenParameters,
}

impl<'a> Call<'a> {
    /// What a command with a subcommand for each provider was told. Nothing is sent, and no secret read.
    pub(crate) fn new(matches: &'a ArgMatches, purpose: Purpose) -> Result<Self, Failure> {
        let named = matches.subcommand().and_then(|(name, matches)| Some((registry::find(name)?, matches)));
        let (provider, matches) = named.ok_or_else(|| Failure::usage("no provider is named"))?;
        let given = Given::new(provider, purpose.inputs(provider), matches)?;
        if !purpose.is_served_by(provider) {
            let others = purpose.providers().join(" or ");
            let remedy = format!("if the vendor has a URL for it, use {others} with that");
            return Err(given.usage("this provider knows no way to do that with a token", remedy));
        }
        given.check_stdin(&[])?;
        let settings = given.settings()?;
        let grant = given.build(&settings)?;
        let proof = (provider.proof)(&settings);
        let parameters = match purpose {
            Purpose::Token => ask::read(matches).map_err(|failure| failure.with_provider(provider.name))?,
            Purpose::Operation => TokenParameters::new(),
        };
        Ok(Self { provider, matches, grant, given, proof, purpose, parameters })
    }

    /// Who asks. Secrets are read here.
    pub(crate) fn credentials(&self) -> Result<ClientCredentials, Failure> {
        credentials::read(&self.given, self.proof)
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
        let key = if self.purpose == Purpose::Token { ask::proof_key(&self.given)? } else { None };
        let parameters = key.into_iter().fold(self.parameters.clone(), TokenParameters::with_proof_key);
        let source = TokenSource::builder(Arc::clone(&self.grant), credentials);
        let source = source.with_parameters(parameters).with_timeout(timeout).with_transport(transport);
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

    /// What else may be behind a connection that fails. Each run is a program of its own, so none knows whether an
    /// earlier one was refused.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        self.grant.policy().blocks_addresses().then_some(BLOCKED)
    }
}

/// What the libraries call by its name in Rust, by that of its flag.
pub(crate) fn in_flags(text: &str) -> String {
    text.replace("(in Rust, `HttpTransport::with_root_certificates`)", "or give it by --ca-file")
        .replace("`TokenParameters::with_proof_key`", "--dpop-key-file")
        .replace("`with_host(\"", "--host ")
        .replace("\")`", "")
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    let duration = SignedDuration::from_str(text).ok().and_then(|duration| Duration::try_from(duration).ok());
    duration.filter(|duration| !duration.is_zero()).ok_or("give a length of time above zero, such as 500ms, 10s or 1m")
}
