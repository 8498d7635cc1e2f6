//! A client of a token server: everything that a command needs to fetch a token or to ask about one.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use credentials_grant::{
    ClientCredentials, CredentialsGrant, Error, ErrorKind, ExposeSecret, ProofKey, SecretString, TokenParameters,
    Transport,
};
use credentials_grant_client::{HttpTransport, ProvideToken, TokenSource};
use jiff::SignedDuration;

use super::credentials;
use super::lazy_transport::LazyTransport;
use super::parameters::proof_key;
use super::run_tokens::RunTokens;
use super::store_options::StoreOptions;
use super::token_at_hand::TokenAtHand;
use super::token_settings::TokenSettings;
use crate::error::CommandError;
use crate::provider::Provider;
use crate::provider::options::{CA_CERTIFICATES, DPOP, TIMEOUT, TOKEN_AT_HAND};
use crate::settings::option_names::OptionNames;
use crate::settings::resolved_options::ResolvedOptions;

/// What may be behind a connection that fails, at a vendor that blocks addresses. Each run is a process of its own and
/// does not know whether an earlier one was refused.
const BLOCKED: &str = "if this vendor refused the credentials before, it may have blocked this address for a while: \
                       correct them, wait, and do not try again in a loop";

/// A provider, the client's credentials, and how to reach the server.
pub(crate) struct TokenClient {
    pub(crate) provider: &'static Provider,
    pub(crate) grant: Arc<dyn CredentialsGrant>,
    pub(crate) credentials: ClientCredentials,
    pub(crate) root_certificates: Option<RootCertificates>,
    pub(crate) timeout: Timeout,
    /// Whether the token is bound to a key that is lost when the run ends.
    pub(crate) has_temporary_key: bool,
    /// The settings and secrets, each with the flag or variable that it comes from.
    pub(crate) sources: BTreeMap<&'static str, String>,
    store: StoreOptions,
    at_hand: Option<SecretString>,
    parameters: TokenParameters,
    proof_key: Option<ProofKey>,
    names: OptionNames,
}

/// The CA certificates to trust instead of the system's.
pub(crate) struct RootCertificates {
    pub(crate) pem: SecretString,
    /// The flag or variable that they come from.
    written: String,
}

/// How long a call may take.
#[derive(Clone, Copy)]
pub(crate) struct Timeout {
    pub(crate) limit: Duration,
    pub(crate) is_default: bool,
}

impl TokenClient {
    /// Reads the secrets: files, standard input and variables.
    pub(super) fn read(settings: TokenSettings) -> Result<Self, CommandError> {
        let credentials = credentials::read(&settings.options, &settings.credentials)?;
        Self::with_credentials(settings, credentials)
    }

    /// As [`read`](Self::read), for a command that takes a token which the user has already. `demand` is a flag about
    /// tokens that are requested.
    pub(super) fn read_with_token(mut settings: TokenSettings, demand: Option<&str>) -> Result<Self, CommandError> {
        let at_hand = TokenAtHand::read(&mut settings.options, &settings.credentials, demand)?;
        if at_hand.is_none() {
            return Self::read(settings);
        }
        let credentials = credentials::read_beside_token(&settings.options, &settings.credentials)?;
        Ok(Self { at_hand, ..Self::with_credentials(settings, credentials)? })
    }

    fn with_credentials(settings: TokenSettings, credentials: ClientCredentials) -> Result<Self, CommandError> {
        let TokenSettings { options, names, grant, parameters, .. } = settings;
        let root_certificates = options
            .content(&CA_CERTIFICATES)?
            .map(|pem| RootCertificates { pem, written: options.written(&CA_CERTIFICATES) });
        let (timeout, proof_key) = (timeout(&options)?, proof_key(&options)?);
        Ok(Self {
            provider: options.provider,
            grant,
            credentials,
            root_certificates,
            timeout,
            has_temporary_key: options.has(&DPOP),
            sources: options.sources(),
            store: StoreOptions::default(),
            at_hand: None,
            parameters,
            proof_key,
            names,
        })
    }

    /// Takes tokens from a store, and leaves them there.
    pub(super) fn with_store(mut self, store: StoreOptions) -> Self {
        self.store = store;
        self
    }

    /// Makes what provides the tokens of this run: the one at hand, or those that earlier runs have left and new ones.
    pub(crate) fn tokens(&self) -> Result<Arc<dyn ProvideToken>, CommandError> {
        if let Some(token) = &self.at_hand {
            return Ok(Arc::new(self.token_at_hand(token.clone())?));
        }
        let StoreOptions { is_fresh, minimum_life, .. } = self.store;
        let source = match self.root_certificates {
            // Whatever is wrong with the certificates is said at once.
            Some(_) => self.token_source(self.transport()?)?,
            None => self.token_source(LazyTransport::new(self.timeout.limit))?,
        };
        Ok(Arc::new(RunTokens::new(source, is_fresh, minimum_life)))
    }

    fn token_at_hand(&self, token: SecretString) -> Result<TokenAtHand, CommandError> {
        let (policy, limit, parameters) = (self.grant.policy(), self.timeout.limit, self.parameters());
        let token = TokenAtHand::new(self.provider, policy, limit, &self.credentials, &parameters, token);
        token.map_err(|error| {
            let written = self.sources.get(TOKEN_AT_HAND.name).map_or("", String::as_str);
            self.usage(
                // No server sent it, as the library believes.
                format!("{written}: {}", error.message().replace("the server sent a token", "this is a token")),
                format!("print a new one by `cgrant token {}`, without the word `Bearer`", self.provider.name),
            )
        })
    }

    fn parameters(&self) -> TokenParameters {
        self.proof_key.clone().into_iter().fold(self.parameters.clone(), TokenParameters::with_proof_key)
    }

    /// Makes a source of tokens, which sends requests through this transport.
    pub(crate) fn token_source(&self, transport: impl Transport) -> Result<TokenSource, CommandError> {
        self.token_source_within(self.timeout.limit, transport)
    }

    /// Makes a source of tokens that may take this long for one.
    pub(crate) fn token_source_within(
        &self,
        timeout: Duration,
        transport: impl Transport,
    ) -> Result<TokenSource, CommandError> {
        let source = TokenSource::builder(Arc::clone(&self.grant), self.credentials.clone());
        let source = source.with_parameters(self.parameters()).with_timeout(timeout).with_transport(transport);
        // A token that is bound to a key of this run is of no use to another.
        let source = match &self.store.store {
            Some(store) if !self.has_temporary_key => source.with_store(Arc::clone(store)),
            _ => source,
        };
        source.build().map_err(|error| self.names.explain(error))
    }

    /// Makes the transport to the token server.
    pub(crate) fn transport(&self) -> Result<HttpTransport, CommandError> {
        let transport = HttpTransport::new().map_err(|error| self.names.explain(error))?;
        let transport = transport.with_timeout(self.timeout.limit);
        let Some(RootCertificates { pem, written }) = &self.root_certificates else { return Ok(transport) };
        let trusting = transport.with_root_certificates(pem.expose_secret().as_bytes());
        trusting.map_err(|error| self.names.explain(error).about(written).with_provider(self.provider.name))
    }

    /// Converts an error from the way to a token.
    pub(crate) fn explain(&self, error: Error) -> CommandError {
        let advice = self.advice_on(&error);
        advice.into_iter().fold(self.names.explain(error), CommandError::with_further_remedy)
    }

    /// Converts an error from the way to the API, whose URL is an argument.
    pub(crate) fn explain_api(&self, error: Error) -> CommandError {
        let advice = self.advice_on(&error);
        advice.into_iter().fold(self.names.explain_at("the URL", error), CommandError::with_further_remedy)
    }

    /// Returns what else may be behind a connection that fails.
    pub(crate) fn connection_advice(&self) -> Option<&'static str> {
        self.grant.policy().blocks_addresses().then_some(BLOCKED)
    }

    fn advice_on(&self, error: &Error) -> Option<&'static str> {
        self.connection_advice().filter(|_| error.kind() == ErrorKind::Unreachable)
    }

    pub(crate) fn usage(&self, message: impl Into<String>, remedy: impl Into<String>) -> CommandError {
        CommandError::usage(message).with_remedy(remedy).with_provider(self.provider.name)
    }
}

fn timeout(options: &ResolvedOptions) -> Result<Timeout, CommandError> {
    let text = options.text(&TIMEOUT)?.unwrap_or_default();
    let limit = SignedDuration::from_str(&text).ok().and_then(|limit| Duration::try_from(limit).ok());
    let Some(limit) = limit.filter(|limit| !limit.is_zero()) else {
        let message = format!("{} is not a duration above zero", options.written(&TIMEOUT));
        return Err(options.usage(message, "set one such as 500ms, 10s or 1m"));
    };
    Ok(Timeout { limit, is_default: options.is_default(&TIMEOUT) })
}
