//! One typed invocation: a command and everything that it needs, checked before anything is sent.

mod api_request;
mod credential_options;
mod credentials;
mod emulator_settings;
mod lazy_transport;
mod parameters;
mod run_tokens;
mod secret_names;
mod store_options;
mod token_at_hand;
mod token_client;
mod token_settings;

use clap::ArgMatches;
use credentials_grant::SecretString;
use credentials_grant_client::FileStore;
use credentials_grant_emulator::EmulatedVendor;

pub(crate) use self::api_request::ApiRequest;
use self::emulator_settings::EmulatorSettings;
use self::store_options::{StoreOptions, file_store};
pub(crate) use self::token_client::{Timeout, TokenClient};
use self::token_settings::TokenSettings;
use crate::command_kind::CommandKind;
use crate::error::CommandError;
use crate::output::OutputFormat;
use crate::provider::Provider;
use crate::provider::options::{ACCESS_TOKEN, HOST};
use crate::registry::emulated;

/// What to run.
pub(crate) enum Invocation {
    Demo(OutputFormat),
    Doctor(DoctorInvocation),
    Emulate(EmulateInvocation),
    ExitCodes,
    Help,
    Introspect(OperationInvocation),
    Providers(OutputFormat),
    Request(Box<RequestInvocation>),
    Revoke(OperationInvocation),
    Store(StoreInvocation),
    Token(TokenInvocation),
}

pub(crate) struct DoctorInvocation {
    pub(crate) client: TokenClient,
    pub(crate) requests_token: bool,
    pub(crate) format: OutputFormat,
}

pub(crate) struct EmulateInvocation {
    pub(crate) vendors: Vec<(&'static Provider, EmulatedVendor)>,
    /// The port of the first, or 0 for free ports.
    pub(crate) port: u16,
    pub(crate) settings: EmulatorSettings,
    pub(crate) format: OutputFormat,
}

/// What `introspect` and `revoke` do with a token.
pub(crate) struct OperationInvocation {
    pub(crate) client: TokenClient,
    pub(crate) token: SecretString,
    pub(crate) format: OutputFormat,
}

pub(crate) struct RequestInvocation {
    pub(crate) client: TokenClient,
    pub(crate) request: ApiRequest,
    /// Hosts that may receive the token, beside the vendor's own.
    pub(crate) hosts: Vec<String>,
    pub(crate) prints_head: bool,
    pub(crate) format: OutputFormat,
}

pub(crate) enum StoreInvocation {
    Clear(FileStore),
    Key { keyring: bool },
    List(FileStore, OutputFormat),
    Path(FileStore),
    Show { store: FileStore, name: String, format: OutputFormat },
}

pub(crate) struct TokenInvocation {
    pub(crate) client: TokenClient,
    pub(crate) format: OutputFormat,
}

impl Invocation {
    /// Resolves the arguments: reads variables, files and standard input, and checks everything.
    pub(crate) fn resolve(matches: &ArgMatches) -> Result<Self, CommandError> {
        Ok(match matches.subcommand() {
            Some(("demo", matches)) => Self::Demo(format(matches)),
            Some(("doctor", matches)) => Self::Doctor(DoctorInvocation::resolve(matches)?),
            Some(("emulate", matches)) => Self::Emulate(EmulateInvocation::read(matches)?),
            Some(("exit-codes", _)) => Self::ExitCodes,
            Some(("introspect", matches)) => {
                Self::Introspect(OperationInvocation::resolve(matches, "introspection-url", StoreOptions::default())?)
            }
            Some(("providers", matches)) => Self::Providers(format(matches)),
            Some(("request", matches)) => Self::Request(Box::new(RequestInvocation::resolve(matches)?)),
            Some(("revoke", matches)) => {
                // A token that is revoked must not stay there.
                let store = StoreOptions::of_environment()?;
                Self::Revoke(OperationInvocation::resolve(matches, "revocation-url", store)?)
            }
            Some(("store", matches)) => Self::Store(StoreInvocation::resolve(matches)?),
            Some(("token", matches)) => Self::Token(TokenInvocation::resolve(matches)?),
            _ => Self::Help,
        })
    }
}

impl DoctorInvocation {
    fn resolve(matches: &ArgMatches) -> Result<Self, CommandError> {
        let settings = TokenSettings::resolve(matches, CommandKind::FetchesToken)?;
        let flags = of_provider(matches);
        let (requests_token, format) = (!flags.get_flag("no-token"), format(flags));
        Ok(Self { client: TokenClient::read(settings)?, requests_token, format })
    }
}

impl EmulateInvocation {
    /// Keeps the vendors in the order in which they were named, each once. All if none is named.
    fn read(matches: &ArgMatches) -> Result<Self, CommandError> {
        let named = matches.get_many::<String>("provider").into_iter().flatten();
        let mut vendors: Vec<(&Provider, EmulatedVendor)> = Vec::new();
        for (provider, vendor) in named.filter_map(|name| emulated().find(|(provider, _)| provider.name == name)) {
            if vendors.iter().all(|(_, other)| *other != vendor) {
                vendors.push((provider, vendor));
            }
        }
        let vendors = if vendors.is_empty() { emulated().collect() } else { vendors };
        let emulated: Vec<_> = vendors.iter().map(|(_, vendor)| *vendor).collect();
        let settings = EmulatorSettings::read(matches, &emulated)?;
        Ok(Self { vendors, port: matches.get_one("port").copied().unwrap_or(0), settings, format: format(matches) })
    }
}

impl OperationInvocation {
    /// `url` is the name of the setting for the endpoint.
    fn resolve(matches: &ArgMatches, url: &'static str, store: StoreOptions) -> Result<Self, CommandError> {
        let mut settings = TokenSettings::resolve(matches, CommandKind::TakesToken)?;
        settings.name_endpoint(url);
        let options = &settings.options;
        let token = options.content(&ACCESS_TOKEN)?.ok_or_else(|| options.missing(&ACCESS_TOKEN))?;
        let client = TokenClient::read(settings)?.with_store(store);
        Ok(Self { client, token, format: format(of_provider(matches)) })
    }
}

impl RequestInvocation {
    fn resolve(matches: &ArgMatches) -> Result<Self, CommandError> {
        let settings = TokenSettings::resolve(matches, CommandKind::CallsApi)?;
        let flags = of_provider(matches);
        let request = ApiRequest::read(flags, &settings)?;
        let hosts = settings.options.list(&HOST).to_vec();
        let (prints_head, format) = (flags.get_flag("include"), format(flags));
        let store = StoreOptions::read(flags)?;
        let client = TokenClient::read_with_token(settings, store.demand())?.with_store(store);
        Ok(Self { client, request, hosts, prints_head, format })
    }
}

impl StoreInvocation {
    fn resolve(matches: &ArgMatches) -> Result<Self, CommandError> {
        Ok(match matches.subcommand() {
            Some(("clear", _)) => Self::Clear(file_store()?),
            Some(("list", flags)) => Self::List(file_store()?, format(flags)),
            Some(("key", flags)) => Self::Key { keyring: flags.get_flag("keyring") },
            Some(("show", flags)) => {
                let name = flags.get_one::<String>("name").cloned().unwrap_or_default();
                Self::Show { store: file_store()?, name, format: format(flags) }
            }
            _ => Self::Path(file_store()?),
        })
    }
}

impl TokenInvocation {
    fn resolve(matches: &ArgMatches) -> Result<Self, CommandError> {
        let settings = TokenSettings::resolve(matches, CommandKind::FetchesToken)?;
        let flags = of_provider(matches);
        let client = TokenClient::read(settings)?.with_store(StoreOptions::read(flags)?);
        Ok(Self { client, format: format(flags) })
    }
}

/// Returns the flags of the provider's subcommand.
fn of_provider(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, matches)| matches)
}

fn format(matches: &ArgMatches) -> OutputFormat {
    OutputFormat::named(matches.get_one::<String>("output").map(String::as_str))
}
