//! How sources and pools are set up, and what is checked before they are.

use std::sync::Arc;
use std::time::Duration;

use credentials_grant::{
    ClientCredentials, CredentialsGrant, CredentialsSource, Error, ErrorKind, HttpRequest, IssuanceLimit,
    RequestContext, TokenParameters, Transport,
};

use crate::blocking;
use crate::clock::{Clock, SystemClock};
use crate::inner::Inner;
use crate::means::Means;
use crate::token_source::TokenSource;

/// How long one fetch may take, steps included, unless the builder says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The longest time that a fetch may be given: more is a slip of the pen.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// Sets up a [`TokenSource`].
pub type TokenSourceBuilder = Builder<ForSource>;

/// Sets up a [`TokenSource`] or a [`TokenPool`](crate::TokenPool): what both can be told is here, and what is for one of
/// them is for a builder of that one.
#[derive(Debug)]
pub struct Builder<T> {
    pub(crate) target: T,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    maximum_lifetime: Option<Duration>,
    keep_warm: bool,
    limits: Vec<IssuanceLimit>,
}

/// What a builder is told of a source.
#[derive(Debug)]
pub struct ForSource {
    provider: Arc<dyn CredentialsGrant>,
    credentials: Arc<dyn CredentialsSource>,
    parameters: TokenParameters,
}

impl<T> Builder<T> {
    pub(crate) fn new(target: T) -> Self {
        Self {
            target,
            transport: None,
            clock: Arc::new(SystemClock::new()),
            timeout: TIMEOUT,
            maximum_lifetime: None,
            keep_warm: false,
            limits: Vec::new(),
        }
    }

    /// What carries the requests. An `Arc` of one transport serves any number of sources.
    #[must_use]
    pub fn with_transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// What is asked for the time.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How long one fetch may take, steps included: 30 seconds by default, and ten minutes at the most.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The longest life that is believed, whatever the server says of its tokens. They are renewed accordingly.
    #[must_use]
    pub fn with_maximum_lifetime(mut self, maximum_lifetime: Duration) -> Self {
        self.maximum_lifetime = Some(maximum_lifetime);
        self
    }

    /// Keeps to a limit on token requests beside those that the provider knows of: that of a contract, say. In a pool, it
    /// is one for each provider, or for each of its clients.
    #[must_use]
    pub fn with_limit(mut self, limit: IssuanceLimit) -> Self {
        self.limits.push(limit);
        self
    }

    /// Renews tokens when they grow stale though nobody asks for them, from the first that somebody asked for. By default,
    /// an idle program buys no tokens.
    ///
    /// It ends with the source, with the runtime that it runs on, and when the vendor refuses to issue another token; the
    /// next token that somebody gets begins it anew.
    #[must_use]
    pub fn keeping_warm(mut self) -> Self {
        self.keep_warm = true;
        self
    }

    /// What the sources work with, and the rest.
    pub(crate) fn means(self) -> Result<(T, Means), Error> {
        let Self { target, transport, clock, timeout, maximum_lifetime, keep_warm, limits } = self;
        let refused = |what: &'static str, remedy| Err(Error::new(ErrorKind::Configuration, what).with_remedy(remedy));
        if timeout.is_zero() {
            return refused("the timeout is zero", "allow a few seconds for a token");
        }
        if timeout > LONGEST_TIMEOUT {
            return refused("the timeout is longer than ten minutes", "allow a few seconds for a token");
        }
        if maximum_lifetime.is_some_and(|life| life.is_zero()) {
            return refused("the longest life of a token is zero", "give the time for which to use a token");
        }
        check_limits(&limits)?;
        let transport = match transport {
            Some(transport) => transport,
            None => default_transport(timeout)?,
        };
        let maximum_lifetime = maximum_lifetime.unwrap_or(Duration::MAX);
        Ok((target, Means { transport, clock, timeout, maximum_lifetime, keep_warm, limits, ledger: Arc::default() }))
    }
}

impl TokenSource {
    /// A source for what the vendor grants by default, over HTTPS.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the settings do not make a request. Nothing is
    /// sent.
    #[cfg(feature = "reqwest")]
    pub fn new(provider: impl CredentialsGrant, credentials: impl CredentialsSource) -> Result<Self, Error> {
        Self::builder(provider, credentials).build()
    }

    /// Begins a source.
    pub fn builder(provider: impl CredentialsGrant, credentials: impl CredentialsSource) -> TokenSourceBuilder {
        TokenSourceBuilder::for_source(provider, credentials)
    }
}

impl Builder<ForSource> {
    pub(crate) fn for_source(provider: impl CredentialsGrant, credentials: impl CredentialsSource) -> Self {
        Self::new(ForSource {
            provider: Arc::new(provider),
            credentials: Arc::new(credentials),
            parameters: TokenParameters::new(),
        })
    }

    /// What each token is asked for.
    #[must_use]
    pub fn with_parameters(mut self, parameters: TokenParameters) -> Self {
        self.target.parameters = parameters;
        self
    }

    /// The source, for a program without an async runtime.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build), and if the machine gives no thread.
    pub fn build_blocking(self) -> Result<blocking::TokenSource, Error> {
        blocking::TokenSource::over(self.build()?)
    }

    /// The source. The ask is checked against the provider; nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration), naming what does not make a request, or cannot be meant.
    pub fn build(self) -> Result<TokenSource, Error> {
        let provider = Arc::clone(&self.target.provider);
        let source = || {
            let (ForSource { provider, credentials, parameters }, means) = self.means()?;
            // What is wrong with the ask is better known now than at midnight.
            dry_run_request(&*provider, &parameters)?;
            Ok(TokenSource(Arc::new(Inner::new(provider, credentials, parameters, Arc::new(means)))))
        };
        source().map_err(|error: Error| error.with_provider(provider.name().to_owned()))
    }
}

/// The request that would be sent for this ask, but for who asks and when. Says what is wrong with the settings.
pub(crate) fn dry_run_request(
    provider: &dyn CredentialsGrant,
    parameters: &TokenParameters,
) -> Result<HttpRequest, Error> {
    check_limits(provider.policy().limits())?;
    provider.token_request(&RequestContext::dry_run(&ClientCredentials::placeholder(), parameters))?.dry_run()
}

fn check_limits(limits: &[IssuanceLimit]) -> Result<(), Error> {
    match limits.iter().find(|limit| limit.requests() == 0 || limit.period().is_zero()) {
        None => Ok(()),
        Some(_) => Err(Error::new(ErrorKind::Configuration, "a limit allows no token request, or any number of them")
            .with_remedy("correct it, in the provider's policy or where the source is built")),
    }
}

#[cfg(feature = "reqwest")]
fn default_transport(timeout: Duration) -> Result<Arc<dyn Transport>, Error> {
    Ok(Arc::new(crate::HttpTransport::new()?.with_timeout(timeout)))
}

#[cfg(not(feature = "reqwest"))]
fn default_transport(_: Duration) -> Result<Arc<dyn Transport>, Error> {
    Err(Error::new(ErrorKind::Configuration, "there is no transport")
        .with_remedy("give one by `with_transport`, or turn on the feature `reqwest`"))
}
