//! The provider that a command talks to, built from the values of its options. No secret is read here.

use std::sync::Arc;

use clap::ArgMatches;
use credentials_grant::{CredentialsGrant, Error, TokenParameters};

use super::credential_options::CredentialOptions;
use super::parameters::parameters;
use crate::command_kind::CommandKind;
use crate::error::CommandError;
use crate::provider::options::ISSUER;
use crate::registry;
use crate::settings::option_names::OptionNames;
use crate::settings::resolved_options::ResolvedOptions;

/// A provider with its settings and the parameters of the token request.
pub(super) struct TokenSettings {
    pub(super) options: ResolvedOptions,
    pub(super) names: OptionNames,
    pub(super) grant: Arc<dyn CredentialsGrant>,
    pub(super) credentials: CredentialOptions,
    pub(super) parameters: TokenParameters,
}

impl TokenSettings {
    /// Resolves the options of a command with a subcommand for each provider.
    pub(super) fn resolve(matches: &ArgMatches, kind: CommandKind) -> Result<Self, CommandError> {
        let (provider, matches) = matches
            .subcommand()
            .and_then(|(name, matches)| Some((registry::find(name)?, matches)))
            .ok_or_else(|| CommandError::usage("no provider given"))?;
        let mut options = ResolvedOptions::new(provider, kind.options(provider), matches)?;
        if !kind.is_supported_by(provider) {
            let others = kind.provider_names().join(" or ");
            let remedy = format!("if the vendor has a URL for it, use {others} with that");
            return Err(options.usage("this provider does not support introspection and revocation", remedy));
        }
        options.check_stdin(&[])?;
        // First settle which settings count: which credentials are needed depends on them. The choice of credentials
        // may drop a setting in turn.
        build(&mut options)?;
        let credentials = CredentialOptions::choose(&mut options)?;
        let grant = build(&mut options)?;
        options.use_settings();
        let parameters = parameters(&options)?;
        let names = names(&options);
        Ok(Self { options, names, grant, credentials, parameters })
    }

    /// Lets errors name this setting for an endpoint, if it is set.
    pub(super) fn name_endpoint(&mut self, setting: &'static str) {
        self.names.set_endpoint(setting);
        if let Some(url) = self.options.option(setting).filter(|url| self.options.has(url)) {
            let url = self.options.written(&url);
            // The issuer is asked first, for the client authentication that it supports.
            let issuer = self.options.option(ISSUER).filter(|issuer| self.options.has(issuer));
            let issuer = issuer.map(|issuer| self.options.written(&issuer) + " or ");
            self.names.set_url(issuer.unwrap_or_default() + &url);
        }
    }
}

/// Builds the provider. Where two settings contradict each other, the one that takes precedence counts.
fn build(options: &mut ResolvedOptions) -> Result<Arc<dyn CredentialsGrant>, CommandError> {
    loop {
        let error = match options.provider.build(&options.settings()?) {
            Ok(grant) => return Ok(grant),
            Err(error) => error,
        };
        let settings = contradicting_settings(&error).map(|names| names.map(|name| options.option(name)));
        match settings {
            Some([Some(one), Some(other)]) if options.overrides(&one, &other) => options.drop_overridden(&other, &one),
            Some([Some(one), Some(other)]) if options.overrides(&other, &one) => options.drop_overridden(&one, &other),
            _ => return Err(options.names().explain(error)),
        }
    }
}

/// Returns the names of two settings that cannot be set together, if the error is about such. Providers and vendor
/// files alike word it as `Settings::at_most_one_of` does.
fn contradicting_settings(error: &Error) -> Option<[&str; 2]> {
    let names = error.message().strip_prefix("the settings `")?.strip_suffix("` contradict each other")?;
    names.split_once("` and `").map(|(one, other)| [one, other])
}

/// Returns the names for errors. At an issuer, it is the issuer that the user can check, not the token URL.
fn names(options: &ResolvedOptions) -> OptionNames {
    let issuer = options.option(ISSUER).filter(|issuer| options.has(issuer));
    let mut names = options.names();
    if let Some(issuer) = issuer {
        names.set_url(options.written(&issuer));
    }
    names
}
