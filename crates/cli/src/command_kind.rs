//! The two kinds of commands that take a provider.

use crate::provider::Provider;
use crate::provider::option::ProviderOption;
use crate::provider::options::{ACCESS_TOKEN, HOST, PROOF_KEYS, TIMEOUT, TOKEN_AT_HAND, TOKEN_PARAMETERS};
use crate::registry::all;

/// What a command does with tokens.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum CommandKind {
    /// Fetches a token.
    FetchesToken,
    /// Fetches a token and sends it to an API.
    CallsApi,
    /// Asks the server about a token that exists already.
    TakesToken,
}

impl CommandKind {
    /// Returns the provider's options for this kind of command.
    pub(crate) fn options(self, provider: &'static Provider) -> Vec<ProviderOption> {
        let bound = if provider.binds_tokens { &PROOF_KEYS[..] } else { &[] };
        let request = match self {
            Self::FetchesToken => [&TOKEN_PARAMETERS[..], bound].concat(),
            Self::CallsApi => [&TOKEN_PARAMETERS[..], bound, &[TOKEN_AT_HAND, HOST]].concat(),
            Self::TakesToken => vec![ACCESS_TOKEN],
        };
        provider.options().chain(request).chain([TIMEOUT]).collect()
    }

    pub(crate) fn is_supported_by(self, provider: &Provider) -> bool {
        self != Self::TakesToken || provider.has_token_operations
    }

    /// Returns the names of the providers that support it.
    pub(crate) fn provider_names(self) -> Vec<&'static str> {
        all().filter(|provider| self.is_supported_by(provider)).map(|provider| provider.name).collect()
    }
}
