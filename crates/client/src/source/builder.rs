//! Builds token sources.

#[cfg(feature = "store")]
use std::hash::DefaultHasher;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

#[cfg(feature = "store")]
use credentials_grant::ErrorKind;
use credentials_grant::{
    AccessToken, ClientCredentials, CredentialsGrant, CredentialsSource, Error, HttpRequest, IssuanceLimit, Lifetime,
    RequestContext, TokenParameters, TokenResponse, Transport,
};

#[cfg(feature = "store")]
use super::config::Config;
use super::config::{ConfigBuilder, check_limits};
use super::shared::Shared;
use super::token_source::TokenSource;
use crate::clock::Clock;
#[cfg(feature = "store")]
use crate::store::{SharedStore, TokenStore};

/// Builds a [`TokenSource`].
///
/// ```no_run
/// # fn example(acme: impl credentials_grant::CredentialsGrant) -> Result<(), credentials_grant::Error> {
/// use std::time::Duration;
/// use credentials_grant::TokenParameters;
/// use credentials_grant_client::{EnvironmentCredentials, TokenSource};
///
/// let source = TokenSource::builder(acme, EnvironmentCredentials::with_prefix("ACME"))
///     .with_parameters(TokenParameters::new().with_scope("reservations.read"))
///     .with_timeout(Duration::from_secs(10))
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TokenSourceBuilder {
    provider: Arc<dyn CredentialsGrant>,
    credentials: Arc<dyn CredentialsSource>,
    parameters: TokenParameters,
    config: ConfigBuilder,
}

impl TokenSource {
    /// Creates a source of tokens with the vendor's default scopes, over HTTPS.
    ///
    /// # Errors
    ///
    /// [`Configuration`](credentials_grant::ErrorKind::Configuration) if the settings do not make a valid request, or
    /// the HTTP client cannot be built. Nothing is sent: missing credentials, such as an environment variable, are an
    /// error of [`token`](Self::token).
    #[cfg(feature = "reqwest")]
    pub fn new(provider: impl CredentialsGrant, credentials: impl CredentialsSource) -> Result<Self, Error> {
        Self::builder(provider, credentials).build()
    }

    /// Returns a builder, to set scopes, timeouts, limits and more.
    pub fn builder(provider: impl CredentialsGrant, credentials: impl CredentialsSource) -> TokenSourceBuilder {
        TokenSourceBuilder {
            provider: Arc::new(provider),
            credentials: Arc::new(credentials),
            parameters: TokenParameters::new(),
            config: ConfigBuilder::new(),
        }
    }
}

impl TokenSourceBuilder {
    /// Sets what each token is requested for: scopes, audience, and so on.
    #[must_use]
    pub fn with_parameters(mut self, parameters: TokenParameters) -> Self {
        self.parameters = parameters;
        self
    }

    /// Sets the transport that sends the requests. An `Arc` of one transport can serve any number of sources.
    #[must_use]
    pub fn with_transport(mut self, transport: impl Transport) -> Self {
        self.config.transport = Some(Arc::new(transport));
        self
    }

    /// Sets the clock, for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.config.clock = Arc::new(clock);
        self
    }

    /// Sets how long one fetch may take, with all its requests: 30 seconds by default, ten minutes at most.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.config.timeout = timeout;
        self
    }

    /// Sets the longest lifetime to assume, whatever the server states. Tokens are renewed accordingly.
    #[must_use]
    pub fn with_maximum_lifetime(mut self, maximum_lifetime: Duration) -> Self {
        self.config.maximum_lifetime = Some(maximum_lifetime);
        self
    }

    /// Sets in which part of its lifetime a token is renewed in the background: 0.8 to 0.9 by default. The moment is
    /// drawn at random between the two for each token, so that not all processes renew at once.
    ///
    /// If the vendor states an age for that (`refresh_in`, as Entra does), the token is renewed at that age instead.
    #[must_use]
    pub fn with_renewal_window(mut self, window: Range<f64>) -> Self {
        self.config.renewal_plan.window = Some((window.start, window.end));
        self
    }

    /// Sets how long before its end a token is no longer returned: an hour at most, and half the lifetime of a
    /// short-lived token. By default 30 seconds, or a twentieth of its lifetime if that is shorter.
    #[must_use]
    pub fn with_expiry_margin(mut self, margin: Duration) -> Self {
        self.config.renewal_plan.margin = Some(margin);
        self
    }

    /// Adds a limit on token requests to those of the provider's policy, such as one from your contract. In a pool,
    /// it applies to each provider, or to each client of one.
    #[must_use]
    pub fn with_limit(mut self, limit: IssuanceLimit) -> Self {
        self.config.limits.push(limit);
        self
    }

    /// Shares tokens with other processes, through a store that they share. A process that starts finds the token that
    /// an earlier one left, and of several that need a new one, one requests it.
    ///
    /// The store is asked when there would be a token request otherwise, and never by a caller that finds its token in
    /// memory. If it fails or is slow, each process requests its own tokens, as without it.
    #[cfg(feature = "store")]
    #[must_use]
    pub fn with_store(mut self, store: impl TokenStore) -> Self {
        self.config.store = Some(Arc::new(SharedStore::new(store)));
        self
    }

    /// Renews tokens before they expire even if nobody asks for them, once the first was asked for. By default, an
    /// idle program requests no tokens.
    ///
    /// Renewal stops when the source or the runtime is dropped, and when the vendor refuses to issue a token. It
    /// starts again with the next token that somebody gets.
    #[must_use]
    pub fn keep_warm(mut self) -> Self {
        self.config.keep_warm = true;
        self
    }

    /// Builds the source. The parameters are checked against the provider; nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Configuration`](credentials_grant::ErrorKind::Configuration), naming what does not make a valid request.
    pub fn build(self) -> Result<TokenSource, Error> {
        let Self { provider, credentials, parameters, config } = self;
        let name = provider.name().to_owned();
        let source = || {
            let config = config.build()?;
            // A mistake is better found now than at midnight.
            dry_run_request(&*provider, &parameters)?;
            check_presentation(&*provider, &parameters)?;
            #[cfg(feature = "store")]
            check_identity(&*provider, &config)?;
            Ok(TokenSource(Arc::new(Shared::new(provider, credentials, Arc::new(parameters), Arc::new(config)))))
        };
        source().map_err(|error: Error| error.with_provider(name))
    }
}

/// Refuses a store for a provider that hashes nothing that would tell it from others.
#[cfg(feature = "store")]
fn check_identity(provider: &dyn CredentialsGrant, config: &Config) -> Result<(), Error> {
    if config.store.is_none() || provider.identify(&mut DefaultHasher::new()) {
        return Ok(());
    }
    let message = "this provider cannot be told from others, so a store cannot keep its tokens apart";
    Err(Error::new(ErrorKind::Configuration, message)
        .with_remedy("implement `CredentialsGrant::identify` for it, or use no store"))
}

/// Builds the request for these parameters with placeholder credentials, which shows whether the settings are valid.
pub(crate) fn dry_run_request(
    provider: &dyn CredentialsGrant,
    parameters: &TokenParameters,
) -> Result<HttpRequest, Error> {
    check_limits(provider.policy().limits())?;
    provider.token_request(&RequestContext::dry_run(&ClientCredentials::placeholder(), parameters))?.dry_run()
}

/// Presents a placeholder token, which shows whether the headers of the provider's policy are valid: otherwise that
/// would be found only after a token was issued.
pub(crate) fn check_presentation(provider: &dyn CredentialsGrant, parameters: &TokenParameters) -> Result<(), Error> {
    let token_type = if parameters.proof_key().is_some() { "DPoP" } else { "Bearer" };
    let lifetime = Lifetime::For(Duration::from_secs(60));
    let response = TokenResponse::new("token").with_token_type(token_type).with_lifetime(lifetime);
    let credentials = ClientCredentials::placeholder();
    AccessToken::new(response, parameters, &provider.policy(), &credentials, SystemTime::UNIX_EPOCH).map(drop)
}
