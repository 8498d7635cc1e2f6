//! A token that the user has already: no other is requested.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use credentials_grant::{
    AccessToken, ClientCredentials, Error, Policy, SecretString, TokenParameters, TokenResponse, async_trait,
};
use credentials_grant_client::{ProvideToken, TokenOptions};

use super::credential_options::CredentialOptions;
use crate::error::CommandError;
use crate::provider::Provider;
use crate::provider::option::ProviderOption;
use crate::provider::options::{
    ASSERTION, AUDIENCE, CERTIFICATE, CLIENT_SECRET, KEY, PARAMETER, RESOURCE, SCOPE, TOKEN_AT_HAND,
};
use crate::settings::resolved_options::ResolvedOptions;

/// What shows that a token is to be requested.
const REQUESTS: [ProviderOption; 8] =
    [CLIENT_SECRET, KEY, CERTIFICATE, ASSERTION, SCOPE, AUDIENCE, RESOURCE, PARAMETER];

/// Provides the user's token.
#[derive(Debug)]
pub(super) struct TokenAtHand {
    name: &'static str,
    policy: Policy,
    timeout: Duration,
    token: Arc<AccessToken>,
}

impl TokenAtHand {
    /// Reads the token, if the user has one. A variable with a token is ignored beside flags with credentials or about
    /// the token to request; `demand` is one of the latter.
    pub(super) fn read(
        options: &mut ResolvedOptions,
        credentials: &CredentialOptions,
        demand: Option<&str>,
    ) -> Result<Option<SecretString>, CommandError> {
        // The parser refuses such a flag beside one with the token.
        if let Some(flag) = demand.filter(|_| options.has(&TOKEN_AT_HAND)) {
            options.drop_because_of(&TOKEN_AT_HAND, flag);
        }
        for option in REQUESTS {
            // A certificate may also be there to present the token with.
            if option.name == CERTIFICATE.name && credentials.presents_certificate(options) {
                continue;
            }
            if options.overrides(&option, &TOKEN_AT_HAND) {
                options.drop_overridden(&TOKEN_AT_HAND, &option);
            } else if options.has_flag(&option) && options.has_flag(&TOKEN_AT_HAND) {
                return Err(options.contradiction(&option.flag(), &TOKEN_AT_HAND.flag()));
            }
        }
        options.content(&TOKEN_AT_HAND)
    }

    /// Makes what provides this token. `parameters` has the key that it may be bound to.
    pub(super) fn new(
        provider: &'static Provider,
        policy: Policy,
        timeout: Duration,
        credentials: &ClientCredentials,
        parameters: &TokenParameters,
        token: SecretString,
    ) -> Result<Self, Error> {
        let response = TokenResponse::new(token);
        let response = if parameters.proof_key().is_some() { response.with_token_type("DPoP") } else { response };
        let token = AccessToken::new(response, parameters, &policy, credentials, SystemTime::now())?;
        Ok(Self { name: provider.name, policy, timeout, token: Arc::new(token) })
    }
}

#[async_trait]
impl ProvideToken for TokenAtHand {
    fn name(&self) -> &str {
        self.name
    }

    fn policy(&self) -> Policy {
        self.policy.clone()
    }

    fn cached(&self, _: TokenOptions) -> Option<Arc<AccessToken>> {
        Some(Arc::clone(&self.token))
    }

    async fn token(&self, _: TokenOptions) -> Result<Arc<AccessToken>, Error> {
        Ok(Arc::clone(&self.token))
    }

    /// There is no other.
    fn invalidate(&self, _: &AccessToken) {}

    fn timeout(&self) -> Duration {
        self.timeout
    }
}
